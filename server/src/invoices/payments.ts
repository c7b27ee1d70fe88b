import type { Selectable } from 'kysely'
import { audit } from '../audit/audit.ts'
import { lockBusiness } from '../businesses/businesses.ts'
import type { Actor, Context } from '../context.ts'
import type { Queryable, Tx } from '../db/open.ts'
import type { PaymentsTable } from '../db/tables.ts'
import { FreeholdError, invalid } from '../errors.ts'
import { emit } from '../events/emit.ts'
import { invoiceEvent } from './invoice-event.ts'
import { invoiceById, type Invoice } from './invoices.ts'
import { formatMoney } from './money.ts'
import { manual } from './provider.ts'

/** Money that has come in. */
export type Payment = Selectable<PaymentsTable>

export type NewPayment = {
  businessId: string
  invoiceId: string
  /** Minor units, of the invoice's currency; less than what is due is fine, more is not. */
  amount: number
  /** The provider's own name for it, such as the bank's: it counts once, however often it is sent. */
  reference: string
  receivedAt: Date
  provider?: string
}

/** Clocks differ a little; a payment from next week is a mistake. */
const toleranceMilliseconds = 5 * 60_000

/**
 * Records money received for an invoice, which is paid when nothing remains. Whoever sends the same reference again
 * gets what has become of the invoice; with another amount, or for another invoice, it is refused. The subscription's
 * part is the caller's, who locks it before this.
 */
export async function recordPayment(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  { businessId, invoiceId, amount, reference, receivedAt, provider = manual.name }: NewPayment,
): Promise<{ invoice: Invoice; isPaid: boolean }> {
  // Two payments of one reference, for whichever invoices, come one after the other.
  await lockBusiness(tx, businessId)
  const before = await invoiceById(tx, businessId, invoiceId, 'lock')
  const known = await tx
    .selectFrom('payments')
    .selectAll()
    .where('businessId', '=', businessId)
    .where('provider', '=', provider)
    .where('reference', '=', reference)
    .executeTakeFirst()
  if (known) {
    if (known.invoiceId === invoiceId && known.amount === amount) return answer(before)
    const recorded = formatMoney(known.amount, known.currency)
    const detail = `It was recorded with ${recorded} for the invoice ${known.invoiceId}`
    throw new FreeholdError('payment_reference_used', detail)
  }
  // What was given up as uncollectible may be paid all the same.
  if (before.status !== 'open' && before.status !== 'uncollectible') {
    throw new FreeholdError('invoice_not_open', `The invoice is ${before.status}`)
  }
  if (amount > before.amountDue) {
    const due = formatMoney(before.amountDue, before.currency)
    throw invalid('body/amount', `at most ${due} is due; credit the business with what it paid beyond`)
  }
  if (receivedAt.getTime() > ctx.now().getTime() + toleranceMilliseconds) {
    throw invalid('body/receivedAt', 'lies in the future')
  }

  const { currency } = before
  const id = ctx.newId('payment')
  const payment = { businessId, id, invoiceId, provider, reference, currency, amount, receivedAt, createdAt: ctx.now() }
  await tx.insertInto('payments').values(payment).execute()
  const isPaid = amount === before.amountDue
  await tx
    .updateTable('invoices')
    .set({
      amountPaid: before.amountPaid + amount,
      ...(isPaid ? { status: 'paid', paidAt: ctx.now(), closedAt: null } : {}),
    })
    .where('businessId', '=', businessId)
    .where('id', '=', invoiceId)
    .execute()
  const invoice = await invoiceById(tx, businessId, invoiceId)
  await audit(tx, ctx, actor, businessId, {
    action: 'payment.recorded',
    target: { kind: 'invoice', id: invoiceId, name: invoice.number ?? invoiceId },
    before: { status: before.status, amountDue: before.amountDue },
    after: { status: invoice.status, amountDue: invoice.amountDue, payment: id, amount, currency, reference, provider },
  })
  if (isPaid) await emit(tx, ctx, invoiceEvent('invoice.paid', invoice))
  return answer(invoice)
}

const answer = (invoice: Invoice) => ({ invoice, isPaid: invoice.status === 'paid' })

/** Oldest first. */
export const paymentsOf = (db: Queryable, businessId: string, invoiceId: string): Promise<Payment[]> =>
  db
    .selectFrom('payments')
    .selectAll()
    .where('businessId', '=', businessId)
    .where('invoiceId', '=', invoiceId)
    .orderBy('id')
    .execute()
