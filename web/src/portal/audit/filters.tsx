import { NativeSelect, TextInput } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { text } from '../../text/audit.ts'
import { FilterRow } from '../../ui/filter-row.tsx'
import { membersQuery } from '../data.ts'
import { useMembership } from '../membership.tsx'
import type { AuditSearch } from './data.ts'

const route = getRouteApi('/b/$businessId/audit')

/** They stand in the address, so that what one looks at can be sent to somebody. */
export function Filters({ search }: { search: AuditSearch }) {
  const { businessId, can } = useMembership()
  const navigate = route.useNavigate()
  const { data: members = [] } = useInfiniteQuery({ ...membersQuery(businessId), enabled: can('members:read') })
  const choose =
    (name: keyof AuditSearch) =>
    ({ currentTarget: { value } }: { currentTarget: { value: string } }) => {
      const { [name]: _, ...others } = search
      void navigate({ search: value === '' ? others : { ...others, [name]: value }, replace: true })
    }
  return (
    <FilterRow
      role="search"
      aria-label={text.filters}
      onClear={Object.keys(search).length > 0 && (() => void navigate({ search: {}, replace: true }))}
    >
      <NativeSelect
        label={text.actor}
        value={search.actor ?? ''}
        onChange={choose('actor')}
        data={[
          { value: '', label: text.anyActor },
          {
            group: text.members,
            items: members.map(({ userId, firstName, lastName }) => ({
              value: userId,
              label: `${firstName} ${lastName}`,
            })),
          },
          {
            group: text.groups,
            items: Object.entries(text.actors).map(([value, label]) => ({ value, label })),
          },
        ]}
      />
      <NativeSelect
        label={text.action}
        value={search.action ?? ''}
        onChange={choose('action')}
        data={[
          { value: '', label: text.anyAction },
          ...Object.entries(text.actions).map(([value, label]) => ({ value, label })),
        ]}
      />
      <TextInput label={text.from} type="date" value={search.from ?? ''} onChange={choose('from')} />
    </FilterRow>
  )
}
