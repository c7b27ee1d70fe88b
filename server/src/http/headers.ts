import type { Settings } from '../context.ts'

/**
 * On every answer (ASVS 5.0 V3.4): nothing here is a page for others to frame or to load things into, and answers are
 * private. /docs has a policy of its own. A plain object, because it is on the path of every counted unit.
 */
export function answerHeaders({ production }: Pick<Settings, 'production'>): Record<string, string> {
  return {
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
    ...(production ? { 'strict-transport-security': 'max-age=31536000; includeSubDomains' } : {}),
  }
}
