import { sql } from 'kysely'
import type { Actor, Context } from '../context.ts'
import type { Queryable } from '../db/open.ts'

/** A trial is had once: by a business, and by whoever owns one that had it. */
export async function trialUse(
  db: Queryable,
  ctx: Context,
  actor: Actor,
  businessId: string,
): Promise<'available' | 'used'> {
  const own = await db
    .selectFrom('subscriptions')
    .select('id')
    .where('businessId', '=', businessId)
    .where('trialEnd', 'is not', null)
    .limit(1)
    .executeTakeFirst()
  if (own) return 'used'
  return actor.kind === 'user' && (await hasTried(ctx.db.across, actor.id)) ? 'used' : 'available'
}

/** Whether a business this user owns has had a trial. */
export async function hasTried(db: Queryable, userId: string): Promise<boolean> {
  const { rows } = await sql<{ tried: boolean }>`
    select exists (
      select
      from freehold.members m
      join freehold.subscriptions s on s.business_id = m.business_id
      where m.user_id = ${userId}
        and m.role = 'owner'
        and s.trial_end is not null
    ) as tried`.execute(db)
  return rows[0]?.tried === true
}
