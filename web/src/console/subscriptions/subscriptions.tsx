import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { text as lists } from '../../text/console-lists.ts'
import { FilterRow } from '../../ui/filter-row.tsx'
import { DownloadCsv } from '../../ui/download.tsx'
import { Screen } from '../../ui/screen.tsx'
import { known } from '../../ui/search.ts'
import { plansQuery } from '../data.ts'
import { Choice } from '../list/choice.tsx'
import { Pages } from '../list/pages.tsx'
import { subscriptionsQuery, type SubscriptionSearch } from '../lists.ts'
import { subscriptionColumns } from './columns.tsx'

const { subscriptions: text } = lists
const route = getRouteApi('/subscriptions')

/** Every subscription that goes on, whose cycle ends first before the others; or those that are so. */
export function Subscriptions() {
  const search = known(route.useSearch(), 'status', 'plan')
  const navigate = route.useNavigate()
  const subscriptions = useInfiniteQuery(subscriptionsQuery(search))
  const plans = useQuery(plansQuery)
  const go = (change: { [Key in keyof SubscriptionSearch]: SubscriptionSearch[Key] | undefined }) =>
    void navigate({ search: { ...search, ...change } as SubscriptionSearch })
  return (
    <Screen title={text.title} actions={<DownloadCsv path="/v1/staff/subscriptions" filters={search} />}>
      <FilterRow role="group" aria-label={lists.filters}>
        <Choice
          label={lists.state}
          any={text.going}
          value={search.status}
          options={text.statuses}
          onChange={(status) => go({ status })}
        />
        <Choice
          label={text.plan}
          value={search.plan}
          options={Object.fromEntries((plans.data ?? []).map(({ key, name }) => [key, name]))}
          onChange={(plan) => go({ plan })}
        />
      </FilterRow>
      <Pages
        label={text.title}
        query={subscriptions}
        empty={text.empty}
        columns={subscriptionColumns}
        rowKey={({ id }) => id}
        onReset={Object.keys(search).length > 0 && (() => void navigate({ search: {} }))}
      />
    </Screen>
  )
}
