import type { Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import type { Subscription } from './lifecycle.ts'

/** Features of which unused units go over into the next cycle. */
export const rolledOverFeatures = (ctx: Context): string[] =>
  Object.entries(ctx.product.features).flatMap(([name, { rollover }]) => (rollover > 0 ? name : []))

/** Before the plan's own allowance, which stands at 50: what expires with this cycle is used first. */
const priority = 40
const carrier = 'renewal'

/**
 * Credits what the cycle before has left of the plan's own units, up to the feature's cap; grants last by themselves.
 * Once for each cycle, because a cycle begins once: the caller holds the subscription's lock and has just recorded it.
 */
export async function rollOver(tx: Tx, ctx: Context, before: Subscription, after: Subscription): Promise<void> {
  const features = rolledOverFeatures(ctx)
  if (features.length === 0) return
  const { businessId } = after
  const overrides = await tx
    .selectFrom('limitOverrides')
    .select('feature')
    .where('businessId', '=', businessId)
    .where((each) => each.or([each('expiresAt', 'is', null), each('expiresAt', '>=', after.cycleStart)]))
    .execute()
  for (const feature of features) {
    const included = before.plan.includes[feature]
    // What staff have set for this business alone is no allowance of the plan; of no limit nothing is left.
    if (typeof included !== 'number' || overrides.some((each) => each.feature === feature)) continue
    const taken = await takenIn(tx, before, feature)
    const brought = await broughtInto(tx, before, feature)
    const unused = Math.min(included, included + brought - taken)
    const amount = Math.min(unused, ctx.product.features[feature]?.rollover ?? 0)
    if (amount <= 0) continue
    await tx
      .insertInto('grants')
      .values({
        businessId,
        id: ctx.newId('grant'),
        feature,
        amount,
        priority,
        reason: `Left over from the cycle that ended on ${after.cycleStart.toISOString().slice(0, 10)}`,
        effectiveAt: after.cycleStart,
        expiresAt: after.cycleEnd,
        createdBy: carrier,
        createdAt: ctx.now(),
      })
      .execute()
  }
}

async function takenIn(tx: Tx, { businessId, cycleStart }: Subscription, feature: string): Promise<number> {
  const counter = await tx
    .selectFrom('usageCounters')
    .select(['used', 'held', 'billed'])
    .where('businessId', '=', businessId)
    .where('feature', '=', feature)
    .where('periodStart', '=', cycleStart)
    .forNoKeyUpdate()
    .executeTakeFirst()
  // What has been billed by itself took nothing of what the plan includes.
  return counter ? counter.used + counter.held - counter.billed : 0
}

async function broughtInto(tx: Tx, { businessId, cycleStart }: Subscription, feature: string): Promise<number> {
  const { brought } = await tx
    .selectFrom('grants')
    .select(({ fn }) => fn.sum<number | null>('amount').as('brought'))
    .where('businessId', '=', businessId)
    .where('feature', '=', feature)
    .where('createdBy', '=', carrier)
    .where('effectiveAt', '=', cycleStart)
    .executeTakeFirstOrThrow()
  return Number(brought ?? 0)
}
