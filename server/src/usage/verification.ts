import { sql } from 'kysely'
import { audit } from '../audit/audit.ts'
import { systemActor, type Context } from '../context.ts'
import type { Queryable, Tx } from '../db/open.ts'
import { acrossBusinesses } from '../db/transactions.ts'

/** A counter that does not say what the ledger, the open reservations or the live items add up to. */
export type Drift = {
  businessId: string
  feature: string
  periodStart: Date
  used: number
  expectedUsed: number
  held: number
  expectedHeld: number
}

export type Verification = { counters: number; drifts: Drift[]; repaired: number }

const pageSize = 2000

/**
 * Recomputes every counter. It may run while others count: a page is one statement, and counter and ledger are always
 * written together, so one snapshot sees both or neither. A repair looks again under the counter's lock.
 */
export async function verifyUsage(
  ctx: Context,
  { repair = false, onPage }: { repair?: boolean; onPage?: (counters: number) => void } = {},
): Promise<Verification> {
  const result: Verification = { counters: 0, drifts: [], repaired: 0 }
  let after: { businessId: string; feature: string; periodStart: Date } = {
    businessId: '',
    feature: '',
    periodStart: new Date(0),
  }
  for (;;) {
    const page = await expectations(ctx.db.across, { after })
    const last = page.at(-1)
    if (!last) return result
    after = last
    result.counters += page.length
    for (const drift of page.filter(drifts)) {
      result.drifts.push(drift)
      if (repair && (await repairCounter(ctx, drift))) result.repaired += 1
    }
    onPage?.(result.counters)
  }
}

const drifts = ({ used, expectedUsed, held, expectedHeld }: Drift) => used !== expectedUsed || held !== expectedHeld

type Key = Pick<Drift, 'businessId' | 'feature' | 'periodStart'>

/** What counters are and should be: a page in key order, or one. The ledger's sum, and what is reserved and still open. */
async function expectations(db: Queryable, { after, only }: { after?: Key; only?: Key }): Promise<Drift[]> {
  const chosen = only
    ? sql`c.business_id = ${only.businessId} and c.feature = ${only.feature} and c.period_start = ${only.periodStart}`
    : sql`(c.business_id, c.feature, c.period_start) > (${after?.businessId}, ${after?.feature}, ${after?.periodStart}::timestamptz)`
  const { rows } = await sql<Drift>`
    with page as (
      select c.business_id, c.feature, c.period_start, c.used, c.held
      from freehold.usage_counters c
      where ${chosen}
      order by c.business_id, c.feature, c.period_start
      limit ${pageSize}
    )
    select
      p.*,
      coalesce((
        select sum(e.amount)
        from freehold.usage_entries e
        where e.business_id = p.business_id and e.feature = p.feature and e.period_start = p.period_start
      ), 0)::bigint as expected_used,
      coalesce((
        select sum(r.amount)
        from freehold.reservations r
        where r.business_id = p.business_id
          and r.feature = p.feature
          and r.period_start = p.period_start
          and r.confirmed_at is null
          and r.released_at is null
      ), 0)::bigint as expected_held
    from page p
    order by p.business_id, p.feature, p.period_start`.execute(db)
  return rows
}

async function repairCounter(ctx: Context, key: Key): Promise<boolean> {
  return acrossBusinesses(ctx.db, async (tx) => {
    await lockCounter(tx, key)
    const [drift] = await expectations(tx, { only: key })
    // Somebody else may have mended it, or it was never wrong.
    if (!drift || !drifts(drift)) return false
    const { businessId, feature, periodStart, used, expectedUsed, held, expectedHeld } = drift
    await tx
      .updateTable('usageCounters')
      .set({ used: expectedUsed, held: expectedHeld, late: sql<boolean>`overages is not null` })
      .where('businessId', '=', businessId)
      .where('feature', '=', feature)
      .where('periodStart', '=', periodStart)
      .execute()
    await audit(tx, ctx, systemActor('verify'), businessId, {
      action: 'usage.repaired',
      target: { kind: 'counter', id: feature },
      before: { periodStart, used, held },
      after: { periodStart, used: expectedUsed, held: expectedHeld },
    })
    return true
  })
}

async function lockCounter(tx: Tx, { businessId, feature, periodStart }: Key): Promise<void> {
  await tx
    .selectFrom('usageCounters')
    .select('feature')
    .where('businessId', '=', businessId)
    .where('feature', '=', feature)
    .where('periodStart', '=', periodStart)
    .forNoKeyUpdate()
    .execute()
}
