import type { Schemas } from '../../api.ts'
import { text as lists } from '../../text/console-lists.ts'
import { text as shared } from '../../text/shared.ts'
import { TextLink } from '../../ui/links.tsx'
import type { Column } from '../../ui/table.tsx'
import { Tag } from '../../ui/tag.tsx'
import { Moment } from '../../ui/time.tsx'

const { jobs: text } = lists
type Job = Schemas['Job']

const tones = {
  waiting: 'neutral',
  running: 'neutral',
  retrying: 'warning',
  failed: 'danger',
  done: 'success',
} as const

/** The queue goes by real time, which the domain's clock may be ahead of: so moments, not how long ago. */
export const jobColumns: Column<Job>[] = [
  {
    label: text.task,
    cell: ({ task, mailId }) =>
      mailId === null ? (
        task
      ) : (
        <TextLink to="/mail/$mailId" params={{ mailId }}>
          {task}
        </TextLink>
      ),
  },
  { label: lists.state, cell: ({ state }) => <Tag tone={tones[state]}>{text.states[state]}</Tag> },
  { label: text.error, cell: ({ error }) => error ?? shared.none },
  { label: text.attempts, align: 'right', cell: ({ attempts }) => attempts },
  { label: text.created, align: 'right', cell: ({ createdAt }) => <Moment at={createdAt} /> },
  {
    label: text.ended,
    align: 'right',
    cell: ({ endedAt }) => (endedAt === null ? shared.none : <Moment at={endedAt} />),
  },
]
