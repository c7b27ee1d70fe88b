import { CamelCasePlugin, Kysely, PostgresDialect, type Transaction } from 'kysely'
import pg from 'pg'
import type { Tables } from './tables.ts'

/**
 * Two pools on one database. `across` is the application's own user; `tenant` connections carry the role
 * freehold_tenant from the start, which sees no row until a transaction names its business. `gate` has short lock
 * waits and a plan that locks rows in the order they are sent.
 */
export type Database = {
  across: Kysely<Tables>
  tenant: Kysely<Tables>
  acrossPool: pg.Pool
  gatePool: pg.Pool
  /** Told what was announced in a transaction of this process, once it is committed. */
  committed: ((id: string) => void)[]
  close: () => Promise<void>
}

export type Tx = Transaction<Tables>

/** Either a transaction or the database itself, for statements that stand alone. */
export type Queryable = Kysely<Tables>

export const tenantRole = 'freehold_tenant'

// Counts and amounts stay far below 2^53; as numbers they are JSON as they are.
const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(oid, format ?? 'text')) as never,
}

// A plan is made once for a connection, perhaps while there is nothing to count yet: then every other one looks cheap,
// and stays when there is much. So rows are only found by their keys, in the order they were sent.
const gatePlans = ['hashjoin', 'mergejoin', 'seqscan', 'indexscan']
  .map((way) => `-c enable_${way}=off`)
  .concat('-c plan_cache_mode=force_generic_plan')

/** Opens the pools. `poolSize` is the upper bound of each; connections are made when needed. */
export function openDatabase(database: string | pg.Pool, poolSize = 16): Database {
  const base = connectionOf(database)
  const pool = (max: number, settings: string[]) => {
    const opened = new pg.Pool({
      ...withOptions(base, settings),
      types,
      max,
      connectionTimeoutMillis: 5_000,
      application_name: 'freehold',
    })
    // A connection that breaks while idle is replaced by the pool; without a listener it would end the process.
    opened.on('error', () => {})
    // The same for one that breaks between two statements of a transaction: the next statement fails by itself.
    opened.on('connect', (client) => client.on('error', () => {}))
    return opened
  }
  const acrossPool = pool(poolSize, [])
  const tenantPool = pool(poolSize, [`-c role=${tenantRole}`])
  const gatePool = pool(4, ['-c lock_timeout=25ms', ...gatePlans])
  const kysely = (over: pg.Pool) =>
    new Kysely<Tables>({
      dialect: new PostgresDialect({ pool: over }),
      plugins: [new CamelCasePlugin({ maintainNestedObjectKeys: true })],
    }).withSchema('freehold')

  return {
    across: kysely(acrossPool),
    tenant: kysely(tenantPool),
    acrossPool,
    gatePool,
    committed: [],
    close: async () => {
      await Promise.all([acrossPool.end(), tenantPool.end(), gatePool.end()])
    },
  }
}

/**
 * A connection with settings it starts with, in addition to those it has. A connection string has the last word with the
 * driver, so its own must not stand there: they would take the place of ours, and the fence's role would be lost.
 */
export function withOptions<Config extends pg.ClientConfig>(connection: Config, settings: string[]): Config {
  const { connectionString, options = '' } = connection
  const inString = /[?&]options=([^&#]*)/.exec(connectionString ?? '')
  const said = inString ? decodeURIComponent((inString[1] ?? '').replaceAll('+', ' ')) : options
  return {
    ...connection,
    ...(connectionString === undefined
      ? {}
      : { connectionString: connectionString.replace(/([?&])options=[^&#]*&?/, '$1') }),
    options: [said, ...settings].filter((each) => each !== '').join(' '),
  }
}

/** The settings of a connection string or of a pool, whose password is not among what a spread would copy. */
export function connectionOf(database: string | pg.Pool): pg.PoolConfig {
  if (typeof database === 'string') return { connectionString: database }
  // pg keeps the options a pool was made with, but its types do not say so.
  const { options } = database as pg.Pool & { options: pg.PoolConfig }
  return { ...options, ...(options.password === undefined ? {} : { password: options.password }) }
}
