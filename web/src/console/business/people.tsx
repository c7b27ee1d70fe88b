import { Button } from '@mantine/core'
import { useState } from 'react'
import { answer, api, type Schemas } from '../../api.ts'
import { text as business } from '../../text/console-business.ts'
import { Section } from './section.tsx'
import type { Column } from '../../ui/table.tsx'
import { Tag } from '../../ui/tag.tsx'
import { When } from '../../ui/time.tsx'
import { ActionDialog } from '../actions/action-dialog.tsx'

const { people: text } = business
type Member = Schemas['Member']

const nameOf = ({ firstName, lastName }: Member) => `${firstName} ${lastName}`

export function People({ business: { id, members, status } }: { business: Schemas['StaffBusinessPage'] }) {
  const [changing, setChanging] = useState<Member>()
  const columns: Column<Member>[] = [
    { label: text.name, cell: nameOf },
    { label: text.email, cell: ({ email }) => email },
    { label: text.role, cell: ({ role }) => role },
    { label: text.joined, cell: ({ createdAt }) => <When at={createdAt} /> },
    {
      label: text.state,
      cell: ({ suspended }) =>
        suspended ? <Tag tone="warning">{text.suspended}</Tag> : <Tag tone="success">{text.active}</Tag>,
    },
    {
      label: '',
      align: 'right',
      cell: (member) =>
        status !== 'closed' && (
          <Button size="compact-xs" variant="default" onClick={() => setChanging(member)}>
            {member.suspended ? text.restore : text.suspend}
          </Button>
        ),
    },
  ]
  return (
    <>
      <Section title={business.tabs.people} empty="" columns={columns} rows={members} rowKey={(member) => member.id} />
      {changing && <Change businessId={id} member={changing} onClose={() => setChanging(undefined)} />}
    </>
  )
}

function Change({ businessId, member, onClose }: { businessId: string; member: Member; onClose: () => void }) {
  const name = nameOf(member)
  const suspended = !member.suspended
  return (
    <ActionDialog
      businessId={businessId}
      title={suspended ? text.suspendTitle(name) : text.restoreTitle(name)}
      submit={suspended ? text.suspend : text.restore}
      danger={suspended}
      initial={{}}
      changes={() => [{ label: text.access, after: suspended ? text.none : text.asBefore }]}
      send={({ reason }) =>
        answer(
          api.PATCH('/v1/staff/businesses/{id}/members/{memberId}', {
            params: { path: { id: businessId, memberId: member.id } },
            body: { suspended, reason },
          }),
        )
      }
      said={() => (suspended ? text.isSuspended(name) : text.isRestored(name))}
      onClose={onClose}
    />
  )
}
