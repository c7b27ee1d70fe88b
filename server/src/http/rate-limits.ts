import { isIPv6 } from 'node:net'
import type { FastifyRequest } from 'fastify'
import type pg from 'pg'
import { RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible'
import { FreeholdError } from '../errors.ts'

/**
 * Limits on the routes that check credentials or send mail, kept in PostgreSQL so that they hold across processes.
 * An attempt is counted before it is made: twenty at once count as twenty. Per e-mail the window is short, so that the
 * owner of an address that somebody else is guessing at gets in a minute later.
 */
const limits = {
  credentials: { perAddress: 30, perEmail: 10, seconds: 60 },
  signup: { perAddress: 20, perEmail: 10, seconds: 60 },
  invitations: { perAddress: 60, perEmail: 10, seconds: 60 },
} as const

export type RateLimits = (request: FastifyRequest) => Promise<void>

export function openRateLimits(pool: pg.Pool): RateLimits {
  const limiter = (name: string, points: number, duration: number) =>
    new RateLimiterPostgres({
      storeClient: pool,
      storeType: 'pool',
      schemaName: 'freehold',
      tableName: 'rate_limits',
      tableCreated: true,
      clearExpiredByTimeout: false,
      keyPrefix: name,
      points,
      duration,
    })
  const limiters = Object.fromEntries(
    Object.entries(limits).map(([name, { perAddress, perEmail, seconds }]) => [
      name,
      { address: limiter(`${name}:a`, perAddress, seconds), email: limiter(`${name}:e`, perEmail, seconds) },
    ]),
  )

  return async (request) => {
    const name = request.routeOptions.config.limited
    const limiter = name && limiters[name]
    if (!limiter) return
    await consume(limiter.address, addressKey(request.ip))
    const { email } = (request.body ?? {}) as { email?: unknown }
    if (typeof email === 'string') await consume(limiter.email, email.trim().toLowerCase().slice(0, 200))
  }
}

async function consume(limiter: RateLimiterPostgres, key: string): Promise<void> {
  try {
    await limiter.consume(key)
  } catch (outcome) {
    if (!(outcome instanceof RateLimiterRes)) throw outcome
    const retryAfterSeconds = Math.max(1, Math.ceil(outcome.msBeforeNext / 1000))
    throw new FreeholdError('rate_limited', `Try again in ${retryAfterSeconds} seconds`, { retryAfterSeconds })
  }
}

/** One key for everything a subscriber of IPv6 can send from (a /64), and one spelling of IPv4. */
export function addressKey(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/, '')
  if (!isIPv6(plain)) return plain
  const [head = '', tail] = plain.split('::')
  const left = head.split(':').filter(Boolean)
  const right = (tail ?? '').split(':').filter(Boolean)
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length
  return [...left, ...Array<string>(Math.max(0, zeros)).fill('0'), ...right]
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')
}
