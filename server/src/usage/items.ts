import { sql } from 'kysely'
import type { Context } from '../context.ts'
import type { Queryable } from '../db/open.ts'
import { invalid } from '../errors.ts'
import { currentSubscription } from '../subscriptions/subscriptions.ts'
import type { Subscription } from '../subscriptions/lifecycle.ts'
import { readUsage } from './counters.ts'
import { allocatedFeatures, freezes } from './frozen-items.ts'

/** An item that is held. `frozenAt`: since when it is not to be used, because it does not fit the limit. */
export type HeldItem = { id: string; allocatedAt: Date; frozenAt: Date | null }

type Held = HeldItem & { place: number }

export type ItemQuery = { feature?: string; frozen?: boolean; limit: number; cursor?: string }

/**
 * The items a business holds of a feature, the product's first allocated one when none is named, by id: one more than
 * `limit`, as `page` wants them.
 */
export async function listItems(
  db: Queryable,
  ctx: Context,
  businessId: string,
  { feature: asked, frozen, limit, cursor = '' }: ItemQuery,
): Promise<{ feature: string; items: HeldItem[] }> {
  const allocated = allocatedFeatures(ctx)
  const feature = asked ?? allocated[0] ?? ''
  if (!allocated.includes(feature)) throw invalid('querystring/feature', `must be one of ${allocated.join(', ')}`)
  const subscription = await currentSubscription(db, ctx, businessId)
  const most = subscription ? await placesOf(db, ctx, subscription, feature) : null
  const { rows } = await sql<Held>`
    select *
    from (
      select item_id as id, created_at as allocated_at, frozen_at,
        row_number() over (order by created_at, item_id)::int as place
      from freehold.allocations
      where business_id = ${businessId} and feature = ${feature}
    ) held
    where id > ${cursor}
      and (${frozen ?? null}::boolean is null or (place > ${most ?? 2 ** 31 - 1}) = ${frozen ?? null})
    order by id
    limit ${limit + 1}`.execute(db)
  return { feature, items: rows.map((row) => seen(row, subscription, most)) }
}

/** One item as it is now; undefined when it is not held. `ceiling`: of the feature, as whoever asks knows it. */
export async function findItem(
  db: Queryable,
  ctx: Context,
  subscription: Subscription,
  { feature, itemId, ceiling }: { feature: string; itemId: string; ceiling: number | null },
): Promise<HeldItem | undefined> {
  const { businessId } = subscription
  const { rows } = await sql<Held>`
    select i.item_id as id, i.created_at as allocated_at, i.frozen_at,
      (select count(*)
       from freehold.allocations o
       where o.business_id = i.business_id
         and o.feature = i.feature
         and (o.created_at, o.item_id) <= (i.created_at, i.item_id))::int as place
    from freehold.allocations i
    where i.business_id = ${businessId} and i.feature = ${feature} and i.item_id = ${itemId}`.execute(db)
  const [row] = rows
  return row && seen(row, subscription, freezes(ctx, feature) ? ceiling : null)
}

/** How many of the oldest may be used; null is all of them. */
async function placesOf(db: Queryable, ctx: Context, subscription: Subscription, feature: string) {
  if (!freezes(ctx, feature)) return null
  const standing = { businessId: subscription.businessId, subscription, access: 'full' as const }
  return (await readUsage(db, ctx, standing, [feature]))[feature]?.ceiling ?? null
}

// What a boundary has frozen is so from then on, also while nobody has written it.
const seen = ({ place, ...item }: Held, subscription: Subscription | undefined, most: number | null): HeldItem => ({
  ...item,
  frozenAt: most !== null && place > most ? (item.frozenAt ?? subscription?.cycleStart ?? null) : null,
})
