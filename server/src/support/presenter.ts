import { Type } from 'typebox'
import { OptionalTime } from '../http/schemas.ts'
import { statusOf, type SupportSession } from './support.ts'

export const SupportSessionBody = Type.Object(
  {
    id: Type.String(),
    by: Type.Object({ id: Type.String(), name: Type.String() }),
    reason: Type.String(),
    access: Type.String({ enum: ['read', 'write'] }),
    minutes: Type.Integer(),
    startedAt: OptionalTime,
    expiresAt: OptionalTime,
    endedAt: OptionalTime,
    status: Type.Enum(['requested', 'refused', 'active', 'ended', 'expired']),
  },
  { $id: 'SupportSession' },
)

export const presentSupportSession = (session: SupportSession, now: Date) => ({
  id: session.id,
  by: { id: session.staffId, name: session.staffName },
  reason: session.reason,
  access: session.access,
  minutes: session.minutes,
  startedAt: session.startedAt,
  expiresAt: session.expiresAt,
  endedAt: session.endedAt,
  status: statusOf(session, now),
})
