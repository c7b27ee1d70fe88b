import { isDeepStrictEqual } from 'node:util'
import type { Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { paymentTermDays } from '../invoices/finalising.ts'
import { openInvoice, type InvoiceLine } from '../invoices/invoices.ts'
import { loadAccounts } from '../usage/counters.ts'
import {
  featuresWithOverage,
  overageLines,
  periodOverages,
  type BilledOverage,
  type PeriodOverage,
} from '../usage/overage.ts'
import { newInvoice, openBusinesses } from './billing.ts'
import type { Subscription } from './lifecycle.ts'

/**
 * What was used beyond the limits in a cycle that is over, as the last state of it says. A trial costs nothing. The caller
 * holds the subscription's lock and closes the counters, so that nothing more is consumed in that cycle. On which terms it
 * was billed stays on them, for what comes late.
 */
export async function overagesOf(tx: Tx, closed: Subscription): Promise<InvoiceLine[]> {
  const overages = await unbilledIn(tx, closed, featuresWithOverage(closed.plan.includes))
  for (const each of overages) await keepBilled(tx, closed, each, true)
  return linesOf(closed, overages)
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
  const overages = await unbilledIn(tx, before, changed, now)
  for (const each of overages) await keepBilled(tx, before, each, each.period.periodEnd <= now)
  return linesOf(before, overages)
}

async function unbilledIn(tx: Tx, cycle: Subscription, features: string[], at?: Date): Promise<PeriodOverage[]> {
  const { businessId, plan, status, cycleStart, cycleEnd } = cycle
  if (features.length === 0 || status === 'trialing' || status === 'paused') return []
  const accounts = await loadAccounts(tx, businessId, features, 'lock')
  const includes = Object.fromEntries(features.map((name) => [name, plan.includes[name] ?? 0]))
  return periodOverages({ includes, cycleStart, cycleEnd }, accounts, at)
}

/** So that no unit is billed twice, whatever the limit is afterwards. */
async function keepBilled(
  tx: Tx,
  { businessId, id, cycleNumber, plan, price }: Subscription,
  { feature, period: { periodStart, overages }, overage, units, amount }: PeriodOverage,
  isOver: boolean,
): Promise<void> {
  if (units === 0 && !isOver) return
  const sold = { subscriptionId: id, cycleNumber, plan: plan.planKey, price }
  const billed: BilledOverage = { ...sold, terms: overage, units, amount, credited: 0, isOver }
  await tx
    .updateTable('usageCounters')
    .set((set) => ({ billed: set('billed', '+', units), overages: JSON.stringify([...(overages ?? []), billed]) }))
    .where('businessId', '=', businessId)
    .where('feature', '=', feature)
    .where('periodStart', '=', periodStart)
    .execute()
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
