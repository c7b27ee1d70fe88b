import type { FastifyReply } from 'fastify'
import type { Settings } from '../context.ts'

/**
 * On every answer (ASVS 5.0 V3.4): nothing here is a page for others to frame or to load things into, and answers are
 * private. What is a page, or may be kept, sets its own over these, as /docs does.
 */
export function securityHeaders({ production }: Pick<Settings, 'production'>): Record<string, string> {
  return {
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
    ...(production ? { 'strict-transport-security': 'max-age=31536000; includeSubDomains' } : {}),
  }
}

/** Sets them, and the request's id. Made once, because it is on the path of every counted unit. */
export function answerHeaders(settings: Settings): (reply: FastifyReply) => void {
  const headers = securityHeaders(settings)
  return (reply) => void reply.headers(headers).header('x-request-id', reply.request.id)
}
