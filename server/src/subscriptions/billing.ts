import type { Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { openInvoices, type InvoiceLine, type NewInvoice } from '../invoices/invoices.ts'
import { fullCycle, type Line } from './commands.ts'
import { priceOf, type Subscription } from './lifecycle.ts'

/**
 * The invoices of cycles. A cycle that contains now is billed; one that had gone by before anybody looked is a held draft
 * unless the product says otherwise, and so is every cycle of a business that is not open. What was used beyond the
 * limits of the cycle before stands with it.
 */
export async function billCycles(
  tx: Tx,
  ctx: Context,
  cycles: Subscription[],
  overages = new Map<Subscription, InvoiceLine[]>(),
): Promise<void> {
  const charged = cycles.filter((cycle) => cycle.billed > 0 || overages.has(cycle))
  if (charged.length === 0) return
  const open = await openBusinesses(tx, charged)
  const now = ctx.now()
  const { catchUp } = ctx.product
  const invoices = charged.flatMap((cycle): NewInvoice[] => {
    const isElapsed = cycle.cycleEnd <= now
    const isWaived = isElapsed && catchUp === 'waive'
    const invoice = newInvoice(cycle, isWaived ? [] : fullCycle(cycle))
    const lines = [...invoice.lines, ...(overages.get(cycle) ?? [])]
    if (lines.length === 0) return []
    const held = (isElapsed && catchUp === 'hold') || !open.has(cycle.businessId)
    return [{ ...invoice, lines, cause: 'cycle', held }]
  })
  await openInvoices(tx, ctx, invoices)
}

/** An invoice of a subscription's cycle, but for its cause. */
export const newInvoice = (subscription: Subscription, lines: Line[]): Omit<NewInvoice, 'cause'> => ({
  businessId: subscription.businessId,
  subscriptionId: subscription.id,
  currency: priceOf(lines[0] ?? subscription).currency,
  cycleNumber: subscription.cycleNumber,
  lines: lines.map(described),
})

/** A line as it stands on the invoice. */
export const described = ({ plan, price, ...line }: Line): InvoiceLine => ({
  ...line,
  plan: plan.planKey,
  price,
  description: `${wording[line.kind]}${plan.planName}`,
})

const wording = { cycle: '', proration_credit: 'Unused time on ', proration_charge: 'Remaining time on ' }

/** Which of their businesses are open. */
export async function openBusinesses(tx: Tx, subscriptions: { businessId: string }[]): Promise<Set<string>> {
  const ids = [...new Set(subscriptions.map(({ businessId }) => businessId))]
  const rows = await tx
    .selectFrom('businesses')
    .select('id')
    .where('id', 'in', ids)
    .where('status', '=', 'active')
    .execute()
  return new Set(rows.map(({ id }) => id))
}
