import { sql } from 'kysely'
import type { Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { overridesOfEach } from '../usage/counters.ts'
import type { Subscription, Turn } from './lifecycle.ts'

/** Features of which unused units go over into the next cycle. */
export const rolledOverFeatures = (ctx: Context): string[] =>
  Object.entries(ctx.product.features).flatMap(([name, { rollover }]) => (rollover > 0 ? name : []))

/** Before the plan's own allowance, which stands at 50: what expires with this cycle is used first. */
const priority = 40
const carrier = 'renewal'

/**
 * Credits what cycles have left of the plan's own units, up to the feature's cap; grants last by themselves. Of many
 * businesses at once, the cycles of one in their order; once for each cycle, because a cycle begins once: the caller holds
 * the subscriptions' locks and has just recorded them, and has closed the counters.
 */
export async function rollOver(tx: Tx, ctx: Context, turns: Turn[]): Promise<void> {
  const carrying = turns.flatMap((turn) =>
    rolledOverFeatures(ctx).flatMap((feature) => {
      const included = turn.before.plan.includes[feature]
      // Of no limit nothing is left.
      return typeof included === 'number' ? { ...turn, feature, included } : []
    }),
  )
  if (carrying.length === 0) return
  const taken = await takenInEach(tx, carrying)
  const brought = await broughtIntoEach(tx, carrying)
  const isOverridden = await overriddenIn(tx, carrying)
  const grants = carrying.flatMap((each) => {
    const { before, after, feature, included } = each
    // What staff have set for this business alone is no allowance of the plan.
    if (isOverridden(each)) return []
    const start = keyOf(before, feature, before.cycleStart)
    const unused = Math.min(included, included + (brought.get(start) ?? 0) - (taken.get(start) ?? 0))
    const amount = Math.min(unused, ctx.product.features[feature]?.rollover ?? 0)
    if (amount <= 0) return []
    brought.set(keyOf(after, feature, after.cycleStart), amount)
    return { after, feature, amount, id: ctx.newId('grant') }
  })
  if (grants.length === 0) return
  await sql`
    insert into freehold.grants
      (business_id, id, feature, amount, reason, effective_at, expires_at, priority, created_by, created_at)
    select each.*, ${priority}::int, ${carrier}, ${ctx.now()}::timestamptz
    from unnest(
      ${grants.map(({ after }) => after.businessId)}::text[], ${grants.map(({ id }) => id)}::text[],
      ${grants.map(({ feature }) => feature)}::text[], ${grants.map(({ amount }) => amount)}::bigint[],
      ${grants.map(({ after }) => reasonOf(after))}::text[],
      ${grants.map(({ after }) => after.cycleStart)}::timestamptz[],
      ${grants.map(({ after }) => after.cycleEnd)}::timestamptz[]
    ) as each`.execute(tx)
}

type Carrying = Turn & { feature: string; included: number }

const reasonOf = ({ cycleStart }: Subscription) =>
  `Left over from the cycle that ended on ${cycleStart.toISOString().slice(0, 10)}`

const keyOf = ({ businessId }: { businessId: string }, feature: string, start: Date) =>
  `${businessId} ${feature} ${start.getTime()}`

const startsOf = (carrying: Carrying[]) => sql`
  ${carrying.map(({ before }) => before.businessId)}::text[], ${carrying.map(({ feature }) => feature)}::text[],
  ${carrying.map(({ before }) => before.cycleStart)}::timestamptz[]`

type Amount = { businessId: string; feature: string; start: Date; amount: number }

/** What has been billed by itself took nothing of what the plan includes. */
async function takenInEach(tx: Tx, carrying: Carrying[]): Promise<Map<string, number>> {
  const { rows } = await sql<Amount>`
    select c.business_id, c.feature, c.period_start as start, c.used + c.held - c.billed as amount
    from unnest(${startsOf(carrying)}) as cycle (business_id, feature, start)
    join freehold.usage_counters c
      on c.business_id = cycle.business_id
      and c.feature = cycle.feature
      and c.period_start = cycle.start`.execute(tx)
  return summed(rows)
}

async function broughtIntoEach(tx: Tx, carrying: Carrying[]): Promise<Map<string, number>> {
  const { rows } = await sql<Amount>`
    select g.business_id, g.feature, g.effective_at as start, g.amount
    from unnest(${startsOf(carrying)}) as cycle (business_id, feature, start)
    join freehold.grants g
      on g.business_id = cycle.business_id
      and g.feature = cycle.feature
      and g.effective_at = cycle.start
      and g.created_by = ${carrier}`.execute(tx)
  return summed(rows)
}

function summed(rows: Amount[]): Map<string, number> {
  const sums = new Map<string, number>()
  for (const row of rows) {
    const key = keyOf(row, row.feature, row.start)
    sums.set(key, (sums.get(key) ?? 0) + row.amount)
  }
  return sums
}

/** Whether staff have set a limit that lasted to the end of the cycle. */
async function overriddenIn(tx: Tx, carrying: Carrying[]): Promise<(each: Carrying) => boolean> {
  const businessIds = [...new Set(carrying.map(({ before }) => before.businessId))]
  const overrides = await overridesOfEach(tx, businessIds)
  return ({ after: { businessId, cycleStart }, feature }) =>
    overrides(businessId).some(
      (each) => each.feature === feature && (each.expiresAt === null || each.expiresAt >= cycleStart),
    )
}
