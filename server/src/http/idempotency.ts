import type { FastifyRequest } from 'fastify'
import { sql } from 'kysely'
import type { Tx } from '../db/open.ts'
import { FreeholdError, invalid } from '../errors.ts'
import { hashToken } from '../secrets.ts'

const keptMilliseconds = 24 * 3_600_000

/**
 * Runs `work` once per `Idempotency-Key`. A repeat gets the stored answer; another body under the same key is refused;
 * a repeat while the first is running is refused too. A refusal stores nothing, so that a retry can succeed.
 *
 * Answers hold tokens and keys, so they are sealed under a key derived from SECRET and the raw idempotency key, of
 * which only the hash is stored: neither a dump nor SECRET alone opens them.
 */
export async function idempotently<T>(tx: Tx, request: FastifyRequest, work: (tx: Tx) => Promise<T>): Promise<T> {
  const key = idempotencyKey(request)
  if (key === undefined) return work(tx)

  const { ctx } = request.freehold
  const scope = scopeOf(request)
  const keyHash = hashToken(`${scope}\n${key}`)
  const route = `${request.method} ${request.routeOptions.url ?? ''}`
  const bodyHmac = ctx.secrets.fingerprint(
    `${route}\n${JSON.stringify(request.params)}\n${JSON.stringify(request.body ?? null)}`,
  )

  // Held until commit or rollback, so of two at once only one runs.
  const lock = keyHash.readBigInt64BE(0).toString()
  const { rows } = await sql<{ free: boolean }>`select pg_try_advisory_xact_lock(${lock}::bigint) as free`.execute(tx)
  if (!rows[0]?.free) throw new FreeholdError('idempotency_in_progress', undefined, { retryAfterSeconds: 1 })

  const stored = await tx
    .selectFrom('idempotencyKeys')
    .select(['bodyHmac', 'answer', 'expiresAt'])
    .where('scope', '=', scope)
    .where('keyHash', '=', keyHash)
    .executeTakeFirst()
  if (stored && stored.expiresAt > ctx.now()) {
    if (!stored.bodyHmac.equals(bodyHmac)) throw new FreeholdError('idempotency_key_reused')
    return JSON.parse(ctx.secrets.open('answer', stored.answer, key)) as T
  }

  const answer = await work(tx)
  const record = {
    bodyHmac,
    status: 200,
    answer: ctx.secrets.seal('answer', JSON.stringify(answer ?? null), key),
    expiresAt: new Date(ctx.now().getTime() + keptMilliseconds),
  }
  await tx
    .insertInto('idempotencyKeys')
    .values({ scope, keyHash, ...record })
    .onConflict((conflict) => conflict.columns(['scope', 'keyHash']).doUpdateSet(record))
    .execute()
  return answer
}

/** The key of the header, which only POST takes. */
export function idempotencyKey(request: FastifyRequest): string | undefined {
  const header = request.headers['idempotency-key']
  if (header === undefined || request.method !== 'POST') return undefined
  if (typeof header !== 'string' || header.length < 1 || header.length > 255) {
    throw invalid('headers/idempotency-key', 'must be 1 to 255 characters')
  }
  return header
}

function scopeOf(request: FastifyRequest): string {
  const { actor, business } = request.freehold
  if (actor) return `${business?.id ?? ''}:${actor.kind}:${actor.id}`
  return `anonymous:${request.method} ${request.routeOptions.url ?? ''}`
}
