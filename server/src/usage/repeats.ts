import { perContext } from '../context.ts'
import { createBatches } from './batches.ts'
import { repeatsOf, type Consumption, type Counted } from './meter.ts'

/** What an idempotency key was counted as before, looked up together with whoever else asks at the same time. */
export const findRepeat = perContext((ctx) => {
  const { ask } = createBatches<Consumption, Counted | undefined>({
    size: 512,
    concurrency: 2,
    run: async (waiting) => {
      const before = await repeatsOf(
        ctx.db.gatePool,
        waiting.map(({ request }) => request),
      )
      waiting.forEach(({ resolve, reject }, index) => {
        const repeat = before[index]
        if (repeat instanceof Error) reject(repeat)
        else resolve(repeat)
      })
    },
  })
  return (consumption: Consumption): Promise<Counted | undefined> =>
    consumption.idempotencyKey === undefined ? Promise.resolve(undefined) : ask(consumption)
})
