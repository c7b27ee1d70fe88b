import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Settings } from '../context.ts'
import { cookieAttributes } from './session-cookie.ts'

/**
 * Ties a sign-in with a provider to the browser that began it: an answer that somebody else got there signs nobody in
 * here (RFC 9700 §4.7).
 */
export const stateCookieName = ({ production }: Settings) =>
  production ? '__Host-freehold-sign-in' : 'freehold-sign-in'

export function stateCookie(request: FastifyRequest, settings: Settings): string | undefined {
  const { cookie } = request.headers
  return cookie === undefined ? undefined : request.server.parseCookie(cookie)[stateCookieName(settings)]
}

/** Strict, because it is our own page that brings the provider's answer. */
export function setStateCookie(reply: FastifyReply, settings: Settings, state: string): void {
  const attributes = { ...cookieAttributes(settings), sameSite: 'strict', maxAge: 600 } as const
  reply.setCookie(stateCookieName(settings), state, attributes)
}

export function clearStateCookie(reply: FastifyReply, settings: Settings): void {
  reply.clearCookie(stateCookieName(settings), { ...cookieAttributes(settings), sameSite: 'strict' })
}
