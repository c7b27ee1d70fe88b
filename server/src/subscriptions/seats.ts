import type { Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { FreeholdError } from '../errors.ts'
import { readUsage } from '../usage/counters.ts'
import { accessOf } from './lifecycle.ts'
import { currentSubscription } from './subscriptions.ts'

/** How many members and pending invitations the business may have now; null is unlimited. */
export async function seatLimit(tx: Tx, ctx: Context, businessId: string): Promise<number | null> {
  const subscription = await currentSubscription(tx, ctx, businessId)
  const access = accessOf(subscription, true, ctx.now())
  if (!subscription || access !== 'full') throw new FreeholdError('subscription_inactive')
  const usage = await readUsage(tx, ctx, { businessId, subscription, access }, ['members'])
  return usage['members']?.ceiling ?? null
}
