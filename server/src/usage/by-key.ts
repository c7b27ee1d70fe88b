import { sql } from 'kysely'
import type { Queryable } from '../db/open.ts'

export type CountedByKey = {
  items: { feature: string; calls: number; amount: number; lastAt: Date }[]
  /** Whether that is all of it, or as far back as is looked. */
  complete: boolean
}

const mostEntries = 10_000

/**
 * What was counted with one key since a moment. The ledger is in the order of time, not of keys, so that counting stays
 * cheap: of each feature the newest entries are looked through, as many as take some milliseconds.
 */
export async function countedByKey(
  db: Queryable,
  businessId: string,
  keyId: string,
  features: string[],
  since: Date,
): Promise<CountedByKey> {
  const { rows } = await sql<CountedByKey['items'][number] & { looked: number }>`
    select f.feature, e.*
    from unnest(${features}::text[]) as f (feature)
    cross join lateral (
      select count(*)::int as looked, (count(*) filter (where is_call))::int as calls,
        coalesce(sum(amount) filter (where is_call), 0)::bigint as amount, max(at) filter (where is_call) as "lastAt"
      from (
        select at, amount, credential_id = ${keyId} and kind in ('consume', 'reservation', 'allocate') as is_call
        from freehold.usage_entries
        where business_id = ${businessId}
          and feature = f.feature
          and at >= ${since}::timestamptz
        order by at desc, id desc
        limit ${mostEntries}
      ) as newest
    ) as e`.execute(db)
  return {
    items: rows.flatMap(({ looked: _, ...item }) => (item.calls > 0 ? [item] : [])),
    complete: rows.every(({ looked }) => looked < mostEntries),
  }
}
