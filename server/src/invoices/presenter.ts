import type { Selectable } from 'kysely'
import { Type } from 'typebox'
import type { Context } from '../context.ts'
import type { CreditEntriesTable } from '../db/tables.ts'
import type { Columns } from '../http/csv.ts'
import { OptionalText, OptionalTime, Page, Time } from '../http/schemas.ts'
import type { Invoice } from './invoices.ts'
import { decimalOf } from './money.ts'
import type { WholeInvoice } from './whole-invoice.ts'

const Money = (description = 'Minor units') => Type.Integer({ description })

export const InvoiceBody = Type.Object(
  {
    id: Type.String(),
    number: Type.Unsafe<string | null>({ type: ['string', 'null'], description: 'A draft has none' }),
    status: Type.String({ enum: ['draft', 'open', 'paid', 'void', 'uncollectible'] }),
    cause: Type.String({ enum: ['cycle', 'change', 'start', 'resume'] }),
    held: Type.Boolean({ description: 'A draft that waits for staff' }),
    currency: Type.String(),
    total: Money(),
    creditApplied: Money('Minor units, taken from the credit balance'),
    amountPaid: Money(),
    amountDue: Money('Minor units that are left to pay'),
    billedBy: OptionalText,
    billedTo: OptionalText,
    statusReason: OptionalText,
    openedAt: OptionalTime,
    dueAt: OptionalTime,
    paidAt: OptionalTime,
    closedAt: OptionalTime,
    createdAt: Time,
  },
  { $id: 'Invoice' },
)

export const presentInvoice = (invoice: Invoice) => ({
  id: invoice.id,
  number: invoice.number,
  status: invoice.status,
  cause: invoice.cause,
  held: invoice.held,
  currency: invoice.currency,
  total: invoice.total,
  creditApplied: invoice.creditApplied,
  amountPaid: invoice.amountPaid,
  amountDue: invoice.amountDue,
  billedBy: invoice.billedBy,
  billedTo: invoice.billedTo,
  statusReason: invoice.statusReason,
  openedAt: invoice.openedAt,
  dueAt: invoice.dueAt,
  paidAt: invoice.paidAt,
  closedAt: invoice.closedAt,
  createdAt: invoice.createdAt,
})

/** Invoices as lines of a spreadsheet. */
export const invoiceColumns: Columns<ReturnType<typeof presentInvoice>> = {
  id: ({ id }) => id,
  number: ({ number }) => number,
  status: ({ status }) => status,
  cause: ({ cause }) => cause,
  currency: ({ currency }) => currency,
  total: ({ total, currency }) => decimalOf(total, currency),
  creditApplied: ({ creditApplied, currency }) => decimalOf(creditApplied, currency),
  amountPaid: ({ amountPaid, currency }) => decimalOf(amountPaid, currency),
  amountDue: ({ amountDue, currency }) => decimalOf(amountDue, currency),
  billedBy: ({ billedBy }) => billedBy,
  billedTo: ({ billedTo }) => billedTo,
  statusReason: ({ statusReason }) => statusReason,
  openedAt: ({ openedAt }) => openedAt,
  dueAt: ({ dueAt }) => dueAt,
  paidAt: ({ paidAt }) => paidAt,
  closedAt: ({ closedAt }) => closedAt,
  createdAt: ({ createdAt }) => createdAt,
}

/** One invoice with what it is made of, and what was paid. */
export const InvoicePage = Type.Object(
  {
    ...InvoiceBody.properties,
    lines: Type.Array(
      Type.Object({
        kind: Type.String({ enum: ['cycle', 'proration_credit', 'proration_charge', 'overage'] }),
        description: Type.String(),
        amount: Money('Minor units; below zero for a credit'),
        periodStart: Time,
        periodEnd: Time,
        plan: Type.String(),
        price: Type.String(),
        feature: OptionalText,
      }),
    ),
    howToPay: Type.Unsafe<string | null>({
      type: ['string', 'null'],
      description: 'What the product says; null unless the invoice is open',
    }),
    payments: Type.Array(
      Type.Object({
        id: Type.String(),
        provider: Type.String(),
        reference: Type.String(),
        amount: Money(),
        receivedAt: Time,
      }),
    ),
  },
  { $id: 'InvoicePage' },
)

export const presentInvoicePage = (
  { invoice, lines, payments }: WholeInvoice,
  { product }: Pick<Context, 'product'>,
) => ({
  ...presentInvoice(invoice),
  howToPay: invoice.status === 'open' ? product.howToPay : null,
  lines: lines.map(({ kind, description, amount, periodStart, periodEnd, plan, price, feature }) => ({
    kind,
    description,
    amount,
    periodStart,
    periodEnd,
    plan,
    price,
    feature,
  })),
  payments: payments.map(({ id, provider, reference, amount, receivedAt }) => ({
    id,
    provider,
    reference,
    amount,
    receivedAt,
  })),
})

export const CreditEntryBody = Type.Object(
  {
    id: Type.String(),
    currency: Type.String(),
    amount: Money('Minor units; below zero where it was spent or taken back'),
    balanceAfter: Money('Minor units in hand after it'),
    reason: Type.String(),
    invoiceId: OptionalText,
    createdAt: Time,
  },
  { $id: 'CreditEntry' },
)

export const presentCreditEntry = (entry: Selectable<CreditEntriesTable>) => ({
  id: entry.id,
  currency: entry.currency,
  amount: entry.amount,
  balanceAfter: entry.balanceAfter,
  reason: entry.reason,
  invoiceId: entry.invoiceId,
  createdAt: entry.createdAt,
})

/** What is in hand, and what became of it. */
export const CreditPage = Type.Object({
  balances: Type.Array(Type.Object({ currency: Type.String(), balance: Money('Minor units in hand') })),
  ...Page(CreditEntryBody).properties,
})
