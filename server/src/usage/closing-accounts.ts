import { sql, type Selectable } from 'kysely'
import type { Tx } from '../db/open.ts'
import type { GrantsTable } from '../db/tables.ts'
import type { Counter } from './counters.ts'

/** A feature whose periods from `since` on are over. */
export type Closing = { businessId: string; feature: string; since: Date }

type Account = { periods: (Counter & { drawn: number })[]; grants: Selectable<GrantsTable>[] }

/**
 * What `loadAccounts` reads, of many businesses at once and only as much as tells what these periods come to: their
 * counters, earlier ones that nothing has paid for yet, and the grants that may pay for any of them. Nothing is locked.
 * The caller holds the subscriptions, behind whose locks units are attributed; what counters count may still change.
 */
export async function closingAccounts(tx: Tx, closing: Closing[]) {
  const { rows: counters } = await sql<Counter>`
    select c.*
    from unnest(${keys(closing)}, ${closing.map(({ since }) => since)}::timestamptz[])
      as closing (business_id, feature, since)
    join freehold.usage_counters c
      on c.business_id = closing.business_id
      and c.feature = closing.feature
      and (c.period_start >= closing.since or c.used > c.attributed + c.billed)
    order by c.business_id, c.feature, c.period_start`.execute(tx)
  // Where everything is paid for, neither grants nor what they have paid matter.
  const unpaid = counters.filter(({ used, attributed, billed }) => used > attributed + billed)
  const grants = await grantsFor(tx, unpaid)
  const drawn = await drawnBy(tx, unpaid)

  const accounts = new Map<string, Account>()
  for (const counter of counters) {
    const account = accounts.get(keyOf(counter)) ?? { periods: [], grants: [] }
    account.periods.push({ ...counter, drawn: drawn.get(periodKey(counter)) ?? 0 })
    accounts.set(keyOf(counter), account)
  }
  for (const grant of grants) accounts.get(keyOf(grant))?.grants.push(grant)
  const none: Account = { periods: [], grants: [] }
  return (businessId: string, feature: string) => accounts.get(keyOf({ businessId, feature })) ?? none
}

/** Those that have something left and were in effect when one of the counters was opened, or came since. */
async function grantsFor(tx: Tx, unpaid: Counter[]): Promise<Selectable<GrantsTable>[]> {
  const opened = new Map<string, Counter>()
  for (const counter of unpaid) {
    const before = opened.get(keyOf(counter))
    if (!before || counter.openedAt < before.openedAt) opened.set(keyOf(counter), counter)
  }
  const first = [...opened.values()]
  if (first.length === 0) return []
  const { rows } = await sql<Selectable<GrantsTable>>`
    select g.*
    from unnest(${keys(first)}, ${first.map(({ openedAt }) => openedAt)}::timestamptz[])
      as counter (business_id, feature, opened_at)
    join freehold.grants g
      on g.business_id = counter.business_id
      and g.feature = counter.feature
      and g.amount > g.drawn
      and (g.expires_at is null or g.expires_at > counter.opened_at or g.effective_at > counter.opened_at)
    order by g.business_id, g.id`.execute(tx)
  return rows
}

/** What periods have drawn from grants so far. */
async function drawnBy(tx: Tx, counters: Counter[]): Promise<Map<string, number>> {
  const paid = counters.filter(({ attributed }) => attributed > 0)
  const drawn = new Map<string, number>()
  if (paid.length === 0) return drawn
  const { rows } = await sql<{ businessId: string; feature: string; periodStart: Date; amount: number }>`
    select d.business_id, d.feature, d.period_start, d.amount
    from unnest(${keys(paid)}, ${paid.map(({ periodStart }) => periodStart)}::timestamptz[])
      as counter (business_id, feature, period_start)
    join freehold.grant_draws d
      on d.business_id = counter.business_id
      and d.feature = counter.feature
      and d.period_start = counter.period_start`.execute(tx)
  for (const draw of rows) drawn.set(periodKey(draw), (drawn.get(periodKey(draw)) ?? 0) + draw.amount)
  return drawn
}

type Key = { businessId: string; feature: string }

const keys = (of: Key[]) =>
  sql`${of.map(({ businessId }) => businessId)}::text[], ${of.map(({ feature }) => feature)}::text[]`

const keyOf = ({ businessId, feature }: Key) => `${businessId} ${feature}`
const periodKey = (counter: Key & { periodStart: Date }) => `${keyOf(counter)} ${counter.periodStart.getTime()}`
