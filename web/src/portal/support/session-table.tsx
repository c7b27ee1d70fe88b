import { Button, Group, Stack } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { text as shared } from '../../text/shared.ts'
import { text } from '../../text/support.ts'
import { Confirm } from '../../ui/confirm.tsx'
import { TextLink } from '../../ui/links.tsx'
import { Table, type Column } from '../../ui/table.tsx'
import { Tag } from '../../ui/tag.tsx'
import { When } from '../../ui/time.tsx'
import { toast } from '../../ui/toast.ts'
import { useMembership } from '../membership.tsx'
import { answerRequest, endSession, supportQuery, type SupportSession } from './data.ts'

const tones = {
  requested: 'warning',
  refused: 'neutral',
  active: 'warning',
  ended: 'neutral',
  expired: 'neutral',
} as const

type Doing = 'approve' | 'refuse' | 'end'

/** Who of support looked in, why and until when; and what can be done about it while it goes on. */
export function SessionTable({ sessions }: { sessions: SupportSession[] }) {
  const { businessId, can } = useMembership()
  const queryClient = useQueryClient()
  const [doing, setDoing] = useState<{ kind: Doing; session: SupportSession }>()
  const { sessions: words } = text
  const columns: Column<SupportSession>[] = [
    {
      label: words.who,
      cell: ({ by, startedAt }) => (
        <Stack gap={0}>
          {by.name}
          {startedAt !== null && can('audit:read') && (
            <TextLink
              size="xs"
              to="/b/$businessId/audit"
              params={{ businessId }}
              search={{ actor: by.id, from: startedAt.slice(0, 10) }}
            >
              {words.did}
            </TextLink>
          )}
        </Stack>
      ),
    },
    { label: words.why, cell: ({ reason }) => reason },
    { label: words.access, cell: ({ access, minutes }) => `${words.accesses[access]}, ${words.minutes(minutes)}` },
    { label: words.state, cell: ({ status }) => <Tag tone={tones[status]}>{words.states[status]}</Tag> },
    { label: words.started, cell: ({ startedAt }) => (startedAt === null ? shared.none : <When at={startedAt} />) },
    { label: words.until, cell: ({ endedAt, expiresAt }) => <Until at={endedAt ?? expiresAt} /> },
  ]
  if (can('support:manage')) {
    columns.push({
      label: '',
      align: 'right',
      cell: (session) => (
        <Group gap="xs" justify="flex-end">
          {doableWith(session).map((kind) => (
            <Button key={kind} variant="default" size="xs" onClick={() => setDoing({ kind, session })}>
              {text[kind]}
            </Button>
          ))}
        </Group>
      ),
    })
  }
  return (
    <>
      <Table label={words.title} rows={sessions} rowKey={({ id }) => id} columns={columns} />
      {doing && (
        <Confirm
          title={text.questions[doing.kind](doing.session.by.name)}
          action={text[doing.kind]}
          danger={doing.kind !== 'approve'}
          onConfirm={async () => {
            await perform(businessId, doing.kind, doing.session.id)
            await queryClient.invalidateQueries({ queryKey: supportQuery(businessId).queryKey })
            toast(text.done[doing.kind](doing.session.by.name))
          }}
          onClose={() => setDoing(undefined)}
        >
          {text.because(doing.session.reason)}
        </Confirm>
      )}
    </>
  )
}

const Until = ({ at }: { at: string | null }) => (at === null ? shared.none : <When at={at} />)

function doableWith({ status }: SupportSession): Doing[] {
  if (status === 'requested') return ['approve', 'refuse']
  return status === 'active' ? ['end'] : []
}

const perform = (businessId: string, kind: Doing, id: string) =>
  kind === 'end' ? endSession(businessId, id) : answerRequest(businessId, id, kind === 'approve')
