import { NativeSelect, Text } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import type { Schemas } from '../../api.ts'
import { text as console } from '../../text/console.ts'
import { text as shared } from '../../text/shared.ts'
import { FilterRow } from '../../ui/filter-row.tsx'
import { DownloadCsv } from '../../ui/download.tsx'
import { TextLink } from '../../ui/links.tsx'
import { Screen } from '../../ui/screen.tsx'
import { SearchField } from '../../ui/search-field.tsx'
import { known } from '../../ui/search.ts'
import type { Column } from '../../ui/table.tsx'
import { Day, When } from '../../ui/time.tsx'
import { businessesQuery, businessFilters, plansQuery, type BusinessSearch } from '../data.ts'
import { Pages } from '../list/pages.tsx'
import { sorts, statuses } from './filters.ts'
import { Status } from './status.tsx'

const { businesses: text } = console
const route = getRouteApi('/businesses')

export function Businesses() {
  const search = known(route.useSearch(), 'q', 'status', 'plan', 'sort')
  const navigate = route.useNavigate()
  const businesses = useInfiniteQuery(businessesQuery(search))
  return (
    <Screen title={text.title} actions={<DownloadCsv path="/v1/staff/businesses" filters={businessFilters(search)} />}>
      <Filters key={JSON.stringify(search)} search={search} />
      <Pages
        label={text.title}
        query={businesses}
        empty={text.empty}
        columns={columns}
        rowKey={({ id }) => id}
        onReset={isFiltered(search) && (() => void navigate({ search: inOrderOf(search) }))}
      />
    </Screen>
  )
}

const isFiltered = ({ q, status, plan }: BusinessSearch) => [q, status, plan].some((each) => each !== undefined)
const inOrderOf = ({ sort }: BusinessSearch): BusinessSearch => (sort === undefined ? {} : { sort })

const columns: Column<Schemas['StaffBusiness']>[] = [
  {
    label: text.name,
    cell: ({ id, name }) => (
      <TextLink to="/businesses/$businessId" params={{ businessId: id }} fw={600}>
        {name}
      </TextLink>
    ),
  },
  { label: text.owner, cell: ({ owner }) => owner?.email ?? text.noOwner },
  { label: text.plan, cell: ({ plan }) => plan?.name ?? text.noPlan },
  { label: text.status, cell: (business) => <Status of={business} /> },
  {
    label: text.cycleEnd,
    cell: ({ subscription }) =>
      subscription === null || subscription.status === 'ended' ? shared.none : <Day at={subscription.cycleEnd} />,
  },
  { label: text.created, cell: ({ createdAt }) => <When at={createdAt} /> },
]

/** They take effect in the address, and by that in the list. */
function Filters({ search }: { search: BusinessSearch }) {
  const navigate = route.useNavigate()
  const plans = useQuery(plansQuery)
  const [q, setQ] = useState(search.q ?? '')
  const go = (
    change: Record<keyof BusinessSearch, string | undefined> | Partial<Record<keyof BusinessSearch, string>>,
  ) => void navigate({ search: { ...search, ...change } as BusinessSearch })
  const any = { value: '', label: text.any }
  return (
    <form
      role="search"
      onSubmit={(event) => {
        event.preventDefault()
        go({ q: q.trim() })
      }}
    >
      <FilterRow onClear={isFiltered(search) && (() => void navigate({ search: inOrderOf(search) }))}>
        <SearchField label={text.search} placeholder={text.hint} value={q} onChange={setQ} submit={text.submit} />
        <NativeSelect
          label={text.status}
          value={search.status ?? ''}
          data={[any, ...statuses.map((value) => ({ value, label: console.status[value] }))]}
          onChange={(event) => go({ status: event.currentTarget.value })}
        />
        <NativeSelect
          label={text.plan}
          value={search.plan ?? ''}
          data={[any, ...(plans.data ?? []).map(({ key, name }) => ({ value: key, label: name }))]}
          onChange={(event) => go({ plan: event.currentTarget.value })}
        />
        <NativeSelect
          label={text.sort}
          value={search.sort ?? 'newest'}
          data={sorts.map((value) => ({ value, label: text.orders[value] }))}
          onChange={(event) => go({ sort: event.currentTarget.value })}
        />
      </FilterRow>
      {plans.error && <Text c="dimmed">{plans.error.message}</Text>}
    </form>
  )
}
