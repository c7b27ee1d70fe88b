import type { Selectable } from 'kysely'
import { Type } from 'typebox'
import type { AuditEntriesTable } from '../db/tables.ts'
import type { Columns } from '../http/csv.ts'
import { OptionalText, Time } from '../http/schemas.ts'
import { formatMoney } from '../invoices/money.ts'
import { timelineKinds, type TimelineRow } from './timeline.ts'

export const AuditEntry = Type.Object(
  {
    id: Type.String(),
    at: Time,
    actor: Type.Object({ kind: Type.String(), id: OptionalText, name: OptionalText, email: OptionalText }),
    onBehalfOf: Type.Optional(Type.Object({ kind: Type.String(), id: Type.String(), name: Type.String() })),
    action: Type.String(),
    target: Type.Unsafe<Record<string, unknown> | null>({ type: ['object', 'null'], additionalProperties: true }),
    before: Type.Unsafe<Record<string, unknown> | null>({ type: ['object', 'null'], additionalProperties: true }),
    after: Type.Unsafe<Record<string, unknown> | null>({ type: ['object', 'null'], additionalProperties: true }),
  },
  { $id: 'AuditEntry' },
)

export const presentAuditEntry = (row: Omit<Selectable<AuditEntriesTable>, 'businessId'>) => ({
  id: row.id,
  at: row.at,
  actor: { kind: row.actorKind, id: row.actorId, name: row.actorName, email: row.actorEmail },
  ...(row.onBehalfOf ? { onBehalfOf: row.onBehalfOf } : {}),
  action: row.action,
  target: row.target,
  before: row.before,
  after: row.after,
})

type Logged = Omit<ReturnType<typeof presentAuditEntry>, 'onBehalfOf'> & { onBehalfOf?: object }

/** Entries as lines of a spreadsheet. */
export const auditColumns = {
  at: ({ at }) => at,
  actorKind: ({ actor }) => actor.kind,
  actorId: ({ actor }) => actor.id,
  actorName: ({ actor }) => actor.name,
  actorEmail: ({ actor }) => actor.email,
  onBehalfOf: ({ onBehalfOf }) => onBehalfOf,
  action: ({ action }) => action,
  targetKind: ({ target }) => target?.['kind'],
  targetId: ({ target }) => target?.['id'],
  targetName: ({ target }) => target?.['name'],
  before: ({ before }) => before,
  after: ({ after }) => after,
} satisfies Columns<Logged>

const OptionalRecord = (description: string) =>
  Type.Unsafe<{ kind: string; id: string; name?: string | null } | null>({
    type: ['object', 'null'],
    additionalProperties: true,
    description,
  })

export const TimelineEntry = Type.Object(
  {
    id: Type.String(),
    at: Time,
    kind: Type.String({ enum: [...timelineKinds] }),
    title: Type.String({ description: 'What happened, for people' }),
    why: Type.Unsafe<string | null>({
      type: ['string', 'null'],
      description: 'The reason somebody gave, or the error',
    }),
    status: Type.Unsafe<string | null>({
      type: ['string', 'null'],
      description: 'How an event, a mail, an invoice or a job stands now',
    }),
    actor: Type.Unsafe<TimelineRow['actor']>({
      type: ['object', 'null'],
      additionalProperties: true,
      description: 'Of an audit entry: { kind, id, name, email }',
    }),
    onBehalfOf: OptionalRecord('The business, when staff acted in a support session'),
    target: OptionalRecord('{ kind, id, name? }'),
  },
  { $id: 'TimelineEntry' },
)

export const presentTimelineEntry = (row: TimelineRow) => ({
  id: row.id,
  at: row.at,
  kind: row.kind,
  title: titleOf(row),
  why: row.why,
  status: row.status,
  actor: row.actor,
  onBehalfOf: row.onBehalfOf,
  target: row.target,
})

/** A sentence's worth: `Subscription renewed`, `Invitation, to ada@acme.test`. */
function titleOf({ kind, name, target, amount, currency }: TimelineRow): string {
  switch (kind) {
    case 'audit':
    case 'event':
      return sentence(name)
    case 'mail':
      return `${sentence(name)}, to ${target?.name}`
    case 'invoice':
      return `Invoice ${target?.name ?? 'draft'}, ${money(amount, currency)}`
    case 'payment':
      return `Payment of ${money(amount, currency)}, ${name}`
    case 'credit':
      return `Credit, ${money(amount, currency)}`
    case 'job':
      return target?.kind === 'mail' ? 'Sending a mail failed' : `Task ${name} failed`
  }
}

function sentence(name: string): string {
  const words = name.replaceAll(/[._-]/g, ' ').replace(/^api /, 'API ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

const money = (amount: number | null, currency: string | null) =>
  amount === null || currency === null ? '' : formatMoney(amount, currency)
