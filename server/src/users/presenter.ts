import { Type } from 'typebox'
import type { Queryable } from '../db/open.ts'
import { FreeholdError } from '../errors.ts'
import { fieldsOf, OptionalText, Time } from '../http/schemas.ts'

export const UserBody = Type.Object(
  {
    id: Type.String(),
    email: Type.String(),
    externalId: OptionalText,
    emailVerified: Type.Boolean(),
    firstName: Type.String(),
    lastName: Type.String(),
    twoFactorEnabled: Type.Boolean(),
    fields: fieldsOf('user'),
    createdAt: Time,
  },
  { $id: 'User' },
)

export async function userById(db: Queryable, userId: string) {
  const { disabledAt: _, ...user } = await staffUserById(db, userId)
  return user
}

/** With what only staff see. */
export async function staffUserById(db: Queryable, userId: string) {
  const user = await db
    .selectFrom('users')
    .select(['id', 'email', 'externalId', 'emailVerified', 'firstName', 'lastName', 'twoFactorEnabled', 'fields'])
    .select(['createdAt', 'disabledAt'])
    .where('id', '=', userId)
    .executeTakeFirst()
  if (!user) throw new FreeholdError('not_found')
  return user
}
