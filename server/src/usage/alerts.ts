import { CompiledQuery, sql } from 'kysely'
import type { Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { emit } from '../events/emit.ts'
import { businessesWith, oneByOne } from '../jobs/one-by-one.ts'
import { sendMail } from '../mail/mail.ts'
import { ownerEmails } from '../members/owners.ts'
import { usageAlertMail } from './mail.ts'

/**
 * A limit that comes near: 80 and 100 % are noticed by the statement that counts, in the same commit, once for each
 * counter and ceiling. A jump over both is one notice of the higher.
 *
 * The fragment reads `counted c`; `amount` is what was counted into it just now.
 */
export const alertInsert = (amount: string, now: string) => `
  insert into freehold.usage_alerts (business_id, feature, period_start, threshold, ceiling, used, at)
  select c.business_id, c.feature, c.period_start, case when c.used >= l.ceiling then 100 else 80 end, l.ceiling, c.used,
    ${now}::timestamptz
  from counted c, lateral (select coalesce(c.soft_limit, c.ceiling)) as l (ceiling)
  where l.ceiling > 0
    and c.used * 5 >= l.ceiling * 4
    and ((c.used - ${amount}) * 5 < l.ceiling * 4 or (c.used >= l.ceiling and c.used - ${amount} < l.ceiling))
  on conflict do nothing`

/** The same for a counter that was changed in other ways, under its lock. */
export async function noticeLimits(tx: Tx, ctx: Context, counter: CounterKey & { counted: number }): Promise<void> {
  const { businessId, feature, periodStart, counted } = counter
  const statement = `
with counted as (
  select business_id, feature, period_start, used, ceiling, soft_limit
  from freehold.usage_counters
  where business_id = $1 and feature = $2 and period_start = $3
)
${alertInsert('$4::bigint', '$5')}`
  const values = [businessId, feature, periodStart, counted, ctx.now()]
  await tx.withoutPlugins().executeQuery(CompiledQuery.raw(statement, values))
}

/** Mails the owners about what was noticed since: of several notices of one counter only the highest. */
export async function mailAlerts(ctx: Context): Promise<void> {
  await oneByOne(ctx, {
    read: businessesWith(ctx, 'usage_alerts', sql`mailed_at is null`),
    each: (tx, { businessId }) => mailBusiness(tx, ctx, businessId),
    failure: 'the owners of a business could not be told of a limit that comes near',
  })
}

type CounterKey = { businessId: string; feature: string; periodStart: Date }

// Marked and sent in one transaction, so that of two workers one mails.
async function mailBusiness(tx: Tx, ctx: Context, businessId: string): Promise<void> {
  const alerts = await tx
    .updateTable('usageAlerts')
    .set({ mailedAt: ctx.now() })
    .where('businessId', '=', businessId)
    .where('mailedAt', 'is', null)
    .returning(['feature', 'periodStart', 'threshold', 'used', 'ceiling'])
    .execute()
  const counters = Map.groupBy(alerts, ({ feature, periodStart }) => `${feature} ${periodStart.toISOString()}`)
  for (const of of counters.values()) {
    const [highest] = of.toSorted((left, right) => right.threshold - left.threshold || right.used - left.used)
    if (highest) await mailCounter(tx, ctx, { businessId, ...highest })
  }
}

type Alert = CounterKey & { threshold: number; used: number; ceiling: number }

async function mailCounter(tx: Tx, ctx: Context, alert: Alert): Promise<void> {
  const { businessId, feature, periodStart, threshold, used, ceiling: limit } = alert
  const counter = await tx
    .selectFrom('usageCounters')
    .innerJoin('businesses', 'businesses.id', 'usageCounters.businessId')
    .select(['periodEnd', 'softLimit', 'businesses.name'])
    .where('businessId', '=', businessId)
    .where('feature', '=', feature)
    .where('periodStart', '=', periodStart)
    .executeTakeFirstOrThrow()
  const data = { feature, threshold, used, limit, resetsAt: counter.periodEnd }
  await emit(tx, ctx, { businessId, type: 'usage.limit_near', data })
  const { name: businessName, periodEnd: resetsAt, softLimit } = counter
  const told = { businessId, businessName, feature, threshold, used, limit, resetsAt, goesOn: softLimit !== null }
  await sendMail(tx, ctx, await ownerEmails(tx, businessId), usageAlertMail(ctx, told))
}
