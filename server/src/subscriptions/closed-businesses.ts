import { lockBusiness, reopeningDays } from '../businesses/businesses.ts'
import { systemActor, type Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { voidInvoice } from '../invoices/closing.ts'
import { oneByOne } from '../jobs/one-by-one.ts'
import { apply } from './apply.ts'
import { end } from './commands.ts'
import { lockSubscription } from './subscriptions.ts'

const batchSize = 100
const dayMilliseconds = 86_400_000
const closing = systemActor('closing')

/**
 * Ends the subscriptions of businesses that can be reopened no more. Until then each went on as it was, with what fell
 * due kept as held drafts: those of cycles nobody could use are void. What was owed before stays owed.
 */
export async function endClosed(ctx: Context): Promise<void> {
  const closedBefore = new Date(ctx.now().getTime() - reopeningDays * dayMilliseconds)
  await oneByOne(ctx, {
    read: (last) =>
      ctx.db.across
        .selectFrom('businesses')
        .innerJoin('subscriptions', 'subscriptions.businessId', 'businesses.id')
        .select('businesses.id as businessId')
        .where('businesses.status', '=', 'closed')
        .where('businesses.closedAt', '<', closedBefore)
        .where('subscriptions.status', '<>', 'ended')
        .where('businesses.id', '>', last?.businessId ?? '')
        .orderBy('businesses.id')
        .limit(batchSize)
        .execute(),
    each: (tx, { businessId }) => endOne(tx, ctx, businessId, closedBefore),
    failure: 'the subscription of a closed business could not be ended',
    waitMilliseconds: 1000,
  })
}

async function endOne(tx: Tx, ctx: Context, businessId: string, closedBefore: Date): Promise<void> {
  const { closedAt } = await lockBusiness(tx, businessId)
  if (closedAt === null || closedAt >= closedBefore) return
  const before = await lockSubscription(tx, ctx, businessId)
  // Bringing it up to now may have ended it already.
  if (before.status !== 'ended') {
    await apply(tx, ctx, closing, before, end(before, 'business_closed', ctx.now()))
  }
  const unused = await tx
    .selectFrom('invoices')
    .select('id')
    .where('businessId', '=', businessId)
    .where('status', '=', 'draft')
    .where('cause', '=', 'cycle')
    .where('createdAt', '>=', closedAt)
    .orderBy('id')
    .execute()
  for (const { id: invoiceId } of unused) {
    await voidInvoice(tx, ctx, closing, { businessId, invoiceId, reason: 'The business was closed' })
  }
}
