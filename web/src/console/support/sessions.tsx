import { useInfiniteQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { text as lists } from '../../text/console-lists.ts'
import { FilterRow } from '../../ui/filter-row.tsx'
import { Screen } from '../../ui/screen.tsx'
import { known } from '../../ui/search.ts'
import { When } from '../../ui/time.tsx'
import type { Column } from '../../ui/table.tsx'
import type { Schemas } from '../../api.ts'
import { sessionColumns } from '../business/support.tsx'
import { BusinessLink } from '../list/business-link.tsx'
import { Choice } from '../list/choice.tsx'
import { Pages } from '../list/pages.tsx'
import { sessionsQuery } from '../lists.ts'

const { sessions: text } = lists
const route = getRouteApi('/support-sessions')

/** Who of staff looks into which business, why and until when. */
export function SupportSessions() {
  const search = known(route.useSearch(), 'status')
  const navigate = route.useNavigate()
  const sessions = useInfiniteQuery(sessionsQuery(search))
  return (
    <Screen title={text.title}>
      <FilterRow role="group" aria-label={lists.filters}>
        <Choice
          label={lists.state}
          value={search.status}
          options={text.states}
          onChange={(status) => void navigate({ search: status === undefined ? {} : { status } })}
        />
      </FilterRow>
      <Pages
        label={text.title}
        query={sessions}
        empty={text.empty}
        columns={columns}
        rowKey={({ id }) => id}
        onReset={Object.keys(search).length > 0 && (() => void navigate({ search: {} }))}
      />
    </Screen>
  )
}

export const requestColumns: Column<Schemas['StaffSupportSession']>[] = [
  { label: lists.business, cell: ({ business }) => <BusinessLink of={business} tab="support" /> },
  ...sessionColumns.slice(0, 3),
  { label: text.requested, align: 'right', cell: ({ requestedAt }) => <When at={requestedAt} /> },
]

const columns: Column<Schemas['StaffSupportSession']>[] = [
  { label: lists.business, cell: ({ business }) => <BusinessLink of={business} tab="support" /> },
  ...sessionColumns,
]
