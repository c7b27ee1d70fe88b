import type { Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import type { Invoice } from '../invoices/invoices.ts'
import { formatMoney } from '../invoices/money.ts'
import { sendMail } from '../mail/mail.ts'

export type DunningMail = {
  to: string
  businessId: string
  businessName: string
  invoice: Invoice
  /** What happens when nobody pays; nothing of the kind where the subscription is over anyhow. */
  next: { kind: 'read_only' | 'ends'; at: Date } | { kind: 'ended' | 'owed' }
}

/** A payment is overdue, or was for too long. */
export function mailOverdue(tx: Tx, ctx: Context, { to, businessId, businessName, invoice, next }: DunningMail) {
  const { number, amountDue, currency, dueAt } = invoice
  const amount = formatMoney(amountDue, currency)
  return sendMail(tx, ctx, {
    template: next.kind === 'ended' ? 'subscription-unpaid' : 'payment-overdue',
    to,
    businessId,
    content: {
      subject:
        next.kind === 'ended'
          ? `${businessName}: the subscription has ended unpaid`
          : `${businessName}: the payment of ${amount} is overdue`,
      paragraphs: [
        `The invoice ${number} of “${businessName}” was to be paid by ${dueAt ? day(dueAt) : 'now'}. ${amount} is due still.`,
        consequence(next),
      ],
      action: { label: 'See what is due', url: `${ctx.settings.publicUrl}/b/${businessId}/plan` },
    },
  })
}

function consequence(next: DunningMail['next']): string {
  switch (next.kind) {
    case 'read_only':
      return `Everything works until ${day(next.at)}; after that nothing new can be used until it is paid.`
    case 'ends':
      return `Nothing new can be used until it is paid. On ${day(next.at)} the subscription ends.`
    case 'ended':
      return 'Nobody has paid, so the subscription has ended.'
    case 'owed':
      return 'Please pay it.'
  }
}

const day = (at: Date) => at.toISOString().slice(0, 10)
