import { setTimeout as delay } from 'node:timers/promises'
import { audit } from '../audit/audit.ts'
import { lockBusiness } from '../businesses/businesses.ts'
import { systemActor, type Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { acrossBusinesses } from '../db/transactions.ts'
import { emit } from '../events/emit.ts'
import { claimAttempts, markSent, requestCharges, settleAttempt, type ChargeAttempt } from '../invoices/charges.ts'
import { voidInvoice } from '../invoices/closing.ts'
import { addCredit } from '../invoices/credit.ts'
import { invoiceById, type Invoice } from '../invoices/invoices.ts'
import { recordPayment } from '../invoices/payments.ts'
import { providerOf, type ChargeResult, type PaymentProvider } from '../invoices/provider.ts'
import { changeFailed } from './announcing.ts'
import { followUpUnpaid } from './dunning.ts'
import type { Subscription } from './lifecycle.ts'
import { invoicePaid } from './payments.ts'
import { lockSubscription, save } from './subscriptions.ts'

/**
 * Has the provider take what is to be charged, and does what follows from its answer. Nothing is asked of it inside a
 * transaction. Before the first call an attempt is noted as sent; from then on it is looked up first, and charged under
 * the same id only when the provider has never heard of it. So a process may die anywhere and money moves once.
 */

const answerMilliseconds = 30_000
const charging = systemActor('charging')

/** Everything that is asked for or unknown, and that nobody else works on. */
export async function chargeRequested(ctx: Context): Promise<Record<ChargeResult['status'], number>> {
  const counts = { succeeded: 0, failed: 0, pending: 0 }
  const provider = providerOf(ctx).charging
  while (provider) {
    // One at a time: of many, the last would be thought abandoned before its turn comes.
    const [attempt] = await claimAttempts(ctx, 1)
    if (!attempt) break
    counts[await chargeOne(ctx, provider, attempt)] += 1
  }
  if (counts.succeeded + counts.failed + counts.pending > 0) ctx.log.info(counts, 'invoices charged')
  return counts
}

type Charging = NonNullable<PaymentProvider['charging']>

async function chargeOne(ctx: Context, provider: Charging, attempt: ChargeAttempt): Promise<ChargeResult['status']> {
  try {
    const result = await ask(ctx, provider, attempt)
    if (result.status !== 'pending') await acrossBusinesses(ctx.db, (tx) => settle(tx, ctx, attempt, result))
    return result.status
  } catch (error) {
    // Whatever was lost on the way is looked up by a later run.
    ctx.log.warn({ err: error, charge: attempt.id }, 'nobody knows yet what became of a charge')
    return 'pending'
  }
}

/** Not charged after all, because the invoice has been settled or closed meanwhile, or its business was. */
const superseded = { status: 'failed', reason: 'superseded' } as const

async function ask(ctx: Context, provider: Charging, attempt: ChargeAttempt): Promise<ChargeResult> {
  const { businessId, id, invoiceId, amount, currency } = attempt
  if (attempt.status === 'unknown') {
    const known = await inTime((signal) => provider.lookUp(id, signal))
    if (known) return known
  }
  const invoice = await invoiceById(ctx.db.across, businessId, invoiceId)
  if (invoice.status !== 'open' || invoice.amountDue < amount) return superseded
  if (!(await markSent(ctx, attempt))) return superseded
  const invoiceNumber = invoice.number ?? invoiceId
  return inTime((signal) => provider.charge({ id, businessId, invoiceId, invoiceNumber, amount, currency, signal }))
}

/** A provider may not heed the signal. */
async function inTime<Result>(call: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const signal = AbortSignal.timeout(answerMilliseconds)
  const answered = new AbortController()
  const late = delay(answerMilliseconds, undefined, { signal: answered.signal, ref: false }).then(() => {
    throw new Error(`The payment provider did not answer within ${answerMilliseconds} ms`)
  })
  late.catch(() => {})
  try {
    return await Promise.race([call(signal), late])
  } finally {
    answered.abort()
  }
}

async function settle(
  tx: Tx,
  ctx: Context,
  attempt: ChargeAttempt,
  result: Exclude<ChargeResult, { status: 'pending' }>,
): Promise<void> {
  const { businessId, id, invoiceId, amount } = attempt
  const business = await lockBusiness(tx, businessId)
  const subscription = await lockSubscription(tx, ctx, businessId)
  // What somebody else has sent meanwhile is not given up: their answer counts.
  const from = result === superseded ? [attempt.status] : (['requested', 'unknown'] as const)
  if (!(await settleAttempt(tx, ctx, attempt, result, from))) return
  const invoice = await invoiceById(tx, businessId, invoiceId, 'lock')
  await audit(tx, ctx, charging, businessId, {
    action: `charge.${result.status}`,
    target: { kind: 'invoice', id: invoiceId, name: invoice.number ?? invoiceId },
    after: { charge: id, amount, ...(result.status === 'failed' ? { reason: result.reason } : {}) },
  })
  if (result.status === 'succeeded') return receive(tx, ctx, attempt, invoice, result.reference)
  if (invoice.status !== 'open') return
  // Of a closed business staff decide. Otherwise a part was paid meanwhile: the rest is charged by an attempt of its own.
  if (result === superseded && business.status === 'closed') return
  if (result === superseded) return requestCharges(tx, ctx, [invoice], attempt.attempt + 1)
  if (subscription.awaiting?.invoiceId === invoiceId) {
    await giveUpChange(tx, ctx, subscription, subscription.awaiting, result.reason)
  } else {
    await followUpUnpaid(tx, ctx, business, subscription, invoice)
  }
}

/** What was paid on the invoice meanwhile, or closed it, makes what was charged beyond it credit. */
async function receive(tx: Tx, ctx: Context, attempt: ChargeAttempt, invoice: Invoice, reference: string) {
  const { businessId, invoiceId, provider, currency } = attempt
  const amount = Math.min(attempt.amount, invoice.amountDue)
  if (amount > 0) {
    const payment = { businessId, invoiceId, amount, reference, provider, receivedAt: ctx.now() }
    const { invoice: after, isPaid } = await recordPayment(tx, ctx, charging, payment)
    if (isPaid) await invoicePaid(tx, ctx, charging, after)
  }
  const surplus = attempt.amount - amount
  if (surplus === 0) return
  const reason = `Charged beyond what was due on ${invoice.number}`
  await addCredit(tx, ctx, charging, { businessId, currency, amount: surplus, reason })
}

/** What was to begin with the payment does not. */
async function giveUpChange(
  tx: Tx,
  ctx: Context,
  before: Subscription,
  awaiting: NonNullable<Subscription['awaiting']>,
  failure: string,
): Promise<void> {
  const { businessId, id } = before
  const reason = `The payment failed: ${failure}`
  await voidInvoice(tx, ctx, charging, { businessId, invoiceId: awaiting.invoiceId, reason })
  await save(tx, { ...before, awaiting: null, version: before.version + 1 })
  await audit(tx, ctx, charging, businessId, {
    action: 'subscription.change_failed',
    target: { kind: 'subscription', id },
    after: { plan: awaiting.plan.planKey, price: awaiting.price, reason },
  })
  await emit(tx, ctx, changeFailed(before, awaiting, 'payment_failed'))
}
