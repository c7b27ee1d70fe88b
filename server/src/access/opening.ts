import { lockBusiness } from '../businesses/businesses.ts'
import { perContext, systemActor, type Context } from '../context.ts'
import { acrossBusinesses } from '../db/transactions.ts'
import type { ErrorCode } from '../errors.ts'
import { emitAll } from '../events/emit.ts'
import { accessOf } from '../subscriptions/lifecycle.ts'
import { lockSubscription } from '../subscriptions/subscriptions.ts'
import { readUsage, refreshCounter } from '../usage/counters.ts'
import { isAvailable } from '../usage/entitlements.ts'
import { fitItems } from '../usage/frozen-items.ts'

const underway = perContext(() => new Map<string, Promise<ErrorCode | undefined>>())

/**
 * Brings a business up to now and opens its counter, or says why nothing can be counted. Whoever finds the same counter
 * closed at the same time shares one transaction.
 */
export function openCounter(ctx: Context, businessId: string, feature: string): Promise<ErrorCode | undefined> {
  const key = `${businessId} ${feature}`
  const known = underway(ctx).get(key)
  if (known) return known
  const opening = open(ctx, businessId, feature).finally(() => underway(ctx).delete(key))
  underway(ctx).set(key, opening)
  return opening
}

async function open(ctx: Context, businessId: string, feature: string): Promise<ErrorCode | undefined> {
  return acrossBusinesses(ctx.db, async (tx) => {
    const business = await lockBusiness(tx, businessId)
    if (business.status !== 'active') return 'business_not_open'
    const subscription = await lockSubscription(tx, ctx, businessId)
    const access = accessOf(subscription, true, ctx.now())
    if (access !== 'full') return 'subscription_inactive'
    const standing = { businessId, subscription, access }
    const usage = (await readUsage(tx, ctx, standing, [feature]))[feature]
    if (!usage || !isAvailable(usage)) return 'feature_unavailable'
    const isAllocated = usage.kind === 'allocated' && feature !== 'members'
    const fitting = { businessId, plan: subscription.plan, at: subscription.cycleStart }
    const events = isAllocated ? await fitItems(tx, ctx, systemActor('limits'), [fitting], [feature]) : []
    await refreshCounter(tx, ctx, standing, feature)
    await emitAll(tx, ctx, events)
    return undefined
  })
}
