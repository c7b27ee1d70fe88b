import type { NewEvent } from '../events/emit.ts'
import type { Happening } from './commands.ts'
import type { Step, Subscription, Terms } from './lifecycle.ts'

/** The events of a subscription: one for each transition, from the states before and after it. */

const termsOf = ({ plan, price }: Terms) => ({ plan: plan.planKey, version: plan.version, price })
export const subject = (subscription: Subscription) => ({ subscriptionId: subscription.id, ...termsOf(subscription) })

/** What time has done. */
export function eventOfStep(before: Subscription, after: Subscription, step: Step): NewEvent {
  if (step.kind === 'trial_expired' || (step.kind === 'ended' && step.reason === 'trial_expired')) {
    const fallbackPlan = step.kind === 'ended' ? step.fallbackPlan : null
    const data = { ...subject(after), at: step.at, fallbackPlan, paused: step.kind === 'trial_expired' }
    return { businessId: after.businessId, type: 'subscription.trial_expired', data }
  }
  return eventOf(step.kind, before, after)
}

/** A change reckoned for the rest of a cycle that is over. */
export function lapsedChange(before: Subscription, after: Subscription): NewEvent[] {
  const { awaiting } = before
  if (!awaiting || awaiting.kind !== 'change' || after.awaiting) return []
  return [changeFailed(before, awaiting, 'cycle_ended')]
}

export const changeFailed = (from: Subscription, to: Terms, reason: string): NewEvent => ({
  businessId: from.businessId,
  type: 'subscription.change_failed',
  data: { subscriptionId: from.id, from: termsOf(from), to: termsOf(to), reason },
})

/** What somebody has done. Scheduling a pause, and taking that back, is no transition: the pause is. */
export function eventOf(
  kind: Exclude<Happening, 'pause_scheduled' | 'pause_undone'> | 'renewed',
  before: Subscription,
  after: Subscription,
  about: { invoiceId?: string | null } = {},
): NewEvent {
  const { businessId, cycleStart, cycleEnd } = after
  const cycle = { cycleStart, cycleEnd }
  switch (kind) {
    case 'created':
      return { businessId, type: 'subscription.created', data: created(after) }
    case 'renewed': {
      const data = { ...subject(after), cycleNumber: after.cycleNumber, ...cycle }
      return { businessId, type: 'subscription.renewed', data }
    }
    case 'trial_converted':
      return { businessId, type: 'subscription.trial_converted', data: { ...subject(after), ...cycle } }
    case 'resumed':
      return { businessId, type: 'subscription.resumed', data: { ...subject(after), ...cycle } }
    case 'plan_changed': {
      const data = { subscriptionId: after.id, from: termsOf(before), to: termsOf(after) }
      return { businessId, type: 'subscription.plan_changed', data }
    }
    case 'change_scheduled': {
      const to = termsOf(after.pendingChange ?? after)
      const data = { subscriptionId: after.id, from: termsOf(before), to, effectiveAt: cycleEnd }
      return { businessId, type: 'subscription.change_scheduled', data }
    }
    case 'change_cancelled': {
      const to = termsOf(before.awaiting ?? before.pendingChange ?? before)
      return {
        businessId,
        type: 'subscription.change_cancelled',
        data: { subscriptionId: after.id, from: termsOf(before), to },
      }
    }
    case 'cancel_scheduled':
      return { businessId, type: 'subscription.cancel_scheduled', data: { ...subject(after), effectiveAt: cycleEnd } }
    case 'extended': {
      const data = { ...subject(after), from: before.cycleEnd, to: cycleEnd }
      return { businessId, type: 'subscription.extended', data }
    }
    case 'ended': {
      const data = { ...subject(after), reason: after.endReason, endedAt: after.endedAt ?? cycleEnd }
      return { businessId, type: 'subscription.ended', data }
    }
    case 'past_due': {
      const data = { ...subject(after), invoiceId: about.invoiceId ?? null, graceEnd: after.graceEnd }
      return { businessId, type: 'subscription.past_due', data }
    }
    case 'cancel_undone':
    case 'paused':
    case 'recovered':
      return { businessId, type: `subscription.${kind}`, data: subject(after) }
  }
}

const created = (subscription: Subscription) => ({
  ...subject(subscription),
  status: subscription.status,
  trialEnd: subscription.trialEnd,
  cycleStart: subscription.cycleStart,
  cycleEnd: subscription.cycleEnd,
})
