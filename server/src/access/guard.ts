import { perContext, type Context } from '../context.ts'
import { FreeholdError } from '../errors.ts'
import { asFreeholdError, problemBody } from '../http/problem.ts'
import { authorize, permissionKind, type Access, type HeaderSource } from './authorize.ts'
import { knownFeature } from './gate.ts'
import { hold, type HeldResponse } from './hold.ts'

/** Guards for an application's own Fastify routes. Types are structural: its Fastify need not be the same copy as ours. */
export type GuardedRequest = { id: string; params: unknown } & Extract<HeaderSource, { headers: object }>

export type GuardedReply = {
  code(status: number): unknown
  header(name: string, value: string): unknown
  serializer(serialize: (payload: unknown) => string): unknown
  send(payload: unknown): unknown
  raw: HeldResponse
}

/** A Fastify preHandler, of whatever types the application's routes have. */
export type Guard = (request: GuardedRequest, reply: GuardedReply) => Promise<unknown>

export type Consuming = { feature: string; amount?: number }

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
      if (consuming) await hold(ctx, subject, reply.raw, { amount: 1, ...consuming, requestId: request.id })
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
