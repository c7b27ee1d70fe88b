import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Settings } from '../context.ts'

/** Of a session, for as long as one may live. */
export const sessionCookie = cookie('freehold-session', { sameSite: 'lax', maxAge: 90 * 86_400 })

/**
 * Ties a sign-in with a provider to the browser that began it: an answer that somebody else got there signs nobody in
 * here (RFC 9700 §4.7). Strict, because it is our own page that brings the provider's answer.
 */
export const stateCookie = cookie('freehold-sign-in', { sameSite: 'strict', maxAge: 600 })

/** `__Host-` ties a cookie to this host and to TLS; over http on loopback, in development only, it has a plain name. */
function cookie(plainName: string, { maxAge, sameSite }: { maxAge: number; sameSite: 'lax' | 'strict' }) {
  const nameIn = ({ production }: Settings) => (production ? `__Host-${plainName}` : plainName)
  const attributes = ({ production }: Settings) => ({ path: '/', httpOnly: true, secure: production, sameSite })
  return {
    nameIn,
    /** Read where it is asked for: most requests bring none. */
    read: ({ headers, server }: FastifyRequest, settings: Settings): string | undefined =>
      headers.cookie === undefined ? undefined : server.parseCookie(headers.cookie)[nameIn(settings)],
    set: (reply: FastifyReply, settings: Settings, value: string): void =>
      void reply.setCookie(nameIn(settings), value, { ...attributes(settings), maxAge }),
    clear: (reply: FastifyReply, settings: Settings): void =>
      void reply.clearCookie(nameIn(settings), attributes(settings)),
  }
}
