import { perContext } from '../context.ts'
import { arrayText } from '../db/arrays.ts'
import { unfinished } from '../unfinished.ts'
import { createBatches } from '../usage/batches.ts'

/** A use of an API key that is worth writing down. */
type Use = { businessId: string; keyId: string; at: Date }

const statement = `
update freehold.api_keys k
set last_used_at = w.at
from unnest($1::text[], $2::text[], $3::timestamptz[]) as w (business_id, id, at)
where k.business_id = w.business_id and k.id = w.id and (k.last_used_at is null or k.last_used_at < w.at)`

/** Writes down when keys were used, together for all that were used at the same time. Nobody waits for it. */
export const noteUse = perContext((ctx) => {
  const { ask } = createBatches<Use, void>({
    size: 512,
    concurrency: 1,
    run: async (waiting) => {
      // One row a key, in key order: the order in which everybody locks.
      const uses = [...new Map(waiting.map(({ request }) => [request.keyId, request])).values()].sort(byKey)
      await ctx.db.acrossPool.query({
        name: 'last_used',
        text: statement,
        values: [
          arrayText(uses.map(({ businessId }) => businessId)),
          arrayText(uses.map(({ keyId }) => keyId)),
          arrayText(uses.map(({ at }) => at)),
        ],
      })
      for (const { resolve } of waiting) resolve()
    },
  })
  return (use: Use): void =>
    void unfinished(ctx)
      .add(ask(use))
      .catch((error: unknown) => ctx.log.warn({ err: error }, 'the use of a key was not noted'))
})

const byKey = (left: Use, right: Use) =>
  `${left.businessId} ${left.keyId}` < `${right.businessId} ${right.keyId}` ? -1 : 1
