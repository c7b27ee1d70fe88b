import { sql } from 'kysely'
import { announcedIn } from '../changes.ts'
import { tenantRole, type Database, type Queryable, type Tx } from './open.ts'

/** The id of a business that access control has let the caller into. Only `authorized` makes one. */
export type AuthorizedBusinessId = string & { readonly authorized: unique symbol }

export const authorized = (businessId: string): AuthorizedBusinessId => businessId as AuthorizedBusinessId

/**
 * Runs `work` in one transaction that sees this business and no other (row level security). A connection that does not
 * carry the fence's role, because a pooler dropped it, would see every business: it does nothing.
 */
export function withinBusiness<T>(
  db: Database,
  businessId: AuthorizedBusinessId,
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  return db.turns(businessId, () =>
    transact(db, db.tenant, async (tx) => {
      const { rows } = await sql<{ role: string }>`
        select set_config('app.business_id', ${businessId}, true), current_setting('role') as role`.execute(tx)
      if (rows[0]?.role !== tenantRole) {
        throw new Error(`A connection does not carry the role ${tenantRole}: \`freehold doctor\` says what to do`)
      }
      return work(tx)
    }),
  )
}

/**
 * Runs `work` in one transaction over all businesses: sign-up, login, token look-ups, the gate, the renewal sweep, staff.
 * Whoever calls it says by its name that no business fences it in.
 */
export function acrossBusinesses<T>(db: Database, work: (tx: Tx) => Promise<T>): Promise<T> {
  return transact(db, db.across, work)
}

async function transact<T>(db: Database, over: Queryable, work: (tx: Tx) => Promise<T>): Promise<T> {
  let changed: string[] = []
  const result = await retryDeadlock(() =>
    over.transaction().execute(async (tx) => {
      const done = await work(tx)
      changed = announcedIn(tx)
      return done
    }),
  )
  for (const tell of db.committed) changed.forEach(tell)
  return result
}

/**
 * Runs `work` as the user the database was opened with, also within one business: a product's hooks read and write rows
 * of its own, which the role of one business knows nothing of.
 */
export async function asDatabaseUser<T>(tx: Tx, work: () => Promise<T> | T): Promise<T> {
  const { rows } = await sql<{ before: string }>`
    select current_setting('role') as before, set_config('role', 'none', true)`.execute(tx)
  const result = await work()
  await sql`select set_config('role', ${rows[0]?.before}, true)`.execute(tx)
  return result
}

/** Gives up, with SQLSTATE 55P03, on a row that somebody else holds for longer; until this transaction ends. */
export async function waitAtMost(tx: Tx, milliseconds: number): Promise<void> {
  await sql`select set_config('lock_timeout', ${`${milliseconds}ms`}, true)`.execute(tx)
}

const deadlock = '40P01'

// Locks are taken in one order everywhere; what the planner still reorders is tried again.
async function retryDeadlock<T>(attempt: () => Promise<T>, triesLeft = 3): Promise<T> {
  try {
    return await attempt()
  } catch (error) {
    if (triesLeft > 1 && sqlState(error) === deadlock) return retryDeadlock(attempt, triesLeft - 1)
    throw error
  }
}

/** The SQLSTATE of a database error, and the constraint it names. */
export const sqlState = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined

export const violates = (error: unknown, constraint: string): boolean =>
  sqlState(error) === '23505' && (error as { constraint?: string }).constraint === constraint

/** Somebody else holds a row for longer than was to be waited. */
export const isLockTimeout = (error: unknown): boolean => ['55P03', deadlock].includes(sqlState(error) ?? '')
