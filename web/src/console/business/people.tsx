import { Button, Group, NativeSelect } from '@mantine/core'
import { useState } from 'react'
import { answer, api, type Schemas } from '../../api.ts'
import { text as business } from '../../text/console-business.ts'
import { text as people } from '../../text/console-people.ts'
import { TextLink } from '../../ui/links.tsx'
import { product } from '../../ui/page.ts'
import type { Column } from '../../ui/table.tsx'
import { Tag } from '../../ui/tag.tsx'
import { When } from '../../ui/time.tsx'
import { ActionDialog } from '../actions/action-dialog.tsx'
import { Section } from './section.tsx'

const { people: text } = business
type Member = Schemas['Member']

const nameOf = ({ firstName, lastName }: Member) => `${firstName} ${lastName}`

export function People({ business: { id, members, status } }: { business: Schemas['StaffBusinessPage'] }) {
  const [changing, setChanging] = useState<{ member: Member; what: 'role' | 'suspended' }>()
  const columns: Column<Member>[] = [
    {
      label: text.name,
      cell: (member) => (
        <TextLink to="/people/$userId" params={{ userId: member.userId }} fw={600}>
          {nameOf(member)}
        </TextLink>
      ),
    },
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
          <Group gap={4} justify="flex-end">
            <Button size="compact-xs" variant="default" onClick={() => setChanging({ member, what: 'role' })}>
              {people.changeRole.action}
            </Button>
            <Button size="compact-xs" variant="default" onClick={() => setChanging({ member, what: 'suspended' })}>
              {member.suspended ? text.restore : text.suspend}
            </Button>
          </Group>
        ),
    },
  ]
  return (
    <>
      <Section title={business.tabs.people} empty="" columns={columns} rows={members} rowKey={(member) => member.id} />
      {changing?.what === 'role' && (
        <ChangeRole businessId={id} member={changing.member} onClose={() => setChanging(undefined)} />
      )}
      {changing?.what === 'suspended' && (
        <Suspension businessId={id} member={changing.member} onClose={() => setChanging(undefined)} />
      )}
    </>
  )
}

function Suspension({ businessId, member, onClose }: { businessId: string; member: Member; onClose: () => void }) {
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

function ChangeRole({ businessId, member, onClose }: { businessId: string; member: Member; onClose: () => void }) {
  const { changeRole: words } = people
  const name = nameOf(member)
  return (
    <ActionDialog<{ role: string }>
      businessId={businessId}
      title={words.title(name)}
      submit={words.action}
      initial={{ role: member.role }}
      fields={(form) => (
        <NativeSelect
          label={words.role}
          data-autofocus
          data={Object.keys(product.roles)}
          {...form.getInputProps('role')}
        />
      )}
      changes={({ role }) => [{ label: words.role, before: member.role, after: role }]}
      send={(body) =>
        answer(
          api.PATCH('/v1/staff/businesses/{id}/members/{memberId}', {
            params: { path: { id: businessId, memberId: member.id } },
            body,
          }),
        )
      }
      said={() => words.done(name)}
      onClose={onClose}
    />
  )
}
