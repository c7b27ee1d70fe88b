import type { Actor, Context } from '../context.ts'
import type { Queryable, Tx } from '../db/open.ts'
import { FreeholdError } from '../errors.ts'
import { creditBalance } from '../invoices/credit.ts'
import { currentPlanVersion, isHidden, priceNamed } from '../plans/plans.ts'
import { apply, lockOpen } from './apply.ts'
import { described } from './billing.ts'
import { cancel, changePlan, net, pause, undoCancel, undoPause, type Decision, type PlanChange } from './commands.ts'
import { blockersOf, freezesOf, type Blocker } from './fit.ts'
import { priceOf, type Subscription, type Terms } from './lifecycle.ts'
import { newQuote, openQuote, reckonedAt } from './quotes.ts'
import { overdueOf } from './payments.ts'
import { currentSubscription } from './subscriptions.ts'
import { trialUse } from './trials.ts'

/** What a business decides about its own subscription. */

export type PlanChoice = {
  plan: string
  /** The plan's first when left out. */
  price?: string | undefined
  /** From a preview: the change happens as it said, or not at all. */
  quoteId?: string | undefined
  /** Whether it takes the place of a change that is pending. */
  replace: boolean
  /** Whether the plan's trial is asked for. */
  trial: boolean
}

/** Moves to another plan: once it is paid when it costs more, at the end of the cycle when it costs less. */
export async function choosePlan(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  businessId: string,
  choice: PlanChoice,
): Promise<Subscription> {
  const quote = choice.quoteId === undefined ? undefined : openQuote(ctx, choice.quoteId)
  const before = await lockOpen(tx, ctx, businessId)
  const wanted = await termsOf(tx, before, choice)
  const now = ctx.now()
  const at = quote && reckonedAt(ctx, quote, before, wanted, choice.trial)
  const decision = changePlan(before, wanted, await changeOf(tx, ctx, actor, before, choice), now, at)
  if ('refused' in decision) throw new FreeholdError(decision.refused, decision.detail)
  const [blocker] = decision.kind === 'nothing' ? [] : await blockersOf(tx, ctx, before, wanted)
  if (blocker) throw doesNotFit(blocker)
  return apply(tx, ctx, actor, before, decision)
}

/** What it would come to. Nothing is written. */
export async function previewPlan(db: Queryable, ctx: Context, actor: Actor, businessId: string, choice: PlanChoice) {
  const before = await currentSubscription(db, ctx, businessId)
  if (!before) throw new FreeholdError('not_found', 'The business has no subscription')
  const wanted = await termsOf(db, before, choice)
  const now = ctx.now()
  const decision = changePlan(before, wanted, await changeOf(db, ctx, actor, before, choice), now)
  if ('refused' in decision) throw new FreeholdError(decision.refused, decision.detail)
  const { currency } = priceOf(wanted)
  const lines = decision.kind === 'nothing' ? [] : decision.lines
  const inHand = await creditBalance(db, businessId, currency)
  return {
    direction: directionOf(before, wanted, decision),
    effectiveAt: decision.kind === 'nothing' ? now : decision.effectiveAt,
    currency,
    lines: lines.map(described),
    dueNow: Math.max(0, net(lines) - inHand),
    nextAmount: priceOf(wanted).amount,
    blockers: decision.kind === 'nothing' ? [] : await blockersOf(db, ctx, before, wanted),
    freezes: decision.kind === 'nothing' ? [] : await freezesOf(db, ctx, before, wanted),
    ...newQuote(ctx, before, wanted, choice.trial),
  }
}

export type Direction = 'upgrade' | 'downgrade' | 'sidegrade' | 'start' | 'trial' | 'none'

function directionOf(before: Subscription, wanted: Terms, decision: Decision): Direction {
  if (decision.kind === 'nothing' || decision.kind === 'change_cancelled') return 'none'
  if (decision.after.status === 'trialing' && before.status !== 'trialing') return 'trial'
  if (decision.kind === 'created' || decision.kind === 'trial_converted') return 'start'
  const difference = priceOf(wanted).amount - priceOf(before).amount
  return difference > 0 ? 'upgrade' : difference < 0 ? 'downgrade' : 'sidegrade'
}

/** What customers may choose: what the catalogue shows, and what they have already. */
async function termsOf(db: Queryable, before: Subscription, { plan: planKey, price }: PlanChoice): Promise<Terms> {
  const plan = await currentPlanVersion(db, planKey, before.status === 'ended' ? undefined : before.plan)
  if (plan.planKey !== before.plan.planKey && (await isHidden(db, planKey))) throw unknownPlan(planKey)
  return { plan, price: priceNamed(plan, price).name }
}

const unknownPlan = (key: string) =>
  new FreeholdError('unknown_plan', `There is no plan ${key}`, {
    errors: [{ path: 'body/plan', message: `there is no plan ${key}` }],
  })

async function changeOf(
  db: Queryable,
  ctx: Context,
  actor: Actor,
  before: Subscription,
  { replace, trial }: PlanChoice,
): Promise<PlanChange> {
  const change = { when: 'byPrice', charge: 'first', replace } as const
  return trial ? { ...change, trial: await trialUse(db, ctx, actor, before.businessId) } : change
}

const doesNotFit = (blocker: Blocker) =>
  new FreeholdError(
    'downgrade_does_not_fit',
    `${blocker.used} of ${blocker.feature} are in use, and the plan allows ${blocker.limit}`,
    { extensions: { ...blocker } },
  )

export async function scheduleCancellation(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  businessId: string,
  when: 'now' | 'cycleEnd',
): Promise<Subscription> {
  const before = await lockOpen(tx, ctx, businessId)
  return apply(tx, ctx, actor, before, cancel(before, when, ctx.now()))
}

export async function undoCancellation(tx: Tx, ctx: Context, actor: Actor, businessId: string): Promise<Subscription> {
  const before = await lockOpen(tx, ctx, businessId)
  return apply(tx, ctx, actor, before, undoCancel(before, ctx.now()))
}

/** From the end of the cycle on nothing can be used, and nothing is charged. */
export async function schedulePause(tx: Tx, ctx: Context, actor: Actor, businessId: string): Promise<Subscription> {
  const before = await lockOpen(tx, ctx, businessId)
  return apply(tx, ctx, actor, before, pause(before))
}

/** Takes a scheduled pause back, or resumes: with a new cycle, at the full price, once it is paid. */
export async function endPause(tx: Tx, ctx: Context, actor: Actor, businessId: string): Promise<Subscription> {
  const before = await lockOpen(tx, ctx, businessId)
  const decision = undoPause(before, ctx.now())
  if ('kind' in decision && decision.kind === 'resumed' && (await overdueOf(tx, before, ctx.now()))) {
    throw new FreeholdError('payment_overdue', 'Pay what is owed for the time before the pause first')
  }
  return apply(tx, ctx, actor, before, decision)
}
