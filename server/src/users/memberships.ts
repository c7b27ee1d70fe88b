import { Type } from 'typebox'
import { audit, type AuditChange } from '../audit/audit.ts'
import { BusinessBody, presentBusiness } from '../businesses/presenter.ts'
import type { Actor, Context } from '../context.ts'
import type { Queryable, Tx } from '../db/open.ts'
import { presentSubscription, SubscriptionBody } from '../subscriptions/presenter.ts'
import { currentSubscription } from '../subscriptions/subscriptions.ts'

export const Membership = Type.Object(
  {
    business: BusinessBody,
    memberId: Type.String(),
    role: Type.String(),
    suspended: Type.Boolean(),
    permissions: Type.Array(Type.String()),
    subscription: Type.Union([SubscriptionBody, Type.Null()]),
  },
  { $id: 'Membership' },
)

/** The businesses a user belongs to, with what they may do there. */
export async function membershipsOf(db: Queryable, ctx: Context, userId: string) {
  const rows = await db
    .selectFrom('members')
    .innerJoin('businesses', 'businesses.id', 'members.businessId')
    .selectAll('businesses')
    .select(['members.id as memberId', 'members.role', 'members.suspendedAt as memberSuspendedAt'])
    .where('members.userId', '=', userId)
    .orderBy('members.id')
    .execute()
  const memberships = []
  for (const { memberId, role, memberSuspendedAt, ...business } of rows) {
    const subscription = await currentSubscription(db, ctx, business.id)
    const suspended = memberSuspendedAt !== null
    memberships.push({
      business: presentBusiness(business),
      memberId,
      role,
      suspended,
      permissions: suspended ? [] : [...(ctx.permissions.roles[role] ?? [])],
      subscription: subscription ? presentSubscription(subscription, business.status === 'active', ctx.now()) : null,
    })
  }
  return memberships
}

/** Records what a person did to their own login in every business that person belongs to. */
export async function auditMemberships(tx: Tx, ctx: Context, actor: Actor, userId: string, change: AuditChange) {
  const rows = await tx
    .selectFrom('members')
    .select('businessId')
    .where('userId', '=', userId)
    .orderBy('businessId')
    .execute()
  for (const { businessId } of rows) await audit(tx, ctx, actor, businessId, change)
}
