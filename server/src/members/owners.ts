import type { Queryable } from '../db/open.ts'

/** Where to write to the owners of a business: those who may act in it. */
export async function ownerEmails(db: Queryable, businessId: string): Promise<string[]> {
  const owners = await db
    .selectFrom('members')
    .innerJoin('users', 'users.id', 'members.userId')
    .select('users.email')
    .where('members.businessId', '=', businessId)
    .where('members.role', '=', 'owner')
    .where('members.suspendedAt', 'is', null)
    .where('users.disabledAt', 'is', null)
    .orderBy('members.id')
    .execute()
  return owners.map(({ email }) => email)
}
