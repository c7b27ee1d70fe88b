import type { Schemas } from '../../api.ts'
import { text as ledger } from '../../text/console-money.ts'
import { Tag } from '../../ui/tag.tsx'

const { invoices: text } = ledger
type Invoice = Schemas['Invoice']

const tones = { draft: 'neutral', open: 'warning', paid: 'success', void: 'neutral', uncollectible: 'danger' } as const

export function InvoiceStatus({ of: { status, held } }: { of: Pick<Invoice, 'status' | 'held'> }) {
  return <Tag tone={held ? 'warning' : tones[status]}>{held ? text.held : text.statuses[status]}</Tag>
}

/** What can become of an invoice as it stands. */
export const doings = ['pay', 'release', 'waive', 'uncollectible', 'void'] as const
export type Doing = (typeof doings)[number]

const possible: Record<Invoice['status'], readonly Doing[]> = {
  draft: ['release', 'waive'],
  open: ['pay', 'uncollectible', 'void'],
  uncollectible: ['pay', 'void'],
  paid: [],
  void: [],
}

export const possibleWith = ({ status }: Invoice): readonly Doing[] => possible[status]
