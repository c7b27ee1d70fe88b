import { Button, Checkbox, Group, Stack, Text } from '@mantine/core'
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { answer, api } from '../../api.ts'
import { text as plans } from '../../text/plan.ts'
import { FormError } from '../../ui/form.tsx'
import { Loaded, Rows } from '../../ui/loaded.tsx'
import { More } from '../../ui/more.tsx'
import { toast } from '../../ui/toast.ts'
import { entitlementsQuery, invitationsQuery, membersQuery } from '../data.ts'
import { useMembership } from '../membership.tsx'

const { leaving: text } = plans.dialog

/** Who takes a seat: a member, or somebody who is invited. */
type Seat = { id: string; kind: 'member' | 'invitation'; name: string; about: string }

/** Where more people are in than a plan has seats for: who leaves is chosen here, and what was chosen before is not lost. */
export function Leaving({ excess, onLeft }: { excess: number; onLeft: () => Promise<unknown> }) {
  const { businessId, memberId, can, grantable } = useMembership()
  const members = useInfiniteQuery(membersQuery(businessId))
  const invitations = useInfiniteQuery({ ...invitationsQuery(businessId), enabled: can('invitations:manage') })
  const seats: Seat[] = [
    ...(invitations.data ?? [])
      .filter(({ state }) => state === 'pending')
      .map(({ id, email }) => ({ id, kind: 'invitation' as const, name: email, about: text.invited })),
    // Nobody sends themselves away here, nor somebody who may do more than they may.
    ...(members.data ?? [])
      .filter(({ id, role }) => id !== memberId && grantable.includes(role))
      .map(({ id, firstName, lastName, email, role }) => ({
        id,
        kind: 'member' as const,
        name: `${firstName} ${lastName}`,
        about: `${email}, ${role}`,
      })),
  ]
  return (
    <Loaded query={members} skeleton={<Rows count={3} height={32} />}>
      {() => (
        <Stack gap="xs">
          <Seats seats={seats} excess={excess} onLeft={onLeft} />
          <More of={members} />
        </Stack>
      )}
    </Loaded>
  )
}

function Seats({ seats, excess, onLeft }: { seats: Seat[]; excess: number; onLeft: () => Promise<unknown> }) {
  const { businessId } = useMembership()
  const queryClient = useQueryClient()
  const [chosen, setChosen] = useState<string[]>([])
  const leaving = seats.filter(({ id }) => chosen.includes(id))
  const { mutate, isPending, error } = useMutation({
    mutationFn: async () => {
      // One after the other: where one cannot leave, those before it have, and it says why.
      for (const seat of leaving) await giveUp(businessId, seat)
    },
    onSuccess: () => toast(text.left(leaving.length)),
    onSettled: async () => {
      setChosen([])
      await Promise.all(
        [membersQuery, invitationsQuery, entitlementsQuery].map((query) =>
          queryClient.invalidateQueries({ queryKey: query(businessId).queryKey }),
        ),
      )
      await onLeft()
    },
  })
  const missing = excess - leaving.length
  return (
    <Stack gap="xs" component="fieldset" p={0} m={0} bd={0} miw={0}>
      <Text component="legend" fw={600} mb={4}>
        {text.title}
      </Text>
      {seats.map(({ id, name, about }) => (
        <Checkbox
          key={id}
          label={name}
          description={about}
          styles={{ body: { overflowWrap: 'anywhere' } }}
          checked={chosen.includes(id)}
          disabled={isPending}
          onChange={({ currentTarget: { checked } }) =>
            setChosen((before) => (checked ? [...before, id] : before.filter((each) => each !== id)))
          }
        />
      ))}
      <FormError error={error ?? undefined} />
      <Group justify="space-between" gap="xs">
        <Text c="dimmed" role="status">
          {missing > 0 ? text.missing(missing) : text.enough}
        </Text>
        <Button size="xs" color="danger" disabled={leaving.length === 0} loading={isPending} onClick={() => mutate()}>
          {text.submit(leaving.length)}
        </Button>
      </Group>
    </Stack>
  )
}

const giveUp = (businessId: string, { id, kind }: Seat) =>
  kind === 'member'
    ? answer(
        api.DELETE('/v1/businesses/{businessId}/members/{memberId}', {
          params: { path: { businessId, memberId: id } },
        }),
      )
    : answer(api.DELETE('/v1/businesses/{businessId}/invitations/{id}', { params: { path: { businessId, id } } }))
