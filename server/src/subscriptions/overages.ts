import type { Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { paymentTermDays } from '../invoices/finalising.ts'
import { openInvoice, type InvoiceLine } from '../invoices/invoices.ts'
import { loadAccounts } from '../usage/counters.ts'
import { featuresWithOverage, overageLines } from '../usage/overage.ts'
import { newInvoice, openBusinesses } from './billing.ts'
import type { Subscription } from './lifecycle.ts'

/**
 * What was used beyond the limits in a cycle that is over, as the last state of it says. A trial costs nothing. The caller
 * holds the subscription's lock and closes the counters, so that nothing more is counted into that cycle.
 */
export async function overagesOf(tx: Tx, closed: Subscription): Promise<InvoiceLine[]> {
  const { businessId, plan, price, status, cycleStart, cycleEnd } = closed
  const features = featuresWithOverage(plan.includes)
  if (features.length === 0 || status === 'trialing' || status === 'paused') return []
  const accounts = await loadAccounts(tx, businessId, features, 'lock')
  const { includes, planKey } = plan
  return overageLines({ includes, planKey, price, cycleStart, cycleEnd }, accounts)
}

/** Owed by itself, where no cycle follows that it could stand with. */
export async function oweOverages(tx: Tx, ctx: Context, closed: Subscription, lines: InvoiceLine[]): Promise<void> {
  if (lines.length === 0) return
  const open = await openBusinesses(tx, [closed])
  const dueAt = new Date(ctx.now().getTime() + paymentTermDays * 86_400_000)
  const held = !open.has(closed.businessId)
  await openInvoice(tx, ctx, { ...newInvoice(closed, []), lines, cause: 'change', held, dueAt })
}
