import { Button, Group } from '@mantine/core'
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { answer, api, type Schemas } from '../../api.ts'
import { text as account } from '../../text/account.ts'
import { text as shared } from '../../text/shared.ts'
import { Confirm } from '../../ui/confirm.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { More } from '../../ui/more.tsx'
import { pages } from '../../ui/pages.ts'
import { Screen } from '../../ui/screen.tsx'
import { Table, type Column } from '../../ui/table.tsx'
import { Tag } from '../../ui/tag.tsx'
import { When } from '../../ui/time.tsx'
import { toast } from '../../ui/toast.ts'
import { deviceOf } from './device.ts'

const { sessions: text } = account
type Session = Schemas['Session']

const sessionsQuery = pages<Session>(['sessions'], (query) => answer(api.GET('/v1/me/sessions', { params: { query } })))

/** Where one is signed in, and the way out of each. */
export function Sessions() {
  const sessions = useInfiniteQuery(sessionsQuery)
  const queryClient = useQueryClient()
  const [ending, setEnding] = useState<Session | 'others'>()
  const others = sessions.data?.filter(({ current }) => !current) ?? []
  const columns: Column<Session>[] = [
    {
      label: text.device,
      cell: ({ userAgent, current }) => (
        <Group gap="xs">
          {deviceOf(userAgent)}
          {current && <Tag>{text.this}</Tag>}
        </Group>
      ),
    },
    { label: text.address, cell: ({ ipAddress }) => ipAddress ?? shared.none },
    { label: text.used, cell: ({ lastUsedAt }) => <When at={lastUsedAt} /> },
    { label: text.since, cell: ({ createdAt }) => <When at={createdAt} /> },
    {
      label: '',
      align: 'right',
      cell: (session) =>
        !session.current && (
          <Button
            variant="default"
            size="xs"
            onClick={() => setEnding(session)}
            aria-label={text.endOf(deviceOf(session.userAgent))}
          >
            {text.end}
          </Button>
        ),
    },
  ]
  const end = async () => {
    if (ending === undefined) return
    if (ending === 'others') await answer(api.DELETE('/v1/me/sessions/others'))
    else await answer(api.DELETE('/v1/me/sessions/{id}', { params: { path: { id: ending.id } } }))
    await queryClient.invalidateQueries({ queryKey: sessionsQuery.queryKey })
    toast(ending === 'others' ? text.dialog.done : text.ended)
  }
  const endOthers = others.length > 0 && <Button onClick={() => setEnding('others')}>{text.endOthers}</Button>
  return (
    <Screen title={text.title} about={text.about} actions={endOthers}>
      <Loaded query={sessions}>
        {(rows) => <Table label={text.title} columns={columns} rows={rows} rowKey={({ id }) => id} />}
      </Loaded>
      <More of={sessions} kept />
      {ending !== undefined && (
        <Confirm
          title={ending === 'others' ? text.dialog.title : text.endTitle(deviceOf(ending.userAgent))}
          action={ending === 'others' ? text.dialog.submit : text.end}
          onConfirm={end}
          onClose={() => setEnding(undefined)}
        >
          {ending === 'others' ? text.dialog.about : text.endAbout}
        </Confirm>
      )}
    </Screen>
  )
}
