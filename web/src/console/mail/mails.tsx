import { useInfiniteQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import { text as lists } from '../../text/console-lists.ts'
import { FilterRow } from '../../ui/filter-row.tsx'
import { Screen } from '../../ui/screen.tsx'
import { SearchField } from '../../ui/search-field.tsx'
import { known } from '../../ui/search.ts'
import { Choice } from '../list/choice.tsx'
import { Pages } from '../list/pages.tsx'
import { mailsQuery, type MailSearch } from '../lists.ts'
import { mailColumns } from './columns.tsx'

const { mails: text } = lists
const route = getRouteApi('/mail')

/** What was mailed to whom, and what of it could not be sent. */
export function Mails() {
  const search = known(route.useSearch(), 'status', 'to')
  const navigate = route.useNavigate()
  const mails = useInfiniteQuery(mailsQuery(search))
  return (
    <Screen title={text.title}>
      <Filters key={JSON.stringify(search)} search={search} />
      <Pages
        label={text.title}
        query={mails}
        empty={text.empty}
        columns={mailColumns}
        rowKey={({ id }) => id}
        onReset={Object.keys(search).length > 0 && (() => void navigate({ search: {} }))}
      />
    </Screen>
  )
}

function Filters({ search }: { search: MailSearch }) {
  const navigate = route.useNavigate()
  const [to, setTo] = useState(search.to ?? '')
  const go = (change: { [Key in keyof MailSearch]: MailSearch[Key] | undefined }) =>
    void navigate({ search: { ...search, ...change } as MailSearch })
  return (
    <form
      role="search"
      onSubmit={(event) => {
        event.preventDefault()
        go({ to: to.trim() })
      }}
    >
      <FilterRow onClear={Object.keys(search).length > 0 && (() => void navigate({ search: {} }))}>
        <SearchField label={text.to} value={to} onChange={setTo} submit={text.find} />
        <Choice
          label={lists.state}
          value={search.status}
          options={text.statuses}
          onChange={(status) => go({ status })}
        />
      </FilterRow>
    </form>
  )
}
