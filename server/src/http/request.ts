import type { FastifyInstance, FastifyRequest, RawServerDefault } from 'fastify'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { Actor, Context } from '../context.ts'
import type { AuthorizedBusinessId } from '../db/transactions.ts'
import { FreeholdError } from '../errors.ts'
import type { BuiltInPermission } from '../permissions.ts'

/**
 * Who may call a route; every route declares one, or the server does not start.
 * - `public`: anybody
 * - `credential`: any valid credential; the handler decides further
 * - `user`: a signed-in person
 * - a permission: a member of the business in the path who holds it, or staff in a support session
 * - `staff:read`, `staff:write`: staff, and app keys of scope admin
 */
export type Access = 'public' | 'credential' | 'user' | 'staff:read' | 'staff:write' | BuiltInPermission

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access
    /** A member may do it to themself without the permission: leave. The path names them by `memberId`. */
    orOneself?: boolean
    /** Writes need an active business unless a route says otherwise (reopening a closed one). */
    anyBusinessStatus?: boolean
    /** Limited per client address, and per e-mail where the body has one. */
    limited?: 'credentials' | 'signup' | 'invitations'
  }
  interface FastifyRequest {
    freehold: RequestState
  }
}

/** What the access hooks found out about a request. */
export type RequestState = {
  ctx: Context
  actor: Actor | undefined
  credential: Credential | undefined
  /** The business in the path, once the caller has been let in. */
  business: OpenedBusiness | undefined
}

/** What a credential says about its bearer. */
export type Credential = {
  actor: Actor
  /** What an API key's type allows; people's permissions depend on the business. */
  permissions: ReadonlySet<string> | undefined
  perMinute: number | undefined
  /** When the credential ends by itself; null is never. */
  expiresAt: Date | null
}

export type OpenedBusiness = {
  id: AuthorizedBusinessId
  name: string
  status: 'active' | 'suspended' | 'closed'
  role: string | undefined
  /** The caller's own place in it; staff in a support session have none. */
  memberId: string | undefined
  permissions: ReadonlySet<string>
}

/** A Fastify instance whose routes are typed by their TypeBox schemas. */
export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyInstance['log'],
  TypeBoxTypeProvider
>

/** A feature's routes: registered below one server, given the context. */
export type Routes = (app: App, ctx: Context) => void

export function actorOf(request: FastifyRequest): Actor {
  if (!request.freehold.actor) throw new FreeholdError('unauthenticated')
  return request.freehold.actor
}

/** The signed-in person; anything else that got this far is refused. */
export function userOf(request: FastifyRequest): Extract<Actor, { kind: 'user' }> {
  const actor = actorOf(request)
  if (actor.kind !== 'user') throw new FreeholdError('permission_denied', 'This is for a signed-in person')
  return actor
}

export function businessOf(request: FastifyRequest): OpenedBusiness {
  if (!request.freehold.business) throw new FreeholdError('not_found')
  return request.freehold.business
}
