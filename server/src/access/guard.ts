import { perContext, type Context } from '../context.ts'
import { acrossBusinesses } from '../db/transactions.ts'
import { FreeholdError } from '../errors.ts'
import { asFreeholdError, problemBody } from '../http/problem.ts'
import { confirmReservation, releaseReservation } from '../usage/reservations.ts'
import { authorize, permissionKind, type Access, type HeaderSource } from './authorize.ts'
import { consumeUnits, knownFeature, reserve, type Subject } from './gate.ts'
import { limitReached } from './own-transaction.ts'

/** Guards for an application's own Fastify routes. Types are structural: its Fastify need not be the same copy as ours. */
export type GuardedRequest = { id: string; params: unknown } & Extract<HeaderSource, { headers: object }>

export type GuardedReply = {
  code(status: number): unknown
  header(name: string, value: string): unknown
  serializer(serialize: (payload: unknown) => string): unknown
  send(payload: unknown): unknown
  raw: GuardedResponse
}

type GuardedResponse = {
  statusCode: number
  headersSent: boolean
  end(...chunk: unknown[]): unknown
  once(event: 'close', listener: () => void): unknown
}

/** A Fastify preHandler, of whatever types the application's routes have. */
export type Guard = (request: GuardedRequest, reply: GuardedReply) => Promise<unknown>

export type Consuming = { feature: string; amount?: number }

/** Longer than a request takes; a process that dies in between gives the units back after it. */
const holdSeconds = 60

/**
 * Lets a request in when its caller holds the permission; with `consuming` only when the units are there too, which are
 * held meanwhile, counted when the answer is 2xx and given back otherwise.
 */
export function guard(ctx: Context, permission: string, consuming?: Consuming): Guard {
  permissionKind(ctx, permission)
  if (consuming) knownFeature(ctx, consuming.feature, 'metered')
  return async (request, reply) => {
    try {
      const { businessId } = (request.params ?? {}) as { businessId?: string }
      const { subject, access } = await authorize(ctx, request, permission, businessId)
      accesses(ctx).set(request, access)
      if (consuming) await hold(ctx, subject, request, reply.raw, consuming)
      return undefined
    } catch (error) {
      const refusal = asFreeholdError(error)
      // What nobody foresaw is the application's own error handler's.
      if (refusal.code === 'internal_error') throw error
      return refuse(request, reply, refusal)
    }
  }
}

const accesses = perContext(() => new WeakMap<object, Access>())

/** What the guard of this request's route found out. */
export function accessIn(ctx: Context, request: object): Access {
  const access = accesses(ctx).get(request)
  if (!access) throw new TypeError('This route has no guard: give it { preHandler: freehold.guard(permission) }')
  return access
}

/** A Fastify error handler: refusals become problems, everything else is the application's. */
export async function errorHandler(error: unknown, request: { id: string }, reply: GuardedReply): Promise<unknown> {
  if (error instanceof FreeholdError) return refuse(request, reply, error)
  throw error
}

function refuse(request: { id: string }, reply: GuardedReply, error: FreeholdError): unknown {
  if (error.retryAfterSeconds !== undefined) reply.header('retry-after', String(error.retryAfterSeconds))
  reply.code(error.status)
  reply.header('content-type', 'application/problem+json')
  reply.serializer(JSON.stringify)
  reply.send(problemBody(error, request.id))
  return reply
}

async function hold(
  ctx: Context,
  subject: Subject,
  request: GuardedRequest,
  response: GuardedResponse,
  { feature, amount = 1 }: Consuming,
): Promise<void> {
  const asked = { feature, amount, requestId: request.id }
  const { allowed, code, id, ...tally } = await reserve(ctx, subject, { ...asked, ttlSeconds: holdSeconds })
  if (!allowed || id === null) {
    throw code === 'limit_reached' && tally.used !== null
      ? limitReached(feature, { ...tally, used: tally.used })
      : new FreeholdError(code ?? 'busy', undefined, { extensions: { feature } })
  }
  const { businessId } = subject
  settleWith(response, async (succeeded) => {
    try {
      if (!succeeded) return await acrossBusinesses(ctx.db, (tx) => releaseReservation(tx, ctx, businessId, id))
      await acrossBusinesses(ctx.db, (tx) => confirmReservation(tx, ctx, businessId, id)).catch((error: unknown) => {
        const isTooLate = error instanceof FreeholdError && error.code === 'reservation_closed'
        if (!isTooLate) throw error
        // The work took longer than the hold, and is done: it is counted if there is still room for it.
        return consumeUnits(ctx, subject, asked)
      })
    } catch (error) {
      // The answer stands. What could not be settled is given back when the hold ends.
      ctx.log.error({ err: error, businessId, feature, reservation: id }, 'held units could not be settled')
    }
  })
}

/**
 * Settles as the very last thing before an answer is complete: after every hook of the application's, whatever their
 * order, and before the client can know of it. A response that breaks off after its head was not an answer.
 */
function settleWith(response: GuardedResponse, settle: (succeeded: boolean) => Promise<void>): void {
  let settled: Promise<void> | undefined
  const end = response.end.bind(response)
  response.end = (...chunk) => {
    const { statusCode } = response
    settled ??= settle(statusCode >= 200 && statusCode < 300)
    void settled.then(() => end(...chunk))
    return response
  }
  // When the client leaves before there is an answer, the handler still runs and will end.
  response.once('close', () => {
    if (response.headersSent) settled ??= settle(false)
  })
}
