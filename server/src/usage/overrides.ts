import type { Selectable } from 'kysely'
import { audit } from '../audit/audit.ts'
import { lockBusiness } from '../businesses/businesses.ts'
import type { Actor, Context } from '../context.ts'
import type { Queryable, Tx } from '../db/open.ts'
import type { LimitOverridesTable } from '../db/tables.ts'
import { invalid } from '../errors.ts'
import { emitAll } from '../events/emit.ts'
import type { SoftLimit } from '../prices.ts'
import type { Feature, IncludedValue } from '../product.ts'
import type { Subscription } from '../subscriptions/lifecycle.ts'
import { lockSubscription } from '../subscriptions/subscriptions.ts'
import { featureNamed, invalidateCounters } from './counters.ts'
import { fitItems } from './frozen-items.ts'

export type LimitOverride = Selectable<LimitOverridesTable>

export type LimitValue = Exclude<IncludedValue, SoftLimit>

export type NewOverride = { limit: LimitValue; reason: string; expiresAt?: Date | undefined }

/** Replaces what the plan includes of a feature, for one business, until it expires or is taken away. */
export async function overrideLimit(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  businessId: string,
  feature: string,
  { limit, reason, expiresAt }: NewOverride,
): Promise<LimitOverride> {
  checkValue(kindOf(ctx, feature), limit)
  const now = ctx.now()
  if (expiresAt !== undefined && expiresAt <= now) throw invalid('body/expiresAt', 'must be in the future')
  const { before, subscription } = await lockOverride(tx, ctx, businessId, feature)
  if (before && before.value === limit && before.expiresAt?.getTime() === expiresAt?.getTime()) return before

  const change = {
    value: JSON.stringify(limit),
    reason,
    expiresAt: expiresAt ?? null,
    createdBy: actor.id,
    createdAt: now,
  }
  const after = await tx
    .insertInto('limitOverrides')
    .values({ businessId, feature, ...change })
    .onConflict((conflict) => conflict.columns(['businessId', 'feature']).doUpdateSet(change))
    .returningAll()
    .executeTakeFirstOrThrow()
  await invalidateCounters(tx, businessId, feature)
  const events = await fit(tx, ctx, actor, subscription, feature)
  await audit(tx, ctx, actor, businessId, {
    action: 'limit.overridden',
    target: target(feature),
    ...(before ? { before: summary(before) } : {}),
    after: { ...summary(after), reason },
  })
  await emitAll(tx, ctx, events)
  return after
}

/** What the plan includes counts again. Taking away what is not there changes nothing. */
export async function restoreLimit(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  businessId: string,
  feature: string,
  reason: string,
): Promise<void> {
  kindOf(ctx, feature)
  const { before, subscription } = await lockOverride(tx, ctx, businessId, feature)
  if (!before) return
  await tx.deleteFrom('limitOverrides').where('businessId', '=', businessId).where('feature', '=', feature).execute()
  await invalidateCounters(tx, businessId, feature)
  const events = await fit(tx, ctx, actor, subscription, feature)
  await audit(tx, ctx, actor, businessId, {
    action: 'limit.restored',
    target: target(feature),
    before: summary(before),
    after: { reason },
  })
  await emitAll(tx, ctx, events)
}

/** Another limit freezes and thaws as another plan does. */
async function fit(tx: Tx, ctx: Context, actor: Actor, subscription: Subscription, feature: string) {
  const { kind } = featureNamed(ctx, feature)
  return kind === 'allocated' && feature !== 'members' ? fitItems(tx, ctx, actor, [subscription], [feature]) : []
}

export function listOverrides(db: Queryable, businessId: string): Promise<LimitOverride[]> {
  return db.selectFrom('limitOverrides').selectAll().where('businessId', '=', businessId).orderBy('feature').execute()
}

async function lockOverride(tx: Tx, ctx: Context, businessId: string, feature: string) {
  await lockBusiness(tx, businessId)
  const subscription = await lockSubscription(tx, ctx, businessId)
  const before = await tx
    .selectFrom('limitOverrides')
    .selectAll()
    .where('businessId', '=', businessId)
    .where('feature', '=', feature)
    .executeTakeFirst()
  return { before, subscription }
}

function kindOf(ctx: Context, name: string): Feature['kind'] {
  const feature = Object.hasOwn(ctx.product.features, name) ? ctx.product.features[name] : undefined
  if (!feature) throw invalid('params/feature', `must be one of ${Object.keys(ctx.product.features).join(', ')}`)
  return feature.kind
}

function checkValue(kind: Feature['kind'], limit: LimitValue): void {
  if (kind === 'switch') {
    if (typeof limit !== 'boolean') throw invalid('body/limit', 'must be true or false: the feature is a switch')
  } else if (kind === 'value') {
    if (typeof limit !== 'number') throw invalid('body/limit', 'must be a number: the feature is a setting')
  } else if (limit !== null && !(Number.isSafeInteger(limit) && Number(limit) >= 0)) {
    throw invalid('body/limit', 'must be a whole number from 0, or null for unlimited')
  }
}

const summary = ({ value, expiresAt }: LimitOverride) => ({ limit: value, expiresAt })
const target = (feature: string) => ({ kind: 'limit', id: feature })
