import type { Context } from '../context.ts'
import type { Queryable } from '../db/open.ts'
import { readUsage } from '../usage/counters.ts'
import type { Subscription, Terms } from './lifecycle.ts'

/** What is in use and does not fit a plan. */
export type Blocker = { feature: string; used: number; limit: number }

/**
 * Which items that are held do not fit the terms, of features whose policy is to block. What is metered begins anew with
 * its period and always fits; with `grandfather` items stay and no new one is let in until there is room.
 */
export async function blockersOf(db: Queryable, ctx: Context, state: Subscription, wanted: Terms): Promise<Blocker[]> {
  const names = Object.entries(ctx.product.features).flatMap(([name, { kind, onDowngrade }]) =>
    kind === 'allocated' && onDowngrade === 'block' ? name : [],
  )
  const standing = { businessId: state.businessId, subscription: { ...state, ...wanted }, access: 'full' as const }
  const [now, then] = [
    await readUsage(db, ctx, { ...standing, subscription: state }, names),
    await readUsage(db, ctx, standing, names),
  ]
  return names.flatMap((feature) => {
    const usage = then[feature]
    if (!usage || usage.ceiling === null || usage.used <= usage.ceiling) return []
    const before = now[feature]?.ceiling ?? Infinity
    // Who is above the limit already loses nothing by a plan that gives as much or more.
    if (before <= usage.ceiling) return []
    return [{ feature, used: usage.used, limit: usage.ceiling }]
  })
}
