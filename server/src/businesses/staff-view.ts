import { Type, type Static } from 'typebox'
import { listApiKeys } from '../api-keys/api-keys.ts'
import { ApiKeyBody, presentApiKey } from '../api-keys/presenter.ts'
import { AuditEntry, presentAuditEntry } from '../audit/presenter.ts'
import type { Context } from '../context.ts'
import type { Queryable } from '../db/open.ts'
import { OptionalText } from '../http/schemas.ts'
import { listMembers } from '../members/members.ts'
import { MemberBody, presentMember } from '../members/presenter.ts'
import { presentSubscription, SubscriptionBody } from '../subscriptions/presenter.ts'
import { currentSubscription } from '../subscriptions/subscriptions.ts'
import { presentSupportSession, SupportSessionBody } from '../support/presenter.ts'
import { listSupportSessions } from '../support/support.ts'
import { listGrants } from '../usage/grants.ts'
import { listOverrides } from '../usage/overrides.ts'
import { entitlementsNow, EntitlementsBody } from '../usage/overview.ts'
import { GrantBody, LimitOverrideBody, presentGrant, presentOverride } from '../usage/presenter.ts'
import type { Business } from './businesses.ts'
import { BusinessBody, presentBusiness } from './presenter.ts'

/** A business as staff see it in a list. */
export const StaffBusinessBody = Type.Object(
  {
    ...BusinessBody.properties,
    statusReason: OptionalText,
    supportAccess: Type.String({ enum: ['always', 'ask', 'never'] }),
    owner: Type.Union([
      Type.Object({ id: Type.String({ description: 'Of the user' }), name: Type.String(), email: Type.String() }),
      Type.Null(),
    ]),
    plan: Type.Union([Type.Object({ key: Type.String(), name: Type.String() }), Type.Null()]),
    subscription: Type.Union([SubscriptionBody, Type.Null()]),
  },
  { $id: 'StaffBusiness' },
)

export async function presentForStaff(db: Queryable, ctx: Context, businesses: Business[]) {
  const owners = await ownersOf(
    db,
    businesses.map(({ id }) => id),
  )
  const items: Static<typeof StaffBusinessBody>[] = []
  for (const business of businesses) {
    const subscription = await currentSubscription(db, ctx, business.id)
    items.push({
      ...presentBusiness(business),
      statusReason: business.statusReason,
      supportAccess: business.supportAccess,
      owner: owners.get(business.id) ?? null,
      plan: subscription ? { key: subscription.plan.planKey, name: subscription.plan.planName } : null,
      subscription: subscription ? presentSubscription(subscription, business.status === 'active', ctx.now()) : null,
    })
  }
  return items
}

// The first owner who may act: the one to write to.
async function ownersOf(db: Queryable, businessIds: string[]) {
  if (businessIds.length === 0) return new Map()
  const rows = await db
    .selectFrom('members')
    .innerJoin('users', 'users.id', 'members.userId')
    .distinctOn('members.businessId')
    .select(['members.businessId', 'users.id', 'users.name', 'users.email'])
    .where('members.businessId', 'in', businessIds)
    .where('members.role', '=', 'owner')
    .orderBy('members.businessId')
    .orderBy('members.suspendedAt', (order) => order.asc().nullsFirst())
    .orderBy('members.id')
    .execute()
  return new Map(rows.map(({ businessId, ...owner }) => [businessId, owner]))
}

/** Everything about one business on one page; of what there may be much, the first hundred or the last fifty. */
export const StaffBusinessPage = Type.Object(
  {
    ...StaffBusinessBody.properties,
    members: Type.Array(MemberBody),
    entitlements: EntitlementsBody,
    grants: Type.Array(GrantBody),
    overrides: Type.Array(LimitOverrideBody),
    apiKeys: Type.Array(ApiKeyBody),
    supportSessions: Type.Array(SupportSessionBody),
    audit: Type.Array(AuditEntry, { description: 'Newest first' }),
  },
  { $id: 'StaffBusinessPage' },
)

export async function businessPage(db: Queryable, ctx: Context, business: Business) {
  const { id } = business
  const [item] = await presentForStaff(db, ctx, [business])
  if (!item) throw new Error('one business in, one item out')
  const hintsOnly = new Set<string>()
  return {
    ...item,
    members: (await listMembers(db, id, 99)).map(presentMember),
    entitlements: await entitlementsNow(db, ctx, id, business.status === 'active'),
    grants: (await listGrants(db, ctx, id)).map(presentGrant),
    overrides: (await listOverrides(db, id)).map(presentOverride),
    apiKeys: (await listApiKeys(db, id, 99)).map((key) => presentApiKey(key, hintsOnly)),
    supportSessions: (await listSupportSessions(db, id, 19)).map((each) => presentSupportSession(each, ctx.now())),
    audit: await recentAudit(db, id),
  }
}

async function recentAudit(db: Queryable, businessId: string) {
  const rows = await db
    .selectFrom('auditEntries')
    .selectAll()
    .where('businessId', '=', businessId)
    .orderBy('id', 'desc')
    .limit(50)
    .execute()
  return rows.map(presentAuditEntry)
}
