import type { Actor, Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { apply } from './apply.ts'
import { buyFirst } from './commands.ts'
import { priceOf, type Subscription, type Terms } from './lifecycle.ts'
import { begin, insert, startSubscription } from './subscriptions.ts'
import { hasTried } from './trials.ts'

/**
 * A new business's subscription. What costs something begins with its trial, which a person has once; without one it
 * begins with the payment, and until then there is nothing to use.
 */
export async function firstSubscription(
  tx: Tx,
  ctx: Context,
  owner: Actor,
  businessId: string,
  wanted: Terms,
): Promise<Subscription> {
  const { plan, price } = wanted
  const now = ctx.now()
  const trial = plan.trialDays > 0 && !(await hasTried(tx, owner.id))
  if (trial || priceOf(wanted).amount === 0) {
    return startSubscription(tx, ctx, { businessId, plan, price, start: now, trial })
  }
  // No cycle has begun: the first one is number 1.
  const unpaid = begin(ctx, businessId, wanted, { start: now, zone: 'UTC', trial: false })
  const before: Subscription = { ...unpaid, status: 'paused', cycleNumber: 0, billed: 0 }
  await insert(tx, ctx, before)
  return apply(tx, ctx, owner, before, buyFirst(before, now))
}
