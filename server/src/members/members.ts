import { audit } from '../audit/audit.ts'
import { lockBusiness } from '../businesses/businesses.ts'
import type { Actor, Context } from '../context.ts'
import type { Queryable, Tx } from '../db/open.ts'
import { violates } from '../db/transactions.ts'
import { FreeholdError, invalid } from '../errors.ts'
import { emit, emitAll, type NewEvent } from '../events/emit.ts'
import { changedFields } from '../http/fields.ts'

export type Member = {
  id: string
  userId: string
  role: string
  email: string
  firstName: string
  lastName: string
  suspendedAt: Date | null
  fields: Record<string, unknown>
  createdAt: Date
}

const select = (db: Queryable, businessId: string) =>
  db
    .selectFrom('members')
    .innerJoin('users', 'users.id', 'members.userId')
    .select([
      'members.id',
      'members.userId',
      'members.role',
      'users.email',
      'users.firstName',
      'users.lastName',
      'members.suspendedAt',
      'members.fields',
      'members.createdAt',
    ])
    .where('members.businessId', '=', businessId)

export function listMembers(db: Queryable, businessId: string, limit: number, cursor?: string): Promise<Member[]> {
  let query = select(db, businessId)
    .orderBy('members.id')
    .limit(limit + 1)
  if (cursor !== undefined) query = query.where('members.id', '>', cursor)
  return query.execute()
}

export async function memberById(db: Queryable, businessId: string, memberId: string): Promise<Member> {
  const member = await select(db, businessId).where('members.id', '=', memberId).executeTakeFirst()
  if (!member) throw new FreeholdError('not_found')
  return member
}

/** Gives a user a place in a business. The caller has checked the seat under the business's lock. */
export async function addMember(
  tx: Tx,
  ctx: Context,
  businessId: string,
  userId: string,
  role: string,
): Promise<Member> {
  const id = ctx.newId('member')
  try {
    await tx.insertInto('members').values({ businessId, id, userId, role, createdAt: ctx.now() }).execute()
  } catch (error) {
    if (violates(error, 'members_business_id_user_id_key')) throw new FreeholdError('already_member')
    throw error
  }
  return memberById(tx, businessId, id)
}

export type MemberChange = {
  role?: string
  suspended?: boolean
  fields?: Record<string, unknown>
  /** Staff say why. */
  reason?: string
}

/** `granter` is what the actor holds: nobody gives, or takes from, a role above their own. */
export async function changeMember(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  granter: ReadonlySet<string>,
  businessId: string,
  memberId: string,
  change: MemberChange,
): Promise<Member> {
  await lockBusiness(tx, businessId)
  const before = await memberById(tx, businessId, memberId)
  checkGrantable(ctx, granter, before.role)
  if (change.role !== undefined) {
    checkRole(ctx, change.role)
    checkGrantable(ctx, granter, change.role)
  }
  const losesOwner = before.role === 'owner' && ((change.role ?? 'owner') !== 'owner' || change.suspended === true)
  if (losesOwner) await checkAnotherOwner(tx, businessId, memberId)

  const suspendedAt =
    change.suspended === undefined ? before.suspendedAt : change.suspended ? (before.suspendedAt ?? ctx.now()) : null
  const fields = change.fields && changedFields(ctx.product.fields.member, before.fields, change.fields)
  await tx
    .updateTable('members')
    .set({ role: change.role ?? before.role, suspendedAt, fields: JSON.stringify(fields ?? before.fields) })
    .where('businessId', '=', businessId)
    .where('id', '=', memberId)
    .execute()
  const after = await memberById(tx, businessId, memberId)
  const [was, is] = [before.suspendedAt !== null, after.suspendedAt !== null]
  await audit(tx, ctx, actor, businessId, {
    action: was === is ? 'member.updated' : is ? 'member.suspended' : 'member.restored',
    target: target(after),
    before: { role: before.role, suspended: was, fields: before.fields },
    after: {
      role: after.role,
      suspended: is,
      fields: after.fields,
      ...(change.reason === undefined ? {} : { reason: change.reason }),
    },
  })
  await emitAll(tx, ctx, changes(businessId, before, after))
  return after
}

function changes(businessId: string, before: Member, after: Member): NewEvent[] {
  const data = about(after)
  const [was, is] = [before.suspendedAt !== null, after.suspendedAt !== null]
  const events: NewEvent[] = []
  if (before.role !== after.role) {
    events.push({ businessId, type: 'member.role_changed', data: { ...data, previousRole: before.role } })
  }
  if (was !== is) events.push({ businessId, type: is ? 'member.suspended' : 'member.restored', data })
  return events
}

/** Removes somebody, or lets them leave. */
export async function removeMember(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  granter: ReadonlySet<string>,
  businessId: string,
  memberId: string,
): Promise<void> {
  await lockBusiness(tx, businessId)
  const member = await memberById(tx, businessId, memberId)
  const leaves = actor.kind === 'user' && member.userId === actor.id
  if (!leaves) checkGrantable(ctx, granter, member.role)
  if (member.role === 'owner') await checkAnotherOwner(tx, businessId, memberId)
  await tx.deleteFrom('members').where('businessId', '=', businessId).where('id', '=', memberId).execute()
  await audit(tx, ctx, actor, businessId, {
    action: leaves ? 'member.left' : 'member.removed',
    target: target(member),
    before: { role: member.role },
  })
  await emit(tx, ctx, { businessId, type: 'member.removed', data: { ...about(member), left: leaves } })
}

/** Hands the business on: the member becomes its owner, the one who gives becomes an admin. */
export async function transferOwnership(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  businessId: string,
  memberId: string,
): Promise<Member> {
  await lockBusiness(tx, businessId)
  const giver = await ownerActing(tx, businessId, actor)
  const next = await memberById(tx, businessId, memberId)
  if (next.suspendedAt !== null) throw invalid('body/memberId', 'is suspended; restore the member first')
  if (next.userId === actor.id) throw invalid('body/memberId', 'is you')
  const set = (userId: string, role: string) =>
    tx.updateTable('members').set({ role }).where('businessId', '=', businessId).where('userId', '=', userId).execute()
  await set(next.userId, 'owner')
  await set(actor.id, 'admin')
  const after = await memberById(tx, businessId, memberId)
  await audit(tx, ctx, actor, businessId, {
    action: 'business.ownership_transferred',
    target: target(next),
    before: { owner: actor.id },
    after: { owner: next.userId },
  })
  await emitAll(tx, ctx, [
    ...changes(businessId, next, after),
    ...changes(businessId, giver, { ...giver, role: 'admin' }),
  ])
  return after
}

export function checkRole(ctx: Context, role: string): void {
  if (Object.hasOwn(ctx.permissions.roles, role)) return
  throw invalid('body/role', `must be one of ${Object.keys(ctx.permissions.roles).join(', ')}`)
}

/** Nobody gives more than they hold themselves. */
export function checkGrantable(ctx: Context, granter: ReadonlySet<string>, role: string): void {
  const beyond = [...(ctx.permissions.roles[role] ?? [])].find((permission) => !granter.has(permission))
  if (beyond !== undefined) {
    throw new FreeholdError('permission_denied', `The role ${role} may do more than you: ${beyond}`)
  }
}

// Under the business's lock, so that two owners who leave at once cannot both be the one who is not the last.
async function checkAnotherOwner(tx: Tx, businessId: string, memberId: string): Promise<void> {
  const other = await tx
    .selectFrom('members')
    .select('id')
    .where('businessId', '=', businessId)
    .where('role', '=', 'owner')
    .where('suspendedAt', 'is', null)
    .where('id', '<>', memberId)
    .limit(1)
    .executeTakeFirst()
  if (!other) throw new FreeholdError('last_owner', 'Make somebody else an owner first')
}

// Asked again under the lock: whoever was demoted a moment ago has nothing to hand on, and would come out an admin.
async function ownerActing(tx: Tx, businessId: string, actor: Actor): Promise<Member> {
  const owner = await select(tx, businessId)
    .where('userId', '=', actor.id)
    .where('role', '=', 'owner')
    .where('suspendedAt', 'is', null)
    .executeTakeFirst()
  if (!owner) throw new FreeholdError('permission_denied', 'Only an owner hands the business on')
  return owner
}

const about = ({ id, userId, role }: Member) => ({ memberId: id, userId, role })

const target = (member: Member) => ({ kind: 'member', id: member.id, name: member.email })
