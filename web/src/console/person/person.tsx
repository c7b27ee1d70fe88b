import { Button, Code, Stack } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import type { Schemas } from '../../api.ts'
import { text } from '../../text/console-people.ts'
import { Facts } from '../../ui/facts.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { Screen } from '../../ui/screen.tsx'
import type { Column } from '../../ui/table.tsx'
import { Tag } from '../../ui/tag.tsx'
import { When } from '../../ui/time.tsx'
import { Section } from '../business/section.tsx'
import { BusinessLink } from '../list/business-link.tsx'
import { personQuery } from '../lists.ts'
import { NotFound } from '../not-found.tsx'
import { LockOut } from './lock-out.tsx'

const route = getRouteApi('/people/$userId')

/** One person, wherever they are a member, and whether they may get in at all. */
export function PersonPage() {
  const { userId } = route.useParams()
  const person = useQuery(personQuery(userId))
  return <Loaded query={person}>{(known) => (known === null ? <NotFound /> : <Person person={known} />)}</Loaded>
}

function Person({ person }: { person: Schemas['FoundUser'] }) {
  const { id, name, email, disabledAt, createdAt, memberships } = person
  const [isLocking, setLocking] = useState(false)
  const isOut = disabledAt !== null
  return (
    <Screen
      title={name}
      about={<Tag tone={isOut ? 'danger' : 'success'}>{isOut ? text.out : text.in}</Tag>}
      actions={
        <Button variant="default" onClick={() => setLocking(true)}>
          {isOut ? text.letIn.action : text.lockOut.action}
        </Button>
      }
    >
      <Stack gap="xl">
        <Facts
          facts={{
            [text.email]: email,
            [text.id]: <Code>{id}</Code>,
            [text.since]: <When at={createdAt} />,
            [text.outSince]: disabledAt && <When at={disabledAt} />,
          }}
        />
        <Section
          title={text.memberships}
          empty={text.nowhere}
          columns={columns}
          rows={memberships}
          rowKey={({ memberId }) => memberId}
        />
      </Stack>
      {isLocking && <LockOut person={person} onClose={() => setLocking(false)} />}
    </Screen>
  )
}

const columns: Column<Schemas['FoundUser']['memberships'][number]>[] = [
  { label: text.business, cell: ({ business }) => <BusinessLink of={business} tab="people" /> },
  { label: text.role, cell: ({ role }) => role },
  {
    label: text.state,
    align: 'right',
    cell: ({ suspended }) =>
      suspended ? <Tag tone="warning">{text.suspended}</Tag> : <Tag tone="success">{text.active}</Tag>,
  },
]
