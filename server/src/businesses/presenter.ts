import { Type } from 'typebox'
import { fieldsOf, OptionalText, OptionalTime, Time } from '../http/schemas.ts'
import type { Business } from './businesses.ts'

export const BusinessBody = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    status: Type.String({ enum: ['active', 'suspended', 'closed'] }),
    externalId: OptionalText,
    fields: fieldsOf('business'),
    createdAt: Time,
    closedAt: OptionalTime,
  },
  { $id: 'Business' },
)

export const presentBusiness = ({ id, name, status, externalId, fields, createdAt, closedAt }: Business) => ({
  id,
  name,
  status,
  externalId,
  fields,
  createdAt,
  closedAt,
})
