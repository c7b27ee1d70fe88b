import type { Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { freezes, thaw } from './frozen-items.ts'
import type { Counted, NotCounted, Port } from './meter.ts'
import { fromKysely } from './ports.ts'

/**
 * Items that are held until released: applications, projects. By item id, so asking twice changes nothing. On a port,
 * because an application allocates in its own transaction too; drivers hand out large integers as text, hence Number.
 */
export type Item = {
  businessId: string
  feature: string
  itemId: string
  credentialId?: string | undefined
  requestId?: string | undefined
}

export const allocateItem = (tx: Tx, ctx: Context, item: Item) => allocate(fromKysely(tx), ctx, item)
export const releaseItem = (tx: Tx, ctx: Context, item: Item) => release(fromKysely(tx), ctx, item)

export async function allocate(port: Port, ctx: Context, item: Item): Promise<Counted | NotCounted> {
  const { businessId, feature, itemId, credentialId, requestId } = item
  const counter = await lockCounter(port, ctx, item, 'open')
  if (!counter) return { outcome: 'closed' }
  const { used, held, limit, periodEnd } = counter
  const isFull = limit !== null && used + held + 1 > limit
  const { rows } = await port.query(
    'select frozen_at from freehold.allocations where business_id = $1 and feature = $2 and item_id = $3',
    [businessId, feature, itemId],
  )
  const [existing] = rows
  const frozenAt = existing?.['frozen_at'] ? new Date(existing['frozen_at'] as string | Date) : null
  if (existing && !frozenAt) return { outcome: 'counted', limit, used, held, periodEnd, requestId: null }
  // Whoever opens the counter sets right what is frozen although there is room, or although nothing is to be frozen.
  if (frozenAt && !(isFull && freezes(ctx, feature))) return { outcome: 'closed' }
  if (isFull) return { outcome: 'full', limit, used, held, periodEnd, ...(frozenAt ? { frozenAt } : {}) }

  await port.query(
    `insert into freehold.allocations (business_id, feature, item_id, allocated_by, created_at)
     values ($1, $2, $3, $4, $5)`,
    [businessId, feature, itemId, credentialId ?? null, ctx.now()],
  )
  await move(port, ctx, item, counter, 1)
  return { outcome: 'counted', limit, used: used + 1, held, periodEnd, requestId: requestId ?? null }
}

/** Always possible, whatever the subscription's state. Where something is frozen, the room is its oldest item's. */
export async function release(port: Port, ctx: Context, item: Item): Promise<Released> {
  const { businessId, feature, itemId } = item
  const counter = await lockCounter(port, ctx, item, 'any')
  if (!counter) return { limit: null, used: 0, held: 0, thawed: [] }
  const { limit, used, held } = counter
  const released = await port.query(
    'delete from freehold.allocations where business_id = $1 and feature = $2 and item_id = $3 returning frozen_at',
    [businessId, feature, itemId],
  )
  const [gone] = released.rows
  if (!gone) return { limit, used, held, thawed: [] }
  const isFrozen = gone['frozen_at'] !== null
  await move(port, ctx, item, counter, isFrozen ? 0 : -1)
  if (isFrozen || !freezes(ctx, feature)) return { limit, used: used - (isFrozen ? 0 : 1), held, thawed: [] }
  const left = { businessId, feature, periodStart: counter.periodStart, used: used - 1, at: ctx.now() }
  const thawed = await thaw(port, ctx, left, limit)
  return { limit, used: used - 1 + thawed.length, held, thawed }
}

/** `thawed`: items that were frozen and may be used now. */
export type Released = { limit: number | null; used: number; held: number; thawed: string[] }

type LockedCounter = {
  periodStart: Date
  periodEnd: Date
  used: number
  held: number
  limit: number | null
}

// An allocated feature has one counter for all time. One that is closed stays unlocked where it is of no use: in an
// application's transaction the lock would be in the way of whoever opens it.
async function lockCounter(
  port: Port,
  ctx: Context,
  { businessId, feature }: Item,
  which: 'open' | 'any',
): Promise<LockedCounter | undefined> {
  const { rows } = await port.query(
    `select period_start, period_end, used, held, ceiling
     from freehold.usage_counters
     where business_id = $1 and feature = $2 and ($4 or valid_until > $3)
     for no key update`,
    [businessId, feature, ctx.now(), which === 'any'],
  )
  const [row] = rows
  return (
    row && {
      periodStart: new Date(row['period_start'] as string | Date),
      periodEnd: new Date(row['period_end'] as string | Date),
      used: Number(row['used']),
      held: Number(row['held']),
      limit: row['ceiling'] === null ? null : Number(row['ceiling']),
    }
  )
}

const moveStatement = `
with counted as (
  update freehold.usage_counters
  set used = used + $4, attributed = used + $4
  where business_id = $1 and feature = $2 and period_start = $3
  returning business_id, feature, period_start, used, held, ceiling
)
insert into freehold.usage_entries
  (business_id, id, feature, period_start, kind, amount, used_after, held_after, ceiling, credential_id, request_id, item_id, at)
select business_id, $5, feature, period_start, $6, $4, used, held, ceiling, $7, $8, $9, $10
from counted`

// Held item by item, so there is nothing left to attribute to a grant.
async function move(
  port: Port,
  ctx: Context,
  item: Item,
  { periodStart }: LockedCounter,
  amount: 1 | 0 | -1,
): Promise<void> {
  const { businessId, feature, itemId, credentialId, requestId } = item
  await port.query(moveStatement, [
    businessId,
    feature,
    periodStart,
    amount,
    ctx.newId('usageEntry'),
    amount > 0 ? 'allocate' : 'release',
    credentialId ?? null,
    requestId ?? null,
    itemId,
    ctx.now(),
  ])
}
