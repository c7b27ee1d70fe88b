import { createMemory } from '../changes.ts'
import { perContext, type Context } from '../context.ts'
import { FreeholdError, type ErrorCode } from '../errors.ts'
import { accessOf, isDue, type Subscription } from '../subscriptions/lifecycle.ts'
import { currentSubscription, storedSubscription } from '../subscriptions/subscriptions.ts'
import type { Standing } from '../usage/counters.ts'

type Known = { businessId: string; status: string; subscription: Subscription | undefined }

const memory = perContext((ctx) => createMemory<Known>(ctx.changes, 120_000, ({ businessId }) => businessId))

/** Where a business stands now, or the reason why it may do nothing. Reads only, and mostly from memory. */
export async function standingOf(ctx: Context, businessId: string): Promise<Standing | { code: ErrorCode }> {
  const known = await memory(ctx)(businessId, () => load(ctx, businessId))
  if (!known) throw new FreeholdError('not_found')
  if (known.status !== 'active') return { code: 'business_not_open' }
  const now = ctx.now()
  // A cycle that has ended may have been renewed by another process, or not yet: the rows tell.
  const due = known.subscription !== undefined && isDue(known.subscription, now)
  const subscription = due ? await currentSubscription(ctx.db.across, ctx, businessId) : known.subscription
  const access = accessOf(subscription, true, now)
  if (!subscription || access !== 'full') return { code: 'subscription_inactive' }
  return { businessId, subscription, access }
}

/** The same for one who only reads: past its grace a subscription still lets them. */
export async function standingFor(
  ctx: Context,
  businessId: string,
  kind: 'read' | 'write',
): Promise<Standing | { code: ErrorCode }> {
  const standing = await standingOf(ctx, businessId)
  if (!('code' in standing) || standing.code !== 'subscription_inactive' || kind === 'write') return standing
  const subscription = await currentSubscription(ctx.db.across, ctx, businessId)
  const access = accessOf(subscription, true, ctx.now())
  return subscription && access === 'read_only' ? { businessId, subscription, access } : standing
}

async function load(ctx: Context, businessId: string): Promise<Known | undefined> {
  const business = await ctx.db.across
    .selectFrom('businesses')
    .select('status')
    .where('id', '=', businessId)
    .executeTakeFirst()
  if (!business) return undefined
  const subscription = await storedSubscription(ctx.db.across, businessId)
  return { businessId, status: business.status, subscription: subscription && withSharedPlan(ctx, subscription) }
}

const plans = perContext(() => new Map<string, Subscription['plan']>())

// Versions never change, so a hundred thousand subscriptions need not hold a hundred thousand copies of them.
function withSharedPlan(ctx: Context, subscription: Subscription): Subscription {
  const shared = plans(ctx).get(subscription.plan.id)
  if (shared) return { ...subscription, plan: shared }
  plans(ctx).set(subscription.plan.id, subscription.plan)
  return subscription
}
