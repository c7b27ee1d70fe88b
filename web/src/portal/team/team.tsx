import { Card, Stack, Text, Title } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { text } from '../../text/team.ts'
import { BarredButton } from '../../ui/barred.tsx'
import { Loaded, Rows } from '../../ui/loaded.tsx'
import { Meter } from '../../ui/meter.tsx'
import { More } from '../../ui/more.tsx'
import { Screen } from '../../ui/screen.tsx'
import { entitlementsQuery, membersQuery } from '../data.ts'
import { useMembership } from '../membership.tsx'
import { SeePlans } from '../plan/see-plans.tsx'
import { InvitationList } from './invitation-list.tsx'
import { InvitePeople } from './invite-people.tsx'
import { MemberTable } from './member-table.tsx'

export function Team() {
  const { businessId, can, bar } = useMembership()
  const [isInviting, setInviting] = useState(false)
  const members = useInfiniteQuery(membersQuery(businessId))
  const invite = can('invitations:manage') && (
    <BarredButton barred={bar} inSight onClick={() => setInviting(true)}>
      {text.invite.action}
    </BarredButton>
  )
  return (
    <Screen title={text.title} actions={invite}>
      <Seats />
      <Loaded query={members}>
        {(all) => (
          <>
            <MemberTable members={all} />
            <More of={members} kept />
          </>
        )}
      </Loaded>
      {can('invitations:read') && (
        <Stack gap="md">
          <Title order={2}>{text.invitations.title}</Title>
          <InvitationList onInvite={() => setInviting(true)} />
        </Stack>
      )}
      {isInviting && <InvitePeople onClose={() => setInviting(false)} />}
    </Screen>
  )
}

function Seats() {
  const { businessId } = useMembership()
  const entitlements = useQuery(entitlementsQuery(businessId))
  return (
    <Loaded query={entitlements} skeleton={<Rows count={1} height={80} />}>
      {({ members }) =>
        members && (
          <Card withBorder maw={440}>
            <Meter label={text.seats} standing={members} />
            <Text size="xs" c="dimmed" mt={4}>
              {text.seatsAbout}
            </Text>
            {members.remaining === 0 && <SeePlans />}
          </Card>
        )
      }
    </Loaded>
  )
}
