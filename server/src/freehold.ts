import { pino, type Logger } from 'pino'
import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import pg from 'pg'
import { access } from './access/access.ts'
import { authentication } from './access/authentication.ts'
import { changesChannel, type ChangeListener } from './changes.ts'
import { clockChannel, openClock, type Clock } from './clock.ts'
import type { Context } from './context.ts'
import { migrate } from './db/migrate.ts'
import { listen } from './db/notifications.ts'
import { openDatabase, type Database } from './db/open.ts'
import { acrossBusinesses } from './db/transactions.ts'
import { openRateLimits } from './http/rate-limits.ts'
import { buildServer, freeholdPlugin, type ServerParts } from './http/server.ts'
import { newId } from './ids.ts'
import { openJobs } from './jobs/jobs.ts'
import { openMailer } from './mail/deliver.ts'
import { permissionTable } from './permissions.ts'
import { createMissingPlans } from './plans/plans.ts'
import type { Product } from './product.ts'
import { routes } from './routes.ts'
import { openSecrets } from './secrets.ts'
import { startWorker } from './jobs/worker.ts'
import { tasks } from './tasks.ts'

export type FreeholdOptions = {
  product: Product
  /** A connection string, or a pool of the application's whose settings are used for our own pools. */
  database: string | pg.Pool
  /** Signs sessions and seals what is stored encrypted: at least 32 characters, the same in every process. */
  secret: string
  /** Where links in mails lead. */
  publicUrl?: string
  /** Off in production: the movable clock and the mailbox. */
  production?: boolean
  smtpUrl?: string
  mailFrom?: string
  rateLimits?: boolean
  trustedProxies?: string[]
  /** Whether this process also runs jobs and tasks. */
  worker?: boolean
  /** Whether to bring the schema up to date at start. */
  migrate?: boolean
  logger?: Logger
}

export type Freehold = {
  ctx: Context
  /** All routes as one Fastify plugin. */
  fastify: FastifyPluginAsync
  /** A server of its own with all routes. */
  server: () => Promise<FastifyInstance>
  close: () => Promise<void>
}

/** Puts everything together: the only place where parts are made and wired. */
export async function createFreehold(options: FreeholdOptions): Promise<Freehold> {
  const { product, worker = false, trustedProxies = [] } = options
  const { connection, log, db, clock } = await openStorage(options)
  const jobs = await openJobs(db, log, worker)
  const refreshClock = () => {
    clock.refresh().catch((error: unknown) => log.warn({ err: error }, 'the clock could not be read'))
  }
  const listeners: ChangeListener[] = []
  const notifications = await listen(
    connection,
    log,
    {
      [clockChannel]: refreshClock,
      [changesChannel]: (id) => listeners.forEach((listener) => listener.changed(id)),
    },
    () => {
      refreshClock()
      listeners.forEach((listener) => listener.missed())
    },
  )
  const ctx = contextOf(options, { log, db, clock }, jobs.enqueue, {
    heard: notifications.heard,
    subscribe: (listener) => listeners.push(listener),
  })
  await acrossBusinesses(db, (tx) => createMissingPlans(tx, ctx))

  const mailer = openMailer(ctx, options.smtpUrl, options.mailFrom ?? `${product.name} <freehold@localhost>`)
  if (worker) await startWorker(ctx, jobs, { tasks: tasks(ctx), deliverMail: mailer.deliver })

  const limit = openRateLimits(db.acrossPool)
  const parts: ServerParts = {
    ctx,
    routes: routes(ctx),
    onRequest: [authentication, access],
    preHandler: ctx.settings.rateLimits ? [limit] : [],
  }
  return {
    ctx,
    fastify: freeholdPlugin(parts),
    server: () => buildServer(parts, trustedProxies),
    close: async () => {
      await jobs.stop()
      mailer.close()
      await notifications.close()
      await db.close()
    },
  }
}

/**
 * What a command needs beside servers that may be running: the context alone. It serves nothing, listens to nothing and
 * opens the job queue only when it sends a job.
 */
export async function openContext(options: FreeholdOptions): Promise<{ ctx: Context; close: () => Promise<void> }> {
  const { log, db, clock } = await openStorage(options)
  let jobs: ReturnType<typeof openJobs> | undefined
  const enqueue: Context['enqueue'] = async (tx, queue, data) =>
    (await (jobs ??= openJobs(db, log, false))).enqueue(tx, queue, data)
  const close = async () => {
    await (await jobs)?.stop()
    await db.close()
  }
  return { ctx: contextOf(options, { log, db, clock }, enqueue, { heard: () => false, subscribe: () => {} }), close }
}

async function openStorage(options: FreeholdOptions) {
  const { database, secret, production = false } = options
  if (secret.length < 32) throw new TypeError('secret must have at least 32 characters')
  const log = options.logger ?? pino({ level: 'warn' })
  const connection: pg.ClientConfig =
    typeof database === 'string'
      ? { connectionString: database }
      : (database as pg.Pool & { options: pg.PoolConfig }).options

  if (options.migrate ?? true) {
    const ran = await migrate(connection)
    if (ran.length > 0) log.info({ migrations: ran }, 'the schema is up to date')
  }
  const db = openDatabase(database)
  return { connection, log, db, clock: await openClock(db, !production) }
}

function contextOf(
  { product, secret, production = false, publicUrl = 'http://localhost:3000', rateLimits = true }: FreeholdOptions,
  { log, db, clock }: { log: Logger; db: Database; clock: Clock },
  enqueue: Context['enqueue'],
  changes: Context['changes'],
): Context {
  return {
    product,
    permissions: permissionTable(product.permissions, product.roles),
    db,
    now: clock.now,
    refreshClock: clock.refresh,
    newId: (kind) => newId(kind, clock.now()),
    log,
    secrets: openSecrets(secret),
    enqueue,
    changes,
    settings: { production, publicUrl, rateLimits },
  }
}
