import type { Selectable } from 'kysely'
import type { InvoicesTable } from '../db/tables.ts'
import type { NewEvent } from '../events/emit.ts'

type Row = Pick<
  Selectable<InvoicesTable>,
  'businessId' | 'id' | 'subscriptionId' | 'number' | 'total' | 'currency' | 'dueAt' | 'paidAt'
>

/** What the product is told of an invoice. */
export function invoiceEvent(
  type: 'invoice.opened' | 'invoice.paid' | 'invoice.voided' | 'invoice.uncollectible',
  { businessId, id: invoiceId, subscriptionId, number, total, currency, dueAt, paidAt }: Row,
): NewEvent {
  const data = { invoiceId, subscriptionId, number, total, currency }
  switch (type) {
    case 'invoice.opened':
      return { businessId, type, data: { ...data, dueAt } }
    case 'invoice.paid':
      if (paidAt === null) throw new Error(`The invoice ${invoiceId} is not paid`)
      return { businessId, type, data: { ...data, paidAt } }
    default:
      return { businessId, type, data }
  }
}
