import { sql, type Selectable } from 'kysely'
import type { Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import type { SubscriptionsTable } from '../db/tables.ts'
import { acrossBusinesses } from '../db/transactions.ts'
import { emitAll } from '../events/emit.ts'
import { planCatalogue } from '../plans/plans.ts'
import { subject } from './announcing.ts'
import { withPlans } from './subscriptions.ts'

type Row = Selectable<SubscriptionsTable>

const noticeDays = 3
const batchSize = 500

/** Says of each trial that it ends soon, once, three days before; of one that staff have lengthened since, anew. */
export async function announceTrialEndings(ctx: Context): Promise<void> {
  const { byId } = await planCatalogue(ctx.db.across)
  for (let found = batchSize; found === batchSize;) {
    found = await acrossBusinesses(ctx.db, async (tx) => {
      const now = ctx.now()
      const rows = await tx
        .selectFrom('subscriptions')
        .selectAll()
        .where('status', '=', 'trialing')
        .where('trialEnd', '>', now)
        .where('trialEnd', '<=', new Date(now.getTime() + noticeDays * 86_400_000))
        .where('trialRemindedAt', 'is', null)
        .orderBy('businessId')
        .limit(batchSize)
        .execute()
      // Of two runs at once, one finds it said already.
      const won = await markReminded(tx, rows, now)
      await emitAll(
        tx,
        ctx,
        won.flatMap((row) => {
          const plan = byId.get(row.planVersionId)
          if (!plan || !row.trialEnd) return []
          const subscription = withPlans(row, { plan, pending: plan, awaited: plan })
          const data = { ...subject(subscription), trialEnd: row.trialEnd }
          return { businessId: row.businessId, type: 'subscription.trial_ending' as const, data }
        }),
      )
      return rows.length
    })
  }
}

async function markReminded(tx: Tx, rows: Row[], now: Date): Promise<Row[]> {
  const { rows: marked } = await sql<{ id: string }>`
    update freehold.subscriptions s
    set trial_reminded_at = ${now}
    from unnest(
      ${rows.map(({ businessId }) => businessId)}::text[], ${rows.map(({ id }) => id)}::text[],
      ${rows.map(({ trialEnd }) => trialEnd)}::timestamptz[]
    ) as due (business_id, id, trial_end)
    where s.business_id = due.business_id
      and s.id = due.id
      and s.trial_end = due.trial_end
      and s.status = 'trialing'
      and s.trial_reminded_at is null
    returning s.id`.execute(tx)
  const won = new Set(marked.map(({ id }) => id))
  return rows.filter(({ id }) => won.has(id))
}
