import { lockBusiness } from '../businesses/businesses.ts'
import type { Actor, Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { FreeholdError, invalid } from '../errors.ts'
import { currentPlanVersion, priceNamed } from '../plans/plans.ts'
import { apply, lockOpen } from './apply.ts'
import { cancel, changePlan, convertTrial, creditOfRest, extend, laterDay } from './commands.ts'
import { priceOf, wholeSecond, type Subscription } from './lifecycle.ts'
import { lockSubscription } from './subscriptions.ts'

/**
 * What staff do to one business's subscription, each with a reason that stays in its log. Asking again for what is so
 * already changes nothing and says nothing.
 */

/** Whether what a change costs is owed, or waived. */
export type Charge = 'invoice' | 'waive'

export type StaffPlanChange = {
  plan: string
  /** The plan's first when left out. */
  price?: string | undefined
  reason: string
  when: 'now' | 'cycleEnd'
  /** Waived when left out. */
  charge?: Charge | undefined
  /** Whether it takes the place of a change that is pending. */
  replace: boolean
}

/**
 * Moves a business to a plan, hidden ones too; after the end of its subscription, another begins. What it costs now is
 * waived and logged so, or owed.
 */
export async function changePlanByStaff(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  businessId: string,
  { plan: planKey, price: priceName, charge = 'waive', ...rest }: StaffPlanChange,
): Promise<Subscription> {
  const before = await lockOpen(tx, ctx, businessId)
  if (before.status === 'ended' && rest.when === 'cycleEnd') throw new FreeholdError('subscription_ended')
  const plan = await currentPlanVersion(tx, planKey)
  const wanted = { plan, price: priceNamed(plan, priceName).name }
  const decision = changePlan(before, wanted, { ...rest, charge }, ctx.now())
  const isCharged = 'kind' in decision && ['plan_changed', 'created'].includes(decision.kind)
  const costs = isCharged && priceOf(wanted).amount > 0 ? { charge: settled[charge] } : {}
  return apply(tx, ctx, actor, before, decision, { ...costs, reason: rest.reason })
}

const settled = { invoice: 'invoiced', waive: 'waived' }

/** Makes a trial what it is a trial of, now and not at its end. */
export async function convertByStaff(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  businessId: string,
  { charge, reason }: { charge: Charge; reason: string },
): Promise<Subscription> {
  const before = await lockOpen(tx, ctx, businessId)
  const decision = convertTrial(before, charge, ctx.now())
  return apply(tx, ctx, actor, before, decision, { charge: settled[charge], reason })
}

/** Lengthens the cycle; later ones are counted from its new end. */
export async function extendCycle(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  businessId: string,
  { cycleEnd, days, reason }: { cycleEnd?: Date | undefined; days?: number | undefined; reason: string },
): Promise<Subscription> {
  if ((cycleEnd === undefined) === (days === undefined)) throw invalid('body', 'send either cycleEnd or days')
  const before = await lockOpen(tx, ctx, businessId)
  const decision = extend(before, cycleEnd ? wholeSecond(cycleEnd) : laterDay(before, days ?? 0))
  if ('refused' in decision && decision.refused === 'invalid_request') {
    throw invalid(cycleEnd === undefined ? 'body/days' : 'body/cycleEnd', decision.detail ?? '')
  }
  return apply(tx, ctx, actor, before, decision, { reason })
}

/**
 * Ends a subscription, at once or at the end of its cycle. Also that of a business which is suspended or closed. What
 * the rest of the cycle was billed is credited when that is asked for.
 */
export async function cancelByStaff(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  businessId: string,
  { reason, when, credit }: { reason: string; when: 'now' | 'cycleEnd'; credit: 'none' | 'rest' },
): Promise<Subscription> {
  await lockBusiness(tx, businessId)
  const before = await lockSubscription(tx, ctx, businessId)
  const decision = cancel(before, when, ctx.now())
  if (credit === 'none' || when === 'cycleEnd' || !('lines' in decision)) {
    return apply(tx, ctx, actor, before, decision, { reason })
  }
  return apply(tx, ctx, actor, before, { ...decision, lines: creditOfRest(before, ctx.now()) }, { reason })
}
