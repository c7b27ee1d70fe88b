import { Type } from 'typebox'
import { fieldsOf, OptionalTime, Time } from '../http/schemas.ts'
import type { Member } from './members.ts'

export const MemberBody = Type.Object(
  {
    id: Type.String(),
    userId: Type.String(),
    role: Type.String(),
    email: Type.String(),
    firstName: Type.String(),
    lastName: Type.String(),
    suspended: Type.Boolean(),
    suspendedAt: OptionalTime,
    fields: fieldsOf('member'),
    createdAt: Time,
  },
  { $id: 'Member' },
)

export const presentMember = (member: Member) => ({ ...member, suspended: member.suspendedAt !== null })
