import { sql } from 'kysely'
import { auditEach, type AuditChange } from '../audit/audit.ts'
import type { Actor, Context } from '../context.ts'
import { arrayText } from '../db/arrays.ts'
import type { Tx } from '../db/open.ts'
import type { NewEvent } from '../events/emit.ts'
import type { PlanVersion } from '../plans/plans.ts'
import { featureNamed, overridesOfEach } from './counters.ts'
import { entitlementOf } from './entitlements.ts'
import type { Port } from './meter.ts'
import { fromKysely } from './ports.ts'

/**
 * What becomes of items that do not fit, of features with `onDowngrade: 'freeze_newest'`: the oldest that fit the limit are
 * in use, the others are frozen. They are kept, listed and released like any other, and take no part in what is used. So
 * nothing is frozen unless the limit is reached, and no new item is let in while something is.
 */
export const freezes = (ctx: Context, feature: string): boolean =>
  ctx.product.features[feature]?.onDowngrade === 'freeze_newest'

/** What is held item by item and counted here; members are counted from their own rows. */
export const allocatedFeatures = (ctx: Context): string[] =>
  Object.entries(ctx.product.features).flatMap(([name, { kind }]) =>
    kind === 'allocated' && name !== 'members' ? name : [],
  )

/** A business whose items are to fit a plan, and when its limits changed: now, unless it is said. */
export type Fitting = { businessId: string; plan: PlanVersion; at?: Date }

/**
 * Freezes and thaws until the items of each business fit what it has now, and answers the events of that, for whoever
 * emits last. Said once however often it is called. The caller holds the subscriptions' locks, and calls it wherever a
 * limit may have changed.
 */
export async function fitItems(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  fittings: Fitting[],
  features: string[] = allocatedFeatures(ctx),
): Promise<NewEvent[]> {
  const businessIds = fittings.map(({ businessId }) => businessId)
  const fittingOf = new Map(fittings.map((each) => [each.businessId, each]))
  const counters = await lockCounters(tx, businessIds, features)
  if (counters.length === 0) return []
  const overrides = await overridesOfEach(tx, businessIds)
  const isFreezing = await frozenIn(tx, businessIds, features)
  const port = fromKysely(tx)
  const ceilings: (LockedCounter & { ceiling: number })[] = []
  const changes: (AuditChange & { businessId: string })[] = []
  const events: NewEvent[] = []
  const now = ctx.now()
  for (const row of counters) {
    const { businessId, feature, used } = row
    const fitting = fittingOf.get(businessId)
    if (!fitting) continue
    const { plan, at = now } = fitting
    const definition = featureNamed(ctx, feature)
    const { limit: most } = entitlementOf(definition, feature, plan.includes, overrides(businessId), now)
    // A product that has given up freezing lets go what was frozen.
    const limit = freezes(ctx, feature) ? most : null
    const counter = { businessId, feature, periodStart: row.periodStart, used, at }
    const hasRoom = limit === null || used < limit
    const frozen = limit !== null && used > limit ? await freeze(port, ctx, counter, limit) : []
    const thawed = hasRoom && isFreezing(row) ? await thaw(port, ctx, counter, limit) : []
    if (limit !== null) ceilings.push({ ...counter, ceiling: limit })
    for (const [action, itemIds] of [['frozen', frozen] as const, ['thawed', thawed] as const]) {
      if (itemIds.length === 0) continue
      const target = { kind: 'feature', id: feature }
      changes.push({ businessId, action: `items.${action}`, target, after: { items: itemIds.length, limit } })
    }
    events.push(
      ...inParts(frozen).map((itemIds) => frozenEvent(counter, itemIds, limit ?? 0)),
      ...inParts(thawed).map((itemIds) => thawedEvent(counter, itemIds, most)),
    )
  }
  await keepCeilings(tx, ceilings)
  await auditEach(tx, ctx, actor, changes)
  return events
}

type LockedCounter = { businessId: string; feature: string; periodStart: Date; used: number; at: Date }

function lockCounters(tx: Tx, businessIds: string[], features: string[]) {
  if (businessIds.length === 0 || features.length === 0) return []
  return tx
    .selectFrom('usageCounters')
    .select(['businessId', 'feature', 'periodStart', 'used'])
    .where('businessId', 'in', businessIds)
    .where('feature', 'in', features)
    .orderBy('businessId')
    .orderBy('feature')
    .orderBy('periodStart')
    .forNoKeyUpdate()
    .execute()
}

/** Where something is frozen. The counters are locked, so that it stays so. */
async function frozenIn(tx: Tx, businessIds: string[], features: string[]) {
  const rows = await tx
    .selectFrom('allocations')
    .select(['businessId', 'feature'])
    .distinct()
    .where('businessId', 'in', businessIds)
    .where('feature', 'in', features)
    .where('frozenAt', 'is not', null)
    .execute()
  const keyOf = (of: { businessId: string; feature: string }) => `${of.businessId} ${of.feature}`
  const keys = new Set(rows.map(keyOf))
  return (of: { businessId: string; feature: string }) => keys.has(keyOf(of))
}

/** What is released before a counter is opened anew makes room by the limit of now. */
async function keepCeilings(tx: Tx, counters: (LockedCounter & { ceiling: number })[]): Promise<void> {
  if (counters.length === 0) return
  await sql`
    update freehold.usage_counters c
    set ceiling = each.ceiling
    from unnest(
      ${arrayText(counters.map(({ businessId }) => businessId))}::text[],
      ${arrayText(counters.map(({ feature }) => feature))}::text[],
      ${arrayText(counters.map(({ periodStart }) => periodStart))}::timestamptz[],
      ${arrayText(counters.map(({ ceiling }) => ceiling))}::bigint[]
    ) as each (business_id, feature, period_start, ceiling)
    where c.business_id = each.business_id
      and c.feature = each.feature
      and c.period_start = each.period_start
      and c.ceiling is distinct from each.ceiling`.execute(tx)
}

const freezeStatement = `
with newest as (
  select item_id
  from freehold.allocations
  where business_id = $1 and feature = $2 and frozen_at is null
  order by created_at desc, item_id desc
  limit $3
), moved as (
  update freehold.allocations a
  set frozen_at = $4
  from newest n
  where a.business_id = $1 and a.feature = $2 and a.item_id = n.item_id
  returning a.item_id, a.created_at
)
select item_id from moved order by created_at, item_id`

async function freeze(port: Port, ctx: Context, counter: LockedCounter, limit: number): Promise<string[]> {
  const { businessId, feature, used, at } = counter
  const { rows } = await port.query(freezeStatement, [businessId, feature, used - limit, at])
  return note(port, ctx, counter, rows, -1)
}

// Without a limit there is room for all of them.
const thawStatement = `
with oldest as (
  select item_id
  from freehold.allocations
  where business_id = $1 and feature = $2 and frozen_at is not null
  order by created_at, item_id
  limit $3
), moved as (
  update freehold.allocations a
  set frozen_at = null
  from oldest o
  where a.business_id = $1 and a.feature = $2 and a.item_id = o.item_id
  returning a.item_id, a.created_at
)
select item_id from moved order by created_at, item_id`

/** The oldest go first. The caller holds the counter's lock. */
export async function thaw(port: Port, ctx: Context, counter: LockedCounter, limit: number | null): Promise<string[]> {
  const { businessId, feature, used } = counter
  const room = limit === null ? null : Math.max(0, limit - used)
  const { rows } = await port.query(thawStatement, [businessId, feature, room])
  return note(port, ctx, counter, rows, 1)
}

const noteStatement = `
with counted as (
  update freehold.usage_counters
  set used = used + $4 * cardinality($5::text[]), attributed = used + $4 * cardinality($5::text[])
  where business_id = $1 and feature = $2 and period_start = $3
  returning business_id, feature, period_start, used, held, ceiling
)
insert into freehold.usage_entries
  (business_id, id, feature, period_start, kind, amount, used_after, held_after, ceiling, item_id, at)
select c.business_id, each.id, c.feature, c.period_start, $7, $4::bigint,
  c.used - $4 * (cardinality($5::text[]) - each.place), c.held, c.ceiling, each.item_id, $8
from counted c, unnest($6::text[], $5::text[]) with ordinality as each (id, item_id, place)`

/** In the ledger, so that it adds up to what is used. */
async function note(
  port: Port,
  ctx: Context,
  { businessId, feature, periodStart, at }: LockedCounter,
  moved: Record<string, unknown>[],
  amount: 1 | -1,
): Promise<string[]> {
  const itemIds = moved.map((row) => String(row['item_id']))
  if (itemIds.length === 0) return []
  const ids = itemIds.map(() => ctx.newId('usageEntry'))
  const kind = amount > 0 ? 'thaw' : 'freeze'
  await port.query(noteStatement, [businessId, feature, periodStart, amount, itemIds, ids, kind, at])
  return itemIds
}

const mostInOneEvent = 1000

const inParts = (itemIds: string[]): string[][] =>
  Array.from({ length: Math.ceil(itemIds.length / mostInOneEvent) }, (_, part) =>
    itemIds.slice(part * mostInOneEvent, (part + 1) * mostInOneEvent),
  )

const frozenEvent = ({ businessId, feature, at }: LockedCounter, itemIds: string[], limit: number): NewEvent => ({
  businessId,
  type: 'items.frozen',
  data: { feature, itemIds, limit, frozenAt: at },
})

const thawedEvent = ({ businessId, feature }: LockedCounter, itemIds: string[], limit: number | null): NewEvent => ({
  businessId,
  type: 'items.thawed',
  data: { feature, itemIds, limit },
})
