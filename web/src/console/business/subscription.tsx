import { Button, Card, Stack, Text } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { Schemas } from '../../api.ts'
import { text as business } from '../../text/console-business.ts'
import { text as shared } from '../../text/shared.ts'
import { Loaded } from '../../ui/loaded.tsx'
import type { Column } from '../../ui/table.tsx'
import { Tag } from '../../ui/tag.tsx'
import { Day, When } from '../../ui/time.tsx'
import { money } from '../../ui/words.ts'
import { invoicesQuery } from '../data.ts'
import { RecordPayment } from './record-payment.tsx'
import { Section } from './section.tsx'
import { SubscriptionFacts } from './subscription-facts.tsx'

const { invoices: text } = business
type Invoice = Schemas['Invoice']

const tones = { draft: 'neutral', open: 'warning', paid: 'success', void: 'neutral', uncollectible: 'danger' } as const

export function Subscription({ business: { id, subscription } }: { business: Schemas['StaffBusinessPage'] }) {
  const invoices = useInfiniteQuery(invoicesQuery(id))
  const [paying, setPaying] = useState<Invoice>()
  return (
    <Stack gap="xl">
      <Card withBorder maw={560}>
        {subscription ? (
          <SubscriptionFacts subscription={subscription} />
        ) : (
          <Text c="dimmed">{business.noSubscription}</Text>
        )}
      </Card>
      <Loaded query={invoices}>
        {(rows) => (
          <Section
            title={text.title}
            empty={text.empty}
            columns={columnsWith(setPaying)}
            rows={rows}
            rowKey={(invoice) => invoice.id}
          >
            {invoices.hasNextPage && (
              <Button variant="default" onClick={() => void invoices.fetchNextPage()}>
                {shared.more}
              </Button>
            )}
          </Section>
        )}
      </Loaded>
      {paying && <RecordPayment businessId={id} invoice={paying} onClose={() => setPaying(undefined)} />}
    </Stack>
  )
}

const columnsWith = (onPay: (invoice: Invoice) => void): Column<Invoice>[] => [
  { label: text.number, cell: ({ number }) => number ?? text.draft },
  { label: text.status, cell: ({ status }) => <Tag tone={tones[status]}>{text.statuses[status]}</Tag> },
  { label: text.total, align: 'right', cell: ({ total, currency }) => money(total, currency) },
  { label: text.due, align: 'right', cell: ({ amountDue, currency }) => money(amountDue, currency) },
  { label: text.dueAt, align: 'right', cell: ({ dueAt }) => (dueAt === null ? shared.none : <Day at={dueAt} />) },
  { label: text.created, align: 'right', cell: ({ createdAt }) => <When at={createdAt} /> },
  {
    label: '',
    align: 'right',
    cell: (invoice) =>
      invoice.status === 'open' && (
        <Button size="compact-xs" variant="default" onClick={() => onPay(invoice)}>
          {text.pay}
        </Button>
      ),
  },
]
