import { Button, Group, Stack, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { Refusal, type Schemas } from '../../api.ts'
import { text as invoices } from '../../text/invoices.ts'
import { Facts } from '../../ui/facts.tsx'
import { TextLink } from '../../ui/links.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { Screen } from '../../ui/screen.tsx'
import { Table } from '../../ui/table.tsx'
import { Day } from '../../ui/time.tsx'
import { sum } from '../../ui/words.ts'
import { Needs, useMembership } from '../membership.tsx'
import { invoiceQuery, printAddress } from './data.ts'
import { HowToPay } from './how-to-pay.tsx'
import { InvoiceStatus } from './invoice-status.tsx'
import { Sums, type Sum } from './sums.tsx'

const { one: text } = invoices
const route = getRouteApi('/b/$businessId/invoices/$invoiceId')

/** One invoice: what it is for, what was paid, and what is left to pay. */
export function InvoiceScreen() {
  const { can } = useMembership()
  if (can('subscription:read')) return <Known />
  return (
    <Screen title={invoices.title}>
      <Needs permission="subscription:read">{null}</Needs>
    </Screen>
  )
}

function Known() {
  const { businessId } = useMembership()
  const { invoiceId } = route.useParams()
  const invoice = useQuery(invoiceQuery(businessId, invoiceId))
  if (invoice.error instanceof Refusal && invoice.error.status === 404) {
    return <Screen title={text.notFound.title} about={<AllInvoices said={text.notFound.about} />} />
  }
  return (
    <Loaded query={invoice}>
      {(known) => (
        <Screen
          title={text.title(known.number ?? known.id)}
          about={<AllInvoices />}
          actions={
            <Button
              component="a"
              variant="default"
              href={printAddress(businessId, known.id)}
              target="_blank"
              rel="noreferrer"
              title={invoices.printAbout}
            >
              {invoices.print}
            </Button>
          }
        >
          <Invoice invoice={known} />
        </Screen>
      )}
    </Loaded>
  )
}

function AllInvoices({ said }: { said?: string }) {
  const { businessId } = useMembership()
  return (
    <>
      {said}{' '}
      <TextLink to="/b/$businessId/invoices" params={{ businessId }}>
        {text.all}
      </TextLink>
    </>
  )
}

function Invoice({ invoice }: { invoice: Schemas['InvoicePage'] }) {
  const { lines, payments, currency } = invoice
  return (
    <Stack gap="lg">
      {invoice.status === 'open' && <HowToPay invoice={invoice} instructions={invoice.howToPay} />}
      <Facts
        facts={{
          [invoices.status]: <InvoiceStatus invoice={invoice} />,
          [text.from]: invoice.billedBy,
          [text.to]: invoice.billedTo,
          [invoices.date]: <Day at={invoice.openedAt ?? invoice.createdAt} />,
          [invoices.due]: invoice.dueAt && <Day at={invoice.dueAt} />,
          [text.paidOn]: invoice.paidAt && <Day at={invoice.paidAt} />,
          [text.closedOn]: invoice.status !== 'paid' && invoice.closedAt && <Day at={invoice.closedAt} />,
          [text.reason]: invoice.statusReason,
        }}
      />
      <Stack gap="md">
        <Title order={2}>{text.lines}</Title>
        <Table
          label={text.lines}
          rows={lines.map((line, index) => ({ ...line, index }))}
          rowKey={({ index }) => index}
          columns={[
            { label: text.description, cell: ({ description }) => description },
            {
              label: text.period,
              cell: ({ periodStart, periodEnd }) => (
                <>
                  <Day at={periodStart} /> – <Day at={periodEnd} />
                </>
              ),
            },
            { label: invoices.amount, align: 'right', cell: ({ amount }) => sum(amount, currency) },
          ]}
        />
        <Group justify="flex-end">
          <div style={{ width: 'min(100%, 22rem)' }}>
            <Sums rows={sumsOf(invoice)} />
          </div>
        </Group>
      </Stack>
      {payments.length > 0 && (
        <Stack gap="md">
          <Title order={2}>{text.payments}</Title>
          <Table
            label={text.payments}
            rows={payments}
            rowKey={({ id }) => id}
            columns={[
              { label: text.received, cell: ({ receivedAt }) => <Day at={receivedAt} /> },
              { label: text.reference, cell: ({ reference }) => reference },
              { label: invoices.amount, align: 'right', cell: ({ amount }) => sum(amount, currency) },
            ]}
          />
        </Stack>
      )}
    </Stack>
  )
}

function sumsOf({ total, creditApplied, amountPaid, amountDue, status, currency }: Schemas['InvoicePage']): Sum[] {
  return [
    { label: text.total, value: sum(total, currency), strong: status !== 'open' },
    ...(creditApplied > 0 ? [{ label: text.fromCredit, value: sum(-creditApplied, currency) }] : []),
    ...(amountPaid > 0 ? [{ label: text.received, value: sum(-amountPaid, currency) }] : []),
    ...(status === 'open' ? [{ label: invoices.toPay, value: sum(amountDue, currency), strong: true }] : []),
  ]
}
