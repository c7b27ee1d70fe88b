import { Group, NativeSelect, Stack } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import type { Schemas } from '../../api.ts'
import { text as business } from '../../text/console-business.ts'
import { text as shared } from '../../text/shared.ts'
import { actorText } from '../../ui/actor.ts'
import { Empty, Loaded, Rows } from '../../ui/loaded.tsx'
import { More } from '../../ui/more.tsx'
import { Table, type Column } from '../../ui/table.tsx'
import { When } from '../../ui/time.tsx'
import { capital, words } from '../../ui/words.ts'
import { timelineQuery, type TimelineKind } from '../data.ts'
import { timelineKinds } from './tabs.ts'

const { timeline: text } = business
const route = getRouteApi('/businesses/$businessId')

/** All that has happened to a business in one list: changes, events, mail, money and jobs. */
export function Timeline({ business: { id } }: { business: Schemas['StaffBusinessPage'] }) {
  const { kind } = route.useSearch()
  const navigate = route.useNavigate()
  const timeline = useInfiniteQuery(timelineQuery(id, kind))
  return (
    <Stack gap="md">
      <Group>
        <NativeSelect
          label={text.kind}
          value={kind ?? ''}
          data={[
            { value: '', label: text.any },
            ...timelineKinds.map((value) => ({ value, label: text.kinds[value] })),
          ]}
          onChange={({ currentTarget: { value } }) =>
            void navigate({ search: { tab: 'timeline', kind: value as TimelineKind } })
          }
        />
      </Group>
      <Loaded query={timeline} skeleton={<Rows count={8} height={36} />}>
        {(entries) =>
          entries.length === 0 ? (
            <Empty>{text.empty}</Empty>
          ) : (
            <Table label={business.tabs.timeline} columns={columns} rows={entries} rowKey={({ id }) => id} />
          )
        }
      </Loaded>
      <More of={timeline} kept />
    </Stack>
  )
}

const columns: Column<Schemas['TimelineEntry']>[] = [
  { label: text.at, cell: ({ at }) => <When at={at} /> },
  { label: text.kind, short: true, cell: ({ kind }) => text.kinds[kind] },
  { label: text.what, cell: whatOf },
  { label: text.by, cell: ({ actor }) => (actor === null ? shared.none : actorText(actor)) },
  { label: text.why, cell: ({ why }) => why ?? shared.none },
  {
    label: text.status,
    short: true,
    cell: ({ status }) => (status === null ? shared.none : (text.statuses[status] ?? capital(words(status)))),
  },
]

/** A change with what it was done to, unless that is clear: the business itself, or who did it. */
function whatOf({ kind, title, target, actor }: Schemas['TimelineEntry']): string {
  const name = target?.['name']
  const isClear = typeof name !== 'string' || target?.['kind'] === 'business' || name === actor?.['name']
  return kind !== 'audit' || isClear ? title : text.on(title, name)
}
