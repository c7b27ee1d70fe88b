import { Code } from '@mantine/core'
import type { Schemas } from '../../api.ts'
import { text as business } from '../../text/console-business.ts'
import { text as shared } from '../../text/shared.ts'
import { now } from '../../ui/page.ts'
import type { Column } from '../../ui/table.tsx'
import { Tag } from '../../ui/tag.tsx'
import { When } from '../../ui/time.tsx'
import { Section } from './section.tsx'

const { keys: text } = business

export function Keys({ business: { apiKeys } }: { business: Schemas['StaffBusinessPage'] }) {
  return (
    <Section title={business.tabs.keys} empty={text.empty} columns={columns} rows={apiKeys} rowKey={({ id }) => id} />
  )
}

const columns: Column<Schemas['ApiKey']>[] = [
  { label: text.name, cell: ({ name }) => name },
  { label: text.type, cell: ({ type }) => type },
  { label: text.key, cell: ({ hint }) => <Code>{hint}</Code> },
  { label: text.created, cell: ({ createdAt }) => <When at={createdAt} /> },
  { label: text.lastUsed, cell: ({ lastUsedAt }) => (lastUsedAt === null ? shared.never : <When at={lastUsedAt} />) },
  {
    label: text.state,
    align: 'right',
    cell: ({ revokedAt, expiresAt }) => {
      if (revokedAt !== null) return <Tag>{text.revoked}</Tag>
      if (expiresAt === null) return <Tag tone="success">{text.works}</Tag>
      return (
        <>
          {new Date(expiresAt) <= now() ? text.expired : text.expires} <When at={expiresAt} />
        </>
      )
    },
  },
]
