import type { FastifyRequest } from 'fastify'
import { FreeholdError } from '../errors.ts'
import { sessionCookieName } from '../http/session-cookie.ts'
import { authenticate, type Credential } from './credentials.ts'

/** Turns `Authorization: Bearer …` or the session cookie into an actor. A bad credential is refused, none is not. */
export async function authentication(request: FastifyRequest): Promise<void> {
  const { ctx } = request.freehold
  const header = request.headers.authorization
  const cookie = request.cookies[sessionCookieName(ctx.settings)]
  if (header === undefined && cookie === undefined) return
  // A public route does not need to know who asks; a stale cookie must not keep anybody from signing in.
  if (request.routeOptions.config.access === 'public') return

  const bearer = header === undefined ? cookie : /^Bearer +(\S+)$/i.exec(header)?.[1]
  const credential = bearer === undefined ? undefined : await authenticate(ctx, bearer)
  if (!credential) {
    if (header === undefined) return
    throw new FreeholdError('unauthenticated', 'The credential is unknown, expired or revoked')
  }
  if (header === undefined) checkOrigin(request)
  request.freehold.actor = credential.actor
  credentials.set(request, credential)
}

const credentials = new WeakMap<FastifyRequest, Credential>()

export const credentialOf = (request: FastifyRequest): Credential | undefined => credentials.get(request)

/**
 * Browsers send cookies along with what foreign pages ask for, so a cookie alone writes nothing unless the page is ours
 * (ASVS 5.0 V3.5.1). Loopback names are one in development.
 */
function checkOrigin(request: FastifyRequest): void {
  if (request.method === 'GET' || request.method === 'HEAD') return
  const { publicUrl, production } = request.freehold.ctx.settings
  const origin = request.headers.origin
  const own = new URL(publicUrl)
  const allowed =
    origin === own.origin ||
    (!production && origin !== undefined && URL.canParse(origin) && isLoopback(new URL(origin)) && isLoopback(own))
  if (!allowed) throw new FreeholdError('origin_refused')
}

const isLoopback = (url: URL) => ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
