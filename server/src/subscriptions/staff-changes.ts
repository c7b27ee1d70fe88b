import { audit } from '../audit/audit.ts'
import { lockBusiness } from '../businesses/businesses.ts'
import type { Actor, Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { FreeholdError, invalid } from '../errors.ts'
import { currentPlanVersion, priceNamed, type PlanVersion } from '../plans/plans.ts'
import { invalidateCounters } from '../usage/counters.ts'
import { boundary, boundaryAfter } from './cycle.ts'
import { priceOf, type Subscription } from './lifecycle.ts'
import { lockSubscription, recordCycle, save, summary } from './subscriptions.ts'

/**
 * What staff do to one business's subscription, each with a reason that stays in its log. Asking again for what is so
 * already changes nothing and says nothing.
 */

export type StaffPlanChange = {
  plan: string
  /** The plan's first when left out. */
  price?: string | undefined
  reason: string
  when: 'now' | 'cycleEnd'
  /** Whether it takes the place of a change that is pending. */
  replace: boolean
}

/** Moves a business to a plan, hidden ones too. No money is collected: what it would cost now is waived, and logged so. */
export async function changePlanByStaff(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  businessId: string,
  { plan: planKey, price: priceName, reason, when, replace }: StaffPlanChange,
): Promise<Subscription> {
  const before = await lockOpen(tx, ctx, businessId)
  const plan = await currentPlanVersion(tx, planKey)
  const wanted = { plan, price: priceNamed(plan, priceName).name }
  const { pendingChange } = before
  const isCurrent = sameTerms(before, wanted)
  const isPending = pendingChange !== null && sameTerms(pendingChange, wanted)
  if (pendingChange ? isPending && when === 'cycleEnd' : isCurrent) return before
  if (pendingChange && !replace) {
    throw new FreeholdError(
      'pending_change_exists',
      `Moving to ${pendingChange.plan.planKey}; replace: true takes over`,
    )
  }
  if (isCurrent) {
    const after: Subscription = { ...before, pendingChange: null, version: before.version + 1 }
    await store(tx, ctx, actor, 'change_cancelled', before, after, { reason })
    return after
  }
  if (priceOf(before).currency !== priceOf(wanted).currency) throw new FreeholdError('currency_mismatch')
  if (when === 'cycleEnd') {
    refusePaused(before)
    const after: Subscription = { ...before, pendingChange: { ...wanted, reason }, version: before.version + 1 }
    await store(tx, ctx, actor, 'change_scheduled', before, after, { reason })
    return after
  }
  const after = changedNow(before, wanted, ctx.now())
  const waived = priceOf(after).amount > 0 ? { charge: 'waived' } : {}
  await store(tx, ctx, actor, 'plan_changed', before, after, { ...waived, reason })
  return after
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
  if (before.status === 'past_due') throw new FreeholdError('payment_overdue')
  refusePaused(before)

  const path = cycleEnd === undefined ? 'body/days' : 'body/cycleEnd'
  const end = cycleEnd ? wholeSecond(cycleEnd) : laterDay(before, days ?? 0)
  const isExtendedToIt = sameTime(end, before.cycleEnd) && sameTime(end, before.anchor)
  if (isExtendedToIt) return before
  if (end <= before.cycleEnd) throw invalid(path, `must be after the cycle's end, ${before.cycleEnd.toISOString()}`)
  if (end > laterDay(before, mostDays)) throw invalid(path, `may lengthen the cycle by ${mostDays} days at most`)
  const after: Subscription = {
    ...before,
    anchor: end,
    cycleEnd: end,
    trialEnd: before.status === 'trialing' ? end : before.trialEnd,
    version: before.version + 1,
  }
  await store(tx, ctx, actor, 'extended', before, after, { reason })
  return after
}

const mostDays = 3660

/** Ends a subscription, at once or at the end of its cycle. Also that of a business which is suspended or closed. */
export async function cancelByStaff(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  businessId: string,
  { reason, when }: { reason: string; when: 'now' | 'cycleEnd' },
): Promise<Subscription> {
  await lockBusiness(tx, businessId)
  const before = await lockLive(tx, ctx, businessId)
  if (when === 'cycleEnd') {
    refusePaused(before)
    if (before.cancelAtCycleEnd) return before
    const after = { ...before, cancelAtCycleEnd: true, pauseAtCycleEnd: false, version: before.version + 1 }
    await store(tx, ctx, actor, 'cancel_scheduled', before, after, { reason })
    return after
  }
  const now = wholeSecond(ctx.now())
  const after: Subscription = {
    ...before,
    status: 'ended',
    endReason: 'cancelled',
    endedAt: now,
    // A cycle has a length, also when it is ended in the second in which it began.
    cycleEnd: now > before.cycleStart ? now : new Date(before.cycleStart.getTime() + 1000),
    pendingChange: null,
    cancelAtCycleEnd: false,
    pauseAtCycleEnd: false,
    version: before.version + 1,
  }
  await store(tx, ctx, actor, 'ended', before, after, { reason })
  return after
}

/**
 * Another plan from now on. The cycle stays as long as its length does; otherwise it is closed, and the next one counts
 * from now. A trial keeps its own length, whatever it leads to, and a paused subscription has no cycle to close.
 */
function changedNow(before: Subscription, wanted: Terms, now: Date): Subscription {
  const changed: Subscription = { ...before, ...wanted, pendingChange: null, version: before.version + 1 }
  const from = priceOf(before).interval
  const to = priceOf(wanted).interval
  const keepsCycle = from.unit === to.unit && from.count === to.count
  if (keepsCycle || before.status === 'trialing' || before.status === 'paused') return changed
  const start = new Date(Math.max(wholeSecond(now).getTime(), before.cycleStart.getTime()))
  return {
    ...changed,
    anchor: start,
    cycleNumber: before.cycleNumber + 1,
    cycleStart: start,
    cycleEnd: boundaryAfter(start, to, before.zone, start),
  }
}

async function store(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  action: string,
  before: Subscription,
  after: Subscription,
  details: { reason: string; charge?: string },
): Promise<void> {
  await save(tx, after)
  const closes = after.cycleNumber > before.cycleNumber
  const rowEnd = closes ? after.cycleStart : after.cycleEnd
  if (!sameTime(rowEnd, before.cycleEnd)) await moveRowEnd(tx, before, rowEnd)
  if (closes) await recordCycle(tx, ctx, after)
  await invalidateCounters(tx, after.businessId)
  await audit(tx, ctx, actor, after.businessId, {
    action: `subscription.${action}`,
    target: { kind: 'subscription', id: after.id },
    before: terms(before),
    after: { ...terms(after), ...details },
  })
}

/** The current cycle's row in the history ends where the cycle now does, so that rows follow one another without gaps. */
async function moveRowEnd(tx: Tx, { businessId, id, cycleNumber }: Subscription, cycleEnd: Date): Promise<void> {
  await tx
    .updateTable('subscriptionCycles')
    .set({ cycleEnd })
    .where('businessId', '=', businessId)
    .where('subscriptionId', '=', id)
    .where('number', '=', cycleNumber)
    .execute()
}

async function lockOpen(tx: Tx, ctx: Context, businessId: string): Promise<Subscription> {
  const business = await lockBusiness(tx, businessId)
  if (business.status !== 'active') throw new FreeholdError('business_not_open', `The business is ${business.status}`)
  return lockLive(tx, ctx, businessId)
}

async function lockLive(tx: Tx, ctx: Context, businessId: string): Promise<Subscription> {
  const subscription = await lockSubscription(tx, ctx, businessId)
  if (subscription.status === 'ended') throw new FreeholdError('subscription_ended')
  return subscription
}

function refusePaused({ status }: Subscription): void {
  if (status === 'paused') throw new FreeholdError('conflict', 'The subscription is paused: its cycle has no end now')
}

type Terms = { plan: PlanVersion; price: string }

const sameTerms = (left: Terms, right: Terms) => left.plan.id === right.plan.id && left.price === right.price

const terms = (subscription: Subscription) => ({
  ...summary(subscription),
  price: subscription.price,
  cancelAtCycleEnd: subscription.cancelAtCycleEnd,
  pendingChange: subscription.pendingChange && {
    plan: subscription.pendingChange.plan.planKey,
    price: subscription.pendingChange.price,
  },
})

const laterDay = ({ cycleEnd, zone }: Subscription, days: number) =>
  boundary(cycleEnd, { unit: 'day', count: days }, zone, 1)

const wholeSecond = (date: Date) => new Date(Math.floor(date.getTime() / 1000) * 1000)
const sameTime = (left: Date, right: Date) => left.getTime() === right.getTime()
