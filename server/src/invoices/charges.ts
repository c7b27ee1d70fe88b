import { sql, type Selectable } from 'kysely'
import type { Context } from '../context.ts'
import type { Queryable, Tx } from '../db/open.ts'
import type { ChargeAttemptsTable } from '../db/tables.ts'
import { providerOf } from './provider.ts'

/**
 * Attempts to charge for an invoice. One is written before anything is asked of the provider, in the transaction that
 * wants it, and its id goes along: whatever is lost or repeated, it takes money once. Of one invoice only one is under way.
 */

export type ChargeAttempt = Omit<Selectable<ChargeAttemptsTable>, 'status'> & { status: ChargeStatus }
/** `unknown`: it was sent, and nobody knows what became of it: it is looked up, never charged anew. */
export type ChargeStatus = 'requested' | 'unknown' | 'succeeded' | 'failed'

/** Longer than a provider is given to answer: whoever has claimed an attempt and does not come back has died. */
const claimMilliseconds = 120_000

/** What is charged for: all that is due on an invoice. */
type Due = { businessId: string; id: string; amountDue: number; currency: string }

/** Has invoices charged for as soon as this commits, where the provider charges. The caller has locked them. */
export async function requestCharges(tx: Tx, ctx: Context, invoices: Due[], attempt = 1): Promise<void> {
  const { name, charging } = providerOf(ctx)
  if (!charging || invoices.length === 0) return
  await tx
    .insertInto('chargeAttempts')
    .values(
      invoices.map(({ businessId, id: invoiceId, amountDue, currency }) => ({
        businessId,
        id: ctx.newId('charge'),
        invoiceId,
        attempt,
        provider: name,
        amount: amountDue,
        currency,
        status: 'requested',
        requestedAt: ctx.now(),
      })),
    )
    // Asked for already, or another is under way.
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  await ctx.enqueue(tx, 'tasks', { task: chargeTask })
}

export const chargeTask = 'charge-invoices'

export async function attemptsOf(db: Queryable, businessId: string, invoiceId: string): Promise<ChargeAttempt[]> {
  const rows = await db
    .selectFrom('chargeAttempts')
    .selectAll()
    .where('businessId', '=', businessId)
    .where('invoiceId', '=', invoiceId)
    .orderBy('attempt')
    .execute()
  return rows.map(fromRow)
}

/** The next attempts under way that nobody works on, oldest first; whoever gets them has them for two minutes. */
export async function claimAttempts(ctx: Context, limit: number): Promise<ChargeAttempt[]> {
  const now = ctx.now()
  const free = new Date(now.getTime() - claimMilliseconds)
  const waiting = await ctx.db.across
    .selectFrom('chargeAttempts')
    .select(['businessId', 'id'])
    .where('status', 'in', ['requested', 'unknown'])
    .where((each) => each.or([each('claimedAt', 'is', null), each('claimedAt', '<=', free)]))
    .orderBy('requestedAt')
    .orderBy('id')
    .limit(limit)
    .execute()
  const { rows } = await sql<Selectable<ChargeAttemptsTable>>`
    update freehold.charge_attempts a
    set claimed_at = ${now}
    from unnest(${waiting.map(({ businessId }) => businessId)}::text[], ${waiting.map(({ id }) => id)}::text[])
      as each (business_id, id)
    where a.business_id = each.business_id
      and a.id = each.id
      and a.status in ('requested', 'unknown')
      and (a.claimed_at is null or a.claimed_at <= ${free})
    returning a.*`.execute(ctx.db.across)
  return rows.map(fromRow)
}

/** From now on it may have reached the provider. False when it must not: it is settled, or its business was closed. */
export async function markSent(ctx: Context, { businessId, id }: ChargeAttempt): Promise<boolean> {
  const { numUpdatedRows } = await ctx.db.across
    .updateTable('chargeAttempts')
    .set({ status: 'unknown' })
    .where('businessId', '=', businessId)
    .where('id', '=', id)
    .where('status', 'in', ['requested', 'unknown'])
    .where(({ exists, selectFrom }) =>
      exists(selectFrom('businesses').select('id').where('id', '=', businessId).where('status', '<>', 'closed')),
    )
    .executeTakeFirst()
  return numUpdatedRows === 1n
}

/** What became of it, once: whoever says so later, or again, changes nothing and is told false. */
export async function settleAttempt(
  tx: Tx,
  ctx: Context,
  { businessId, id }: Pick<ChargeAttempt, 'businessId' | 'id'>,
  outcome: { status: 'succeeded'; reference: string } | { status: 'failed'; reason: string },
  from: readonly ChargeStatus[] = ['requested', 'unknown'],
): Promise<boolean> {
  const details =
    outcome.status === 'succeeded' ? { reference: outcome.reference } : { failure: outcome.reason.slice(0, 500) }
  const { numUpdatedRows } = await tx
    .updateTable('chargeAttempts')
    .set({ status: outcome.status, settledAt: ctx.now(), ...details })
    .where('businessId', '=', businessId)
    .where('id', '=', id)
    .where('status', 'in', from)
    .executeTakeFirst()
  return numUpdatedRows === 1n
}

const fromRow = (row: Selectable<ChargeAttemptsTable>): ChargeAttempt => ({
  ...row,
  status: row.status as ChargeStatus,
})
