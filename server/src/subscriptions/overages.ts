import { isDeepStrictEqual } from 'node:util'
import { sql } from 'kysely'
import type { Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { paymentTermDays } from '../invoices/finalising.ts'
import { openInvoice, type InvoiceLine } from '../invoices/invoices.ts'
import { closingAccounts, type Closing } from '../usage/closing-accounts.ts'
import { loadAccounts } from '../usage/counters.ts'
import {
  featuresWithOverage,
  overageLines,
  periodOverages,
  type BilledOverage,
  type PeriodOverage,
} from '../usage/overage.ts'
import { newInvoice, openBusinesses } from './billing.ts'
import type { Subscription, Turn } from './lifecycle.ts'

/**
 * What was used beyond the limits in a cycle that is over, as the last state of it says. A trial costs nothing. The caller
 * holds the subscription's lock and has closed the counters, so that nothing more is consumed in that cycle. On which terms
 * it was billed stays on them, for what comes late.
 */
export async function overagesOf(tx: Tx, closed: Subscription): Promise<InvoiceLine[]> {
  return (await overagesOfEach(tx, [closed])).get(closed) ?? []
}

/** The same for cycles that others follow, of many businesses: the lines stand with those that follow. */
export async function overagesOfTurns(tx: Tx, turns: Turn[]): Promise<Map<Subscription, InvoiceLine[]>> {
  const ended = await overagesOfEach(
    tx,
    turns.map(({ before }) => before),
  )
  const lines = turns.map(({ before, after }) => [after, ended.get(before) ?? []] as const)
  return new Map(lines.filter(([, of]) => of.length > 0))
}

/**
 * The cycles of one business come in their order. No counter is locked ahead: one that has counted meanwhile, because a
 * reservation was confirmed, is reckoned once more.
 */
async function overagesOfEach(tx: Tx, closed: Subscription[]): Promise<Map<Subscription, InvoiceLine[]>> {
  const lines = new Map<Subscription, InvoiceLine[]>()
  let left = closed.filter(mayOwe)
  while (left.length > 0) {
    const accounts = await closingAccounts(tx, closings(left))
    const reckoned = left.flatMap((cycle) =>
      periodOverages({ ...cycle, includes: cycle.plan.includes }, (name) => accounts(cycle.businessId, name)).map(
        (each) => ({ cycle, isOver: true, ...each }),
      ),
    )
    const kept = await keepBilled(tx, reckoned)
    const lost = new Set<Subscription>()
    for (const each of reckoned) {
      if (kept.has(each)) lines.set(each.cycle, [...(lines.get(each.cycle) ?? []), ...linesOf(each.cycle, [each])])
      else lost.add(each.cycle)
    }
    left = left.filter((cycle) => lost.has(cycle))
  }
  return lines
}

const mayOwe = (cycle: Subscription) => isCharged(cycle) && featuresWithOverage(cycle.plan.includes).length > 0
const isCharged = ({ status }: Subscription) => status !== 'trialing' && status !== 'paused'

/** From the first of a business's cycles on. */
function closings(cycles: Subscription[]): Closing[] {
  const first = new Map<string, Closing>()
  for (const { businessId, plan, cycleStart: since } of cycles) {
    for (const feature of featuresWithOverage(plan.includes)) {
      const key = `${businessId} ${feature}`
      if (!first.has(key)) first.set(key, { businessId, feature, since })
    }
  }
  return [...first.values()]
}

/**
 * What was used beyond the limits so far, when other terms begin within the cycle: it is owed by the old ones, and what it
 * was billed for counts no more. A feature that stays as it is goes on being counted.
 */
export async function overagesOfChange(
  tx: Tx,
  before: Subscription,
  after: Subscription,
  now: Date,
): Promise<InvoiceLine[]> {
  const changed = featuresWithOverage(before.plan.includes).filter(
    (name) => !isDeepStrictEqual(before.plan.includes[name], after.plan.includes[name]),
  )
  const { businessId, plan, cycleStart, cycleEnd } = before
  if (changed.length === 0 || !isCharged(before)) return []
  const accounts = await loadAccounts(tx, businessId, changed, 'lock')
  const includes = Object.fromEntries(changed.map((name) => [name, plan.includes[name] ?? 0]))
  const overages = periodOverages({ includes, cycleStart, cycleEnd }, accounts, now)
    .map((each) => ({ cycle: before, isOver: each.period.periodEnd <= now, ...each }))
    .filter(({ units, isOver }) => units > 0 || isOver)
  await keepBilled(tx, overages)
  return linesOf(before, overages)
}

/** What is to be billed of a period of a cycle; `isOver` when nothing more is counted in it. */
type Reckoned = PeriodOverage & { cycle: Subscription; isOver: boolean }

/** So that no unit is billed twice, whatever the limit is afterwards. Answers what still is as it was reckoned. */
async function keepBilled(tx: Tx, reckoned: Reckoned[]): Promise<Set<Reckoned>> {
  if (reckoned.length === 0) return new Set()
  const { rows } = await sql<{ position: number }>`
    update freehold.usage_counters c
    set billed = c.billed + each.units,
      overages = each.overages
    from unnest(
      ${reckoned.map(({ cycle }) => cycle.businessId)}::text[], ${reckoned.map(({ feature }) => feature)}::text[],
      ${reckoned.map(({ period }) => period.periodStart)}::timestamptz[],
      ${reckoned.map(({ period }) => period.used)}::bigint[], ${reckoned.map(({ units }) => units)}::bigint[],
      ${reckoned.map((each) => JSON.stringify(billedWith(each)))}::jsonb[],
      ${reckoned.map((_, index) => index)}::int[]
    ) as each (business_id, feature, period_start, used, units, overages, position)
    where c.business_id = each.business_id
      and c.feature = each.feature
      and c.period_start = each.period_start
      and c.used = each.used
    returning each.position`.execute(tx)
  return new Set(rows.flatMap(({ position }) => reckoned[position] ?? []))
}

/** What was billed of a period, this included. */
function billedWith({ cycle, isOver, period, overage, units, amount }: Reckoned): BilledOverage[] {
  const { id, cycleNumber, plan, price } = cycle
  const sold = { subscriptionId: id, cycleNumber, plan: plan.planKey, price }
  return [...(period.overages ?? []), { ...sold, terms: overage, units, amount, credited: 0, isOver }]
}

const linesOf = ({ plan: { planKey, includes }, price, cycleStart, cycleEnd }: Subscription, of: PeriodOverage[]) =>
  overageLines({ includes, planKey, price, cycleStart, cycleEnd }, of)

/** Owed by itself, where no cycle follows that it could stand with. */
export async function oweOverages(tx: Tx, ctx: Context, cycle: Subscription, lines: InvoiceLine[]): Promise<void> {
  if (lines.length === 0) return
  const open = await openBusinesses(tx, [cycle])
  const dueAt = new Date(ctx.now().getTime() + paymentTermDays * 86_400_000)
  const held = !open.has(cycle.businessId)
  await openInvoice(tx, ctx, { ...newInvoice(cycle, []), lines, cause: 'change', held, dueAt })
}
