import { Anchor, Group, NativeSelect, Stack, Text, Title } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { text } from '../../text/invoices.ts'
import { text as shared } from '../../text/shared.ts'
import { tellsOverdue } from '../../ui/banner.ts'
import { DownloadCsv } from '../../ui/download.tsx'
import { ButtonLink, TextLink } from '../../ui/links.tsx'
import { Empty, Loaded } from '../../ui/loaded.tsx'
import { More } from '../../ui/more.tsx'
import { Screen } from '../../ui/screen.tsx'
import { Table, type Column } from '../../ui/table.tsx'
import { Day } from '../../ui/time.tsx'
import { list, money, sum } from '../../ui/words.ts'
import { Needs, useMembership } from '../membership.tsx'
import { SeePlans } from '../plan/see-plans.tsx'
import { creditBalancesQuery, creditsQuery, invoicesQuery, isOverdue, printAddress, type Invoice } from './data.ts'
import { HowToPay } from './how-to-pay.tsx'
import { InvoiceStatus } from './invoice-status.tsx'
import { states } from './states.ts'

const route = getRouteApi('/b/$businessId/invoices')

/** What was billed, what of it is to pay, and what is in hand. */
export function Invoices() {
  return (
    <Screen title={text.title}>
      <Needs permission="subscription:read">
        <Open />
        <InvoiceList />
        <Credit />
      </Needs>
    </Screen>
  )
}

function Open() {
  const membership = useMembership()
  const { businessId, subscription } = membership
  const open = useInfiniteQuery(invoicesQuery(businessId, 'open'))
  return open.data
    ?.filter((invoice) => !tellsOverdue(membership) || !isOverdue(invoice, subscription))
    .map((invoice) => <HowToPay key={invoice.id} invoice={invoice} />)
}

function InvoiceList() {
  const { businessId } = useMembership()
  const { status } = route.useSearch()
  const navigate = route.useNavigate()
  const invoices = useInfiniteQuery(invoicesQuery(businessId, status))
  return (
    <Loaded query={invoices}>
      {(rows) =>
        rows.length === 0 && status === undefined ? (
          <Empty action={<SeePlans />}>{text.empty}</Empty>
        ) : (
          <Stack gap="md">
            <Group justify="space-between" align="flex-end" gap="sm">
              <NativeSelect
                label={text.status}
                maw={240}
                value={status ?? ''}
                onChange={({ currentTarget: { value } }) =>
                  void navigate({ search: { status: states.find((each) => each === value) }, replace: true })
                }
                data={[
                  { value: '', label: text.any },
                  ...states.map((value) => ({ value, label: text.statuses[value] })),
                ]}
              />
              <DownloadCsv path={`/v1/businesses/${businessId}/invoices`} filters={{ status }} />
            </Group>
            {rows.length === 0 ? (
              <Empty
                action={
                  <ButtonLink variant="default" to="/b/$businessId/invoices" params={{ businessId }} search={{}}>
                    {shared.clearFilters}
                  </ButtonLink>
                }
              >
                {shared.nothingMatches}
              </Empty>
            ) : (
              <Table label={text.title} columns={columnsOf(businessId)} rows={rows} rowKey={({ id }) => id} />
            )}
            <More of={invoices} kept />
          </Stack>
        )
      }
    </Loaded>
  )
}

const columnsOf = (businessId: string): Column<Invoice>[] => [
  {
    label: text.number,
    cell: ({ id, number }) => (
      <TextLink to="/b/$businessId/invoices/$invoiceId" params={{ businessId, invoiceId: id }} className="tabular">
        {number ?? id}
      </TextLink>
    ),
  },
  { label: text.status, cell: (invoice) => <InvoiceStatus invoice={invoice} /> },
  { label: text.date, cell: ({ openedAt, createdAt }) => <Day at={openedAt ?? createdAt} /> },
  { label: text.due, cell: ({ dueAt }) => (dueAt === null ? shared.none : <Day at={dueAt} />) },
  { label: text.total, align: 'right', cell: ({ total, currency }) => sum(total, currency) },
  {
    label: text.toPay,
    align: 'right',
    cell: ({ status, amountDue, currency }) => (status === 'open' ? sum(amountDue, currency) : shared.none),
  },
  {
    label: '',
    align: 'right',
    cell: ({ id, number }) => (
      <Anchor
        href={printAddress(businessId, id)}
        target="_blank"
        rel="noreferrer"
        underline="always"
        aria-label={text.printOf(number ?? id)}
      >
        {text.print}
      </Anchor>
    ),
  },
]

function Credit() {
  const { businessId } = useMembership()
  const credits = useInfiniteQuery(creditsQuery(businessId))
  const { data: balances = [] } = useQuery(creditBalancesQuery(businessId))
  return (
    <Stack gap="md" component="section" aria-labelledby="credit">
      <Stack gap={4}>
        <Title order={2} id="credit">
          {text.credit}
        </Title>
        <Text c="dimmed">
          {balances.length > 0 &&
            `${text.inHand(list(balances.map(({ balance, currency }) => money(balance, currency))))}. `}
          {text.creditAbout}
        </Text>
      </Stack>
      <Loaded query={credits}>
        {(rows) =>
          rows.length === 0 ? (
            <Empty>{text.creditEmpty}</Empty>
          ) : (
            <Table
              label={text.credit}
              rows={rows}
              rowKey={({ id }) => id}
              columns={[
                { label: text.date, cell: ({ createdAt }) => <Day at={createdAt} /> },
                { label: text.reason, cell: ({ reason }) => reason },
                { label: text.amount, align: 'right', cell: ({ amount, currency }) => sum(amount, currency) },
                {
                  label: text.balance,
                  align: 'right',
                  cell: ({ balanceAfter, currency }) => sum(balanceAfter, currency),
                },
              ]}
            />
          )
        }
      </Loaded>
      <More of={credits} />
    </Stack>
  )
}
