import { Button, Group, Stack } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { Schemas } from '../../api.ts'
import { text as ledger } from '../../text/console-money.ts'
import { Dialog } from '../../ui/dialog.tsx'
import { Facts } from '../../ui/facts.tsx'
import { Loaded, Rows } from '../../ui/loaded.tsx'
import type { Column } from '../../ui/table.tsx'
import { Day, When } from '../../ui/time.tsx'
import { sum } from '../../ui/words.ts'
import { Section } from '../business/section.tsx'
import { invoiceQuery } from '../data.ts'
import { InvoiceStatus, possibleWith, type Doing } from './invoice-status.tsx'

const { invoice: text, invoices, settle } = ledger
type Page = Schemas['InvoicePage']

const labels: Record<Doing, string> = {
  pay: invoices.pay,
  release: settle.release.action,
  waive: settle.waive.action,
  uncollectible: settle.uncollectible.action,
  void: settle.void.action,
}

/** One invoice with what it is made of and what was paid, and what can become of it. */
export function InvoiceDialog(props: {
  businessId: string
  invoice: Schemas['Invoice']
  onDo: (doing: Doing) => void
  onClose: () => void
}) {
  const { businessId, invoice, onDo, onClose } = props
  const whole = useQuery(invoiceQuery(businessId, invoice.id))
  return (
    <Dialog title={invoice.number === null ? text.draftTitle : text.title(invoice.number)} size="lg" onClose={onClose}>
      <Stack gap="lg">
        <Loaded query={whole} skeleton={<Rows count={6} height={24} />}>
          {(page) => <Whole page={page} />}
        </Loaded>
        <Group justify="flex-end" gap="xs">
          {possibleWith(invoice).map((doing, index) => (
            <Button key={doing} variant={index === 0 ? 'filled' : 'default'} onClick={() => onDo(doing)}>
              {labels[doing]}
            </Button>
          ))}
        </Group>
      </Stack>
    </Dialog>
  )
}

function Whole({ page }: { page: Page }) {
  const { currency, billedTo, billedBy, total, creditApplied, amountPaid, amountDue } = page
  const { dueAt, paidAt, closedAt, statusReason } = page
  return (
    <>
      <Facts
        facts={{
          [invoices.status]: <InvoiceStatus of={page} />,
          [text.why]: statusReason,
          [text.for]: billedTo,
          [text.by]: billedBy,
          [invoices.total]: sum(total, currency),
          [text.credit]: creditApplied > 0 && sum(creditApplied, currency),
          [text.received]: amountPaid > 0 && sum(amountPaid, currency),
          [invoices.due]: sum(amountDue, currency),
          [invoices.dueAt]: dueAt && <Day at={dueAt} />,
          [text.paidAt]: paidAt && <When at={paidAt} />,
          [text.closedAt]: closedAt && <When at={closedAt} />,
        }}
      />
      <Section
        title={text.lines}
        empty={text.noLines}
        columns={lineColumns(currency)}
        rows={page.lines.map((line, position) => ({ ...line, position }))}
        rowKey={({ position }) => String(position)}
      />
      <Section
        title={text.payments}
        empty={text.noPayments}
        columns={paymentColumns(currency)}
        rows={page.payments}
        rowKey={({ id }) => id}
      />
    </>
  )
}

const lineColumns = (currency: string): Column<Page['lines'][number]>[] => [
  { label: text.line, cell: ({ description }) => description },
  {
    label: text.period,
    cell: ({ periodStart, periodEnd }) => (
      <>
        <Day at={periodStart} /> – <Day at={periodEnd} />
      </>
    ),
  },
  { label: text.amount, align: 'right', cell: ({ amount }) => sum(amount, currency) },
]

const paymentColumns = (currency: string): Column<Page['payments'][number]>[] => [
  { label: text.at, cell: ({ receivedAt }) => <When at={receivedAt} /> },
  { label: text.provider, cell: ({ provider }) => provider },
  { label: invoices.reference, cell: ({ reference }) => reference },
  { label: text.amount, align: 'right', cell: ({ amount }) => sum(amount, currency) },
]
