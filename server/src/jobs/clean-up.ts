import { sql } from 'kysely'
import { realTime } from '../clock.ts'
import type { Context } from '../context.ts'

const dayMilliseconds = 86_400_000

/**
 * Deletes what has run out and nothing asks for any more. Every one of these is refused by its expiry already, so it
 * does not matter when this runs, or whether it is cut short.
 */
export async function cleanUp(ctx: Context): Promise<void> {
  const db = ctx.db.across
  const now = ctx.now()
  for (const table of [
    'sessions',
    'passwordResets',
    'emailVerifications',
    'pendingSignups',
    'idempotencyKeys',
  ] as const) {
    await db.deleteFrom(table).where('expiresAt', '<=', now).execute()
  }
  // These are better-auth's, whose clock does not follow the domain's.
  await db.deleteFrom('verifications').where('expiresAt', '<=', new Date(realTime())).execute()
  // The consuming statement looks here because a cache may remember a key for a second after it was revoked.
  await db
    .deleteFrom('recentRevocations')
    .where('revokedAt', '<', new Date(now.getTime() - dayMilliseconds))
    .execute()
  // Rate limits are on real time too, in milliseconds since 1970.
  await sql`delete from freehold.rate_limits where expire < ${realTime()}`.execute(db)
}
