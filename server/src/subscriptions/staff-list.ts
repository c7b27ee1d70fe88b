import { sql, type RawBuilder } from 'kysely'
import { position } from '../audit/timeline.ts'
import type { Queryable } from '../db/open.ts'

/** What subscriptions staff ask for: `due` end or renew within a week, `ending` end with their cycle. */
export const listedStates = ['trialing', 'active', 'past_due', 'paused', 'ended', 'due', 'ending'] as const
export type ListedState = (typeof listedStates)[number]

export type SubscriptionRow = {
  id: string
  businessId: string
  businessName: string
  businessStatus: string
  plan: string
  planName: string
  version: number
  priceName: string
  price: { amount: number; currency: string; interval: { unit: string; count: number } }
  status: string
  cycleStart: Date
  cycleEnd: Date
  trialEnd: Date | null
  graceEnd: Date | null
  cancelAtCycleEnd: boolean
  endedAt: Date | null
  overdue: number
  overdueSince: Date | null
}

export type SubscriptionQuery = {
  status?: ListedState | undefined
  plan?: string | undefined
  limit: number
  cursor?: string | undefined
}

/**
 * Subscriptions of every business, whose cycle ends first before the others, one more than asked for. They are as renewal
 * has written them: what is due waits for it at most a minute. Without a filter those that go on.
 */
export async function listSubscriptions(
  db: Queryable,
  now: Date,
  { status, plan, limit, cursor }: SubscriptionQuery,
): Promise<SubscriptionRow[]> {
  const after = cursor === undefined ? undefined : position(cursor)
  const { rows } = await sql<SubscriptionRow>`
    with listed as (
      select s.*
      from freehold.subscriptions s
      where ${status === undefined ? running : conditions[status](now)}
        ${plan === undefined ? sql`` : sql`and s.plan_version_id in (select id from freehold.plan_versions where plan_key = ${plan})`}
        ${after ? sql`and (s.cycle_end, s.id) > (${after.at}::timestamptz, ${after.id}::text collate "C")` : sql``}
      order by s.cycle_end, s.id
      limit ${limit + 1}
    )
    select s.id, s.business_id as "businessId", b.name as "businessName", b.status as "businessStatus",
      v.plan_key as plan, p.name as "planName", v.version, s.price as "priceName", v.prices -> s.price as price,
      s.status, s.cycle_start as "cycleStart", s.cycle_end as "cycleEnd", s.trial_end as "trialEnd",
      s.grace_end as "graceEnd", s.cancel_at_cycle_end as "cancelAtCycleEnd", s.ended_at as "endedAt",
      owed.overdue, owed.since as "overdueSince"
    from listed s
    join freehold.businesses b on b.id = s.business_id
    join freehold.plan_versions v on v.id = s.plan_version_id
    join freehold.plans p on p.key = v.plan_key
    cross join lateral (
      select coalesce(sum(i.total - i.credit_applied - i.amount_paid), 0)::bigint as overdue, min(i.due_at) as since
      from freehold.invoices i
      where i.business_id = s.business_id and i.subscription_id = s.id
        and i.status = 'open' and i.change is null and i.due_at <= ${now}::timestamptz
    ) as owed
    order by s.cycle_end, s.id`.execute(db)
  return rows
}

const weekMilliseconds = 7 * 86_400_000

const running = sql`s.status in ('trialing', 'active', 'past_due')`
const conditions: Record<ListedState, (now: Date) => RawBuilder<unknown>> = {
  trialing: () => sql`s.status = 'trialing'`,
  active: () => sql`s.status = 'active'`,
  past_due: () => sql`s.status = 'past_due'`,
  paused: () => sql`s.status = 'paused'`,
  ended: () => sql`s.status = 'ended'`,
  due: (now) => sql`${running} and s.cycle_end <= ${new Date(now.getTime() + weekMilliseconds)}::timestamptz`,
  ending: () => sql`${running} and s.cancel_at_cycle_end`,
}
