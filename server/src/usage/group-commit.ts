import { setTimeout as delay } from 'node:timers/promises'
import type pg from 'pg'
import { perContext, type Context } from '../context.ts'
import { arrayText } from '../db/arrays.ts'
import { isLockTimeout } from '../db/transactions.ts'
import { FreeholdError } from '../errors.ts'
import { alertInsert } from './alerts.ts'
import { createBatches, type Waiting } from './batches.ts'
import { isRepeat, repeatsOf, type Consumption, type Counted, type NotCounted } from './meter.ts'
import { openCounters, type OpenCounter } from './open-counters.ts'

/**
 * Group commit of consumption: requests of one process that wait at the same time share one durable statement. A
 * durable statement costs about a millisecond whatever it carries, so throughput comes from what it carries.
 *
 * A counter that somebody else's transaction holds must not delay the others: its requests move to a lane of their own,
 * which tries again without parking a connection and gives up after a second.
 */

type Result = Counted | NotCounted
type Asking = Waiting<Consumption, Result> & { since?: number }

const patienceMilliseconds = 1000
const laneMilliseconds = 8

/*
 * Requests come sorted by counter; `reach` is the running sum of amounts within a counter and each counter has the slice
 * first..last of them. The number that fit is read off the locked row: width_bucket counts the reaches that are not
 * above the room that is left, in order of arrival. Counter and ledger are written together. A revoked credential makes
 * the statement do nothing but name it. `earliest` is the oldest time somebody backdated to, which must lie in the period.
 * One counter of a feature is open at a time, and counts whoever comes: where the clock went back behind its beginning,
 * or another process' clock is ahead, it happened when the period began.
 * Entries are picked out of their arrays by position: a function scan for each counter's slices costs twice as much.
 */
const statement = `
with revoked as materialized (
  select credential_id
  from freehold.recent_revocations
  where credential_id = any($1::text[])
), counted as (
  update freehold.usage_counters c
  set
    admitted = case
      when c.ceiling is null then w.last - w.first + 1
      else width_bucket(c.ceiling - c.used - c.held, ($6::bigint[])[w.first:w.last])
    end,
    used = c.used + ($6::bigint[])[w.first - 1 + case
      when c.ceiling is null then w.last - w.first + 1
      else width_bucket(c.ceiling - c.used - c.held, ($6::bigint[])[w.first:w.last])
    end]
  from unnest($2::text[], $3::text[], $4::int[], $5::int[], $14::timestamptz[])
    as w (business_id, feature, first, last, earliest)
  where c.business_id = w.business_id
    and c.feature = w.feature
    and c.period_start <= coalesce(w.earliest, 'infinity')
    and c.valid_until > $7
    and (c.ceiling is null or c.used + c.held + ($6::bigint[])[w.first] <= c.ceiling)
    and not exists (select from revoked)
  returning c.business_id, c.feature, c.period_start, c.period_end, c.used, c.held, c.ceiling, c.soft_limit,
    c.admitted, w.first
), written as (
  insert into freehold.usage_entries
    (business_id, id, feature, period_start, kind, amount, used_after, held_after, ceiling, credential_id, request_id, idempotency_key, at)
  select c.business_id, ($8::text[])[i], c.feature, c.period_start, 'consume', ($9::bigint[])[i],
    c.used - ($6::bigint[])[c.first + c.admitted - 1] + ($6::bigint[])[i], c.held, coalesce(c.soft_limit, c.ceiling),
    ($10::text[])[i], ($11::text[])[i], ($12::text[])[i], coalesce(($13::timestamptz[])[i], greatest($7, c.period_start))
  from counted c, generate_series(c.first, c.first + c.admitted - 1) as i
), alerted as (
${alertInsert('($6::bigint[])[c.first + c.admitted - 1]', '$7')}
)
select first, admitted, used, held, ceiling, soft_limit, period_end, null as revoked from counted
union all
select null, null, null, null, null, null, null, credential_id from revoked`

const freeStatement = `
select c.business_id, c.feature
from unnest($1::text[], $2::text[]) as w (business_id, feature)
join freehold.usage_counters c on c.business_id = w.business_id and c.feature = w.feature and c.valid_until > $3
for no key update of c skip locked`

type CountedRow = {
  first: number
  admitted: number
  used: number
  held: number
  ceiling: number | null
  soft_limit: number | null
  period_end: Date
  revoked: null
}
type RevokedRow = { [Column in Exclude<keyof CountedRow, 'revoked'>]: null } & { revoked: string }

/** Counts a consumption with whatever else is waiting. `busy` when its counter stays held for a second. */
export type GroupCommit = (consumption: Consumption) => Promise<Result>

export const groupCommit = perContext((ctx): GroupCommit => {
  const pool: pg.Pool = ctx.db.gatePool
  const lanes = new Map<string, Asking[]>()
  let laneRuns = false

  const batches = createBatches<Consumption, Result>({
    size: 512,
    concurrency: 2,
    run,
  })

  async function run(waiting: Asking[]): Promise<void> {
    for (const asking of waiting) asking.since ??= performance.now()
    const [first, repeated] = distinctKeys(waiting)
    const groups = groupByCounter(first)
    try {
      await count(groups)
    } catch (error) {
      if (isRepeat(error)) await answerRepeats(first)
      else if (isLockTimeout(error)) await setHeldAside(groups)
      else throw error
    } finally {
      batches.again(repeated)
    }
  }

  async function count(groups: Asking[][]): Promise<void> {
    const sent = groups.flat()
    const now = ctx.now()
    const { rows } = await pool.query<CountedRow | RevokedRow>({
      name: 'consume',
      text: statement,
      values: parameters(ctx, groups, now),
    })
    const revoked = new Set(rows.flatMap((row) => row.revoked ?? []))
    if (revoked.size > 0) {
      const [dropped, rest] = partition(sent, ({ request }) => revoked.has(request.credentialId ?? ''))
      for (const { resolve } of dropped) resolve({ outcome: 'revoked' })
      batches.again(rest)
      return
    }
    const byFirst = new Map(rows.flatMap((row) => (row.revoked === null ? [[row.first, row] as const] : [])))
    const untouched: Asking[][] = []
    const again: Asking[] = []
    let first = 1
    for (const group of groups) {
      const row = byFirst.get(first)
      if (row) {
        const admitted = group.slice(0, row.admitted)
        let used = row.used - admitted.reduce((sum, { request }) => sum + request.amount, 0)
        for (const { request, resolve } of admitted) {
          used += request.amount
          resolve({
            outcome: 'counted',
            limit: row.soft_limit ?? row.ceiling,
            used,
            held: row.held,
            periodEnd: row.period_end,
            requestId: request.requestId ?? null,
          })
        }
        if (row.admitted < group.length) again.push(...refuseWhatCannotFit(group.slice(row.admitted), stateOf(row)))
      } else untouched.push(group)
      first += group.length
    }
    if (untouched.length > 0) again.push(...(await explain(untouched, now)))
    if (again.length > 0) batches.again(again)
  }

  // What admitted nobody is full, or has to be opened, or was backdated to before it began.
  async function explain(untouched: Asking[][], now: Date): Promise<Asking[]> {
    const states = await openCounters(ctx, untouched.map(wantedOf), now).catch(noneIfHeld)
    // The table itself is taken: these wait, and what was counted with them must not come along.
    if (!states) {
      setAside(untouched)
      return []
    }
    return untouched.flatMap((group, index) => {
      const state = states[index]
      if (state) return refuseWhatCannotFit(refuseTooOld(group, state), state)
      for (const { resolve } of group) resolve({ outcome: 'closed' })
      return []
    })
  }

  // The statement failed as a whole and counted nothing: answer what was counted before, send the rest again.
  async function answerRepeats(waiting: Asking[]): Promise<void> {
    const before = await repeatsOf(
      pool,
      waiting.map(({ request }) => request),
    )
    batches.again(
      waiting.filter(({ resolve, reject }, index) => {
        const repeat = before[index]
        if (repeat === undefined) return true
        if (repeat instanceof Error) reject(repeat)
        else resolve(repeat)
        return false
      }),
    )
  }

  async function setHeldAside(groups: Asking[][]): Promise<void> {
    const free = await freeCounters(groups).catch(noneIfHeld)
    const [going, held] = partition(groups, (group) => free?.has(keyOf(group)) ?? false)
    setAside(held)
    batches.again(going.flat())
  }

  function setAside(held: Asking[][]): void {
    for (const group of held) {
      // Into the lane that is there: whoever looks after it at this moment has it in hand, and must not miss anybody.
      const lane = lanes.get(keyOf(group))
      if (lane) lane.push(...group)
      else lanes.set(keyOf(group), group)
    }
    if (!laneRuns) void runLanes()
  }

  async function runLanes(): Promise<void> {
    laneRuns = true
    try {
      while (lanes.size > 0) {
        await delay(laneMilliseconds)
        const groups = [...lanes.values()]
        const free = await freeCounters(groups).catch(() => new Set<string>())
        for (const group of groups) {
          const key = keyOf(group)
          if (free.has(key)) {
            lanes.delete(key)
            batches.again(group)
            continue
          }
          const [late, patient] = partition(group, ({ since = 0 }) => performance.now() - since > patienceMilliseconds)
          for (const { reject } of late) {
            reject(new FreeholdError('busy', 'Another transaction holds the counter', { retryAfterSeconds: 1 }))
          }
          if (patient.length > 0) lanes.set(key, patient)
          else lanes.delete(key)
        }
      }
    } finally {
      laneRuns = false
    }
  }

  // A counter that is not open has no row to hold, and is free to be told so.
  async function freeCounters(groups: Asking[][]): Promise<Set<string>> {
    const wanted = groups.map(wantedOf)
    const now = ctx.now()
    const { rows } = await pool.query<{ business_id: string; feature: string }>(freeStatement, [
      wanted.map(({ businessId }) => businessId),
      wanted.map(({ feature }) => feature),
      now,
    ])
    const free = new Set(rows.map((row) => `${row.business_id} ${row.feature}`))
    const open = await openCounters(ctx, wanted, now)
    groups.forEach((group, index) => {
      if (!open[index]) free.add(keyOf(group))
    })
    return free
  }

  return (consumption) => {
    const lane = lanes.get(`${consumption.businessId} ${consumption.feature}`)
    if (!lane) return batches.ask(consumption)
    return new Promise((resolve, reject) => {
      lane.push({ request: consumption, resolve, reject, since: performance.now() })
    })
  }
})

/** Nothing is known of counters whose table somebody has to itself. */
function noneIfHeld(error: unknown): undefined {
  if (!isLockTimeout(error)) throw error
}

/** In key order, which is the order everybody locks in; within a counter in order of arrival. */
function groupByCounter(waiting: Asking[]): Asking[][] {
  const groups = new Map<string, Asking[]>()
  for (const asking of waiting) {
    const key = `${asking.request.businessId} ${asking.request.feature}`
    const group = groups.get(key)
    if (group) group.push(asking)
    else groups.set(key, [asking])
  }
  return [...groups.entries()].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, group]) => group)
}

/** The first of each idempotency key; twice the same key in one statement would fail it every time. */
function distinctKeys(waiting: Asking[]): [first: Asking[], repeated: Asking[]] {
  const seen = new Set<string>()
  return partition(waiting, ({ request: { businessId, idempotencyKey } }) => {
    if (idempotencyKey === undefined) return true
    const key = `${businessId} ${idempotencyKey}`
    if (seen.has(key)) return false
    seen.add(key)
    return true
  })
}

function parameters(ctx: Context, groups: Asking[][], now: Date): unknown[] {
  const sent = groups.flat().map(({ request }) => request)
  const firsts: number[] = []
  const lasts: number[] = []
  const reaches: number[] = []
  let earliest: (Date | null)[] | null = null
  let position = 0
  for (const group of groups) {
    firsts.push(position + 1)
    let reach = 0
    for (const { request } of group) {
      reaches.push((reach += request.amount))
      if (request.at === undefined) continue
      earliest ??= groups.map(() => null)
      const before = earliest[firsts.length - 1]
      if (!before || request.at < before) earliest[firsts.length - 1] = request.at
    }
    position += group.length
    lasts.push(position)
  }
  return [
    arrayText([...new Set(sent.flatMap(({ credentialId }) => credentialId ?? []))]),
    arrayText(groups.map((group) => group[0]?.request.businessId)),
    arrayText(groups.map((group) => group[0]?.request.feature)),
    arrayText(firsts),
    arrayText(lasts),
    arrayText(reaches),
    now,
    arrayText(sent.map(() => ctx.newId('usageEntry'))),
    arrayText(sent.map(({ amount }) => amount)),
    arrayText(sent.map(({ credentialId }) => credentialId)),
    arrayText(sent.map(({ requestId }) => requestId)),
    arrayText(sent.map(({ idempotencyKey }) => idempotencyKey)),
    arrayText(sent.map(({ at }) => at)),
    earliest && arrayText(earliest),
  ]
}

// In order: what the room that is left cannot hold is refused; what it might hold is sent once more.
function refuseWhatCannotFit(group: Asking[], { used, held, ceiling, softLimit, periodEnd }: State): Asking[] {
  if (ceiling === null) return group
  let room = ceiling - used - held
  return group.filter(({ request, resolve }) => {
    if (request.amount <= room) {
      room -= request.amount
      return true
    }
    resolve({ outcome: 'full', limit: softLimit ?? ceiling, used, held, periodEnd })
    return false
  })
}

function refuseTooOld(group: Asking[], { periodStart }: OpenCounter): Asking[] {
  return group.filter(({ request: { at }, resolve }) => {
    if (at === undefined || at >= periodStart) return true
    resolve({ outcome: 'too_old', since: periodStart })
    return false
  })
}

type State = Omit<OpenCounter, 'periodStart'>

const stateOf = ({ used, held, ceiling, soft_limit: softLimit, period_end: periodEnd }: CountedRow): State => ({
  used,
  held,
  ceiling,
  softLimit,
  periodEnd,
})

const wantedOf = ([first]: Asking[]) => ({
  businessId: first?.request.businessId ?? '',
  feature: first?.request.feature ?? '',
})
const keyOf = ([first]: Asking[]) => `${first?.request.businessId} ${first?.request.feature}`

function partition<Item>(items: Item[], test: (item: Item) => boolean): [Item[], Item[]] {
  const yes: Item[] = []
  const no: Item[] = []
  for (const item of items) (test(item) ? yes : no).push(item)
  return [yes, no]
}
