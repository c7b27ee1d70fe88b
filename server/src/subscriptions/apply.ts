import { audit } from '../audit/audit.ts'
import { lockBusiness } from '../businesses/businesses.ts'
import type { Actor, Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { FreeholdError } from '../errors.ts'
import { emit, emitAll } from '../events/emit.ts'
import { voidInvoice } from '../invoices/closing.ts'
import { paymentTermDays } from '../invoices/finalising.ts'
import { openInvoice, type Invoice } from '../invoices/invoices.ts'
import { invalidateCounters } from '../usage/counters.ts'
import { fitItems } from '../usage/frozen-items.ts'
import { eventOf } from './announcing.ts'
import { newInvoice } from './billing.ts'
import type { Decision, Line, Refusal } from './commands.ts'
import { sameTerms, type Awaiting, type Subscription } from './lifecycle.ts'
import { overagesOf, overagesOfChange, oweOverages } from './overages.ts'
import { insert, lockSubscription, recordCycle, save, summary } from './subscriptions.ts'

/**
 * The shell around the pure core: lock the business, then its subscription, bring it up to now, decide, and write what
 * comes of it – state, counters, log, money, event – in one transaction.
 */

/** What the log keeps of why something was done, and how it is settled. */
export type Details = { reason?: string | undefined; charge?: string | undefined; invoiceId?: string }

/** The subscription of a business that is open, locked and brought up to now. */
export async function lockOpen(tx: Tx, ctx: Context, businessId: string): Promise<Subscription> {
  const business = await lockBusiness(tx, businessId)
  if (business.status !== 'active') throw new FreeholdError('business_not_open', `The business is ${business.status}`)
  return lockSubscription(tx, ctx, businessId)
}

/** Writes what was decided, and answers the subscription as it is then. A refusal is thrown. */
export async function apply(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  before: Subscription,
  decision: Decision | Refusal,
  details: Details = {},
): Promise<Subscription> {
  if ('refused' in decision) throw new FreeholdError(decision.refused, decision.detail)
  if (decision.kind === 'nothing') return before
  const { awaits, lines } = decision
  // What is replaced gives back first what was in hand for it.
  if (before.awaiting && (awaits || !decision.after.awaiting)) {
    await withdraw(tx, ctx, actor, before.awaiting, before)
  }
  if (!awaits) return write(tx, ctx, actor, before, decision, details)

  const { plan, price } = decision.after
  const change = { kind: awaits, plan: plan.planKey, price }
  const wanted = { ...newInvoice(before, lines), cycleNumber: decision.after.cycleNumber, cause: awaits, change }
  // Credit may settle it at once. Counters are waited for first: whoever has a number holds up everybody's invoices.
  await invalidateCounters(tx, before.businessId)
  const invoice = await openInvoice(tx, ctx, wanted)
  const isSettled = !invoice || invoice.status === 'paid'
  if (isSettled) return write(tx, ctx, actor, before, { ...decision, lines: [] }, details)
  return wait(tx, ctx, actor, before, { kind: awaits, plan, price, invoiceId: invoice.id }, invoice)
}

/** What was asked for waits for its invoice; until then all is as it was. */
async function wait(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  before: Subscription,
  awaiting: Awaiting,
  { number, amountDue, currency }: Invoice,
): Promise<Subscription> {
  const after: Subscription = { ...before, awaiting, version: before.version + 1 }
  await save(tx, after)
  await record(tx, ctx, actor, 'payment_awaited', before, after, { invoice: number, amountDue, currency })
  return after
}

/** Makes a decision true, whatever it costs being owed from now on. */
export async function write(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  before: Subscription,
  decision: Exclude<Decision, { kind: 'nothing' }>,
  details: Details,
): Promise<Subscription> {
  const { kind, lines } = decision
  const fitted = await fitItems(tx, ctx, actor, [decision.after])
  const after = before.status === 'ended' ? await startAnew(tx, ctx, before, decision.after) : decision.after
  if (before.status !== 'ended') await store(tx, ctx, before, after)
  await record(tx, ctx, actor, kind, before, after, details)
  if (lines.length > 0) await owe(tx, ctx, before, after, lines)
  if (kind !== 'pause_scheduled' && kind !== 'pause_undone') {
    await emit(tx, ctx, eventOf(kind, before, after, { invoiceId: details.invoiceId ?? null }))
  }
  await emitAll(tx, ctx, fitted)
  return after
}

/** An ended one is never revived: another begins. */
async function startAnew(tx: Tx, ctx: Context, ended: Subscription, begun: Subscription): Promise<Subscription> {
  const after: Subscription = {
    ...begun,
    id: ctx.newId('subscription'),
    cycleNumber: 1,
    trialEnd: begun.status === 'trialing' ? begun.trialEnd : null,
    cancelAtCycleEnd: false,
    graceEnd: null,
    endReason: null,
    endedAt: null,
    version: 1,
  }
  if (ended.awaiting) await save(tx, { ...ended, awaiting: null, version: ended.version + 1 })
  await insert(tx, ctx, after)
  await invalidateCounters(tx, after.businessId)
  return after
}

async function store(tx: Tx, ctx: Context, before: Subscription, after: Subscription): Promise<void> {
  await save(tx, after)
  if (after.trialEnd?.getTime() !== before.trialEnd?.getTime()) await forgetTrialNotice(tx, after)
  const closes = after.cycleNumber > before.cycleNumber
  const rowEnd = closes ? after.cycleStart : after.cycleEnd
  // A pause is no part of the cycle before it.
  if (rowEnd.getTime() !== before.cycleEnd.getTime() && before.status !== 'paused') await moveRowEnd(tx, before, rowEnd)
  if (closes) await recordCycle(tx, ctx, after)
  await invalidateCounters(tx, after.businessId)
  if (closes || after.status === 'ended') {
    const closed = { ...before, cycleEnd: rowEnd }
    await oweOverages(tx, ctx, closed, await overagesOf(tx, closed))
  } else if (!sameTerms(before, after)) {
    await oweOverages(tx, ctx, before, await overagesOfChange(tx, before, after, ctx.now()))
  }
}

/** Of another end of a trial it is said anew that it comes. */
async function forgetTrialNotice(tx: Tx, { businessId, id }: Subscription): Promise<void> {
  await tx
    .updateTable('subscriptions')
    .set({ trialRemindedAt: null })
    .where('businessId', '=', businessId)
    .where('id', '=', id)
    .execute()
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

/** What has taken effect is owed like a cycle. */
async function owe(tx: Tx, ctx: Context, before: Subscription, after: Subscription, lines: Line[]): Promise<void> {
  const isCycle = after.id !== before.id || after.cycleNumber > before.cycleNumber
  const dueAt = new Date(ctx.now().getTime() + paymentTermDays * 86_400_000)
  await openInvoice(tx, ctx, { ...newInvoice(after, lines), cause: isCycle ? 'cycle' : 'change', dueAt })
}

/** What is asked for no more is to be paid no more; what has been paid of it is in hand again. */
export async function withdraw(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  { invoiceId }: Awaiting,
  { businessId }: Subscription,
) {
  await voidInvoice(tx, ctx, actor, { businessId, invoiceId, reason: 'The change it was for is not wanted any more' })
}

async function record(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  action: string,
  before: Subscription,
  after: Subscription,
  details: Record<string, unknown>,
): Promise<void> {
  await audit(tx, ctx, actor, after.businessId, {
    action: `subscription.${action}`,
    target: { kind: 'subscription', id: after.id },
    before: terms(before),
    after: { ...terms(after), ...details },
  })
}

const terms = (subscription: Subscription) => ({
  ...summary(subscription),
  cancelAtCycleEnd: subscription.cancelAtCycleEnd,
  pauseAtCycleEnd: subscription.pauseAtCycleEnd,
  pendingChange: named(subscription.pendingChange),
  awaitingPayment: named(subscription.awaiting),
})

const named = (wanted: { plan: Subscription['plan']; price: string } | null) =>
  wanted && { plan: wanted.plan.planKey, price: wanted.price }
