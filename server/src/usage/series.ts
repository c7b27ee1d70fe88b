import { sql } from 'kysely'
import type { Context } from '../context.ts'
import type { Queryable } from '../db/open.ts'
import { invalid } from '../errors.ts'
import { instant } from '../http/instants.ts'
import { currentSubscription } from '../subscriptions/subscriptions.ts'
import { periodOf } from './counters.ts'

export type Bucket = 'hour' | 'day'
export type SeriesQuery = {
  feature?: string | undefined
  from?: string | undefined
  to?: string | undefined
  bucket?: Bucket | undefined
}
export type Series = { feature: string; bucket: Bucket; items: { start: Date; amount: number }[] }

const bucketMilliseconds = { hour: 3_600_000, day: 86_400_000 }
const mostBuckets = 2000

/**
 * What was used over time, summed by UTC hour or day from the ledger; a bucket without use is 0. The current period by
 * days when nothing else is asked for.
 */
export async function usageSeries(
  db: Queryable,
  ctx: Context,
  businessId: string,
  { feature: asked, from: askedFrom, to: askedTo, bucket = 'day' }: SeriesQuery,
): Promise<Series> {
  const feature = countedFeature(ctx, asked)
  const period = await currentPeriod(db, ctx, businessId, feature)
  const from = instant('querystring/from', askedFrom) ?? period.start
  const to = instant('querystring/to', askedTo) ?? (period.end > from ? period.end : ctx.now())
  if (to <= from) throw invalid('querystring/to', 'must be after from')
  const length = bucketMilliseconds[bucket]
  const first = Math.floor(from.getTime() / length)
  const count = Math.ceil(to.getTime() / length) - first
  if (count > mostBuckets) {
    throw invalid('querystring/from', `at most ${mostBuckets} buckets are answered at once; this asks for ${count}`)
  }

  const { rows } = await sql<{ start: Date; amount: number }>`
    select date_trunc(${bucket}::text, at, 'UTC') as start, sum(amount)::bigint as amount
    from freehold.usage_entries
    where business_id = ${businessId}
      and feature = ${feature}
      and at >= ${from}
      and at < ${to}
    group by 1`.execute(db)
  const amounts = new Map(rows.map(({ start, amount }) => [start.getTime(), amount]))
  const items = Array.from({ length: count }, (_, index) => {
    const start = new Date((first + index) * length)
    return { start, amount: amounts.get(start.getTime()) ?? 0 }
  })
  return { feature, bucket, items }
}

/** The feature asked for, else the product's first metered one. Members are counted from their own rows. */
function countedFeature(ctx: Context, asked: string | undefined): string {
  const counted = Object.entries(ctx.product.features).filter(
    ([name, { kind }]) => kind === 'metered' || (kind === 'allocated' && name !== 'members'),
  )
  const first = counted.find(([, { kind }]) => kind === 'metered')
  const name = asked ?? first?.[0] ?? ''
  if (counted.some(([each]) => each === name)) return name
  throw invalid('querystring/feature', `must be one of ${counted.map(([each]) => each).join(', ')}`)
}

/** The feature's period; the subscription's cycle for what is held item by item. */
async function currentPeriod(db: Queryable, ctx: Context, businessId: string, name: string) {
  const now = ctx.now()
  const subscription = await currentSubscription(db, ctx, businessId)
  if (!subscription) return { start: new Date(now.getTime() - 30 * bucketMilliseconds.day), end: now }
  const feature = ctx.product.features[name]
  if (feature?.kind === 'metered') return periodOf(feature, subscription, now)
  return { start: subscription.cycleStart, end: subscription.cycleEnd }
}
