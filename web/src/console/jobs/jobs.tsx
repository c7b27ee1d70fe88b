import { Alert, Button, Stack, Text, Title } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import type { Schemas } from '../../api.ts'
import { text as lists } from '../../text/console-lists.ts'
import { text as shared } from '../../text/shared.ts'
import { FilterRow } from '../../ui/filter-row.tsx'
import { Loaded, Rows } from '../../ui/loaded.tsx'
import { now } from '../../ui/page.ts'
import { Screen } from '../../ui/screen.tsx'
import { known } from '../../ui/search.ts'
import type { Column } from '../../ui/table.tsx'
import { When } from '../../ui/time.tsx'
import { relative } from '../../ui/words.ts'
import { Section } from '../business/section.tsx'
import { Choice } from '../list/choice.tsx'
import { Pages } from '../list/pages.tsx'
import { jobsQuery, tasksQuery, type JobSearch } from '../lists.ts'
import { jobColumns } from './columns.tsx'
import { RunNow } from './run-now.tsx'

const { jobs: text } = lists
const route = getRouteApi('/jobs')

/** What runs in the background: what failed first of all, and what runs when. */
export function Jobs() {
  const search = known(route.useSearch(), 'state', 'task')
  const navigate = route.useNavigate()
  const jobs = useInfiniteQuery(jobsQuery(search))
  const tasks = useQuery(tasksQuery)
  const names = [...(tasks.data?.items.map(({ task }) => task) ?? []), 'mail']
  const go = (change: { [Key in keyof JobSearch]: JobSearch[Key] | undefined }) =>
    void navigate({ search: { ...search, ...change } as JobSearch })
  return (
    <Screen title={text.title} about={text.about(tasks.data?.workers.alive)}>
      <Loaded query={tasks} skeleton={<Rows count={6} height={36} />}>
        {({ items, workers, renewals }) => (
          <>
            <Schedules schedules={items} alive={workers.alive} />
            {renewals.oldestAt !== null && (
              <Text role="status">{text.due(renewals.due, relative(new Date(renewals.oldestAt), now()))}</Text>
            )}
          </>
        )}
      </Loaded>
      <Stack gap="sm">
        <Title order={2} size="h3">
          {text.runs}
        </Title>
        <FilterRow role="group" aria-label={lists.filters}>
          <Choice label={lists.state} value={search.state} options={text.states} onChange={(state) => go({ state })} />
          <Choice
            label={text.task}
            value={search.task}
            options={Object.fromEntries(names.map((name) => [name, name]))}
            onChange={(task) => go({ task })}
          />
        </FilterRow>
        <Pages
          label={text.runs}
          query={jobs}
          empty={text.empty}
          columns={jobColumns}
          rowKey={({ id }) => id}
          onReset={Object.keys(search).length > 0 && (() => void navigate({ search: {} }))}
        />
      </Stack>
    </Screen>
  )
}

function Schedules({ schedules, alive }: { schedules: Schemas['Schedule'][]; alive: number }) {
  const [running, setRunning] = useState<string>()
  return (
    <>
      {alive === 0 && <Alert color="warning" title={text.noWorker} />}
      <Section
        title={text.tasks}
        empty={text.noTasks}
        columns={columnsWith(setRunning)}
        rows={schedules}
        rowKey={({ task }) => task}
      />
      {running !== undefined && <RunNow task={running} onClose={() => setRunning(undefined)} />}
    </>
  )
}

const columnsWith = (onRun: (task: string) => void): Column<Schemas['Schedule']>[] => [
  { label: text.task, cell: ({ task }) => task },
  { label: text.schedule, cell: ({ schedule }) => <Text ff="monospace">{schedule}</Text> },
  { label: text.lastRun, cell: ({ lastRunAt }) => (lastRunAt === null ? shared.never : <When at={lastRunAt} />) },
  { label: text.nextRun, cell: ({ nextRunAt }) => (nextRunAt === null ? shared.none : <When at={nextRunAt} />) },
  {
    label: '',
    align: 'right',
    cell: ({ task }) => (
      <Button size="compact-xs" variant="default" onClick={() => onRun(task)}>
        {text.run}
      </Button>
    ),
  },
]
