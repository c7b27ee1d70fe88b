import { sql } from 'kysely'
import { systemActor, type Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { addCredit } from '../invoices/credit.ts'
import { paymentTermDays } from '../invoices/finalising.ts'
import { openInvoice } from '../invoices/invoices.ts'
import { businessesWith, oneByOne } from '../jobs/one-by-one.ts'
import { attributeUsage, invalidateCounters, type Counter } from '../usage/counters.ts'
import { resettled, type BilledOverage } from '../usage/overage.ts'
import { openBusinesses } from './billing.ts'
import { storedSubscription } from './subscriptions.ts'

const settling = systemActor('late-overages')

/**
 * Bills, or gives back, what is beyond a limit by a count that was confirmed or set right after it was billed: on the
 * terms it was used on. A counter's mark goes in the transaction that settles it, so nothing is settled twice.
 */
export async function settleLateOverages(ctx: Context): Promise<void> {
  await oneByOne(ctx, {
    read: businessesWith(ctx, 'usage_counters', sql`late`),
    each: (tx, { businessId }) => settle(tx, ctx, businessId),
    failure: 'late usage could not be settled',
    waitMilliseconds: 1000,
  })
}

async function settle(tx: Tx, ctx: Context, businessId: string): Promise<void> {
  await storedSubscription(tx, businessId, 'lock')
  const features = new Set((await lateCounters(tx, businessId)).map((counter) => counter.feature))
  for (const feature of features) {
    await attributeUsage(tx, ctx, businessId, feature)
    // A limit may be another now: a grant has paid, or what had been billed was given back.
    await invalidateCounters(tx, businessId, feature)
  }
  // Looked at again behind the counters' locks.
  for (const counter of await lateCounters(tx, businessId)) {
    if (features.has(counter.feature)) await settleCounter(tx, ctx, counter)
  }
}

const lateCounters = (tx: Tx, businessId: string): Promise<Counter[]> =>
  tx
    .selectFrom('usageCounters')
    .selectAll()
    .where('businessId', '=', businessId)
    .where('late', '=', true)
    .orderBy('feature')
    .orderBy('periodStart')
    .execute()

async function settleCounter(tx: Tx, ctx: Context, counter: Counter): Promise<void> {
  const { businessId, feature, periodStart, periodEnd } = counter
  const before = counter.overages ?? []
  const unpaid = counter.used - counter.attributed - counter.billed
  const after = resettled(before, unpaid)
  const last = after.at(-1)
  const more = sum(after, 'amount') - sum(before, 'amount')
  const units = sum(after, 'units') - sum(before, 'units')
  if (last && more > 0) {
    const { plan, price, subscriptionId, cycleNumber, terms } = last
    const description = `${feature}: ${units} more beyond the limit`
    const line = { kind: 'overage' as const, description, amount: more, periodStart, periodEnd, plan, price, feature }
    const held = !(await openBusinesses(tx, [counter])).has(businessId)
    const dueAt = new Date(ctx.now().getTime() + paymentTermDays * 86_400_000)
    const sold = { businessId, subscriptionId, cycleNumber, currency: terms.price.currency }
    await openInvoice(tx, ctx, { ...sold, lines: [line], cause: 'change', held, dueAt })
  }
  if (last && more < 0) {
    // What was waived need not be given back.
    const surplus = (await invoiced(tx, counter)) - sum(after, 'credited') - sum(after, 'amount')
    const amount = Math.max(0, Math.min(-more, surplus))
    const reason = `${feature}: ${-units} fewer beyond the limit`
    const { currency } = last.terms.price
    if (amount > 0) await addCredit(tx, ctx, settling, { businessId, currency, amount, reason })
    last.credited += amount
  }
  await tx
    .updateTable('usageCounters')
    .set((set) => ({ billed: set('billed', '+', units), overages: JSON.stringify(after), late: false }))
    .where('businessId', '=', businessId)
    .where('feature', '=', feature)
    .where('periodStart', '=', periodStart)
    .execute()
}

const sum = (overages: BilledOverage[], of: 'units' | 'amount' | 'credited') =>
  overages.reduce((total, each) => total + each[of], 0)

/** What stands on invoices for a period beyond its limit, but for what is void. */
async function invoiced(tx: Tx, { businessId, feature, periodStart }: Counter): Promise<number> {
  const lines = await tx
    .selectFrom('invoiceLines as l')
    .innerJoin('invoices as i', (join) =>
      join.onRef('i.businessId', '=', 'l.businessId').onRef('i.id', '=', 'l.invoiceId'),
    )
    .select('l.amount')
    .where('l.businessId', '=', businessId)
    .where('l.kind', '=', 'overage')
    .where('l.feature', '=', feature)
    .where('l.periodStart', '=', periodStart)
    .where('i.status', '<>', 'void')
    .execute()
  return lines.reduce((total, { amount }) => total + amount, 0)
}
