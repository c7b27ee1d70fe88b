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
  pendingChange: PendingChange | null
  cancelAtCycleEnd: boolean
  pauseAtCycleEnd: boolean
  /** What the cycle was billed, in minor units: 0 where it was waived, is free or a trial. The base of a credit. */
  billed: number
  awaiting: Awaiting | null
  graceEnd: Date | null
  endReason: EndReason | null
  endedAt: Date | null
  version: number
}

export type Terms = { plan: PlanVersion; price: string }

/** What the cycle's end brings. `charge` is what staff decided; a customer's own change is charged. */
export type PendingChange = Terms & { reason?: string; charge?: 'invoice' | 'waive' }

/**
 * What begins when its invoice is paid, and not before: a change within this cycle, which lapses with it; a start, whose
 * first cycle begins with the payment; or a paused subscription's resumption.
 */
export type Awaiting = Terms & { kind: 'change' | 'start' | 'resume'; invoiceId: string }

export type EndReason = 'cancelled' | 'plan_ended' | 'trial_expired' | 'fell_back' | 'business_closed' | 'unpaid'

export type Step = { at: Date } & (
  | { kind: 'renewed' | 'plan_changed' | 'trial_converted' | 'trial_expired' | 'paused' }
  | { kind: 'ended'; reason: EndReason; fallbackPlan: string | null }
)

/** What a boundary brought, and the state after it. */
export type Boundary = { subscription: Subscription; step: Step }

/** The last state of a cycle that ended, and the first of the next. */
export type Turn = { before: Subscription; after: Subscription }

/** Whether time has anything to do here. */
export const isDue = (subscription: Subscription, now: Date): boolean =>
  subscription.status !== 'ended' && subscription.status !== 'paused' && subscription.cycleEnd <= now

/** Takes every boundary that has passed, oldest first, and yields the state after each. */
export function* advance(subscription: Subscription, now: Date): Generator<Boundary, void> {
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
function atBoundary(state: Subscription): Boundary {
  const at = state.cycleEnd
  if (state.cancelAtCycleEnd) return end({ ...state, awaiting: null }, 'cancelled', null)
  if (state.pauseAtCycleEnd) {
    return { subscription: { ...paused(state), awaiting: null }, step: { kind: 'paused', at } }
  }
  if (state.pendingChange && !(state.status === 'trialing' && isUnpaid(state.pendingChange))) {
    const { plan, price, charge } = state.pendingChange
    const anchor = sameInterval(state.pendingChange, state) && state.status !== 'trialing' ? state.anchor : at
    // Another plan does not pay what is owed for the last one.
    const status = state.status === 'past_due' ? 'past_due' : 'active'
    const changed: Subscription = { ...state, plan, price, anchor, status, pendingChange: null }
    const isTrialKept = state.status === 'trialing' && sameTerms(state, state.pendingChange)
    return {
      subscription: nextCycle(changed, charge === 'waive'),
      step: { kind: isTrialKept ? 'trial_converted' : 'plan_changed', at },
    }
  }
  if (state.status === 'trialing') {
    if (priceOf(state).amount === 0) {
      const converted = nextCycle({ ...state, status: 'active', anchor: at })
      return { subscription: converted, step: { kind: 'trial_converted', at } }
    }
    if (state.plan.onTrialEnd === 'end') return end(state, 'trial_expired', state.plan.fallbackPlan)
    return { subscription: paused(state), step: { kind: 'trial_expired', at } }
  }
  if (state.plan.onEnd === 'end') return end(state, 'plan_ended', null)
  if (state.plan.onEnd === 'fallback') return end(state, 'fell_back', state.plan.fallbackPlan)
  return { subscription: nextCycle(state), step: { kind: 'renewed', at } }
}

/** A trial ends in what costs something only when somebody has said how that is settled. */
const isUnpaid = (change: PendingChange) => change.charge === undefined && priceOf(change).amount > 0

function nextCycle(state: Subscription, isWaived = false): Subscription {
  const cycleStart = state.cycleEnd
  const { amount, interval } = priceOf(state)
  return {
    ...state,
    cycleNumber: state.cycleNumber + 1,
    cycleStart,
    cycleEnd: boundaryAfter(state.anchor, interval, state.zone, cycleStart),
    billed: isWaived ? 0 : amount,
    awaiting: lapsesAtBoundary(state.awaiting) ? null : state.awaiting,
    version: state.version + 1,
  }
}

/** What was reckoned for the rest of a cycle is worth nothing after it. */
const lapsesAtBoundary = (awaiting: Awaiting | null) => awaiting?.kind === 'change'

const paused = (state: Subscription): Subscription => ({
  ...state,
  status: 'paused',
  pauseAtCycleEnd: false,
  awaiting: lapsesAtBoundary(state.awaiting) ? null : state.awaiting,
  version: state.version + 1,
})

function end(state: Subscription, reason: EndReason, fallbackPlan: string | null) {
  const at = state.cycleEnd
  const step: Step = { kind: 'ended', at, reason, fallbackPlan }
  return { subscription: endedAt(state, at, reason), step }
}

/** Over, with nothing scheduled any more. What was to start once it is paid may do so still: it starts anew then. */
export const endedAt = (state: Subscription, at: Date, endReason: EndReason): Subscription => ({
  ...state,
  status: 'ended',
  endReason,
  endedAt: at,
  pendingChange: null,
  cancelAtCycleEnd: false,
  pauseAtCycleEnd: false,
  awaiting: lapsesAtBoundary(state.awaiting) ? null : state.awaiting,
  version: state.version + 1,
})

export function priceOf({ plan, price }: Terms) {
  const found = plan.prices[price]
  if (!found) throw new Error(`Plan version ${plan.id} has no price ${price}`)
  return found
}

export const sameTerms = (left: Terms, right: Terms) => left.plan.id === right.plan.id && left.price === right.price

export function sameInterval(left: Terms, right: Terms): boolean {
  const [one, other] = [priceOf(left).interval, priceOf(right).interval]
  return one.unit === other.unit && one.count === other.count
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
  const anchor = wholeSecond(start)
  const cycleEnd = boundaryAfter(anchor, interval, zone, anchor)
  return {
    anchor,
    cycleStart: anchor,
    cycleEnd,
    status: trial ? ('trialing' as const) : ('active' as const),
    trialEnd: trial ? cycleEnd : null,
  }
}

/** Cycles are whole seconds. */
export const wholeSecond = (date: Date) => new Date(Math.floor(date.getTime() / 1000) * 1000)
