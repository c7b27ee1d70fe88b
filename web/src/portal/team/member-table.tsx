import { Button, Group, NativeSelect, Stack, Text } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { answer, api, type Schemas } from '../../api.ts'
import { text } from '../../text/team.ts'
import { BarredButton } from '../../ui/barred.tsx'
import { Confirm } from '../../ui/confirm.tsx'
import { FormError } from '../../ui/form.tsx'
import { Table, type Column } from '../../ui/table.tsx'
import { Tag } from '../../ui/tag.tsx'
import { When } from '../../ui/time.tsx'
import { toast } from '../../ui/toast.ts'
import { entitlementsQuery, membersQuery, meQuery } from '../data.ts'
import { useMembership } from '../membership.tsx'

type Member = Schemas['Member']
type Change = {
  member: Member
  body: { role?: string; suspended?: boolean }
  said: string
  undo?: Omit<Change, 'undo'>
}

const nameOf = ({ firstName, lastName }: Member) => `${firstName} ${lastName}`

export function MemberTable({ members }: { members: Member[] }) {
  const { businessId, memberId, can, bar, grantable } = useMembership()
  const queryClient = useQueryClient()
  const [leaving, setLeaving] = useState<Member>()
  const refresh = () =>
    Promise.all([
      queryClient.invalidateQueries({ queryKey: membersQuery(businessId).queryKey }),
      queryClient.invalidateQueries({ queryKey: entitlementsQuery(businessId).queryKey }),
      queryClient.invalidateQueries({ queryKey: meQuery.queryKey }),
    ])
  // Not before the server has agreed: who may do what is nothing to guess.
  const change = useMutation({
    mutationFn: ({ member, body }: Change) =>
      answer(
        api.PATCH('/v1/businesses/{businessId}/members/{memberId}', {
          params: { path: { businessId, memberId: member.id } },
          body,
        }),
      ),
    onSuccess: async (_, { said, undo }) => {
      await refresh()
      toast(said, undo && (() => change.mutate(undo)))
    },
  })
  const may = can('members:manage')

  const columns: Column<Member>[] = [
    {
      label: text.name,
      cell: (member) => (
        <Stack gap={0}>
          <Group gap="xs" style={{ justifyContent: 'inherit' }}>
            <Text fw={600} span>
              {nameOf(member)}
            </Text>
            {member.id === memberId && <Tag>{text.you}</Tag>}
            {member.suspended && <Tag tone="warning">{text.suspended}</Tag>}
          </Group>
          <Text size="xs" c="dimmed">
            {member.email}
          </Text>
        </Stack>
      ),
    },
    {
      label: text.role,
      cell: (member) =>
        may && member.id !== memberId && bar === undefined && grantable.includes(member.role) ? (
          <NativeSelect
            size="xs"
            aria-label={text.roleOf(nameOf(member))}
            value={member.role}
            disabled={change.isPending}
            data={grantable}
            onChange={(event) => {
              const role = event.currentTarget.value
              const to = (role: string) => ({ member, body: { role }, said: text.roleChanged(nameOf(member), role) })
              change.mutate({ ...to(role), undo: to(member.role) })
            }}
          />
        ) : (
          member.role
        ),
    },
    { label: text.joined, cell: ({ createdAt }) => <When at={createdAt} /> },
    {
      label: '',
      align: 'right',
      cell: (member) => {
        const isOneself = member.id === memberId
        if (!may && !isOneself) return null
        const to = (suspended: boolean) => ({
          member,
          body: { suspended },
          said: (suspended ? text.isSuspended : text.isRestored)(nameOf(member)),
        })
        return (
          <Group gap="xs" justify="flex-end" wrap="nowrap">
            {!isOneself && (
              <BarredButton
                size="xs"
                variant="default"
                disabled={change.isPending}
                barred={bar}
                onClick={() => change.mutate({ ...to(!member.suspended), undo: to(member.suspended) })}
              >
                {member.suspended ? text.restore : text.suspend}
              </BarredButton>
            )}
            <Button size="xs" variant="default" onClick={() => setLeaving(member)}>
              {isOneself ? text.leave : text.remove}
            </Button>
          </Group>
        )
      },
    },
  ]

  return (
    <>
      <FormError error={change.error ?? undefined} />
      <Table label={text.members} columns={columns} rows={members} rowKey={({ id }) => id} />
      {leaving && <Remove member={leaving} onRemoved={refresh} onClose={() => setLeaving(undefined)} />}
    </>
  )
}

function Remove({
  member,
  onRemoved,
  onClose,
}: {
  member: Member
  onRemoved: () => Promise<unknown>
  onClose: () => void
}) {
  const { businessId, memberId } = useMembership()
  const navigate = useNavigate()
  const queryClient = useQueryClient()
  const isOneself = member.id === memberId
  const remove = async () => {
    const params = { path: { businessId, memberId: member.id } }
    await answer(api.DELETE('/v1/businesses/{businessId}/members/{memberId}', { params }))
    if (isOneself) {
      await navigate({ to: '/businesses' })
      return queryClient.invalidateQueries({ queryKey: meQuery.queryKey })
    }
    await onRemoved()
    toast(text.isRemoved(nameOf(member)))
  }
  const { title, about, submit } = isOneself
    ? text.leaveDialog
    : { ...text.removeDialog, title: text.removeDialog.title(nameOf(member)) }
  return (
    <Confirm title={title} action={submit} danger onConfirm={remove} onClose={onClose}>
      {about}
    </Confirm>
  )
}
