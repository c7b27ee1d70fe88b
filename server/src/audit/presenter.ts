import type { Selectable } from 'kysely'
import { Type } from 'typebox'
import type { AuditEntriesTable } from '../db/tables.ts'
import { OptionalText, Time } from '../http/schemas.ts'

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

export const presentAuditEntry = (row: Selectable<AuditEntriesTable>) => ({
  id: row.id,
  at: row.at,
  actor: { kind: row.actorKind, id: row.actorId, name: row.actorName, email: row.actorEmail },
  ...(row.onBehalfOf ? { onBehalfOf: row.onBehalfOf } : {}),
  action: row.action,
  target: row.target,
  before: row.before,
  after: row.after,
})
