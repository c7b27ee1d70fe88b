import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import { access } from './access/access.ts'
import { authentication, isSignedIn } from './access/authentication.ts'
import { decide, type Access, type Decision, type HeaderSource } from './access/authorize.ts'
import { denials } from './access/denials.ts'
import { accessIn, errorHandler, guard, type Guard } from './access/guard.ts'
import { allocateIn, consumeIn, countedBy, releaseIn, type Released, type Tally } from './access/own-transaction.ts'
import { changedIds, changesChannel, type ChangeListener } from './changes.ts'
import { clockChannel } from './clock.ts'
import type { Actor, Context } from './context.ts'
import { explained } from './db/explain.ts'
import { listen, type Notifications } from './db/notifications.ts'
import type { Database } from './db/open.ts'
import { acrossBusinesses } from './db/transactions.ts'
import { eventsChannel } from './events/emit.ts'
import { fetchFrom, type Fetch } from './http/fetch.ts'
import { openRateLimits } from './http/rate-limits.ts'
import { buildServer, freeholdPlugin, type ServerParts } from './http/server.ts'
import { useProvider } from './invoices/provider.ts'
import { openJobs, type Jobs } from './jobs/jobs.ts'
import { openMailer, type Mailer } from './mail/deliver.ts'
import { contextOf, openStorage } from './open-context.ts'
import { complete, type CompleteOptions, type FreeholdOptions } from './options.ts'
import { createMissingPlans } from './plans/plans.ts'
import type { FeatureOf, PermissionOf, ProductNames } from './product-names.ts'
import { routes } from './routes.ts'
import { startWorker, type Worker } from './jobs/worker.ts'
import { checkTaskNames, eventHandlers, tasks } from './tasks.ts'
import { unfinished } from './unfinished.ts'
import type { Port } from './usage/meter.ts'

/** Freehold in an application. */
export type Freehold<Names extends ProductNames = ProductNames> = {
  /** All routes as one Fastify plugin. */
  fastify: FastifyPluginAsync
  /** All routes for a framework that speaks in Requests. */
  fetch: Fetch
  /** A server of its own with all routes. */
  server: () => Promise<FastifyInstance>
  /**
   * A Fastify preHandler: lets in whoever holds the permission. With `consume` it also holds units before the handler
   * runs, counts them when the answer is 2xx and gives them back otherwise. A signed-in person names the business in
   * the header `freehold-business` or the path (`/:businessId/`).
   */
  guard: (permission: PermissionOf<Names>, options?: { consume?: Metered<Names> | ConsumingOf<Names> }) => Guard
  /** For `app.setErrorHandler`: answers what `consume` and its like throw as problems, and passes everything else on. */
  errorHandler: typeof errorHandler
  /** What the guard of this request's route found out. */
  access: (request: object) => AccessOf<Names>
  /**
   * The same question for any framework, by headers or a request that has some. Never throws for a refusal: `problem` is
   * the body to answer with (RFC 9457) and has its `status`.
   */
  authorize: (
    source: HeaderSource,
    permission: PermissionOf<Names>,
    options?: { businessId?: string },
  ) => Promise<Decision<AccessOf<Names>>>
  /**
   * Counts in the application's own transaction (READ COMMITTED), whose rollback gives the units back: late in it, and
   * several features in the same order everywhere. Throws `limit_reached`, and `busy` when somebody else holds the
   * counter for a second; the transaction can be gone on with after either. With `actor` a revoked key counts nothing.
   */
  consume: (
    port: Port,
    usage: ConsumingOf<Names> & Attributed & { idempotencyKey?: string; at?: Date },
  ) => Promise<Tally>
  /** Takes an item of an allocated feature in the application's own transaction; the same item again changes nothing. */
  allocate: (port: Port, item: { feature: Allocated<Names>; itemId: string } & Attributed) => Promise<Tally>
  /** Gives an item back. Always possible. */
  release: (port: Port, item: { feature: Allocated<Names>; itemId: string } & Attributed) => Promise<Released>
  /** Lets what runs come to its end. Call it after your own server has closed; a second time waits for the first. */
  close: () => Promise<void>
  /** What Freehold's own functions are given; no part of the library's contract. */
  ctx: Context
}

type Metered<Names extends ProductNames> = FeatureOf<Names, 'metered'>
type Allocated<Names extends ProductNames> = FeatureOf<Names, 'allocated'>
type AccessOf<Names extends ProductNames> = Access<Names['features'], Names['fields']>
type ConsumingOf<Names extends ProductNames> = { feature: Metered<Names>; amount?: number }
type Attributed = { businessId: string; actor?: Actor }

/** Puts everything together, or leaves nothing open when a part of it cannot be opened. */
export async function createFreehold<Names extends ProductNames = ProductNames>(
  given: FreeholdOptions<Names>,
): Promise<Freehold<Names>> {
  const options = await complete(given)
  checkTaskNames(options.product)
  const opened: Opened = {}
  try {
    // Names exist in types only.
    return (await explained(options.database, () => assemble(options, opened))) as unknown as Freehold<Names>
  } catch (error) {
    // What cannot be opened says why; that it cannot be closed either says nothing more.
    await closeAll(opened).catch(() => {})
    throw error
  }
}

/** What has to be closed again, as far as it has been opened. */
type Opened = {
  db?: Database
  jobs?: Jobs
  notifications?: Notifications
  ctx?: Context
  mailer?: Mailer
  working?: Worker
  fetching?: Promise<FastifyInstance>
}

/** For how long closing bears a database that does not answer. */
const silenceMilliseconds = 10_000

/**
 * What waits for a database that has stopped would wait for ever, and closing with it: after a while its connections are
 * cut, so that everything fails and ends.
 */
async function closeAll(opened: Opened): Promise<void> {
  const { notifications, db } = opened
  let heardAt = performance.now()
  const watch = setInterval(() => {
    if (notifications?.heard()) heardAt = performance.now()
    else if (performance.now() - heardAt > silenceMilliseconds) void db?.close()
  }, 500)
  await closeInOrder(opened).finally(() => clearInterval(watch))
}

/** From the outside in: nobody is let in any more, what runs comes to its end, and then what it rests on is closed. */
async function closeInOrder({ fetching, ctx, jobs, working, mailer, notifications, db }: Opened): Promise<void> {
  await (await fetching?.catch(() => undefined))?.close()
  await Promise.all([jobs?.stop(), working?.stop()])
  mailer?.close()
  if (ctx) {
    await unfinished(ctx).ended()
    await denials(ctx).written()
  }
  await notifications?.close()
  await db?.close()
}

/** The only place where parts are made and wired. */
async function assemble(options: CompleteOptions, opened: Opened): Promise<Freehold> {
  const { worker = false, trustedProxies = [] } = options
  const { connection, log, db, clock } = await openStorage(options)
  opened.db = db
  const jobs = (opened.jobs = await openJobs(db, log, worker))
  const refreshClock = () => {
    clock.refresh().catch((error: unknown) => log.warn({ err: error }, 'the clock could not be read'))
  }
  const listeners: ChangeListener[] = []
  const forget = (id: string) => listeners.forEach((listener) => listener.changed(id))
  db.committed.push(forget)
  const notifications = await listen(
    connection,
    log,
    {
      [clockChannel]: refreshClock,
      [changesChannel]: (payload) => changedIds(payload).forEach(forget),
      [eventsChannel]: () => opened.working?.lookForEvents(),
    },
    () => {
      refreshClock()
      listeners.forEach((listener) => listener.missed())
    },
  )
  opened.notifications = notifications
  const ctx = (opened.ctx = contextOf(options, { log, db, clock }, jobs.enqueue, {
    heard: notifications.heard,
    subscribe: (listener) => listeners.push(listener),
  }))
  if (options.payments) useProvider(ctx, options.payments)
  await acrossBusinesses(db, (tx) => createMissingPlans(tx, ctx))

  const mailer = (opened.mailer = openMailer(ctx, options.smtpUrl, options.mailFrom))
  if (worker) {
    opened.working = await startWorker(ctx, jobs, {
      tasks: tasks(ctx),
      deliverMail: mailer.deliver,
      events: eventHandlers(ctx),
    })
  }

  const limit = openRateLimits(db.acrossPool)
  const parts: ServerParts = {
    ctx,
    routes: routes(ctx),
    onRequest: [authentication, access],
    limit: ctx.settings.rateLimits ? limit : undefined,
    web: options.portal && { ...options.portal, isSignedIn: (request) => isSignedIn(ctx, request) },
  }
  const server = () => buildServer(parts, trustedProxies)
  const fetch = fetchFrom(() => (opened.fetching ??= server()))
  let closing: Promise<void> | undefined
  return {
    ctx,
    fastify: freeholdPlugin(parts),
    fetch: (request, client) => unfinished(ctx).add(fetch(request, client)),
    server,
    guard: (permission, { consume } = {}) =>
      guard(ctx, permission, typeof consume === 'string' ? { feature: consume } : consume),
    errorHandler,
    access: (request) => accessIn(ctx, request),
    authorize: (source, permission, { businessId } = {}) => decide(ctx, source, permission, businessId),
    consume: async (port, { actor, amount = 1, ...usage }) =>
      consumeIn(port, ctx, { ...usage, amount, credentialId: countedBy(actor) }),
    allocate: async (port, { actor, ...item }) => allocateIn(port, ctx, { ...item, credentialId: countedBy(actor) }),
    release: async (port, { actor, ...item }) => releaseIn(port, ctx, { ...item, credentialId: countedBy(actor) }),
    close: () => (closing ??= closeAll(opened)),
  }
}
