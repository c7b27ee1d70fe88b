import { html, htmlPage, styleSheet } from '../html.ts'
import type { Context } from '../context.ts'
import type { Invoice } from './invoices.ts'
import { formatMoney } from './money.ts'
import type { WholeInvoice } from './whole-invoice.ts'

const sheet = styleSheet(`
body { margin: 0 auto; max-width: 720px; padding: 40px 24px; font: 15px/1.5 Inter, system-ui, sans-serif; color: #0f172a }
h1 { font-size: 24px; margin: 0 } p { margin: 0 }
header, dl { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 16px 24px; margin: 0 0 32px }
dt { color: #475569; font-size: 13px } dd { margin: 0; font-weight: 600; overflow-wrap: anywhere }
table { width: 100%; border-collapse: collapse; margin-bottom: 32px }
th, td { padding: 8px 0; border-bottom: 1px solid #e2e8f0; text-align: left; vertical-align: top }
th { color: #475569; font-size: 13px; font-weight: 400 }
small { display: block; color: #475569 }
footer { white-space: pre-line }
.amount { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
tfoot td { border: 0; padding: 4px 0 } tfoot tr:last-child td { font-weight: 600 }
@media print { body { padding: 0 } @page { margin: 2cm } }
`)

/** Nothing may run or be loaded; the one style sheet is named by its hash. */
export const invoicePolicy = [
  "default-src 'none'",
  sheet.source,
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ')

const stands: Record<Invoice['status'], string> = {
  draft: 'Draft',
  open: 'To be paid',
  paid: 'Paid',
  void: 'Void: not to be paid',
  uncollectible: 'Not paid',
}

/** An invoice as a page to print or to save as PDF. */
export function printableInvoice(
  { invoice, lines, payments }: WholeInvoice,
  { product: { howToPay } }: Pick<Context, 'product'>,
): string {
  const { number, currency } = invoice
  const title = `Invoice ${number ?? '(draft)'}`
  const money = (amount: number) => formatMoney(amount, currency)
  const sum = (label: string, amount: number) =>
    html`<tr>
      <td>${label}</td>
      <td class="amount">${money(amount)}</td>
    </tr>`
  const body = html` <header>
      <h1>${title}</h1>
      <p>${stands[invoice.status]}</p>
    </header>
    <dl>
      <div>
        <dt>From</dt>
        <dd>${invoice.billedBy ?? ''}</dd>
      </div>
      <div>
        <dt>To</dt>
        <dd>${invoice.billedTo ?? ''}</dd>
      </div>
      <div>
        <dt>Date</dt>
        <dd>${day(invoice.openedAt)}</dd>
      </div>
      <div>
        <dt>Due</dt>
        <dd>${day(invoice.dueAt)}</dd>
      </div>
    </dl>
    <table>
      <thead>
        <tr>
          <th>Description</th>
          <th class="amount">Amount</th>
        </tr>
      </thead>
      <tbody>
        ${lines.map(
          ({ description, periodStart, periodEnd, amount }) =>
            html`<tr>
              <td>${description}<small>${day(periodStart)} – ${day(periodEnd)}</small></td>
              <td class="amount">${money(amount)}</td>
            </tr>`,
        )}
      </tbody>
      <tfoot>
        ${sum('Total', invoice.total)} ${invoice.creditApplied > 0 ? [sum('From credit', -invoice.creditApplied)] : []}
        ${payments.map(({ receivedAt, amount }) => sum(`Received ${day(receivedAt)}`, -amount))}
        ${sum('Due', invoice.amountDue)}
      </tfoot>
    </table>
    ${
      invoice.status === 'open' && howToPay !== null
        ? html`<footer>${howToPay}</footer>
            <p>Reference: ${number ?? ''}</p>`
        : []
    }`
  return htmlPage(title, sheet.element, body)
}

const day = (at: Date | null) => at?.toISOString().slice(0, 10) ?? ''
