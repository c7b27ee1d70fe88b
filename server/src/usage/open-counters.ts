import { perContext } from '../context.ts'
import { createBatches } from './batches.ts'

/** What an open counter says now; undefined when none is open and the subscription has to be asked. */
export type OpenCounter = { used: number; held: number; ceiling: number | null; periodEnd: Date }

type Wanted = { businessId: string; feature: string }

const statement = `
select w.position, c.used, c.held, c.ceiling, c.period_end
from unnest($1::text[], $2::text[], $3::int[]) as w (business_id, feature, position)
join freehold.usage_counters c
  on c.business_id = w.business_id and c.feature = w.feature and c.period_start <= $4 and c.valid_until > $4`

/** Reads counters, together with whoever else asks at the same time. */
export const openCounter = perContext((ctx) => {
  const { ask } = createBatches<Wanted, OpenCounter | undefined>({
    size: 512,
    concurrency: 2,
    run: async (waiting) => {
      const { rows } = await ctx.db.gatePool.query<{
        position: number
        used: number
        held: number
        ceiling: number | null
        period_end: Date
      }>({
        name: 'open_counters',
        text: statement,
        values: [
          waiting.map(({ request }) => request.businessId),
          waiting.map(({ request }) => request.feature),
          waiting.map((_, position) => position),
          ctx.now(),
        ],
      })
      const found = new Map(
        rows.map(({ position, period_end: periodEnd, ...row }) => [position, { ...row, periodEnd }]),
      )
      waiting.forEach(({ resolve }, position) => {
        resolve(found.get(position))
      })
    },
  })
  return ask
})
