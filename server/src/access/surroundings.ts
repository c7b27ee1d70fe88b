import { businessOfToken, hashToken } from '../secrets.ts'
import type { Actor, Context } from '../context.ts'
import type { Queryable } from '../db/open.ts'
import { accessOf } from '../subscriptions/lifecycle.ts'
import { currentSubscription } from '../subscriptions/subscriptions.ts'
import { listGrants } from '../usage/grants.ts'
import { listOverrides } from '../usage/overrides.ts'
import type { SeenCredential, SeenGrant, Surroundings } from './steps.ts'

/** What the gate's answers about a business, and one feature of it, rest on. Reads only, and only to explain. */
export async function businessSurroundings(
  db: Queryable,
  ctx: Context,
  businessId: string,
  feature: string | undefined,
): Promise<Omit<Surroundings, 'credential'>> {
  const now = ctx.now()
  const business = await db
    .selectFrom('businesses')
    .select(['status', 'statusReason as reason'])
    .where('id', '=', businessId)
    .executeTakeFirst()
  const subscription = await currentSubscription(db, ctx, businessId)
  const access = accessOf(subscription, business?.status === 'active', now)
  const found = { business, subscription, access }
  if (feature === undefined) return found
  const overrides = await listOverrides(db, businessId)
  const override = overrides.find((each) => each.feature === feature)
  return {
    ...found,
    override: override && { value: override.value, reason: override.reason, expiresAt: override.expiresAt },
    grants: await grantsOf(db, ctx, businessId, feature),
    counter: await counterOf(db, businessId, feature, now),
  }
}

const mostGrants = 20

/** Newest first; those long gone are of no interest. */
async function grantsOf(db: Queryable, ctx: Context, businessId: string, feature: string): Promise<SeenGrant[]> {
  if (ctx.product.features[feature]?.kind !== 'metered') return []
  const now = ctx.now()
  const grants = (await listGrants(db, ctx, businessId)).filter((grant) => grant.feature === feature)
  return grants.slice(0, mostGrants).map(({ id, amount, drawn, effectiveAt, expiresAt, reason }) => ({
    id,
    state: effectiveAt > now ? 'not yet' : expiresAt !== null && expiresAt <= now ? 'expired' : 'in effect',
    amount,
    left: amount - drawn,
    effectiveAt,
    expiresAt,
    reason,
  }))
}

async function counterOf(db: Queryable, businessId: string, feature: string, now: Date) {
  const row = await db
    .selectFrom('usageCounters')
    .select(['held', 'periodStart', 'periodEnd', 'validUntil'])
    .where('businessId', '=', businessId)
    .where('feature', '=', feature)
    .where('periodStart', '<=', now)
    .where('periodEnd', '>', now)
    .orderBy('periodStart', 'desc')
    .limit(1)
    .executeTakeFirst()
  // A counter that was closed is valid until -infinity, which no Date is.
  return row && { ...row, validUntil: row.validUntil instanceof Date ? row.validUntil : null }
}

/** A credential that was let in, as far as others may know it. */
export async function seenCredential(db: Queryable, actor: Actor): Promise<SeenCredential> {
  switch (actor.kind) {
    case 'key': {
      const { id, name, type, businessId } = actor
      const row = await db
        .selectFrom('apiKeys')
        .select(['expiresAt', 'revokedAt'])
        .where('businessId', '=', businessId)
        .where('id', '=', id)
        .executeTakeFirst()
      return { kind: 'key', state: 'valid', id, type, name, revokedAt: null, expiresAt: row?.expiresAt ?? null }
    }
    case 'staff': {
      const { id, access } = actor.supportSession
      return { kind: 'staff', state: 'valid', id, access }
    }
    case 'app':
      return { kind: 'app', state: 'valid', id: actor.id, scope: actor.scope }
    case 'user':
    case 'system':
      return { kind: actor.kind, state: 'valid', id: actor.id }
  }
}

/** What is the matter with a credential that was not let in. The look-ups of `authenticate`, without its conditions. */
export async function seenBadCredential(db: Queryable, ctx: Context, bearer: string): Promise<SeenCredential> {
  const now = ctx.now()
  const sessionToken = ctx.secrets.verifySession(bearer)
  if (sessionToken !== undefined) return badSession(db, sessionToken)
  if (bearer.startsWith('app_')) return { kind: 'app', state: 'unknown' }
  const businessId = businessOfToken(bearer)
  if (businessId === undefined) return { kind: 'unknown', state: 'unknown' }
  if (bearer.startsWith('sup_')) {
    const row = await db
      .selectFrom('supportSessions')
      .select(['id', 'expiresAt', 'endedAt'])
      .where('businessId', '=', businessId)
      .where('tokenHash', '=', hashToken(bearer))
      .executeTakeFirst()
    return row ? { kind: 'staff', state: 'ended', businessId, ...row } : { kind: 'staff', state: 'unknown' }
  }
  const row = await db
    .selectFrom('apiKeys')
    .select(['id', 'name', 'type', 'expiresAt', 'revokedAt'])
    .where('businessId', '=', businessId)
    .where('hash', '=', hashToken(bearer))
    .executeTakeFirst()
  if (!row) return { kind: 'key', state: 'unknown' }
  const isExpired = row.expiresAt !== null && row.expiresAt <= now
  return { kind: 'key', state: row.revokedAt ? 'revoked' : isExpired ? 'expired' : 'unknown', businessId, ...row }
}

async function badSession(db: Queryable, token: string): Promise<SeenCredential> {
  const row = await db
    .selectFrom('sessions')
    .innerJoin('users', 'users.id', 'sessions.userId')
    .select(['users.id', 'sessions.expiresAt', 'sessions.lastUsedAt', 'users.disabledAt'])
    .where('sessions.token', '=', token)
    .executeTakeFirst()
  if (!row) return { kind: 'user', state: 'ended' }
  return { kind: 'user', state: row.disabledAt ? 'disabled' : 'expired', ...row }
}
