import type { Invoice } from '../invoices/invoices.ts'
import { formatMoney } from '../invoices/money.ts'
import type { Composing, Mail } from '../mail/mail.ts'
import { day, named } from '../mail/wording.ts'

export type Overdue = {
  businessId: string
  businessName: string
  invoice: Pick<Invoice, 'id' | 'number' | 'amountDue' | 'currency' | 'dueAt'>
  /** What happens when nobody pays; nothing of the kind where the subscription is over anyhow. */
  next: { kind: 'read_only' | 'ends'; at: Date } | { kind: 'ended' | 'owed' }
}

/** A payment is overdue, or was for too long. */
export function overdueMail(ctx: Composing, { businessId, businessName, invoice, next }: Overdue): Mail {
  const { number, amountDue, currency, dueAt } = invoice
  const business = named(businessName)
  const amount = formatMoney(amountDue, currency)
  const isOver = next.kind === 'ended'
  return {
    template: isOver ? 'subscription-unpaid' : 'payment-overdue',
    businessId,
    subject: isOver
      ? `${business}: the subscription has ended unpaid`
      : `${business}: the payment of ${amount} is overdue`,
    title: isOver ? 'The subscription has ended' : `${amount} is overdue`,
    paragraphs: [
      `The invoice ${number} of “${business}” was to be paid by ${dueAt ? day(dueAt) : 'now'}. ${amount} is due still.`,
      consequence(next),
    ],
    facts: {
      Invoice: number,
      'Still due': amount,
      'Was due': dueAt && day(dueAt),
      'How to pay': isOver ? null : ctx.product.howToPay,
    },
    action: { label: 'See what is due', url: `${ctx.settings.publicUrl}/b/${businessId}/invoices/${invoice.id}` },
    why: `You get this as an owner of ${business}.`,
  }
}

function consequence(next: Overdue['next']): string {
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
