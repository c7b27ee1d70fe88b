import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Settings } from '../context.ts'

/** `__Host-` ties the cookie to this host and to TLS; over http on loopback, in development only, it has a plain name. */
export const sessionCookieName = ({ production }: Settings) =>
  production ? '__Host-freehold-session' : 'freehold-session'

/** Read where it is asked for: most requests bring none. */
export function sessionCookie(request: FastifyRequest, settings: Settings): string | undefined {
  const { cookie } = request.headers
  return cookie === undefined ? undefined : request.server.parseCookie(cookie)[sessionCookieName(settings)]
}

export function setSessionCookie(reply: FastifyReply, settings: Settings, token: string): void {
  reply.setCookie(sessionCookieName(settings), token, {
    ...cookieAttributes(settings),
    maxAge: 90 * 86_400,
  })
}

export function clearSessionCookie(reply: FastifyReply, settings: Settings): void {
  reply.clearCookie(sessionCookieName(settings), cookieAttributes(settings))
}

export const cookieAttributes = ({ production }: Settings) =>
  ({ path: '/', httpOnly: true, secure: production, sameSite: 'lax' }) as const
