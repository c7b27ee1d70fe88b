import type { Selectable } from 'kysely'
import { audit } from '../audit/audit.ts'
import { lockBusiness } from '../businesses/businesses.ts'
import type { Actor, Context } from '../context.ts'
import type { Queryable, Tx } from '../db/open.ts'
import type { GrantsTable } from '../db/tables.ts'
import { invalid } from '../errors.ts'
import { accessOf } from '../subscriptions/lifecycle.ts'
import { lockSubscription } from '../subscriptions/subscriptions.ts'
import { attribute } from './attribution.ts'
import { invalidateCounters, loadAccounts, refreshCounter } from './counters.ts'

export type GrantRow = Selectable<GrantsTable>

export type NewGrant = {
  feature: string
  amount: number
  reason: string
  priority?: number | undefined
  /** Now, when left out or earlier. */
  effectiveAt?: Date | undefined
  expiresAt?: Date | undefined
}

/**
 * Credits units of a metered feature on top of what the plan gives. They are drawn in burn order and what is left stays
 * over renewals until it expires.
 */
export async function createGrant(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  businessId: string,
  { feature, amount, reason, priority = 100, effectiveAt: wantedStart, expiresAt }: NewGrant,
): Promise<GrantRow> {
  checkMetered(ctx, feature)
  const now = ctx.now()
  const effectiveAt = wantedStart !== undefined && wantedStart > now ? wantedStart : now
  if (expiresAt !== undefined && expiresAt <= effectiveAt) {
    throw invalid('body/expiresAt', 'must be in the future and after effectiveAt')
  }
  const business = await lockBusiness(tx, businessId)
  const subscription = await lockSubscription(tx, ctx, businessId)
  // What has been counted so far is attributed without the new grant: it was not there to be drawn from.
  const access = accessOf(subscription, business.status === 'active', now)
  await refreshCounter(tx, ctx, { businessId, subscription, access }, feature)

  const grant = await tx
    .insertInto('grants')
    .values({
      businessId,
      id: ctx.newId('grant'),
      feature,
      amount,
      priority,
      reason,
      effectiveAt,
      expiresAt: expiresAt ?? null,
      createdBy: actor.id,
      createdAt: now,
    })
    .returningAll()
    .executeTakeFirstOrThrow()
  await invalidateCounters(tx, businessId, feature)
  await audit(tx, ctx, actor, businessId, {
    action: 'grant.created',
    target: { kind: 'grant', id: grant.id, name: feature },
    after: { feature, amount, priority, effectiveAt, expiresAt: grant.expiresAt, reason },
  })
  return grant
}

/** Newest first, with what has been drawn up to now: counting attributes units only when something else changes. */
export async function listGrants(db: Queryable, ctx: Context, businessId: string): Promise<GrantRow[]> {
  const rows = await db
    .selectFrom('grants')
    .selectAll()
    .where('businessId', '=', businessId)
    .orderBy('id', 'desc')
    .execute()
  const features = [...new Set(rows.map(({ feature }) => feature))]
  if (features.length === 0) return []
  const accounts = await loadAccounts(db, businessId, features)
  const draws = features.flatMap((feature) => {
    const { periods, grants } = accounts(feature)
    return attribute(periods, grants, ctx.now())
  })
  return rows.map((row) => ({
    ...row,
    drawn: draws.reduce((sum, draw) => (draw.grantId === row.id ? sum + draw.amount : sum), row.drawn),
  }))
}

function checkMetered(ctx: Context, name: string): void {
  const metered = Object.entries(ctx.product.features).flatMap(([each, { kind }]) => (kind === 'metered' ? each : []))
  if (!metered.includes(name)) {
    throw invalid('body/feature', `only metered features are credited: ${metered.join(', ') || 'there are none'}`)
  }
}
