import { perContext, type Context } from '../context.ts'
import { isLockTimeout } from '../db/transactions.ts'
import { lookUpTogether } from './batches.ts'

/** What an open counter says now. The ceiling decides; `softLimit`, where there is one, is what people are told. */
export type OpenCounter = {
  used: number
  held: number
  ceiling: number | null
  softLimit: number | null
  periodStart: Date
  periodEnd: Date
}

type Wanted = { businessId: string; feature: string }

// Each by its key, whatever the planner thinks how few there are: `offset 0` keeps it from turning the join around.
const statement = `
select w.position, c.used, c.held, c.ceiling, c.soft_limit, c.period_start, c.period_end
from unnest($1::text[], $2::text[], $3::int[]) as w (business_id, feature, position)
cross join lateral (
  select used, held, ceiling, soft_limit, period_start, period_end
  from freehold.usage_counters
  where business_id = w.business_id and feature = w.feature and valid_until > $4
  offset 0
) c`

type Row = {
  position: number
  used: number
  held: number
  ceiling: number | null
  soft_limit: number | null
  period_start: Date
  period_end: Date
}

/** Reads counters, in the order asked; undefined where none is open and the subscription has to be asked. */
export async function openCounters(ctx: Context, wanted: Wanted[], now: Date): Promise<(OpenCounter | undefined)[]> {
  const { rows } = await ctx.db.gatePool.query<Row>({
    name: 'open_counters',
    text: statement,
    values: [
      wanted.map(({ businessId }) => businessId),
      wanted.map(({ feature }) => feature),
      wanted.map((_, position) => position),
      now,
    ],
  })
  const found: (OpenCounter | undefined)[] = wanted.map(() => undefined)
  for (const { position, used, held, ceiling, ...row } of rows) {
    const { soft_limit: softLimit, period_start: periodStart, period_end: periodEnd } = row
    found[position] = { used, held, ceiling, softLimit, periodStart, periodEnd }
  }
  return found
}

const patienceMilliseconds = 1000

/** Who only reads meets a lock while the table itself is being changed, which gives way or is over soon. */
async function outlasting<Result>(read: () => Promise<Result>): Promise<Result> {
  for (const started = performance.now(); ;) {
    try {
      return await read()
    } catch (error) {
      if (!isLockTimeout(error) || performance.now() - started > patienceMilliseconds) throw error
    }
  }
}

/** Reads one, together with whoever else asks at the same time. */
export const openCounter = perContext((ctx) =>
  lookUpTogether<Wanted, OpenCounter | undefined>((wanted) => outlasting(() => openCounters(ctx, wanted, ctx.now()))),
)
