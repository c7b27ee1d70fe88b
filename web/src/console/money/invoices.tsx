import { Anchor, Button } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { Schemas } from '../../api.ts'
import { text as ledger } from '../../text/console-money.ts'
import { text as shared } from '../../text/shared.ts'
import { DownloadCsv } from '../../ui/download.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { More } from '../../ui/more.tsx'
import type { Column } from '../../ui/table.tsx'
import { Day, When } from '../../ui/time.tsx'
import { sum } from '../../ui/words.ts'
import { Section } from '../business/section.tsx'
import { invoicesQuery } from '../data.ts'
import { InvoiceDialog } from './invoice-dialog.tsx'
import { InvoiceStatus, type Doing } from './invoice-status.tsx'
import { RecordPayment } from './record-payment.tsx'
import { Settle } from './settle.tsx'

const { invoices: text } = ledger
type Invoice = Schemas['Invoice']

/** What a business was billed; each invoice opens, with what can become of it. */
export function Invoices({ businessId }: { businessId: string }) {
  const invoices = useInfiniteQuery(invoicesQuery(businessId))
  const [open, setOpen] = useState<{ invoice: Invoice; doing?: Doing }>()
  const close = () => setOpen(undefined)
  return (
    <>
      <Loaded query={invoices}>
        {(rows) => (
          <Section
            title={text.title}
            empty={text.empty}
            columns={columnsWith((invoice, doing) => setOpen({ invoice, ...(doing ? { doing } : {}) }))}
            rows={rows}
            rowKey={({ id }) => id}
            actions={
              rows.length > 0 && <DownloadCsv path={`/v1/staff/businesses/${businessId}/invoices`} filters={{}} />
            }
          >
            <More of={invoices} />
          </Section>
        )}
      </Loaded>
      {open && open.doing === undefined && (
        <InvoiceDialog
          businessId={businessId}
          invoice={open.invoice}
          onDo={(doing) => setOpen({ invoice: open.invoice, doing })}
          onClose={close}
        />
      )}
      {open?.doing === 'pay' && <RecordPayment businessId={businessId} invoice={open.invoice} onClose={close} />}
      {open?.doing !== undefined && open.doing !== 'pay' && (
        <Settle businessId={businessId} invoice={open.invoice} how={open.doing} onClose={close} />
      )}
    </>
  )
}

const columnsWith = (onOpen: (invoice: Invoice, doing?: Doing) => void): Column<Invoice>[] => [
  {
    label: text.number,
    cell: (invoice) => (
      <Anchor component="button" type="button" underline="always" fw={600} onClick={() => onOpen(invoice)}>
        {invoice.number ?? text.draft}
      </Anchor>
    ),
  },
  { label: text.status, cell: (invoice) => <InvoiceStatus of={invoice} /> },
  { label: text.total, align: 'right', cell: ({ total, currency }) => sum(total, currency) },
  {
    label: text.due,
    align: 'right',
    cell: ({ amountDue, currency }) => (amountDue === 0 ? shared.none : sum(amountDue, currency)),
  },
  { label: text.dueAt, align: 'right', cell: ({ dueAt }) => (dueAt === null ? shared.none : <Day at={dueAt} />) },
  { label: text.created, align: 'right', cell: ({ createdAt }) => <When at={createdAt} /> },
  {
    label: '',
    align: 'right',
    cell: (invoice) =>
      invoice.status === 'open' ? (
        <Button size="compact-xs" variant="default" onClick={() => onOpen(invoice, 'pay')}>
          {text.pay}
        </Button>
      ) : (
        invoice.held && (
          <Button size="compact-xs" variant="default" onClick={() => onOpen(invoice, 'release')}>
            {ledger.settle.release.action}
          </Button>
        )
      ),
  },
]
