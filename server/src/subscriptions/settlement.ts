import type { Actor, Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { voidInvoice, type Closing } from '../invoices/closing.ts'
import { invoiceById, linesOf, type Invoice } from '../invoices/invoices.ts'
import { apply, withdraw } from './apply.ts'
import { recover } from './commands.ts'
import type { Subscription } from './lifecycle.ts'
import { overdueOf } from './payments.ts'
import { save } from './subscriptions.ts'

/**
 * What becomes of a subscription whose invoices were settled otherwise than by a payment: voided, given up, or covered by
 * credit. What waited for one that nobody will pay waits no more, and who owes nothing any more has caught up. The
 * caller has locked the subscription and brought it up to now.
 */
export async function followInvoices(tx: Tx, ctx: Context, actor: Actor, before: Subscription): Promise<Subscription> {
  const freed = await stopWaiting(tx, ctx, actor, before)
  if (freed.status !== 'past_due') return freed
  const now = ctx.now()
  return (await overdueOf(tx, freed, now)) ? freed : apply(tx, ctx, actor, freed, recover(freed, now))
}

async function stopWaiting(tx: Tx, ctx: Context, actor: Actor, before: Subscription): Promise<Subscription> {
  if (!before.awaiting) return before
  const { status } = await invoiceById(tx, before.businessId, before.awaiting.invoiceId)
  return status === 'void' || status === 'uncollectible' ? withdrawAwaited(tx, ctx, actor, before) : before
}

/** What waits for its payment is waited for no more, and its invoice is void: nobody has had anything for it. */
export async function withdrawAwaited(tx: Tx, ctx: Context, actor: Actor, before: Subscription): Promise<Subscription> {
  if (!before.awaiting) return before
  const after: Subscription = { ...before, awaiting: null, version: before.version + 1 }
  if (after.status !== 'ended') {
    return apply(tx, ctx, actor, before, { kind: 'change_cancelled', after, lines: [], effectiveAt: ctx.now() })
  }
  // What waited was a new beginning after the end: nothing begins, and the end stays as it is.
  await withdraw(tx, ctx, actor, before.awaiting, before)
  await save(tx, after)
  return after
}

/**
 * Voids an invoice, also a draft. What the current cycle was billed with it was not billed then, so that nobody is given
 * back later what they never had to pay.
 */
export async function voidBilled(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  before: Subscription,
  closing: Closing,
): Promise<Subscription> {
  const { status } = await invoiceById(tx, closing.businessId, closing.invoiceId, 'lock')
  const invoice = await voidInvoice(tx, ctx, actor, closing)
  const isOfCycle = invoice.subscriptionId === before.id && invoice.cycleNumber === before.cycleNumber
  if (status === 'void' || !isOfCycle || invoice.change !== null) return before
  const billed = Math.max(0, before.billed - (await shareOfCycle(tx, before, invoice)))
  const subscription: Subscription = { ...before, billed, version: before.version + 1 }
  await save(tx, subscription)
  return subscription
}

/** What an invoice for the rest of a cycle comes to for a whole one; `billed` is counted so. */
async function shareOfCycle(tx: Tx, { cycleStart }: Subscription, invoice: Invoice): Promise<number> {
  const lines = (await linesOf(tx, invoice.businessId, invoice.id)).filter(({ kind }) => kind !== 'overage')
  const charge = lines.find(({ amount }) => amount > 0)
  const sum = lines.reduce((total, { amount }) => total + amount, 0)
  if (!charge || sum <= 0) return 0
  const seconds = (from: Date) => BigInt(Math.round((charge.periodEnd.getTime() - from.getTime()) / 1000))
  const rest = seconds(charge.periodStart)
  return Number((2n * BigInt(sum) * seconds(cycleStart) + rest) / (2n * rest))
}
