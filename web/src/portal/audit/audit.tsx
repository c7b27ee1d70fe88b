import { Stack, Text } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { text } from '../../text/audit.ts'
import { text as shared } from '../../text/shared.ts'
import { actorText } from '../../ui/actor.ts'
import { DownloadCsv } from '../../ui/download.tsx'
import { ButtonLink } from '../../ui/links.tsx'
import { Empty, Loaded, Rows } from '../../ui/loaded.tsx'
import { More } from '../../ui/more.tsx'
import { Screen } from '../../ui/screen.tsx'
import { known } from '../../ui/search.ts'
import { Table, type Column } from '../../ui/table.tsx'
import { When } from '../../ui/time.tsx'
import { Needs, useMembership } from '../membership.tsx'
import { changesOf, targetOf } from './changes.ts'
import { auditQuery, filtersOf, type AuditEntry } from './data.ts'
import { Filters } from './filters.tsx'

const route = getRouteApi('/b/$businessId/audit')

/** Who did what here, and when. */
export function Audit() {
  const { can } = useMembership()
  return (
    <Screen title={text.title} about={text.about} actions={can('audit:read') && <Download />}>
      <Needs permission="audit:read">
        <Log />
      </Needs>
    </Screen>
  )
}

function Log() {
  const { businessId } = useMembership()
  const search = known(route.useSearch(), 'actor', 'action', 'from')
  const entries = useInfiniteQuery(auditQuery(businessId, search))
  const isFiltered = Object.keys(search).length > 0
  return (
    <Stack gap="md">
      <Filters search={search} />
      <Loaded query={entries} skeleton={<Rows count={6} />}>
        {(rows) =>
          rows.length === 0 ? (
            <Empty
              action={
                isFiltered && (
                  <ButtonLink variant="default" to="/b/$businessId/audit" params={{ businessId }} search={{}}>
                    {shared.clearFilters}
                  </ButtonLink>
                )
              }
            >
              {isFiltered ? shared.nothingMatches : text.empty}
            </Empty>
          ) : (
            <Table label={text.title} columns={columns} rows={rows} rowKey={({ id }) => id} />
          )
        }
      </Loaded>
      <More of={entries} kept />
    </Stack>
  )
}

const columns: Column<AuditEntry>[] = [
  { label: text.time, cell: ({ at }) => <When at={at} /> },
  {
    label: text.actor,
    cell: (entry) =>
      entry.actor.kind === 'staff' ? (
        <>
          {actorText(entry.actor)}
          <Text size="xs" c="dimmed">
            {entry.onBehalfOf ? text.onBehalf : text.actors.staff}
          </Text>
        </>
      ) : (
        actorText(entry.actor)
      ),
  },
  { label: text.action, cell: ({ action }) => text.actionName(action) },
  { label: text.target, cell: ({ target }) => targetOf(target) },
  {
    label: text.changed,
    cell: (entry) => {
      const changes = changesOf(entry)
      return changes.length === 0 ? shared.none : changes.map((change) => <div key={change}>{change}</div>)
    },
  },
]

function Download() {
  const { businessId } = useMembership()
  const search = known(route.useSearch(), 'actor', 'action', 'from')
  return <DownloadCsv path={`/v1/businesses/${businessId}/audit`} filters={filtersOf(search)} />
}
