import { Button, Card, Group, List, Stack, Text, Title } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState, type ReactNode } from 'react'
import { answer, api } from '../../api.ts'
import { text } from '../../text/settings.ts'
import { BarredButton } from '../../ui/barred.tsx'
import { Confirm } from '../../ui/confirm.tsx'
import { now } from '../../ui/page.ts'
import { Day } from '../../ui/time.tsx'
import { toast } from '../../ui/toast.ts'
import { meQuery } from '../data.ts'
import { useMembership } from '../membership.tsx'
import { businessQuery } from './data.ts'
import { HandOn } from './hand-on.tsx'

const reopeningMilliseconds = 30 * 86_400_000

/** What its owner alone can do, and should not by mistake. */
export function Danger() {
  const { business, can, bar } = useMembership()
  const [doing, setDoing] = useState<'transfer' | 'close'>()
  if (!can('business:close') && !can('business:transfer')) return null
  if (business.status === 'closed') return <Reopen />
  return (
    <Stack gap="md" component="section" aria-labelledby="danger">
      <Title order={2} id="danger">
        {text.danger}
      </Title>
      {can('business:transfer') && (
        <Line title={text.transfer.title} about={text.transfer.about}>
          <BarredButton variant="default" barred={bar} inSight onClick={() => setDoing('transfer')}>
            {text.transfer.action}
          </BarredButton>
        </Line>
      )}
      {can('business:close') && (
        <Line title={text.close.title} about={text.close.about}>
          <Button color="danger" onClick={() => setDoing('close')} disabled={business.status !== 'active'} title={bar}>
            {text.close.action}
          </Button>
        </Line>
      )}
      {doing === 'transfer' && <HandOn onClose={() => setDoing(undefined)} />}
      {doing === 'close' && <Close onClose={() => setDoing(undefined)} />}
    </Stack>
  )
}

function Line({ title, about, children }: { title: string; about: ReactNode; children: ReactNode }) {
  return (
    <Card withBorder>
      <Group justify="space-between" gap="md">
        <Stack gap={4} flex="1 1 16rem">
          <Text fw={600}>{title}</Text>
          <Text c="dimmed">{about}</Text>
        </Stack>
        {children}
      </Group>
    </Card>
  )
}

/** After it everything that is known of the business may be different. */
function useRefreshed() {
  const { businessId } = useMembership()
  const queryClient = useQueryClient()
  return () =>
    Promise.all([
      queryClient.invalidateQueries({ queryKey: meQuery.queryKey }),
      queryClient.invalidateQueries({ queryKey: [businessId] }),
    ])
}

function Close({ onClose }: { onClose: () => void }) {
  const { business, businessId } = useMembership()
  const refresh = useRefreshed()
  return (
    <Confirm
      title={text.close.dialog(business.name)}
      action={text.close.submit}
      danger
      word={business.name.trim()}
      onConfirm={async () => {
        await answer(api.DELETE('/v1/businesses/{businessId}', { params: { path: { businessId } } }))
        await refresh()
        toast(text.close.done(business.name))
      }}
      onClose={onClose}
    >
      <List size="sm" spacing={4}>
        {text.close.consequences.map((each) => (
          <List.Item key={each}>{each}</List.Item>
        ))}
      </List>
    </Confirm>
  )
}

function Reopen() {
  const { business, businessId, can } = useMembership()
  const refresh = useRefreshed()
  const { data } = useQuery(businessQuery(businessId))
  const [isAsked, setAsked] = useState(false)
  if (!data?.closedAt || !can('business:close')) return null
  const until = new Date(Date.parse(data.closedAt) + reopeningMilliseconds)
  const isLate = until < now()
  const about = isLate ? (
    text.reopen.late
  ) : (
    <>
      {text.reopen.until} <Day at={until.toISOString()} />.
    </>
  )
  return (
    <>
      <Line title={text.reopen.title} about={about}>
        {!isLate && <Button onClick={() => setAsked(true)}>{text.reopen.action}</Button>}
      </Line>
      {isAsked && (
        <Confirm
          title={text.reopen.dialog(business.name)}
          action={text.reopen.action}
          onConfirm={async () => {
            await answer(api.POST('/v1/businesses/{businessId}/reopening', { params: { path: { businessId } } }))
            await refresh()
            toast(text.reopen.done(business.name))
          }}
          onClose={() => setAsked(false)}
        />
      )}
    </>
  )
}
