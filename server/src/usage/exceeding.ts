import { sql } from 'kysely'
import type { Context } from '../context.ts'
import type { Queryable } from '../db/open.ts'
import { freezes } from './frozen-items.ts'

/** A business that has more in use than a limit would allow. */
export type Exceeding = {
  businessId: string
  businessName: string
  feature: string
  used: number
  /** With what the business has been granted. */
  limit: number
  /** Of the items in use, how many would be frozen; 0 where everything would stay as it is. */
  frozen: number
}

/**
 * The businesses on a plan version that are above these limits now, the furthest first. Those with an override of the
 * feature are left out: it decides for them, not the plan.
 */
export async function exceeding(
  db: Queryable,
  ctx: Context,
  planVersionId: string,
  limits: Record<string, number>,
): Promise<Exceeding[]> {
  const { members, ...counted } = limits
  const found = [
    ...(await aboveCounted(db, ctx, planVersionId, counted)),
    ...(members === undefined ? [] : await aboveSeats(db, ctx.now(), planVersionId, members)),
  ]
  return found
    .map(({ granted, ...each }) => {
      const limit = (limits[each.feature] ?? 0) + granted
      return { ...each, limit, frozen: freezes(ctx, each.feature) ? each.used - limit : 0 }
    })
    .toSorted((a, b) => b.used - b.limit - (a.used - a.limit))
}

type Found = Omit<Exceeding, 'limit' | 'frozen'> & { granted: number }

/** What was granted is what a metered counter has beyond the plan's allowance, as it was opened last. */
async function aboveCounted(db: Queryable, ctx: Context, planVersionId: string, limits: Record<string, number>) {
  const now = ctx.now()
  const names = Object.keys(limits)
  const metered = names.map((name) => ctx.product.features[name]?.kind === 'metered')
  const { rows } = await sql<Found>`
    select c.business_id, b.name as business_name, c.feature, c.used, g.granted
    from freehold.subscriptions s
    join freehold.businesses b on b.id = s.business_id
    join freehold.usage_counters c on c.business_id = s.business_id
    join unnest(${names}::text[], ${Object.values(limits)}::bigint[], ${metered}::boolean[])
      as l (feature, ceiling, is_metered) on l.feature = c.feature
    cross join lateral (
      select case when l.is_metered then greatest(coalesce(c.soft_limit, c.ceiling) - c.allowance, 0) else 0 end
    ) as g (granted)
    where s.plan_version_id = ${planVersionId}
      and s.status <> 'ended'
      and c.period_start <= ${now}
      and c.period_end > ${now}
      and c.used > l.ceiling + g.granted
      and not exists (${overridden(sql.ref('c.feature'), now)})`.execute(db)
  return rows
}

// Seats are counted from their own rows: members and pending invitations, an e-mail once.
async function aboveSeats(db: Queryable, now: Date, planVersionId: string, limit: number) {
  const { rows } = await sql<Found>`
    select s.business_id, b.name as business_name, 'members' as feature, count(*) as used, 0 as granted
    from freehold.subscriptions s
    join freehold.businesses b on b.id = s.business_id
    join (
      select m.business_id, u.email
      from freehold.members m
      join freehold.users u on u.id = m.user_id
      union
      select i.business_id, i.email
      from freehold.invitations i
      where i.accepted_at is null
        and i.revoked_at is null
        and i.expires_at > ${now}
    ) taken on taken.business_id = s.business_id
    where s.plan_version_id = ${planVersionId}
      and s.status <> 'ended'
      and not exists (${overridden(sql.lit('members'), now)})
    group by s.business_id, b.name
    having count(*) > ${limit}`.execute(db)
  return rows
}

const overridden = (feature: ReturnType<typeof sql.ref>, now: Date) => sql`
      select from freehold.limit_overrides o
      where o.business_id = s.business_id
        and o.feature = ${feature}
        and (o.expires_at is null or o.expires_at > ${now})`
