import { sql } from 'kysely'
import { realTime } from '../clock.ts'
import type { Context } from '../context.ts'

const dayMilliseconds = 86_400_000
/** How long a mail can be read in the database: longer than any link in it works. What was sent to whom stays. */
const mailDays = 30
/** How long events are kept after they were handed over, or passed over. */
const eventDays = 30

/**
 * Deletes what has run out and nothing asks for any more. Every one of these is refused by its expiry already, so it
 * does not matter when this runs, or whether it is cut short.
 */
export async function cleanUp(ctx: Context): Promise<void> {
  const db = ctx.db.across
  const now = ctx.now()
  const daysAgo = (days: number) => new Date(now.getTime() - days * dayMilliseconds)
  for (const table of [
    'sessions',
    'passwordResets',
    'emailVerifications',
    'pendingSignups',
    'pendingIdentities',
    'idempotencyKeys',
  ] as const) {
    await db.deleteFrom(table).where('expiresAt', '<=', now).execute()
  }
  // These are better-auth's, whose clock does not follow the domain's.
  await db.deleteFrom('verifications').where('expiresAt', '<=', new Date(realTime())).execute()
  // The consuming statement looks here because a cache may remember a key for a second after it was revoked.
  await db.deleteFrom('recentRevocations').where('revokedAt', '<', daysAgo(1)).execute()
  await db
    .updateTable('mails')
    .set({ sealed: null })
    .where('sealed', 'is not', null)
    .where('createdAt', '<=', daysAgo(mailDays))
    .execute()
  await deleteEvents(ctx, daysAgo(eventDays))
  // Rate limits are on real time too, in milliseconds since 1970.
  await sql`delete from freehold.rate_limits where expire < ${realTime()}`.execute(db)
}

const deletedAtOnce = 10_000

// There are many, so in pieces; an event that waits for its handler stays, however old.
async function deleteEvents(ctx: Context, before: Date): Promise<void> {
  for (;;) {
    const { numAffectedRows = 0n } = await sql`
      delete from freehold.events
      where (business_id, id) in (
        select business_id, id from freehold.events where delivered_at < ${before} limit ${deletedAtOnce}
      )`.execute(ctx.db.across)
    if (numAffectedRows < deletedAtOnce) return
  }
}
