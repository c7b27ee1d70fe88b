import { Type } from 'typebox'
import { OptionalText, OptionalTime, Time } from '../http/schemas.ts'
import { accessOf, priceOf, type Subscription } from './lifecycle.ts'

const PlanName = Type.Object({ key: Type.String(), name: Type.String(), version: Type.Integer() })

export const SubscriptionBody = Type.Object(
  {
    id: Type.String(),
    status: Type.String({ enum: ['trialing', 'active', 'past_due', 'paused', 'ended'] }),
    access: Type.String({ enum: ['full', 'read_only', 'none'] }),
    plan: PlanName,
    price: Type.Object({
      name: Type.String(),
      amount: Type.Integer({ description: 'Minor units' }),
      currency: Type.String(),
      interval: Type.Object({ unit: Type.String(), count: Type.Integer() }),
    }),
    cycleStart: Time,
    cycleEnd: Time,
    trialEnd: OptionalTime,
    cancelAtCycleEnd: Type.Boolean(),
    pauseAtCycleEnd: Type.Boolean(),
    pendingChange: Type.Union([Type.Null(), Type.Object({ plan: PlanName, price: Type.String(), effectiveAt: Time })]),
    awaitingPayment: Type.Union(
      [Type.Null(), Type.Object({ plan: PlanName, price: Type.String(), invoiceId: Type.String() })],
      { description: 'What begins once its invoice is paid' },
    ),
    graceEnd: OptionalTime,
    endReason: OptionalText,
    endedAt: OptionalTime,
  },
  { $id: 'Subscription' },
)

export function presentSubscription(subscription: Subscription, businessOpen: boolean, now: Date) {
  const { plan, price, pendingChange, awaiting } = subscription
  return {
    id: subscription.id,
    status: subscription.status,
    access: accessOf(subscription, businessOpen, now),
    plan: planName(plan),
    price: { name: price, ...priceOf(subscription) },
    cycleStart: subscription.cycleStart,
    cycleEnd: subscription.cycleEnd,
    trialEnd: subscription.trialEnd,
    cancelAtCycleEnd: subscription.cancelAtCycleEnd,
    // What ends with its cycle is not paused then: the pause is kept for whoever takes the cancellation back.
    pauseAtCycleEnd: subscription.pauseAtCycleEnd && !subscription.cancelAtCycleEnd,
    pendingChange: pendingChange && {
      plan: planName(pendingChange.plan),
      price: pendingChange.price,
      effectiveAt: subscription.cycleEnd,
    },
    awaitingPayment: awaiting && {
      plan: planName(awaiting.plan),
      price: awaiting.price,
      invoiceId: awaiting.invoiceId,
    },
    graceEnd: subscription.graceEnd,
    endReason: subscription.endReason,
    endedAt: subscription.endedAt,
  }
}

export type PresentedSubscription = ReturnType<typeof presentSubscription>

const planName = ({ planKey, planName, version }: Subscription['plan']) => ({ key: planKey, name: planName, version })
