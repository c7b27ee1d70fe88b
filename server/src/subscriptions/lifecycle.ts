import type { PlanVersion } from '../plans/plans.ts'
import { boundaryAfter } from './cycle.ts'

/**
 * What time does to a subscription. Pure: state in, state and what happened out. One boundary is taken per step,
 * effective at the boundary and never at `now`, so that late, repeated and racing runs come to the same result.
 */

export type SubscriptionStatus = 'trialing' | 'active' | 'past_due' | 'paused' | 'ended'

export type Subscription = {
  id: string
  businessId: string
  plan: PlanVersion
  /** The name of the price in the plan version. */
  price: string
  status: SubscriptionStatus
  anchor: Date
  zone: string
  cycleNumber: number
  cycleStart: Date
  cycleEnd: Date
  trialEnd: Date | null
  pendingChange: { plan: PlanVersion; price: string; reason?: string } | null
  cancelAtCycleEnd: boolean
  pauseAtCycleEnd: boolean
  graceEnd: Date | null
  endReason: EndReason | null
  endedAt: Date | null
  version: number
}

export type EndReason = 'cancelled' | 'plan_ended' | 'trial_expired' | 'fell_back' | 'business_closed' | 'unpaid'

export type Step =
  | { kind: 'renewed' | 'plan_changed' | 'trial_converted'; at: Date }
  | { kind: 'paused'; at: Date }
  | { kind: 'ended'; at: Date; reason: EndReason; fallbackPlan: string | null }

/** Whether time has anything to do here. */
export const isDue = (subscription: Subscription, now: Date): boolean =>
  subscription.status !== 'ended' && subscription.status !== 'paused' && subscription.cycleEnd <= now

/** Takes every boundary that has passed, oldest first, and yields the state after each. */
export function* advance(
  subscription: Subscription,
  now: Date,
): Generator<{ subscription: Subscription; step: Step }, void> {
  let state = subscription
  while (isDue(state, now)) {
    const { subscription: next, step } = atBoundary(state)
    yield { subscription: next, step }
    state = next
  }
}

/** The state as it is at `now`, for answers that must be right while no worker runs. */
export function project(subscription: Subscription, now: Date): Subscription {
  let state = subscription
  for (const { subscription: next } of advance(subscription, now)) state = next
  return state
}

// In this order: cancellation, pause, pending change, the trial's end, the plan's own rule, renewal.
function atBoundary(state: Subscription): { subscription: Subscription; step: Step } {
  const at = state.cycleEnd
  if (state.cancelAtCycleEnd) return end(state, 'cancelled', null)
  if (state.pauseAtCycleEnd) {
    const paused: Subscription = { ...state, status: 'paused', pauseAtCycleEnd: false, version: state.version + 1 }
    return { subscription: paused, step: { kind: 'paused', at } }
  }
  if (state.pendingChange) {
    const { plan, price } = state.pendingChange
    const sameInterval = intervalText(plan, price) === intervalText(state.plan, state.price)
    const anchor = sameInterval && state.status !== 'trialing' ? state.anchor : at
    // Another plan does not pay what is owed for the last one.
    const status = state.status === 'past_due' ? 'past_due' : 'active'
    const changed: Subscription = { ...state, plan, price, anchor, status, pendingChange: null }
    return { subscription: nextCycle(changed), step: { kind: 'plan_changed', at } }
  }
  if (state.status === 'trialing') {
    if (priceOf(state).amount > 0) return end(state, 'trial_expired', state.plan.fallbackPlan)
    return {
      subscription: nextCycle({ ...state, status: 'active', anchor: at }),
      step: { kind: 'trial_converted', at },
    }
  }
  if (state.plan.onEnd === 'end') return end(state, 'plan_ended', null)
  if (state.plan.onEnd === 'fallback') return end(state, 'fell_back', state.plan.fallbackPlan)
  return { subscription: nextCycle(state), step: { kind: 'renewed', at } }
}

function nextCycle(state: Subscription): Subscription {
  const cycleStart = state.cycleEnd
  return {
    ...state,
    cycleNumber: state.cycleNumber + 1,
    cycleStart,
    cycleEnd: boundaryAfter(state.anchor, priceOf(state).interval, state.zone, cycleStart),
    version: state.version + 1,
  }
}

function end(state: Subscription, endReason: EndReason, fallbackPlan: string | null) {
  const at = state.cycleEnd
  return {
    subscription: {
      ...state,
      status: 'ended' as const,
      endReason,
      endedAt: at,
      pendingChange: null,
      cancelAtCycleEnd: false,
      pauseAtCycleEnd: false,
      version: state.version + 1,
    },
    step: { kind: 'ended' as const, at, reason: endReason, fallbackPlan },
  }
}

export function priceOf({ plan, price }: Pick<Subscription, 'plan' | 'price'>) {
  const found = plan.prices[price]
  if (!found) throw new Error(`Plan version ${plan.id} has no price ${price}`)
  return found
}

function intervalText(plan: PlanVersion, price: string): string {
  const { interval } = priceOf({ plan, price })
  return `${interval.count} ${interval.unit}`
}

/** What a subscription entitles to. Stored status and derived access are different things. */
export type SubscriptionAccess = 'full' | 'read_only' | 'none'

export function accessOf(subscription: Subscription | undefined, businessOpen: boolean, now: Date): SubscriptionAccess {
  if (!businessOpen || subscription === undefined) return 'none'
  if (subscription.status === 'ended' || subscription.status === 'paused') return 'none'
  if (subscription.status === 'past_due' && subscription.graceEnd !== null && subscription.graceEnd <= now)
    return 'read_only'
  return 'full'
}

/** A new subscription's first cycle: a trial when the plan has one and it has not been used, otherwise a full cycle. */
export function firstCycle(plan: PlanVersion, price: string, zone: string, start: Date, trial: boolean) {
  const interval = trial ? { unit: 'day' as const, count: plan.trialDays } : priceOf({ plan, price }).interval
  const anchor = new Date(Math.floor(start.getTime() / 1000) * 1000)
  const cycleEnd = boundaryAfter(anchor, interval, zone, anchor)
  return {
    anchor,
    cycleStart: anchor,
    cycleEnd,
    status: trial ? ('trialing' as const) : ('active' as const),
    trialEnd: trial ? cycleEnd : null,
  }
}
