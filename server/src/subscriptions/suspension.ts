import { lockBusiness, suspendBusiness, type Business } from '../businesses/businesses.ts'
import type { Actor, Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { voidInvoice } from '../invoices/closing.ts'
import { lockSubscription } from './subscriptions.ts'

/**
 * Suspends a business or lets it go on. What falls due meanwhile is a held draft; of cycles that began and ended
 * meanwhile, which nobody could use, it is waived when the business goes on. The draft of the cycle that is not over is
 * left to staff.
 */
export async function setSuspended(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  businessId: string,
  { status, reason }: { status: 'suspended' | 'active'; reason: string },
): Promise<Business> {
  const { suspendedAt } = await lockBusiness(tx, businessId)
  // Brought up to now as it stands: what fell due before counts as it was then.
  await lockSubscription(tx, ctx, businessId)
  const business = await suspendBusiness(tx, ctx, actor, businessId, status, reason)
  if (suspendedAt === null || status === 'suspended') return business
  const unused = await tx
    .selectFrom('invoices as i')
    .innerJoin('subscriptionCycles as c', (join) =>
      join
        .onRef('c.businessId', '=', 'i.businessId')
        .onRef('c.subscriptionId', '=', 'i.subscriptionId')
        .onRef('c.number', '=', 'i.cycleNumber'),
    )
    .select('i.id')
    .where('i.businessId', '=', businessId)
    .where('i.status', '=', 'draft')
    .where('i.cause', '=', 'cycle')
    .where('c.cycleStart', '>=', suspendedAt)
    .where('c.cycleEnd', '<=', ctx.now())
    .orderBy('i.id')
    .execute()
  for (const { id: invoiceId } of unused) {
    await voidInvoice(tx, ctx, actor, { businessId, invoiceId, reason: 'The business was suspended' })
  }
  return business
}
