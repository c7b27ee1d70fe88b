import type { Context } from '../context.ts'
import type { Queryable } from '../db/open.ts'
import { acrossBusinesses, isLockTimeout, waitAtMost } from '../db/transactions.ts'

/**
 * Units whose reservation has run out stand in the counter as held until the task gives them back. Whoever would be
 * refused because of them neither waits for its next minute nor depends on a worker.
 */

type Holding = { businessId: string; feature: string }

const lockMilliseconds = 100

/** How many of the held units nobody holds any more, by period. Reads only. */
export async function lapsedUnits(db: Queryable, now: Date, { businessId, feature }: Holding) {
  const rows = await db
    .selectFrom('reservations')
    .select(({ fn }) => ['periodStart', fn.sum<string>('amount').as('units')])
    .where('businessId', '=', businessId)
    .where('feature', '=', feature)
    .where('confirmedAt', 'is', null)
    .where('releasedAt', 'is', null)
    .where('expiresAt', '<=', now)
    .groupBy('periodStart')
    .execute()
  return rows.map(({ periodStart, units }) => ({ periodStart, units: Number(units) }))
}

/** Gives back what has run out. Leaves a counter that somebody holds to the task. */
export async function giveBackLapsed(ctx: Context, holding: Holding): Promise<void> {
  const now = ctx.now()
  if ((await lapsedUnits(ctx.db.across, now, holding)).length === 0) return
  const { businessId, feature } = holding
  try {
    await acrossBusinesses(ctx.db, async (tx) => {
      await waitAtMost(tx, lockMilliseconds)
      const counters = tx.selectFrom('usageCounters').select('periodStart').where('businessId', '=', businessId)
      await counters.where('feature', '=', feature).orderBy('periodStart').forNoKeyUpdate().execute()
      // What it was, now that nobody else changes it.
      const lapsed = await lapsedUnits(tx, now, holding)
      await tx
        .updateTable('reservations')
        .set({ releasedAt: now })
        .where('businessId', '=', businessId)
        .where('feature', '=', feature)
        .where('confirmedAt', 'is', null)
        .where('releasedAt', 'is', null)
        .where('expiresAt', '<=', now)
        .execute()
      for (const { periodStart, units } of lapsed) {
        await tx
          .updateTable('usageCounters')
          .set((set) => ({ held: set('held', '-', units) }))
          .where('businessId', '=', businessId)
          .where('feature', '=', feature)
          .where('periodStart', '=', periodStart)
          .execute()
      }
    })
  } catch (error) {
    if (!isLockTimeout(error)) throw error
  }
}
