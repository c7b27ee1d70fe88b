import { audit } from '../audit/audit.ts'
import type { Actor, Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { FreeholdError } from '../errors.ts'
import { emit } from '../events/emit.ts'
import { addCredit } from './credit.ts'
import { finalise, recordSpending } from './finalising.ts'
import { invoiceEvent } from './invoice-event.ts'
import { invoiceById, type Invoice, type InvoiceStatus } from './invoices.ts'

/**
 * What else becomes of an invoice than being paid, each with a reason that stays. Asking again changes nothing. The caller
 * holds the lock of the business or of its subscription: credit may move along.
 */

export type Closing = { businessId: string; invoiceId: string; reason: string }

/**
 * Void: it is to be paid no more, and its number stays taken. A draft is waived. What was spent on it from the balance,
 * and what was paid on it in part, is in hand again. What is paid stays so.
 */
export async function voidInvoice(tx: Tx, ctx: Context, actor: Actor, closing: Closing): Promise<Invoice> {
  const before = await lockInvoice(tx, closing)
  if (before.status === 'void') return before
  refuseUnless(before, ['draft', 'open', 'uncollectible'])
  const { businessId, currency, number } = before
  const change = { status: 'void', statusReason: closing.reason, closedAt: ctx.now(), creditApplied: 0, held: false }
  const after = await store(tx, ctx, actor, before, change, number === null ? 'waived' : 'voided')
  if (number !== null) await emit(tx, ctx, invoiceEvent('invoice.voided', after))
  const amount = before.creditApplied + before.amountPaid
  if (amount > 0) await addCredit(tx, ctx, actor, { businessId, currency, amount, reason: `${number} is void` })
  return after
}

/** Nobody expects it to be paid any more; should money come all the same, it can still be recorded. */
export async function markUncollectible(tx: Tx, ctx: Context, actor: Actor, closing: Closing): Promise<Invoice> {
  const before = await lockInvoice(tx, closing)
  if (before.status === 'uncollectible') return before
  refuseUnless(before, ['open'])
  const change = { status: 'uncollectible', statusReason: closing.reason, closedAt: ctx.now() }
  const after = await store(tx, ctx, actor, before, change, 'marked_uncollectible')
  await emit(tx, ctx, invoiceEvent('invoice.uncollectible', after))
  return after
}

/** Makes a held draft final: from now on it is to be paid like any other. */
export async function releaseDraft(tx: Tx, ctx: Context, actor: Actor, closing: Closing): Promise<Invoice> {
  const before = await lockInvoice(tx, closing)
  if (before.status === 'open') return before
  refuseUnless(before, ['draft'])
  const { businessId, currency, total, cause } = before
  const [finalised] = await finalise(tx, ctx, [{ businessId, currency, total, cause }])
  if (!finalised) throw new Error('one draft in, one invoice out')
  const { balanceAfter, ...columns } = finalised
  const after = await store(
    tx,
    ctx,
    actor,
    before,
    { ...columns, held: false, statusReason: closing.reason },
    'released',
  )
  await recordSpending(tx, ctx, actor, [{ ...after, balanceAfter }])
  await emit(tx, ctx, invoiceEvent('invoice.opened', after))
  if (after.status === 'paid') await emit(tx, ctx, invoiceEvent('invoice.paid', after))
  return after
}

const lockInvoice = (tx: Tx, { businessId, invoiceId }: Closing) => invoiceById(tx, businessId, invoiceId, 'lock')

function refuseUnless({ status }: Invoice, allowed: InvoiceStatus[]): void {
  if (!allowed.includes(status)) throw new FreeholdError('invoice_not_open', `The invoice is ${status}`)
}

async function store(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  before: Invoice,
  change: Partial<Omit<Invoice, 'amountDue' | 'change' | 'status'>> & { status: string },
  verb: string,
): Promise<Invoice> {
  await tx
    .updateTable('invoices')
    .set(change)
    .where('businessId', '=', before.businessId)
    .where('id', '=', before.id)
    .execute()
  const after = await invoiceById(tx, before.businessId, before.id)
  await audit(tx, ctx, actor, before.businessId, {
    action: `invoice.${verb}`,
    target: { kind: 'invoice', id: before.id, name: after.number ?? before.id },
    before: { status: before.status, amountDue: before.amountDue },
    after: { status: after.status, amountDue: after.amountDue, currency: after.currency, reason: after.statusReason },
  })
  return after
}
