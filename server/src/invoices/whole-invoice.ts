import type { Queryable } from '../db/open.ts'
import { FreeholdError } from '../errors.ts'
import { invoiceById, linesOf, type Drafts, type Invoice, type StoredLine } from './invoices.ts'
import { paymentsOf, type Payment } from './payments.ts'

/** An invoice with what it is made of and what was paid on it. */
export type WholeInvoice = { invoice: Invoice; lines: StoredLine[]; payments: Payment[] }

export async function wholeInvoice(
  db: Queryable,
  businessId: string,
  invoiceId: string,
  drafts: Drafts,
): Promise<WholeInvoice> {
  const invoice = await invoiceById(db, businessId, invoiceId)
  if (drafts === 'without drafts' && invoice.number === null) throw new FreeholdError('not_found')
  return {
    invoice,
    lines: await linesOf(db, businessId, invoiceId),
    payments: await paymentsOf(db, businessId, invoiceId),
  }
}
