import { isIPv4, isIPv6 } from 'node:net'
import type { FastifyRequest } from 'fastify'
import type pg from 'pg'
import { RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible'
import { FreeholdError } from '../errors.ts'
import { hashToken } from '../secrets.ts'

/**
 * Limits on the routes that check credentials or send mail, kept in PostgreSQL so that they hold across processes.
 * An attempt is counted before it is made: twenty at once count as twenty. Per e-mail, user and business the window is
 * short, so that the owner of an address that somebody else is guessing at gets in a minute later.
 */
const limits = {
  credentials: { perAddress: 30, perSubject: 10, seconds: 60 },
  signup: { perAddress: 20, perSubject: 10, seconds: 60 },
  invitations: { perAddress: 60, perSubject: 10, seconds: 60 },
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
    Object.entries(limits).map(([name, { perAddress, perSubject, seconds }]) => [
      name,
      { address: limiter(`${name}:a`, perAddress, seconds), subject: limiter(`${name}:s`, perSubject, seconds) },
    ]),
  )

  return async (request) => {
    const name = request.routeOptions.config.limited
    const limiter = name && limiters[name]
    if (!limiter) return
    await consume(limiter.address, addressKey(request.ip))
    // A business whose members sit everywhere sends no more than one at a single address.
    if (request.freehold.business) await consume(limiter.address, request.freehold.business.id)
    for (const subject of subjectsOf(request)) await consume(limiter.subject, subjectKey(request, subject))
  }
}

/** Whom an attempt is about: the e-mail in the body, and whoever is signed in where their own password is asked for. */
function subjectsOf(request: FastifyRequest): string[] {
  const { email } = (request.body ?? {}) as { email?: unknown }
  const { actor } = request.freehold
  return [
    ...(typeof email === 'string' ? [email.toLowerCase()] : []),
    ...(actor && request.routeOptions.config.limited === 'credentials' ? [actor.id] : []),
  ]
}

// Each route by itself: whoever guesses passwords for an e-mail does not keep its owner from asking for a reset.
const subjectKey = (request: FastifyRequest, subject: string) =>
  hashToken(`${request.method} ${request.routeOptions.url} ${subject}`).toString('base64url')

async function consume(limiter: RateLimiterPostgres, key: string): Promise<void> {
  try {
    await limiter.consume(key)
  } catch (outcome) {
    if (!(outcome instanceof RateLimiterRes)) throw outcome
    const retryAfterSeconds = Math.max(1, Math.ceil(outcome.msBeforeNext / 1000))
    throw new FreeholdError('rate_limited', `Try again in ${retryAfterSeconds} seconds`, { retryAfterSeconds })
  }
}

/**
 * One key for everything a subscriber of IPv6 can send from (a /64), and one spelling of IPv4. What is no address (a
 * socket in the file system, or one that is closed already) shares one key.
 */
export function addressKey(address: string | undefined): string {
  const [plain = ''] = (address ?? '').split('%')
  if (!isIPv6(plain)) return isIPv4(plain) ? plain : 'unknown'
  const groups = groupsOf(plain)
  const [a = 0, b = 0] = groups.slice(6)
  const isMapped = groups.slice(0, 6).join(':') === '0:0:0:0:0:65535'
  if (isMapped) return [a >> 8, a & 255, b >> 8, b & 255].join('.')
  return groups
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(':')
}

/** The eight numbers of an IPv6 address. */
function groupsOf(address: string): number[] {
  const inHex = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...bytes: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = bytes.map(Number)
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
  })
  const [left = [], right = []] = inHex.split('::').map((half) => half.split(':').filter(Boolean))
  const zeros = Array<string>(8 - left.length - right.length).fill('0')
  return [...left, ...zeros, ...right].map((group) => Number.parseInt(group, 16))
}
