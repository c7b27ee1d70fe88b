import type { Context } from '../context.ts'
import { FreeholdError } from '../errors.ts'
import { violates } from '../db/transactions.ts'
import { alertInsert } from './alerts.ts'

/** One method, so that any driver's connection or transaction can count. Rows have the columns' own names. */
export type Port = {
  query: (text: string, values: unknown[]) => Promise<{ rows: Record<string, unknown>[] }>
  /** Runs `work` under a savepoint, for libraries that keep account of those themselves. */
  nested?: <T>(work: (port: Port) => Promise<T>) => Promise<T>
}

export type Consumption = {
  businessId: string
  feature: string
  amount: number
  /** The key or session that asks; a revoked one counts nothing. */
  credentialId?: string | undefined
  idempotencyKey?: string | undefined
  requestId?: string | undefined
  /** When it happened, if not now. */
  at?: Date | undefined
}

export type Counted = {
  outcome: 'counted'
  limit: number | null
  used: number
  held: number
  periodEnd: Date
  /** Of the request that counted: a repeat is answered with the first one's. */
  requestId: string | null
}

export type NotCounted =
  /** `frozenAt`: of an item that is held, and frozen since then. */
  | { outcome: 'full'; limit: number | null; used: number; held: number; periodEnd: Date; frozenAt?: Date }
  /** It happened before `since`, from when on what happened is counted. */
  | { outcome: 'too_old'; since: Date }
  /** No counter is open: the cycle has ended, or something about the business has changed. */
  | { outcome: 'closed' }
  | { outcome: 'revoked' }

/*
 * Decides and counts in one statement, so that no two can take the same unit. The row is locked by the update and the
 * condition evaluated on the locked version; the ledger entry is written with it or not at all. The key is looked for
 * here once more, because whoever looked before may have remembered too long. `now` is a parameter: renewal closes the
 * old counter, so a request that waited for it finds no row and comes back in the new period. The ceiling decides; the
 * limit that is answered and kept is the soft one, where there is one below it.
 */
const consumeStatement = `
with counted as (
  update freehold.usage_counters
  set used = used + $3
  where business_id = $1
    and feature = $2
    and valid_until > $4
    and (ceiling is null or used + held + $3 <= ceiling)
    and ($9::timestamptz is null or period_start <= $9)
    and not exists (select from freehold.recent_revocations where credential_id = $5)
  returning business_id, feature, period_start, period_end, used, held, ceiling, soft_limit
), written as (
  insert into freehold.usage_entries
    (business_id, id, feature, period_start, kind, amount, used_after, held_after, ceiling, credential_id, request_id, idempotency_key, at)
  select business_id, $6, feature, period_start, 'consume', $3, used, held, coalesce(soft_limit, ceiling), $5, $7, $8,
    coalesce($9, greatest($4, period_start))
  from counted
), alerted as (
${alertInsert('$3', '$4')}
)
select used, held, coalesce(soft_limit, ceiling) as "limit", period_end from counted`

const lookStatement = `
select used, held, ceiling, coalesce(soft_limit, ceiling) as "limit", period_start, period_end,
  exists (select from freehold.recent_revocations where credential_id = $4) as revoked
from freehold.usage_counters
where business_id = $1 and feature = $2 and valid_until > $3`

const repeatStatement = `
select w.position, e.kind, e.feature, e.amount, e.used_after as used, e.held_after as held, e.ceiling as "limit", e.request_id, c.period_end
from unnest($1::text[], $2::text[], $3::int[]) as w (business_id, key, position)
join freehold.usage_entries e on e.business_id = w.business_id and e.idempotency_key = w.key
join freehold.usage_counters c
  on c.business_id = e.business_id and c.feature = e.feature and c.period_start = e.period_start`

/** Counts on any connection or transaction. Never renews: `closed` tells the caller to bring the business up to now. */
export async function consume(port: Port, ctx: Context, consumption: Consumption): Promise<Counted | NotCounted> {
  const { businessId, feature, amount, credentialId, idempotencyKey, requestId, at } = consumption
  const now = ctx.now()
  const counted = await port.query(consumeStatement, [
    businessId,
    feature,
    amount,
    now,
    credentialId ?? null,
    ctx.newId('usageEntry'),
    requestId ?? null,
    idempotencyKey ?? null,
    at ?? null,
  ])
  const row = counted.rows[0]
  if (row) return { outcome: 'counted', ...state(row), requestId: requestId ?? null }

  const [seen] = (await port.query(lookStatement, [businessId, feature, now, credentialId ?? null])).rows
  if (!seen) return { outcome: 'closed' }
  if (seen['revoked'] === true) return { outcome: 'revoked' }
  const since = new Date(seen['period_start'] as string | Date)
  if (at && at < since) return { outcome: 'too_old', since }
  // It was opened, or units came back, between the two looks: there is room now.
  const ceiling = seen['ceiling'] === null ? Infinity : Number(seen['ceiling'])
  if (Number(seen['used']) + Number(seen['held']) + amount <= ceiling) return consume(port, ctx, consumption)
  return { outcome: 'full', ...state(seen) }
}

/**
 * What idempotency keys were counted as before, in the order asked. Another feature or amount under a key is an error;
 * undefined was not counted yet.
 */
export async function repeatsOf(
  port: Port,
  consumptions: Consumption[],
): Promise<(Counted | FreeholdError | undefined)[]> {
  const keyed = consumptions.flatMap((consumption, position) =>
    consumption.idempotencyKey === undefined ? [] : { ...consumption, position },
  )
  if (keyed.length === 0) return consumptions.map(() => undefined)
  const { rows } = await port.query(repeatStatement, [
    keyed.map(({ businessId }) => businessId),
    keyed.map(({ idempotencyKey }) => idempotencyKey),
    keyed.map(({ position }) => position),
  ])
  const found = new Map(rows.map((row) => [Number(row['position']), row]))
  return consumptions.map(({ feature, amount }, position) => {
    const row = found.get(position)
    if (!row) return undefined
    if (row['kind'] !== 'consume' || row['feature'] !== feature || Number(row['amount']) !== amount) {
      return new FreeholdError('idempotency_key_reused')
    }
    return { outcome: 'counted', ...state(row), requestId: (row['request_id'] as string | null) ?? null }
  })
}

/** The same for one. */
export async function repeatOf(port: Port, consumption: Consumption): Promise<Counted | undefined> {
  const [before] = await repeatsOf(port, [consumption])
  if (before instanceof Error) throw before
  return before
}

function state(row: Record<string, unknown>) {
  return {
    limit: row['limit'] === null ? null : Number(row['limit']),
    used: Number(row['used']),
    held: Number(row['held']),
    // Some libraries hand out times as text.
    periodEnd: new Date(row['period_end'] as string | Date),
  }
}

export const isRepeat = (error: unknown): boolean => violates(error, 'usage_entries_idempotency')
