import { text } from '../../text/invoices.ts'
import { Tag } from '../../ui/tag.tsx'
import { useMembership } from '../membership.tsx'
import { isOverdue, type Invoice } from './data.ts'

const tones = { draft: 'neutral', open: 'warning', paid: 'success', void: 'neutral', uncollectible: 'danger' } as const

/** How an invoice stands; of what should have been paid already, that. */
export function InvoiceStatus({ invoice }: { invoice: Invoice }) {
  const { status } = invoice
  const { subscription } = useMembership()
  if (isOverdue(invoice, subscription)) return <Tag tone="danger">{text.overdue}</Tag>
  return <Tag tone={tones[status]}>{text.statuses[status]}</Tag>
}
