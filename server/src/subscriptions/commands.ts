import type { ErrorCode } from '../errors.ts'
import { boundary, boundaryAfter } from './cycle.ts'
import {
  endedAt,
  firstCycle,
  priceOf,
  sameInterval,
  sameTerms,
  wholeSecond,
  type Awaiting,
  type EndReason,
  type Subscription,
  type Terms,
} from './lifecycle.ts'
import { unusedTail } from './proration.ts'

/**
 * What people do to a subscription. Pure: a state that has been brought up to `now` and a command in; the new state with
 * what it costs, or the code of the refusal, out. Who asks has been let in and what they name exists.
 */

export type Refusal = { refused: ErrorCode; detail?: string }

/** One line of what a change costs; below zero it is a credit. Minor units. */
export type Line = Terms & {
  kind: 'cycle' | 'proration_credit' | 'proration_charge'
  amount: number
  periodStart: Date
  periodEnd: Date
}

/**
 * What comes of a command. `nothing`: it is so already. Otherwise the state afterwards; for what is paid first, the
 * state once it is paid, with `awaits` saying what waits until then.
 */
export type Decision =
  | { kind: 'nothing' }
  | { kind: Happening; after: Subscription; lines: Line[]; awaits?: Awaiting['kind']; effectiveAt: Date }

export type Happening =
  | 'created'
  | 'plan_changed'
  | 'change_scheduled'
  | 'change_cancelled'
  | 'trial_converted'
  | 'cancel_scheduled'
  | 'cancel_undone'
  | 'pause_scheduled'
  | 'pause_undone'
  | 'paused'
  | 'resumed'
  | 'extended'
  | 'ended'
  | 'past_due'
  | 'recovered'

export type PlanChange = {
  /** `byPrice`: now when it costs more, at the cycle's end when it costs less. */
  when: 'now' | 'cycleEnd' | 'byPrice'
  /** `first`: it takes effect once it is paid, as for customers. Staff invoice it or waive it, and it takes effect. */
  charge: 'first' | 'invoice' | 'waive'
  /** Whether it takes the place of a change that is pending. */
  replace: boolean
  /** Whether the plan is tried first: `used` when this business or person has tried one before. */
  trial?: 'available' | 'used' | undefined
  reason?: string | undefined
}

const nothing: Decision = { kind: 'nothing' }
const refuse = (refused: ErrorCode, detail?: string): Refusal =>
  detail === undefined ? { refused } : { refused, detail }
const next = (state: Subscription, change: Partial<Subscription>): Subscription => ({
  ...state,
  ...change,
  version: state.version + 1,
})

/** Other terms. `reckonedAt` is the instant a quote reckoned with; it is `now` without one. */
export function changePlan(
  state: Subscription,
  wanted: Terms,
  change: PlanChange,
  now: Date,
  reckonedAt = now,
): Decision | Refusal {
  const { when, charge, replace, reason } = change
  const isCustomers = charge === 'first'
  const { amount, currency } = priceOf(wanted)
  const awaiting = state.awaiting?.kind === 'resume' ? null : state.awaiting
  if (isCustomers && state.status === 'past_due') return refuse('payment_overdue')
  // What has never begun is not resumed: who could not pay for one plan may choose another.
  const isUnbegun = state.cycleNumber === 0
  if (isCustomers && state.status === 'paused' && !awaiting && !isUnbegun) {
    return refuse('conflict', 'The subscription is paused: resume it first')
  }
  if (change.trial === 'used') return refuse('trial_already_used')

  // What is tried is bought by asking for it: a trial is not what was wanted. So is what cannot be tried.
  const isTrial = state.status === 'trialing'
  const buysInTrial = isCustomers && isTrial && amount > 0 && (sameTerms(state, wanted) || wanted.plan.trialDays === 0)
  const isNew = state.status === 'ended' || (isCustomers && state.status === 'paused')
  const isCurrent = sameTerms(state, wanted) && !buysInTrial && !isNew
  const pending = awaiting ?? state.pendingChange
  const isPending = pending !== null && sameTerms(pending, wanted) && change.trial === undefined
  if (pending ? isPending && when !== 'now' : isCurrent) return nothing
  // The way back stays open, however often staff say on which plan the trial is.
  if (isCurrent && !isCustomers && when === 'now' && pending === wayBack(state)) return nothing
  const isWayBack = isCustomers && isTrial && pending !== null && priceOf(pending).amount === 0
  if (pending && !replace && !isWayBack) {
    return refuse('pending_change_exists', `Moving to ${pending.plan.planKey}; replace: true takes over`)
  }
  if (isCurrent) {
    const after = next(state, { pendingChange: null, awaiting: keptResume(state) })
    return { kind: 'change_cancelled', after, lines: [], effectiveAt: now }
  }
  if (state.status !== 'ended' && priceOf(state).currency !== currency) return refuse('currency_mismatch')
  if (change.trial) return startTrial(state, wanted, now)
  if (isNew || buysInTrial) return buy(state, wanted, change, now)
  if (when === 'cycleEnd' || (when === 'byPrice' && !takesEffectNow(state, wanted))) {
    if (state.status === 'paused') return pausedHasNoEnd
    const pendingChange = { ...wanted, ...(reason && { reason }), ...(charge !== 'first' && { charge }) }
    const after = next(state, { pendingChange, awaiting: keptResume(state) })
    return { kind: 'change_scheduled', after, lines: [], effectiveAt: state.cycleEnd }
  }
  const lines = charge === 'waive' ? [] : changeLines(state, wanted, reckonedAt)
  const after = changedNow(state, wanted, charge !== 'waive', now)
  const decision = { kind: 'plan_changed', after, lines, effectiveAt: now } as const
  // What credits the rest of a cycle is reckoned for this cycle alone.
  return isCustomers && net(lines) > 0
    ? { ...decision, awaits: state.billed === 0 && !sameInterval(state, wanted) ? 'start' : 'change' }
    : decision
}

/** What costs more is had at once; in a trial, so is another plan that may be tried. */
function takesEffectNow(state: Subscription, wanted: Terms): boolean {
  const [before, after] = [priceOf(state), priceOf(wanted)]
  if (state.status === 'trialing' && after.amount > 0) return true
  return after.amount > before.amount || (after.amount === before.amount && sameInterval(state, wanted))
}

/** A first cycle that begins now, or when it is paid. It follows on a trial, or on a subscription that is over. */
function buy(state: Subscription, wanted: Terms, { charge }: PlanChange, now: Date): Decision {
  const after = begun(state, wanted, charge === 'waive' ? 0 : priceOf(wanted).amount, now)
  const lines = charge === 'waive' ? [] : fullCycle(after)
  const kind = state.status === 'trialing' ? 'trial_converted' : 'created'
  const decision = { kind, after, lines, effectiveAt: now } as const
  return charge === 'first' && lines.length > 0 ? { ...decision, awaits: 'start' } : decision
}

/** What a new business is to begin with, once it is paid. */
export const buyFirst = (state: Subscription, now: Date): Decision =>
  buy(state, { plan: state.plan, price: state.price }, { when: 'now', charge: 'first', replace: false }, now)

/** A trial of a paid plan, which costs nothing. Who came from a free plan falls back to it. */
function startTrial(state: Subscription, wanted: Terms, now: Date): Decision | Refusal {
  const { plan, price } = wanted
  if (plan.trialDays === 0) return refuse('conflict', `The plan ${plan.planKey} has no trial`)
  const isNew = isOver(state.status)
  if (!isNew && (state.status === 'trialing' || priceOf(state).amount > 0)) {
    return refuse('conflict', 'A trial begins on a free plan, or without one')
  }
  const { plan: freePlan, price: freePrice } = state
  const start = startAfter(state, now)
  const after = next(state, {
    ...wanted,
    ...firstCycle(plan, price, state.zone, start, true),
    cycleNumber: state.cycleNumber + 1,
    pendingChange: isNew ? null : { plan: freePlan, price: freePrice },
    pauseAtCycleEnd: false,
    awaiting: null,
    endReason: null,
    endedAt: null,
    billed: 0,
  })
  return { kind: isNew ? 'created' : 'plan_changed', after, lines: [], effectiveAt: now }
}

/**
 * Another plan from now on. The cycle stays as long as its length does; otherwise it is closed, and the next one counts
 * from now. A trial keeps its own length where the plan has one, and a paused subscription has no cycle to close.
 */
function changedNow(state: Subscription, wanted: Terms, isCharged: boolean, now: Date): Subscription {
  const { amount } = priceOf(wanted)
  // From a trial the way back to a free plan stays open, unless that is where it leads now.
  const back = wayBack(state)
  const pendingChange = back && !sameTerms(back, wanted) ? back : null
  const changed = next(state, { ...wanted, pendingChange, awaiting: null })
  if (state.status === 'trialing' || state.status === 'paused') return changed
  if (sameInterval(state, wanted)) return { ...changed, billed: isCharged ? amount : state.billed }
  return begun(changed, wanted, isCharged ? amount : 0, now, changed.version)
}

const wayBack = ({ status, pendingChange }: Subscription) =>
  status === 'trialing' && pendingChange && priceOf(pendingChange).amount === 0 ? pendingChange : null

/** A cycle that begins now, counted from now. */
function begun(
  state: Subscription,
  wanted: Terms,
  billed: number,
  now: Date,
  version = state.version + 1,
): Subscription {
  const start = startAfter(state, now)
  return {
    ...state,
    ...wanted,
    status: state.status === 'past_due' ? 'past_due' : 'active',
    anchor: start,
    cycleNumber: state.cycleNumber + 1,
    cycleStart: start,
    cycleEnd: boundaryAfter(start, priceOf(wanted).interval, state.zone, start),
    pendingChange: null,
    pauseAtCycleEnd: false,
    awaiting: null,
    endReason: null,
    endedAt: null,
    billed,
    version,
  }
}

// After the cycle before it, also where the clock went back; one that is closed as it begins has a length all the same.
function startAfter({ status, cycleNumber, cycleStart, cycleEnd }: Subscription, now: Date): Date {
  const earliest = cycleNumber === 0 ? cycleStart : isOver(status) ? cycleEnd : aSecondAfter(cycleStart)
  return new Date(Math.max(wholeSecond(now).getTime(), earliest.getTime()))
}

const isOver = (status: Subscription['status']) => status === 'ended' || status === 'paused'

const aSecondAfter = (at: Date) => new Date(at.getTime() + 1000)

/** What a change at `at` costs: minus the rest of what was billed, plus the rest, or the whole, of what replaces it. */
function changeLines(state: Subscription, wanted: Terms, at: Date): Line[] {
  if (state.status === 'trialing' || state.status === 'paused') return []
  const { cycleStart, cycleEnd, billed } = state
  const from = at < cycleStart ? cycleStart : at > cycleEnd ? cycleEnd : wholeSecond(at)
  const rest = (terms: Terms, amount: number) => ({
    plan: terms.plan,
    price: terms.price,
    amount: unusedTail(amount, cycleStart, cycleEnd, from),
    periodStart: from,
    periodEnd: cycleEnd,
  })
  const old = rest(state, billed)
  const { amount } = priceOf(wanted)
  const replacement: Line = sameInterval(state, wanted)
    ? { ...rest(wanted, amount), kind: 'proration_charge' }
    : { ...cycleLine(begun(state, wanted, amount, from)), kind: 'cycle' }
  const lines: Line[] = [{ ...old, amount: -old.amount, kind: 'proration_credit' }, replacement]
  return lines.filter((line) => line.amount !== 0)
}

const cycleLine = ({ plan, price, billed, cycleStart, cycleEnd }: Subscription): Line => ({
  kind: 'cycle',
  plan,
  price,
  amount: billed,
  periodStart: cycleStart,
  periodEnd: cycleEnd,
})

/** The line of a whole cycle; none when it costs nothing. */
export const fullCycle = (state: Subscription): Line[] => (state.billed > 0 ? [cycleLine(state)] : [])

export const net = (lines: Line[]) => lines.reduce((sum, { amount }) => sum + amount, 0)

/** What was awaited has been paid: it takes effect now. The lines are what it would have cost now. */
export function takeEffect(state: Subscription, now: Date): Decision {
  const { awaiting } = state
  if (!awaiting) return nothing
  const wanted = { plan: awaiting.plan, price: awaiting.price }
  const paid = { ...state, awaiting: null }
  if (awaiting.kind === 'change') {
    const lines = changeLines(state, wanted, now)
    return { kind: 'plan_changed', after: changedNow(paid, wanted, true, now), lines, effectiveAt: now }
  }
  const begunAnew = begun(paid, wanted, priceOf(wanted).amount, now)
  // What was to come with the next cycle still does.
  const after = awaiting.kind === 'resume' ? { ...begunAnew, pendingChange: state.pendingChange } : begunAnew
  const kind = {
    trialing: 'trial_converted',
    ended: 'created',
    paused: awaiting.kind === 'resume' ? 'resumed' : 'created',
  } as const
  const happened = state.status in kind ? kind[state.status as keyof typeof kind] : 'plan_changed'
  // A cycle that was billed while this was waited for is cut off, and its rest given back.
  const cutOff = state.status === 'ended' ? [] : creditOfRest(state, now)
  return { kind: happened, after, lines: [...cutOff, ...fullCycle(after)], effectiveAt: now }
}

export function cancel(state: Subscription, when: 'now' | 'cycleEnd', now: Date): Decision | Refusal {
  if (state.status === 'ended') return refuse('subscription_ended')
  if (when === 'now') return end(state, 'cancelled', now)
  if (state.status === 'paused') return pausedHasNoEnd
  if (state.cancelAtCycleEnd) return nothing
  // A scheduled pause stays: the end goes before it, and it is there again when that is taken back.
  const after = next(state, { cancelAtCycleEnd: true })
  return { kind: 'cancel_scheduled', after, lines: [], effectiveAt: state.cycleEnd }
}

const pausedHasNoEnd = refuse('conflict', 'The subscription is paused: its cycle has no end now')

/** What the rest of the cycle was billed, given back. */
export const creditOfRest = (state: Subscription, now: Date): Line[] => {
  const { plan, price, billed, cycleStart, cycleEnd } = state
  const from = now > cycleEnd ? cycleEnd : now < cycleStart ? cycleStart : wholeSecond(now)
  const amount = -unusedTail(billed, cycleStart, cycleEnd, from)
  return amount === 0 ? [] : [{ kind: 'proration_credit', plan, price, amount, periodStart: from, periodEnd: cycleEnd }]
}

/** Over now, the cycle cut off. Nothing can be bought with what was asked for before. */
export function end(state: Subscription, reason: EndReason, now: Date): Decision | Refusal {
  if (state.status === 'ended') return refuse('subscription_ended')
  const at = wholeSecond(now)
  // A cycle has a length, also when it is ended in the second in which it began; a pause came after its cycle.
  const cut = at > state.cycleStart ? at : aSecondAfter(state.cycleStart)
  const cycleEnd = state.status === 'paused' && state.cycleEnd < cut ? state.cycleEnd : cut
  const after: Subscription = { ...endedAt(state, at, reason), cycleEnd, awaiting: null }
  return { kind: 'ended', after, lines: [], effectiveAt: at }
}

export function undoCancel(state: Subscription, now: Date): Decision | Refusal {
  if (state.status === 'ended') return refuse('subscription_ended')
  if (!state.cancelAtCycleEnd) return refuse('no_scheduled_cancellation')
  return { kind: 'cancel_undone', after: next(state, { cancelAtCycleEnd: false }), lines: [], effectiveAt: now }
}

export function pause(state: Subscription): Decision | Refusal {
  if (state.status === 'ended') return refuse('subscription_ended')
  if (state.status !== 'active') return refuse('cannot_pause', `The subscription is ${state.status}`)
  if (state.cancelAtCycleEnd) return refuse('cannot_pause', 'It ends with its cycle')
  if (state.pauseAtCycleEnd) return nothing
  const after = next(state, { pauseAtCycleEnd: true })
  return { kind: 'pause_scheduled', after, lines: [], effectiveAt: state.cycleEnd }
}

/** Takes back a pause that has not begun; one that has is over once the next cycle is paid. */
export function undoPause(state: Subscription, now: Date): Decision | Refusal {
  if (state.status === 'ended') return refuse('subscription_ended')
  if (state.pauseAtCycleEnd) {
    return { kind: 'pause_undone', after: next(state, { pauseAtCycleEnd: false }), lines: [], effectiveAt: now }
  }
  if (state.status !== 'paused' || state.awaiting?.kind === 'start') return refuse('not_paused')
  if (state.awaiting) return nothing
  const { plan, price } = state
  const after = begun(state, { plan, price }, priceOf(state).amount, now)
  const resumed: Subscription = { ...after, pendingChange: state.pendingChange }
  const lines = fullCycle(resumed)
  const decision = { kind: 'resumed', after: resumed, lines, effectiveAt: now } as const
  return lines.length > 0 ? { ...decision, awaits: 'resume' } : decision
}

const mostDays = 3660

/** Lengthens the cycle, or the trial; later ones are counted from its new end. Refused with 422 unless it is forward. */
export function extend(state: Subscription, cycleEnd: Date): Decision | Refusal {
  if (state.status === 'ended') return refuse('subscription_ended')
  if (state.status === 'past_due') return refuse('payment_overdue')
  if (state.status === 'paused') return pausedHasNoEnd
  const until = cycleEnd.getTime()
  if (until === state.cycleEnd.getTime() && until === state.anchor.getTime()) return nothing
  if (cycleEnd <= state.cycleEnd) {
    return refuse('invalid_request', `must be after the cycle's end, ${state.cycleEnd.toISOString()}`)
  }
  if (cycleEnd > laterDay(state, mostDays)) {
    return refuse('invalid_request', `may lengthen the cycle by ${mostDays} days at most`)
  }
  const trialEnd = state.status === 'trialing' ? cycleEnd : state.trialEnd
  const after = next(state, { anchor: cycleEnd, cycleEnd, trialEnd })
  return { kind: 'extended', after, lines: [], effectiveAt: cycleEnd }
}

export const laterDay = ({ cycleEnd, zone }: Subscription, days: number) =>
  boundary(cycleEnd, { unit: 'day', count: days }, zone, 1)

/** A trial goes over into what it is a trial of, now. */
export function convertTrial(state: Subscription, charge: 'invoice' | 'waive', now: Date): Decision | Refusal {
  if (state.status === 'ended') return refuse('subscription_ended')
  if (state.status !== 'trialing') {
    return state.trialEnd === null ? refuse('conflict', 'The subscription is in no trial') : nothing
  }
  const after = begun(state, state, charge === 'waive' ? 0 : priceOf(state).amount, now)
  return { kind: 'trial_converted', after, lines: fullCycle(after), effectiveAt: now }
}

/** A payment is overdue: everything works until `graceEnd`. */
export function fallBehind(state: Subscription, graceEnd: Date, now: Date): Decision | Refusal {
  if (state.status === 'ended') return refuse('subscription_ended')
  if (state.status !== 'active') return nothing
  return { kind: 'past_due', after: next(state, { status: 'past_due', graceEnd }), lines: [], effectiveAt: now }
}

/** Nothing is overdue any more. */
export function recover(state: Subscription, now: Date): Decision {
  if (state.status !== 'past_due') return nothing
  return { kind: 'recovered', after: next(state, { status: 'active', graceEnd: null }), lines: [], effectiveAt: now }
}

const keptResume = ({ awaiting }: Subscription) => (awaiting?.kind === 'resume' ? awaiting : null)
