import { Button, Code, Group, Stack, Text } from '@mantine/core'
import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { answer, api, type Schemas } from '../../api.ts'
import { text } from '../../text/api-keys.ts'
import { text as shared } from '../../text/shared.ts'
import { BarredButton } from '../../ui/barred.tsx'
import { Confirm } from '../../ui/confirm.tsx'
import { Empty, Loaded } from '../../ui/loaded.tsx'
import { More } from '../../ui/more.tsx'
import { now } from '../../ui/page.ts'
import { Screen } from '../../ui/screen.tsx'
import { Table, type Column } from '../../ui/table.tsx'
import { Tag } from '../../ui/tag.tsx'
import { When } from '../../ui/time.tsx'
import { toast } from '../../ui/toast.ts'
import { count, list, words } from '../../ui/words.ts'
import { apiKeysQuery, keyUsageQuery, membersQuery } from '../data.ts'
import { Needs, useMembership } from '../membership.tsx'
import { CreateKey, type HandedOut } from './create-key.tsx'
import { KeyDialog } from './key-dialog.tsx'
import { RotateKey } from './rotate-key.tsx'

type ApiKey = Schemas['ApiKey']
type Doing = { what: 'create' } | { what: 'rotate' | 'revoke'; apiKey: ApiKey } | { what: 'show'; handedOut: HandedOut }

export function ApiKeys() {
  const { can, bar } = useMembership()
  const [doing, setDoing] = useState<Doing>()
  const create = can('api-keys:manage') && (
    <BarredButton barred={bar} inSight onClick={() => setDoing({ what: 'create' })}>
      {text.create}
    </BarredButton>
  )
  return (
    <Screen title={text.title} about={text.about} actions={create}>
      <Needs permission="api-keys:read">
        <KeyList onDo={setDoing} />
        <Dialogs doing={doing} onDo={setDoing} />
      </Needs>
    </Screen>
  )
}

function KeyList({ onDo }: { onDo: (doing: Doing) => void }) {
  const { businessId, can, bar } = useMembership()
  const keys = useInfiniteQuery(apiKeysQuery(businessId))
  const { data: members = [] } = useInfiniteQuery(membersQuery(businessId))
  const nameOf = (userId: string | null) => {
    const member = members.find((each) => each.userId === userId)
    return member && `${member.firstName} ${member.lastName}`
  }

  const columns = (all: ApiKey[]): Column<ApiKey>[] => [
    {
      label: text.name,
      cell: (apiKey) => {
        const { before, after } = lineOf(apiKey, all)
        return (
          <Stack gap={0}>
            <Text fw={600} dir="auto">
              {apiKey.name}
            </Text>
            {before && (
              <Text size="xs" c="dimmed">
                {text.replaces(before.hint)}
              </Text>
            )}
            {after && (
              <Text size="xs" c="dimmed">
                {text.replacedBy(after.hint)}
              </Text>
            )}
          </Stack>
        )
      },
    },
    { label: text.type, cell: ({ type }) => type, short: true },
    { label: text.key, cell: ({ hint }) => <Code>{hint}</Code>, short: true },
    {
      label: text.created,
      cell: ({ createdAt, createdBy }) => {
        const name = nameOf(createdBy)
        return (
          <>
            <When at={createdAt} />
            {name !== undefined && text.by(name)}
          </>
        )
      },
    },
    { label: text.lastUsed, cell: ({ lastUsedAt }) => (lastUsedAt === null ? shared.never : <When at={lastUsedAt} />) },
    { label: text.state, cell: (apiKey) => <State apiKey={apiKey} successor={lineOf(apiKey, all).after} /> },
    {
      label: '',
      align: 'right',
      cell: (apiKey) =>
        can('api-keys:manage') &&
        isAlive(apiKey) && (
          <Group gap="xs" justify="flex-end" wrap="nowrap">
            {!isReplaced(apiKey, all) && (
              <BarredButton size="xs" variant="default" barred={bar} onClick={() => onDo({ what: 'rotate', apiKey })}>
                {text.rotate}
              </BarredButton>
            )}
            <Button size="xs" variant="default" onClick={() => onDo({ what: 'revoke', apiKey })}>
              {isReplaced(apiKey, all) ? text.endNow : text.revoke}
            </Button>
          </Group>
        ),
    },
  ]

  return (
    <Loaded query={keys}>
      {(all) => (
        <>
          {all.length === 0 ? (
            <Empty
              action={
                can('api-keys:manage') && (
                  <BarredButton barred={bar} onClick={() => onDo({ what: 'create' })}>
                    {text.createFirst}
                  </BarredButton>
                )
              }
            >
              {text.empty}
            </Empty>
          ) : (
            <Table label={text.title} columns={columns(all)} rows={all} rowKey={({ id }) => id} />
          )}
          <More of={keys} kept />
        </>
      )}
    </Loaded>
  )
}

const isExpired = ({ expiresAt }: ApiKey) => expiresAt !== null && Date.parse(expiresAt) <= now().getTime()
const isAlive = (apiKey: ApiKey) => apiKey.revokedAt === null && !isExpired(apiKey)

/** What a key took the place of, and what has taken its own. Ids are in the order of their making. */
function lineOf({ id, lineageId }: ApiKey, all: ApiKey[]) {
  const line = all.filter((each) => each.lineageId === lineageId).toSorted((a, b) => (a.id < b.id ? -1 : 1))
  const at = line.findIndex((each) => each.id === id)
  return { before: line[at - 1], after: line[at + 1] }
}
const isReplaced = ({ id, lineageId }: ApiKey, all: ApiKey[]) =>
  all.some((each) => each.lineageId === lineageId && each.id > id && each.revokedAt === null)

function State({ apiKey, successor }: { apiKey: ApiKey; successor: ApiKey | undefined }) {
  if (apiKey.revokedAt !== null) return <Tag>{text.revoked}</Tag>
  if (isExpired(apiKey)) return <Tag>{text.expired}</Tag>
  if (apiKey.expiresAt === null) return <Tag tone="success">{text.works}</Tag>
  return (
    <Stack gap={0}>
      <span>
        {text.ends} <When at={apiKey.expiresAt} />
      </span>
      {successor && <StillCalled apiKey={apiKey} since={successor.createdAt} />}
    </Stack>
  )
}

/** Whether something goes on with a key that was replaced: before it ends, that has to have the new one. */
function StillCalled({ apiKey: { id, lastUsedAt }, since }: { apiKey: ApiKey; since: string }) {
  const { businessId } = useMembership()
  const isCalled = lastUsedAt !== null && lastUsedAt > since
  const usage = useQuery({ ...keyUsageQuery(businessId, id), enabled: isCalled })
  if (!isCalled) {
    return (
      <Text size="xs" c="dimmed">
        {text.notCalled}
      </Text>
    )
  }
  return (
    <Text size="xs" c="var(--freehold-warning)">
      {text.stillCalled} <When at={lastUsedAt} />
      {usage.data && ` ${countedOf(usage.data)}`}
    </Text>
  )
}

function countedOf({ items, complete }: Schemas['ApiKeyUsage']): string {
  const calls = items.reduce((sum, each) => sum + each.calls, 0)
  if (calls === 0) return complete ? text.countedNothing : ''
  const units = items.map(({ feature, amount }) => text.units(count(amount), words(feature)))
  return text.counted(count(calls), calls === 1, list(units), complete)
}

function Dialogs({ doing, onDo }: { doing: Doing | undefined; onDo: (doing: Doing | undefined) => void }) {
  const { businessId } = useMembership()
  const queryClient = useQueryClient()
  const close = () => onDo(undefined)
  const refresh = () => queryClient.invalidateQueries({ queryKey: apiKeysQuery(businessId).queryKey })
  const show = (handedOut: HandedOut) => {
    onDo({ what: 'show', handedOut })
    void refresh()
  }
  switch (doing?.what) {
    case 'create':
      return <CreateKey onCreated={show} onClose={close} />
    case 'rotate':
      return <RotateKey apiKey={doing.apiKey} onRotated={show} onClose={close} />
    case 'show':
      return <KeyDialog handedOut={doing.handedOut} onClose={close} />
    case 'revoke': {
      const { id, name } = doing.apiKey
      const revoke = async () => {
        const params = { path: { businessId, id } }
        await answer(api.DELETE('/v1/businesses/{businessId}/api-keys/{id}', { params }))
        await refresh()
        toast(text.revokeDialog.done(name))
      }
      return (
        <Confirm
          title={text.revokeDialog.title(name)}
          action={text.revokeDialog.submit}
          danger
          onConfirm={revoke}
          onClose={close}
        >
          {text.revokeDialog.about}
        </Confirm>
      )
    }
    case undefined:
      return null
  }
}
