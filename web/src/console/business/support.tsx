import { Stack, Text } from '@mantine/core'
import type { Schemas } from '../../api.ts'
import { text as actions } from '../../text/console-actions.ts'
import { text as business } from '../../text/console-business.ts'
import { text as shared } from '../../text/shared.ts'
import type { Column } from '../../ui/table.tsx'
import { Tag } from '../../ui/tag.tsx'
import { When } from '../../ui/time.tsx'
import { Section } from './section.tsx'

const { sessions: text } = business
type Session = Schemas['SupportSession']

export function Support({ business: { supportAccess, supportSessions } }: { business: Schemas['StaffBusinessPage'] }) {
  return (
    <Stack gap="md">
      <Text>
        {business.supportAccess}: {business.policies[supportAccess]}
      </Text>
      <Section
        title={text.title}
        empty={text.empty}
        columns={sessionColumns}
        rows={supportSessions}
        rowKey={({ id }) => id}
      />
    </Stack>
  )
}

const tones = {
  requested: 'warning',
  refused: 'danger',
  active: 'success',
  ended: 'neutral',
  expired: 'neutral',
} as const

export const sessionColumns: Column<Session>[] = [
  { label: text.by, cell: ({ by }) => by.name },
  { label: text.access, cell: ({ access }) => actions.support.accesses[access] },
  { label: text.reason, cell: ({ reason }) => reason },
  { label: text.status, cell: ({ status }) => <Tag tone={tones[status]}>{text.statuses[status]}</Tag> },
  { label: text.started, cell: ({ startedAt }) => (startedAt === null ? shared.none : <When at={startedAt} />) },
  {
    label: text.until,
    align: 'right',
    cell: ({ endedAt, expiresAt }) => {
      const until = endedAt ?? expiresAt
      return until === null ? shared.none : <When at={until} />
    },
  },
]
