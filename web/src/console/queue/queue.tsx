import { Group, Stack, Text, Title } from '@mantine/core'
import { useInfiniteQuery, type UseInfiniteQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import type { Schemas } from '../../api.ts'
import { text as lists } from '../../text/console-lists.ts'
import { text as shared } from '../../text/shared.ts'
import { TextLink } from '../../ui/links.tsx'
import { Empty, Failed, Loaded, Rows } from '../../ui/loaded.tsx'
import { Screen } from '../../ui/screen.tsx'
import { Table, type Column } from '../../ui/table.tsx'
import { Day, When } from '../../ui/time.tsx'
import { capital, count, list, money, words } from '../../ui/words.ts'
import { jobColumns } from '../jobs/columns.tsx'
import { BusinessLink } from '../list/business-link.tsx'
import {
  expiringGrantsQuery,
  heldInvoicesQuery,
  jobsQuery,
  mailsQuery,
  sessionsQuery,
  subscriptionsQuery,
} from '../lists.ts'
import { mailColumns } from '../mail/columns.tsx'
import { subscriptionColumns } from '../subscriptions/columns.tsx'
import { requestColumns } from '../support/sessions.tsx'

const { queue: text } = lists
const shownAtMost = 5

/** What needs a person today, and nothing else. Each list is loaded for itself, so one that fails hides no other. */
export function Queue() {
  const pastDue = useInfiniteQuery(subscriptionsQuery({ status: 'past_due' }, shownAtMost))
  const held = useInfiniteQuery(heldInvoicesQuery(shownAtMost))
  const failed = useInfiniteQuery(jobsQuery({ state: 'failed' }, shownAtMost))
  const unsent = useInfiniteQuery(mailsQuery({ status: 'retrying' }, shownAtMost))
  const grants = useInfiniteQuery(expiringGrantsQuery(shownAtMost))
  const requests = useInfiniteQuery(sessionsQuery({ status: 'requested' }, shownAtMost))
  const named = {
    [text.pastDue]: pastDue,
    [text.held]: held,
    [text.failed]: failed,
    [text.unsent]: unsent,
    [text.grants]: grants,
    [text.requests]: requests,
  }
  const all = Object.values(named)
  const fine = Object.entries(named).flatMap(([name, { data }]) => (data?.length === 0 ? [name] : []))
  return (
    <Screen title={text.title} about={text.about}>
      <Stack gap="xl">
        {all.some(({ isPending }) => isPending) && (
          <Loaded
            query={all.find(({ isPending }) => isPending) as UseInfiniteQueryResult<object[]>}
            skeleton={<Rows count={5} height={36} />}
          >
            {() => null}
          </Loaded>
        )}
        <Waiting title={text.pastDue} query={pastDue} columns={subscriptionColumns}>
          <TextLink to="/subscriptions" search={{ status: 'past_due' }}>
            {lists.all}
          </TextLink>
        </Waiting>
        <Waiting title={text.held} query={held} columns={heldColumns} />
        <Waiting title={text.failed} query={failed} columns={jobColumns}>
          <TextLink to="/jobs" search={{ state: 'failed' }}>
            {lists.all}
          </TextLink>
        </Waiting>
        <Waiting title={text.unsent} query={unsent} columns={mailColumns}>
          <TextLink to="/mail" search={{ status: 'retrying' }}>
            {lists.all}
          </TextLink>
        </Waiting>
        <Waiting title={text.requests} query={requests} columns={requestColumns}>
          <TextLink to="/support-sessions" search={{ status: 'requested' }}>
            {lists.all}
          </TextLink>
        </Waiting>
        <Waiting title={text.grants} query={grants} columns={grantColumns} />
        {fine.length === all.length ? (
          <Empty>{text.done}</Empty>
        ) : (
          fine.length > 0 && <Text c="dimmed">{text.fine(list(fine.map((name) => name.toLowerCase())))}</Text>
        )}
      </Stack>
    </Screen>
  )
}

function Waiting<Row extends { id: string }>(props: {
  title: string
  query: UseInfiniteQueryResult<Row[]>
  columns: Column<Row>[]
  /** Where the rest of it is. */
  children?: ReactNode
}) {
  const { title, query, columns, children } = props
  if (query.data?.length === 0 || (query.isPending && !query.error)) return null
  return (
    <Stack gap="xs">
      <Title order={2} size="h3">
        {title}
      </Title>
      {query.data ? (
        <Table label={title} columns={columns} rows={query.data} rowKey={({ id }) => id} />
      ) : (
        query.error && <Failed error={query.error} retry={() => void query.refetch()} busy={query.isFetching} />
      )}
      {query.hasNextPage && <Group>{children}</Group>}
    </Stack>
  )
}

const heldColumns: Column<Schemas['StaffInvoice']>[] = [
  { label: lists.business, cell: ({ business }) => <BusinessLink of={business} tab="subscription" /> },
  {
    label: lists.invoices.amount,
    align: 'right',
    cell: ({ amountDue, currency }) => money(amountDue, currency),
  },
  { label: lists.invoices.created, align: 'right', cell: ({ createdAt }) => <When at={createdAt} /> },
]

const grantColumns: Column<Schemas['ExpiringGrant']>[] = [
  { label: lists.business, cell: ({ business }) => <BusinessLink of={business} tab="usage" /> },
  { label: lists.grants.feature, short: true, cell: ({ feature }) => capital(words(feature)) },
  { label: lists.grants.reason, cell: ({ reason }) => reason },
  {
    label: lists.grants.remaining,
    align: 'right',
    cell: ({ remaining }) => (remaining === 0 ? shared.none : count(remaining)),
  },
  { label: lists.grants.expires, align: 'right', cell: ({ expiresAt }) => <Day at={expiresAt} /> },
]
