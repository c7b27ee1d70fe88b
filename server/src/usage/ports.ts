import { CompiledQuery } from 'kysely'
import type { Port } from './meter.ts'

/**
 * Ports out of what applications work with. Types are structural, so no version of a library is asked for; parameters
 * stay parameters. Errors keep SQLSTATE and constraint whatever a library wraps them in: who counts acts on them.
 */

type Row = Record<string, unknown>

/** A client of `pg` with a transaction begun on it. */
export const fromPg = (client: PgClient): Port =>
  portOf(client, async (text, values) => (await client.query(text, values)).rows)

type PgClient = { query: (text: string, values?: unknown[]) => Promise<{ rows: Row[] }> }

/** A transaction of Kysely. Its plugins are left out, so that columns keep their names. */
export const fromKysely = (tx: KyselyTransaction): Port =>
  portOf(tx, async (text, values) => (await tx.withoutPlugins().executeQuery(CompiledQuery.raw(text, values))).rows)

// A method, so that the compiled query of another version of Kysely fits.
type KyselyTransaction = { withoutPlugins(): { executeQuery(query: CompiledQuery): Promise<{ rows: unknown[] }> } }

/** A transaction of Drizzle, with the `sql` that comes with it: `fromDrizzle(tx, sql)`. */
export function fromDrizzle<Query>(tx: DrizzleTransaction<Query>, sql: DrizzleSql<Query>): Port {
  // A database would begin a transaction of its own; only a transaction can be rolled back.
  if (typeof tx.rollback !== 'function') throw new TypeError('fromDrizzle takes a transaction, not the database')
  const run = async (text: string, values: unknown[]) => {
    const { strings, parameters } = asTemplate(text, values)
    const result = (await tx.execute(sql(strings, ...parameters))) as Row[] | { rows: Row[] }
    return Array.isArray(result) ? result : result.rows
  }
  // With postgres.js underneath, an error that no savepoint of its own has seen undoes the whole transaction.
  return portOf(tx, run, (work) => tx.transaction((nested) => work(fromDrizzle(nested, sql))))
}

type DrizzleTransaction<Query> = {
  execute(query: Query): PromiseLike<unknown>
  transaction<T>(work: (nested: DrizzleTransaction<Query>) => Promise<T>): Promise<T>
  rollback(): never
}
type DrizzleSql<Query> = (strings: TemplateStringsArray, ...parameters: unknown[]) => Query

/** A transaction of Prisma: the `tx` of `prisma.$transaction(async (tx) => …)`. */
export const fromPrisma = (tx: PrismaTransaction): Port =>
  portOf(
    tx,
    async (text, values) =>
      (await tx.$queryRawUnsafe(
        text,
        ...values.map((each) => (Array.isArray(each) ? arrayText(each) : each)),
      )) as Row[],
  )

type PrismaTransaction = { $queryRawUnsafe(text: string, ...values: unknown[]): PromiseLike<unknown> }

const ports = new WeakMap<object, Port>()

/** One port for one transaction, however often it is asked for: what is counted on it takes turns. */
function portOf(
  transaction: object,
  run: (text: string, values: unknown[]) => Promise<unknown[]>,
  nested?: Port['nested'],
): Port {
  const known = ports.get(transaction)
  if (known) return known
  const port: Port = {
    query: async (text, values) => {
      try {
        return { rows: (await run(text, values)) as Row[] }
      } catch (error) {
        throw unwrapped(error)
      }
    },
    ...(nested === undefined ? {} : { nested }),
  }
  ports.set(transaction, port)
  return port
}

/**
 * `$1` and its like as the holes of a template, which numbers them anew. A parameter that stood in several places is
 * sent several times, where the database can no longer tell its type from one of them: hence the casts.
 */
function asTemplate(text: string, values: unknown[]) {
  const parameters: unknown[] = []
  const pieces = ['']
  let from = 0
  for (const { 0: hole, 1: number, index } of text.matchAll(/\$(\d+)/g)) {
    const value = values[Number(number) - 1]
    pieces[pieces.length - 1] += text.slice(from, index)
    pieces.push(castOf(value))
    parameters.push(value instanceof Date ? value.toISOString() : Array.isArray(value) ? arrayText(value) : value)
    from = index + hole.length
  }
  pieces[pieces.length - 1] += text.slice(from)
  return { strings: Object.assign(pieces, { raw: pieces }) as TemplateStringsArray, parameters }
}

function castOf(value: unknown): string {
  if (value instanceof Date) return '::timestamptz'
  if (typeof value === 'number') return '::bigint'
  return typeof value === 'string' ? '::text' : ''
}

/** An array as PostgreSQL writes it; libraries read arrays among parameters each in their own way. */
const arrayText = (values: unknown[]): string =>
  `{${values.map((each) => `"${String(each).replaceAll(/["\\]/g, String.raw`\$&`)}"`).join(',')}}`

const sqlStateShape = /^[0-9A-Z]{5}$/

/** The database's own error out of what a library made of it: a cause, or Prisma's `meta`. */
function unwrapped(error: unknown): unknown {
  for (let each = error, depth = 0; isObject(each) && depth < 6; depth += 1) {
    const code = [each['originalCode'], each['code']].find(
      (code) => typeof code === 'string' && sqlStateShape.test(code),
    )
    // Prisma's own codes look alike; what they mean stands in their `meta`.
    if (code !== undefined && !isObject(each['meta'])) {
      if (each === error) return error
      const { constraint, constraint_name: name = constraint } = each
      const message = error instanceof Error ? error.message : String(error)
      return Object.assign(new Error(message, { cause: error }), { code, constraint: name })
    }
    const meta = each['meta']
    each = isObject(meta) ? (meta['driverAdapterError'] ?? meta) : each['cause']
  }
  return error
}

const isObject = (value: unknown): value is Row => typeof value === 'object' && value !== null
