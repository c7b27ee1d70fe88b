import type { Actor, Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { invoiceById, overdueInvoices } from '../invoices/invoices.ts'
import { apply } from './apply.ts'
import { recover } from './commands.ts'
import type { Subscription } from './lifecycle.ts'

/**
 * What becomes of a subscription whose invoices were settled otherwise than by a payment: voided, given up, or covered by
 * credit. What waited for one that nobody will pay waits no more, and who owes nothing any more has caught up. The
 * caller has locked the subscription and brought it up to now.
 */
export async function followInvoices(tx: Tx, ctx: Context, actor: Actor, before: Subscription): Promise<Subscription> {
  const freed = await stopWaiting(tx, ctx, actor, before)
  if (freed.status !== 'past_due') return freed
  const now = ctx.now()
  const isOverdue = (await overdueInvoices(tx, freed.businessId, now)).some(
    ({ subscriptionId }) => subscriptionId === freed.id,
  )
  return isOverdue ? freed : apply(tx, ctx, actor, freed, recover(freed, now))
}

async function stopWaiting(tx: Tx, ctx: Context, actor: Actor, before: Subscription): Promise<Subscription> {
  if (!before.awaiting) return before
  const { status } = await invoiceById(tx, before.businessId, before.awaiting.invoiceId)
  if (status !== 'void') return before
  const after: Subscription = { ...before, awaiting: null, version: before.version + 1 }
  return apply(tx, ctx, actor, before, { kind: 'change_cancelled', after, lines: [], effectiveAt: ctx.now() })
}
