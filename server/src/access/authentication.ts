import type { FastifyRequest, onRequestHookHandler } from 'fastify'
import type { Context, Settings } from '../context.ts'
import { FreeholdError } from '../errors.ts'
import type { Credential } from '../http/request.ts'
import { sessionCookie } from '../http/cookies.ts'
import { authenticate } from './credentials.ts'

/** What a request says about who sends it. */
export type Presented = {
  authorization: string | undefined
  /** The session cookie. */
  cookie: string | undefined
  origin: string | undefined
  /** Whether it may change something. */
  writes: boolean
}

/**
 * Turns `Authorization: Bearer …` or the session cookie into an actor. A bad credential is refused, none is not. At once
 * where the credential is remembered: this stands before every counted unit.
 */
export const authentication: onRequestHookHandler = (request, _reply, done) => {
  const { ctx } = request.freehold
  // A public route does not need to know who asks; a stale cookie must not keep anybody from signing in.
  if (request.routeOptions.config.access === 'public') return done()
  const keep = (credential: Credential | undefined) => {
    if (credential) {
      request.freehold.actor = credential.actor
      request.freehold.credential = credential
    }
    done()
  }
  try {
    const credential = authenticatePresented(ctx, {
      authorization: request.headers.authorization,
      cookie: sessionCookie.read(request, ctx.settings),
      origin: request.headers.origin,
      writes: request.method !== 'GET' && request.method !== 'HEAD',
    })
    if (credential instanceof Promise) void credential.then(keep, done)
    else keep(credential)
  } catch (error) {
    done(error as Error)
  }
}

/** Whether the cookie of a page's request is a person's session; what the page shows, it asks for itself. */
export async function isSignedIn(ctx: Context, request: FastifyRequest): Promise<boolean> {
  const cookie = sessionCookie.read(request, ctx.settings)
  const presented = { authorization: undefined, cookie, origin: undefined, writes: false }
  return (await authenticatePresented(ctx, presented))?.actor.kind === 'user'
}

export const noCredential = 'Send the header “Authorization: Bearer …” with a key or a session’s token'
const noBearer = 'The header Authorization is “Bearer”, a space, and a key or a session’s token'

/** The credential a request presents, if it presents one. A header that is no good is refused, a stale cookie is none. */
export function authenticatePresented(
  ctx: Context,
  { authorization, cookie, origin, writes }: Presented,
): Credential | undefined | Promise<Credential | undefined> {
  const bearer = authorization === undefined ? cookie : /^Bearer +(\S+)$/i.exec(authorization)?.[1]
  const found = bearer === undefined ? undefined : authenticate(ctx, bearer)
  const accept = (credential: Credential | undefined) => {
    if (!credential && authorization !== undefined) {
      const unknown = 'The credential is unknown, expired or revoked'
      throw new FreeholdError('unauthenticated', bearer === undefined ? noBearer : unknown)
    }
    if (credential && authorization === undefined && writes) checkOrigin(ctx.settings, origin)
    return credential
  }
  return found instanceof Promise ? found.then(accept) : accept(found)
}

/**
 * Browsers send cookies along with what foreign pages ask for, so a cookie alone writes nothing unless the page is ours
 * (ASVS 5.0 V3.5.1). Loopback names are one in development.
 */
function checkOrigin({ publicUrl, production }: Settings, origin: string | undefined): void {
  const own = new URL(publicUrl)
  const allowed =
    origin === own.origin ||
    (!production && origin !== undefined && URL.canParse(origin) && isLoopback(new URL(origin)) && isLoopback(own))
  if (!allowed) throw new FreeholdError('origin_refused')
}

const isLoopback = (url: URL) => ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
