import { Button, Stack, Text } from '@mantine/core'
import { useInfiniteQuery, useMutation } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { text } from '../../text/audit.ts'
import { text as shared } from '../../text/shared.ts'
import { csv } from '../../ui/csv.ts'
import { FormError } from '../../ui/form.tsx'
import { ButtonLink } from '../../ui/links.tsx'
import { Empty, Loaded, Rows } from '../../ui/loaded.tsx'
import { More } from '../../ui/more.tsx'
import { Screen } from '../../ui/screen.tsx'
import { known } from '../../ui/search.ts'
import { Table, type Column } from '../../ui/table.tsx'
import { When } from '../../ui/time.tsx'
import { toast } from '../../ui/toast.ts'
import { Needs, useMembership } from '../membership.tsx'
import { actorOf, changesOf, targetOf } from './changes.ts'
import { askForAudit, auditQuery, type AuditEntry, type AuditSearch } from './data.ts'
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
                    {text.clear}
                  </ButtonLink>
                )
              }
            >
              {isFiltered ? text.nothing : text.empty}
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
    cell: (entry) => (
      <>
        {actorOf(entry)}
        {entry.actor.kind === 'staff' && (
          <Text size="xs" c="dimmed">
            {entry.onBehalfOf ? text.onBehalf : text.actors.staff}
          </Text>
        )}
      </>
    ),
  },
  { label: text.action, cell: ({ action }) => text.actionName(action) },
  { label: text.target, cell: targetOf },
  {
    label: text.changed,
    cell: (entry) => {
      const changes = changesOf(entry)
      return changes.length === 0 ? shared.none : changes.map((change) => <div key={change}>{change}</div>)
    },
  },
]

const mostLines = 5000

/** The newest lines that match, as a file; page by page, so that it works for as many as there are. */
function Download() {
  const { businessId } = useMembership()
  const search = known(route.useSearch(), 'actor', 'action', 'from')
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => collect(businessId, search),
    onSuccess: ({ entries, isAll }) => {
      const link = document.createElement('a')
      link.href = URL.createObjectURL(
        new Blob([csv([text.csvHead, ...entries.map(lineOf)])], { type: 'text/csv;charset=utf-8' }),
      )
      link.download = `${businessId}-audit.csv`
      link.click()
      URL.revokeObjectURL(link.href)
      toast(isAll ? text.csvMade(entries.length) : text.csvTooLong(entries.length))
    },
  })
  return (
    <Stack gap="xs" align="flex-end">
      <Button variant="default" onClick={() => mutate()} loading={isPending}>
        {text.csv}
      </Button>
      <FormError error={error ?? undefined} />
    </Stack>
  )
}

const lineOf = (entry: AuditEntry): string[] => [
  entry.at,
  actorOf(entry),
  entry.actor.email ?? '',
  entry.actor.kind,
  entry.action,
  targetOf(entry),
  changesOf(entry).join('; '),
]

async function collect(businessId: string, search: AuditSearch) {
  const entries: AuditEntry[] = []
  let cursor: string | undefined
  do {
    const page = await askForAudit(businessId, search, { limit: 100, ...(cursor !== undefined && { cursor }) })
    entries.push(...page.items)
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined && entries.length < mostLines)
  return { entries, isAll: cursor === undefined }
}
