import { perContext } from '../context.ts'
import { lookUpTogether } from './batches.ts'
import { repeatsOf, type Consumption, type Counted } from './meter.ts'

/** What an idempotency key was counted as before, looked up together with whoever else asks at the same time. */
export const findRepeat = perContext((ctx) => {
  const find = lookUpTogether<Consumption, Counted | undefined>((asked) => repeatsOf(ctx.db.gatePool, asked))
  return (consumption: Consumption): Promise<Counted | undefined> =>
    consumption.idempotencyKey === undefined ? Promise.resolve(undefined) : find(consumption)
})
