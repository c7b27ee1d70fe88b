import { Text } from '@mantine/core'
import type { Schemas } from '../../api.ts'
import { text as lists } from '../../text/console-lists.ts'
import { text as shared } from '../../text/shared.ts'
import { TextLink } from '../../ui/links.tsx'
import type { Column } from '../../ui/table.tsx'
import { Tag } from '../../ui/tag.tsx'
import { When } from '../../ui/time.tsx'
import { label } from '../../ui/words.ts'
import { BusinessLink } from '../list/business-link.tsx'

const { mails: text } = lists
type Mail = Schemas['StaffMail']

const tones = { waiting: 'neutral', retrying: 'danger', sent: 'success' } as const

export const MailStatus = ({ of: { status } }: { of: Pick<Mail, 'status'> }) => (
  <Tag tone={tones[status]}>{text.statuses[status]}</Tag>
)

export const mailColumns: Column<Mail>[] = [
  {
    label: text.subject,
    cell: ({ id, subject }) => (
      <TextLink to="/mail/$mailId" params={{ mailId: id }} fw={600}>
        {subject}
      </TextLink>
    ),
  },
  { label: text.to, cell: ({ to }) => to },
  { label: text.template, short: true, cell: ({ template }) => label(template) },
  {
    label: lists.business,
    cell: ({ business }) => (business === null ? <Text c="dimmed">{text.none}</Text> : <BusinessLink of={business} />),
  },
  { label: lists.state, cell: (mail) => <MailStatus of={mail} /> },
  { label: text.error, cell: ({ error }) => error ?? shared.none },
  { label: text.created, align: 'right', cell: ({ createdAt }) => <When at={createdAt} /> },
]
