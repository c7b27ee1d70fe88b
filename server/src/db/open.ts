import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { CamelCasePlugin, Kysely, PostgresDialect, type Transaction } from 'kysely'
import pg from 'pg'
import { FreeholdError } from '../errors.ts'
import { gateApplication } from './gate-activity.ts'
import type { Tables } from './tables.ts'
import { openTurns, type Turns } from './turns.ts'

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
  /** Whose turn it is on the tenant connections, so that one business never has them all. */
  turns: Turns
  /** Told what was announced in a transaction of this process, once it is committed. */
  committed: ((id: string) => void)[]
  /** Waits a moment for who is on a connection, and then for nobody: what has not ended by then is rolled back. */
  close: () => Promise<void>
}

export type Tx = Transaction<Tables>

/** Either a transaction or the database itself, for statements that stand alone. */
export type Queryable = Kysely<Tables>

export const tenantRole = 'freehold_tenant'

/** How long a request waits for a row that somebody else holds. Then it is told to try again, and its connection is free. */
const lockMilliseconds = 2_000
/** A process that stands still, or a machine that is gone, keeps what it has locked no longer than this. */
const idleSeconds = 30
/** How long a request waits for a connection, and how many may wait: beyond that, waiting only makes it worse. */
const connectionMilliseconds = 5_000
const longestQueue = 1_000
/** How long closing waits for a transaction, or for a database that has stopped to take leave of us. */
const leaveMilliseconds = 5_000
/** A machine that is gone says nothing, so whoever waits for its answer would do so for hours. */
const keepAlive = { keepAlive: true, keepAliveInitialDelayMillis: 10_000 }

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
  const connections = new Set<pg.ClientBase>()
  const pool = (max: number, settings: string[], more: pg.PoolConfig = {}) => {
    const always = [`-c idle_in_transaction_session_timeout=${idleSeconds}s`]
    const opened = new pg.Pool({
      ...keepAlive,
      ...withOptions(base, [...always, ...settings]),
      types,
      max,
      connectionTimeoutMillis: connectionMilliseconds,
      application_name: 'freehold',
      ...more,
    })
    boundQueue(opened)
    // A connection that breaks while idle is replaced by the pool; without a listener it would end the process.
    opened.on('error', () => {})
    // The same for one that breaks between two statements of a transaction: the next statement fails by itself.
    opened.on('connect', (client) => connections.add(client.on('error', () => {})))
    opened.on('remove', (client) => connections.delete(client))
    return opened
  }
  const patient = `-c lock_timeout=${lockMilliseconds}ms`
  const acrossPool = pool(poolSize, [patient])
  const tenantPool = pool(poolSize, [patient, `-c role=${tenantRole}`])
  // A batch is short, so a database that does not answer it has stopped: nobody waits for it for ever.
  const gatePool = pool(4, ['-c lock_timeout=25ms', ...gatePlans], {
    query_timeout: 10_000,
    application_name: gateApplication,
  })
  const kysely = (over: pg.Pool) =>
    new Kysely<Tables>({
      dialect: new PostgresDialect({ pool: over }),
      plugins: [new CamelCasePlugin({ maintainNestedObjectKeys: true })],
    }).withSchema('freehold')

  const close = () => {
    const ended = Promise.all([acrossPool, tenantPool, gatePool].map((each) => each.end()))
    return takeLeave(ended, connections, leaveMilliseconds)
  }
  let closing: Promise<void> | undefined

  return {
    across: kysely(acrossPool),
    tenant: kysely(tenantPool),
    acrossPool,
    gatePool,
    turns: openTurns({ together: poolSize / 4, waiting: 100, patienceMilliseconds: 3_000 }),
    committed: [],
    close: () => (closing ??= close()),
  }
}

/** Waits for connections to end, and cuts them off when a database that has stopped does not answer that they do. */
export async function takeLeave(
  ended: Promise<unknown>,
  connections: Iterable<pg.ClientBase>,
  patienceMilliseconds: number,
): Promise<void> {
  // Also where the pools say that they have ended: they forget at once who was idle, and do not see whether they went.
  const cutOff = delay(patienceMilliseconds, undefined, { ref: false }).then(() => {
    for (const connection of connections) disconnect(connection)
  })
  await Promise.race([ended, cutOff])
}

/** Without the leave that `end` takes, which a database that has stopped never answers. */
export function disconnect(client: pg.ClientBase): void {
  // @types/pg does not know it.
  const { connection } = client as unknown as { connection: { stream: Socket } }
  connection.stream.destroy()
}

/** Refuses at once what would wait behind too many others; the pool itself would let any number wait. */
function boundQueue(pool: pg.Pool): void {
  const connect = pool.connect.bind(pool) as (...callback: unknown[]) => unknown
  pool.connect = ((...callback: ((error: Error) => void)[]) => {
    if (pool.waitingCount < longestQueue) return connect(...callback)
    const error = new FreeholdError('unavailable', 'Too many wait for the database', { retryAfterSeconds: 1 })
    if (!callback[0]) return Promise.reject(error)
    return callback[0](error)
  }) as typeof pool.connect
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
