import { sql } from 'kysely'
import type { Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import type { Counter } from './counters.ts'
import type { Counted, NotCounted } from './meter.ts'

/** Items that are held until released: applications, projects. By item id, so asking twice changes nothing. */
export type Item = { businessId: string; feature: string; itemId: string; credentialId: string; requestId: string }

export async function allocateItem(tx: Tx, ctx: Context, item: Item): Promise<Counted | NotCounted> {
  const { businessId, feature, itemId, credentialId, requestId } = item
  const counter = await lockCounter(tx, item)
  if (!counter || counter.validUntil <= ctx.now()) return { outcome: 'closed' }
  const { periodEnd, ceiling: limit, held } = counter
  const existing = await tx
    .selectFrom('allocations')
    .select('itemId')
    .where('businessId', '=', businessId)
    .where('feature', '=', feature)
    .where('itemId', '=', itemId)
    .executeTakeFirst()
  if (existing) return { outcome: 'counted', limit, used: counter.used, held, periodEnd, requestId: null }
  if (limit !== null && counter.used + held + 1 > limit)
    return { outcome: 'full', limit, used: counter.used, held, periodEnd }

  await tx
    .insertInto('allocations')
    .values({ businessId, feature, itemId, allocatedBy: credentialId, createdAt: ctx.now() })
    .execute()
  const used = await move(tx, ctx, item, counter, 1)
  return { outcome: 'counted', limit, used, held, periodEnd, requestId }
}

export async function releaseItem(tx: Tx, ctx: Context, item: Item) {
  const { businessId, feature, itemId } = item
  const counter = await lockCounter(tx, item)
  if (!counter) return { limit: null, used: 0, held: 0 }
  const released = await tx
    .deleteFrom('allocations')
    .where('businessId', '=', businessId)
    .where('feature', '=', feature)
    .where('itemId', '=', itemId)
    .executeTakeFirst()
  const used = released.numDeletedRows > 0n ? await move(tx, ctx, item, counter, -1) : counter.used
  return { limit: counter.ceiling, used, held: counter.held }
}

// An allocated feature has one counter for all time.
async function lockCounter(tx: Tx, { businessId, feature }: Item): Promise<Counter | undefined> {
  return tx
    .selectFrom('usageCounters')
    .selectAll()
    .where('businessId', '=', businessId)
    .where('feature', '=', feature)
    .forNoKeyUpdate()
    .executeTakeFirst()
}

async function move(tx: Tx, ctx: Context, item: Item, counter: Counter, amount: 1 | -1): Promise<number> {
  const { businessId, feature, itemId, credentialId, requestId } = item
  const { used } = await tx
    .updateTable('usageCounters')
    .set({ used: sql<number>`used + ${amount}`, attributed: sql<number>`used + ${amount}` })
    .where('businessId', '=', businessId)
    .where('feature', '=', feature)
    .where('periodStart', '=', counter.periodStart)
    .returning('used')
    .executeTakeFirstOrThrow()
  await tx
    .insertInto('usageEntries')
    .values({
      businessId,
      id: ctx.newId('usageEntry'),
      feature,
      periodStart: counter.periodStart,
      kind: amount > 0 ? 'allocate' : 'release',
      amount,
      usedAfter: used,
      ceiling: counter.ceiling,
      credentialId,
      requestId,
      itemId,
      at: ctx.now(),
    })
    .execute()
  return used
}
