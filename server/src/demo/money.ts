import { lockBusiness } from '../businesses/businesses.ts'
import type { Actor, Context } from '../context.ts'
import { acrossBusinesses } from '../db/transactions.ts'
import { recordPayment } from '../invoices/payments.ts'
import { invoicePaid } from '../subscriptions/payments.ts'
import { lockSubscription } from '../subscriptions/subscriptions.ts'
import type { Chance } from './chance.ts'
import { unlessRefused } from './deeds.ts'
import type { Life } from './lives.ts'

/** Invoices come in, and money goes out of the customers' accounts. */

type Open = { businessId: string; id: string; dueAt: Date | null; awaited: boolean }

const dayMilliseconds = 86_400_000

/** Who pays what, and when: decided once for each invoice, as soon as it is seen. */
export function openAccounts(
  ctx: Context,
  bank: Actor,
  lifeOf: (businessId: string) => { life: Life; chance: Chance },
) {
  const payday = new Map<string, number>()
  const seen = new Map<string, number>()
  let statements = 0

  function whenPaid({ businessId, id, dueAt, awaited }: Open): number {
    const known = payday.get(id)
    if (known !== undefined) return known
    const { life, chance } = lifeOf(businessId)
    const number = (seen.get(businessId) ?? 0) + 1
    seen.set(businessId, number)
    const now = ctx.now().getTime()
    const due = dueAt?.getTime() ?? now
    const { payment } = life
    let at = now + chance.between(0, 4) * dayMilliseconds
    // A change that nobody pays for does not come; most who asked for it want it.
    if (awaited) at = chance.happens(0.92) ? now + chance.between(0, 1.5) * dayMilliseconds : Infinity
    else if (payment === 'late') at = due + chance.between(-3, 12) * dayMilliseconds
    else if (payment !== 'promptly' && number > payment.stopsAfter) at = Infinity
    else if (chance.happens(0.04)) at = due + chance.between(0, 9) * dayMilliseconds
    payday.set(id, at)
    return at
  }

  /** Records what has come in by now. */
  return async (): Promise<void> => {
    const rows = await ctx.db.across
      .selectFrom('invoices')
      .select(['businessId', 'id', 'total', 'creditApplied', 'amountPaid', 'dueAt', 'change'])
      .where('status', '=', 'open')
      .orderBy('number')
      .execute()
    await Promise.all(
      rows.map(async ({ businessId, id, total, creditApplied, amountPaid, dueAt, change }) => {
        if (whenPaid({ businessId, id, dueAt, awaited: change !== null }) > ctx.now().getTime()) return
        const due = total - creditApplied - amountPaid
        statements += 1
        const reference = `BANK-${String(statements).padStart(6, '0')}`
        // A few pay in two parts.
        const isInParts = due > 1000 && amountPaid === 0 && lifeOf(businessId).chance.happens(0.03)
        // The cycle it was reckoned for may just have ended.
        await unlessRefused(pay(businessId, id, isInParts ? Math.ceil(due / 2) : due, reference))
      }),
    )
  }

  function pay(businessId: string, invoiceId: string, amount: number, reference: string): Promise<void> {
    return acrossBusinesses(ctx.db, async (tx) => {
      await lockBusiness(tx, businessId)
      await lockSubscription(tx, ctx, businessId)
      const payment = { businessId, invoiceId, amount, reference, receivedAt: ctx.now() }
      const { invoice, isPaid } = await recordPayment(tx, ctx, bank, payment)
      if (isPaid) await invoicePaid(tx, ctx, bank, invoice)
    })
  }
}
