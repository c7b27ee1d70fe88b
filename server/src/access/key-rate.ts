import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { perContext, type Context } from '../context.ts'
import { FreeholdError } from '../errors.ts'

const limiters = perContext(() => new Map<number, RateLimiterMemory>())

/**
 * The rate a key type declares, per key and process: a second database write for every call would cost more than what
 * it protects. With n processes a key gets at most n times its rate; what is sold is counted by the meter, exactly.
 */
export async function limitKey(ctx: Context, keyId: string, perMinute: number): Promise<void> {
  const limiter = limiters(ctx).get(perMinute) ?? new RateLimiterMemory({ points: perMinute, duration: 60 })
  limiters(ctx).set(perMinute, limiter)
  try {
    await limiter.consume(keyId)
  } catch (outcome) {
    if (!(outcome instanceof RateLimiterRes)) throw outcome
    const retryAfterSeconds = Math.max(1, Math.ceil(outcome.msBeforeNext / 1000))
    throw new FreeholdError('rate_limited', `The key may be used ${perMinute} times a minute`, { retryAfterSeconds })
  }
}
