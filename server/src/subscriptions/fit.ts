import type { Context } from '../context.ts'
import type { Queryable } from '../db/open.ts'
import type { DowngradePolicy } from '../product-names.ts'
import { readUsage } from '../usage/counters.ts'
import type { Subscription, Terms } from './lifecycle.ts'

/** What is in use and does not fit a plan. */
export type Blocker = { feature: string; used: number; limit: number }

/**
 * Which items that are held do not fit the terms, of features whose policy is to block. What is metered begins anew with
 * its period and always fits; with `grandfather` items stay and no new one is let in until there is room.
 */
export async function blockersOf(db: Queryable, ctx: Context, state: Subscription, wanted: Terms): Promise<Blocker[]> {
  const compared = await compare(db, ctx, state, wanted, 'block')
  return compared.flatMap(({ feature, before, after: { used, ceiling: limit } }) => {
    if (limit === null || used <= limit) return []
    // Who is above the limit already loses nothing by a plan that gives as much or more.
    return (before.ceiling ?? Infinity) <= limit ? [] : [{ feature, used, limit }]
  })
}

/** What would be frozen by the terms, and is in use now. */
export type Freeze = { feature: string; used: number; limit: number; frozen: number }

export async function freezesOf(db: Queryable, ctx: Context, state: Subscription, wanted: Terms): Promise<Freeze[]> {
  const compared = await compare(db, ctx, state, wanted, 'freeze_newest')
  return compared.flatMap(({ feature, before: { used }, after }) =>
    after.used < used ? [{ feature, used, limit: after.used, frozen: used - after.used }] : [],
  )
}

/** Usage as it is, and as it would be on the terms, of the features with a policy. */
async function compare(db: Queryable, ctx: Context, state: Subscription, wanted: Terms, policy: DowngradePolicy) {
  const features = Object.entries(ctx.product.features).flatMap(([name, { kind, onDowngrade }]) =>
    kind === 'allocated' && onDowngrade === policy ? name : [],
  )
  if (features.length === 0) return []
  const standing = { businessId: state.businessId, access: 'full' as const }
  const now = await readUsage(db, ctx, { ...standing, subscription: state }, features)
  const then = await readUsage(db, ctx, { ...standing, subscription: { ...state, ...wanted } }, features)
  return features.flatMap((feature) => {
    const [before, after] = [now[feature], then[feature]]
    return before && after ? [{ feature, before, after }] : []
  })
}
