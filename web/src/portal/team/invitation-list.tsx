import { Button, Group, Text } from '@mantine/core'
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query'
import { answer, api, type Schemas } from '../../api.ts'
import { text as team } from '../../text/team.ts'
import { BarredButton } from '../../ui/barred.tsx'
import { FormError } from '../../ui/form.tsx'
import { Empty, Loaded } from '../../ui/loaded.tsx'
import { More } from '../../ui/more.tsx'
import { Table, type Column } from '../../ui/table.tsx'
import { Tag } from '../../ui/tag.tsx'
import { When } from '../../ui/time.tsx'
import { toast } from '../../ui/toast.ts'
import { entitlementsQuery, invitationsQuery } from '../data.ts'
import { useMembership } from '../membership.tsx'

type Invitation = Schemas['Invitation']
const { invitations: text } = team

/** Those that may still be accepted, and those that have expired and may be sent again. */
export function InvitationList({ onInvite }: { onInvite: () => void }) {
  const { businessId, can, bar } = useMembership()
  const queryClient = useQueryClient()
  const invitations = useInfiniteQuery(invitationsQuery(businessId))
  const { mutate, isPending, error } = useMutation({
    mutationFn: ({ invitation, again }: { invitation: Invitation; again: boolean }): Promise<unknown> => {
      const params = { path: { businessId, id: invitation.id } }
      return again
        ? answer(api.POST('/v1/businesses/{businessId}/invitations/{id}/resend', { params }))
        : answer(api.DELETE('/v1/businesses/{businessId}/invitations/{id}', { params }))
    },
    onSuccess: async (_, { invitation, again }) => {
      await Promise.all([
        queryClient.invalidateQueries({ queryKey: invitationsQuery(businessId).queryKey }),
        queryClient.invalidateQueries({ queryKey: entitlementsQuery(businessId).queryKey }),
      ])
      toast((again ? text.resent : text.isRevoked)(invitation.email))
    },
  })

  const columns: Column<Invitation>[] = [
    {
      label: team.email,
      cell: ({ email }) => (
        <Text fw={600} span>
          {email}
        </Text>
      ),
    },
    { label: team.role, cell: ({ role }) => role },
    { label: text.by, cell: ({ invitedBy }) => invitedBy.name ?? text.nobody },
    {
      label: text.state,
      cell: ({ state }) => (state === 'expired' ? <Tag tone="warning">{text.expired}</Tag> : <Tag>{text.pending}</Tag>),
    },
    { label: text.expires, cell: ({ expiresAt }) => <When at={expiresAt} /> },
    {
      label: '',
      align: 'right',
      cell: (invitation) =>
        can('invitations:manage') && (
          <Group gap="xs" justify="flex-end" wrap="nowrap">
            <BarredButton
              size="xs"
              variant="default"
              disabled={isPending}
              barred={bar}
              onClick={() => mutate({ invitation, again: true })}
            >
              {text.resend}
            </BarredButton>
            <Button
              size="xs"
              variant="default"
              disabled={isPending}
              onClick={() => mutate({ invitation, again: false })}
            >
              {text.revoke}
            </Button>
          </Group>
        ),
    },
  ]

  return (
    <Loaded query={invitations}>
      {(all) => {
        const open = all.filter(({ state }) => state === 'pending' || state === 'expired')
        return (
          <>
            <FormError error={error ?? undefined} />
            {open.length === 0 ? (
              <Empty
                action={
                  can('invitations:manage') && (
                    <BarredButton variant="default" barred={bar} onClick={onInvite}>
                      {team.invite.somebody}
                    </BarredButton>
                  )
                }
              >
                {text.empty}
              </Empty>
            ) : (
              <Table label={text.title} columns={columns} rows={open} rowKey={({ id }) => id} />
            )}
            <More of={invitations} />
          </>
        )
      }}
    </Loaded>
  )
}
