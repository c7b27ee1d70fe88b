import { Button, Text, TextInput } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import type { Schemas } from '../../api.ts'
import { text as lists } from '../../text/console-lists.ts'
import { text as shared } from '../../text/shared.ts'
import { actorText, targetText } from '../../ui/actor.ts'
import { FilterRow } from '../../ui/filter-row.tsx'
import { DownloadCsv } from '../../ui/download.tsx'
import { Screen } from '../../ui/screen.tsx'
import { known } from '../../ui/search.ts'
import type { Column } from '../../ui/table.tsx'
import { When } from '../../ui/time.tsx'
import { label } from '../../ui/words.ts'
import { BusinessLink } from '../list/business-link.tsx'
import { Choice } from '../list/choice.tsx'
import { Pages } from '../list/pages.tsx'
import { auditFilters, auditQuery, type AuditSearch } from '../lists.ts'

const { audit: text } = lists
const route = getRouteApi('/audit')
type Entry = Schemas['StaffAuditEntry']

/** What staff did, wherever it was. */
export function StaffLog() {
  const search = known(route.useSearch(), 'by', 'actor', 'action', 'business', 'from', 'to')
  const navigate = route.useNavigate()
  const entries = useInfiniteQuery(auditQuery(search))
  return (
    <Screen
      title={text.title}
      about={text.about}
      actions={<DownloadCsv path="/v1/staff/audit" filters={auditFilters(search)} />}
    >
      <Filters key={JSON.stringify(search)} search={search} />
      <Pages
        label={text.title}
        query={entries}
        empty={text.empty}
        columns={columns}
        rowKey={({ id }) => id}
        onReset={Object.keys(search).length > 0 && (() => void navigate({ search: {} }))}
      />
    </Screen>
  )
}

/** They take effect in the address, and by that in the list. */
function Filters({ search }: { search: AuditSearch }) {
  const navigate = route.useNavigate()
  const [typed, setTyped] = useState(search)
  const field = (name: Exclude<keyof AuditSearch, 'by'>) => ({
    value: typed[name] ?? '',
    onChange: ({ currentTarget: { value } }: { currentTarget: { value: string } }) =>
      setTyped((before) => ({ ...before, [name]: value })),
  })
  const apply = (by: AuditSearch['by']) => {
    const said = Object.entries({ ...typed, by: by ?? '' }).map(([name, value]) => [name, value.trim()] as const)
    void navigate({ search: Object.fromEntries(said.filter(([, value]) => value !== '')) })
  }
  return (
    <form
      role="search"
      onSubmit={(event) => {
        event.preventDefault()
        apply(search.by)
      }}
    >
      <FilterRow onClear={Object.keys(search).length > 0 && (() => void navigate({ search: {} }))}>
        <Choice w={170} label={text.by} any={text.people} value={search.by} options={text.kinds} onChange={apply} />
        <TextInput label={text.actor} placeholder={text.actorHint} maxLength={254} w={140} {...field('actor')} />
        <TextInput label={text.action} placeholder={text.actionHint} maxLength={100} w={205} {...field('action')} />
        <TextInput label={text.where} placeholder={text.whereHint} maxLength={64} w={120} {...field('business')} />
        <TextInput label={text.from} type="date" {...field('from')} />
        <TextInput label={text.to} type="date" {...field('to')} />
        <Button type="submit">{text.apply}</Button>
      </FilterRow>
    </form>
  )
}

const columns: Column<Entry>[] = [
  { label: text.at, cell: ({ at }) => <When at={at} /> },
  { label: text.actor, cell: ({ actor }) => actorText(actor) },
  { label: text.action, cell: ({ action }) => label(action.replaceAll('.', ' ')) },
  {
    label: text.where,
    cell: ({ business }) =>
      business === null ? <Text c="dimmed">{text.elsewhere}</Text> : <BusinessLink of={business} tab="timeline" />,
  },
  { label: text.target, cell: ({ target }) => targetText(target) },
  { label: text.reason, cell: ({ after }) => (typeof after?.['reason'] === 'string' ? after['reason'] : shared.none) },
]
