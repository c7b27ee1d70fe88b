import type { Actor, Context } from '../context.ts'
import type { Queryable, Tx } from '../db/open.ts'
import { addCredit } from '../invoices/credit.ts'
import { overdueInvoices, type Invoice } from '../invoices/invoices.ts'
import { currentPlanVersion, priceNamed } from '../plans/plans.ts'
import { apply, write } from './apply.ts'
import { end, fallBehind, net, recover, takeEffect } from './commands.ts'
import type { Subscription } from './lifecycle.ts'
import { lockSubscription, startSubscription } from './subscriptions.ts'

/** What payments do to subscriptions. */

/** An invoice has been paid: what waited for it takes effect, and who was behind may have caught up. */
export async function invoicePaid(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  invoice: Pick<Invoice, 'id' | 'businessId' | 'total' | 'currency'>,
): Promise<Subscription> {
  const before = await lockSubscription(tx, ctx, invoice.businessId)
  if (before.awaiting?.invoiceId !== invoice.id) return recoverWhenPaid(tx, ctx, actor, before)
  const decision = takeEffect(before, ctx.now())
  if (decision.kind === 'nothing') return before
  // Paid for from the day it was asked for: what has gone by since is given back.
  const surplus = invoice.total - net(decision.lines)
  const after = await write(tx, ctx, actor, before, { ...decision, lines: [] }, { charge: 'paid' })
  if (surplus > 0) {
    const { businessId, currency } = invoice
    const isChange = before.awaiting.kind === 'change'
    const reason = isChange ? `Time before ${after.plan.planName} was paid` : `Unused time on ${before.plan.planName}`
    await addCredit(tx, ctx, actor, { businessId, currency, amount: surplus, reason })
  }
  // A payment for what comes does not settle what was owed before.
  const overdue = before.awaiting.kind === 'resume' && (await overdueOf(tx, after, ctx.now()))
  return overdue ? markPastDue(tx, ctx, actor, overdue) : after
}

/** The oldest invoice of this subscription that is overdue; what is owed for another one does not hold it back. */
export async function overdueOf(
  db: Queryable,
  { businessId, id }: Subscription,
  now: Date,
): Promise<Invoice | undefined> {
  const overdue = await overdueInvoices(db, businessId, now)
  return overdue.find(({ subscriptionId }) => subscriptionId === id)
}

async function recoverWhenPaid(tx: Tx, ctx: Context, actor: Actor, before: Subscription): Promise<Subscription> {
  if (before.status !== 'past_due') return before
  const overdue = await overdueInvoices(tx, before.businessId, ctx.now())
  return overdue.length > 0 ? before : apply(tx, ctx, actor, before, recover(before, ctx.now()))
}

/** How long everything works on after a payment is overdue. */
export const graceDays = 7

/** A cycle's invoice is overdue. The caller holds the business's lock. */
export async function markPastDue(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  invoice: Pick<Invoice, 'id' | 'businessId'>,
): Promise<Subscription> {
  const now = ctx.now()
  const before = await lockSubscription(tx, ctx, invoice.businessId)
  const graceEnd = new Date(now.getTime() + graceDays * 86_400_000)
  return apply(tx, ctx, actor, before, fallBehind(before, graceEnd, now), { invoiceId: invoice.id })
}

/** Nobody has paid in all the time there was: it is over, and goes on with the plan's fallback where there is one. */
export async function endUnpaid(tx: Tx, ctx: Context, actor: Actor, businessId: string): Promise<Subscription> {
  const now = ctx.now()
  const before = await lockSubscription(tx, ctx, businessId)
  if (before.status !== 'past_due') return before
  const ended = await apply(tx, ctx, actor, before, end(before, 'unpaid', now))
  const { fallbackPlan } = ended.plan
  if (fallbackPlan === null) return ended
  const plan = await currentPlanVersion(tx, fallbackPlan)
  const { name: price } = priceNamed(plan)
  const { zone, cycleEnd: start } = ended
  return startSubscription(tx, ctx, { businessId, plan, price, start, zone, trial: false })
}
