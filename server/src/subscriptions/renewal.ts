import { setTimeout as delay } from 'node:timers/promises'
import { sql, type Selectable } from 'kysely'
import type { Context } from '../context.ts'
import { gateIsUsed } from '../db/gate-activity.ts'
import type { Queryable } from '../db/open.ts'
import type { SubscriptionsTable } from '../db/tables.ts'
import { acrossBusinesses, isLockTimeout, sqlState, waitAtMost } from '../db/transactions.ts'
import { planCatalogue, type PlanVersion } from '../plans/plans.ts'
import { hashToken } from '../secrets.ts'
import { advance, isDue, type Boundary } from './lifecycle.ts'
import { writeRenewals, type Renewal } from './renewal-writes.ts'
import { advanceLocked, storedSubscription, withPlans } from './subscriptions.ts'

/**
 * The renewal sweep. It reads what is due without locks, works out the boundaries here, and writes many subscriptions in
 * one transaction, each only if it still is as it was read: whoever was faster has done the same, so a lost race writes
 * nothing. Any number of runs may go at once; each batch is claimed by one of them, which spares the others the work.
 *
 * Nothing waits for the sweep: reads project, and a write on an ended cycle advances its own business first.
 */

/** Few enough that a process that serves as well is not kept from answering while one is reckoned. */
const batchSize = 250
/** Cycle rows in one transaction; a batch has more only when many cycles were missed. */
const cyclesTogether = 2500
/** How long a batch waits for a row that somebody holds: more than a request takes, less than anybody would notice. */
const lockMilliseconds = 100
/** A run ends before the queue gives it up; the next one goes on. */
const runMilliseconds = 240_000
const passes = 3
const pauseMilliseconds = 250
/** How often a run says how far it is. */
const tellMilliseconds = 5000
/** How often a run says that it is still at work on what it has claimed: well within what the database allows. */
const aliveMilliseconds = 10_000
/** The first half of the advisory locks with which runs claim batches. */
const claims = 0x72_6e_77_6c

/** What one run has done. */
export type Renewed = {
  /** Subscriptions that were brought up to now. */
  renewed: number
  /** How many of these went one by one, because one of their cycles ended with no other after it. */
  alone: number
  /** What cannot be worked out or written: logged, and left as it is. */
  failed: number
  /** Subscriptions that are due still, mostly because somebody else held them: for the next run. */
  behind: number
}

/** A run under way. */
type Run = { renewed: number; alone: number; failed: Set<string>; left: number; toldAt: number }
type Row = Selectable<SubscriptionsTable>

/** Renews everything that is due, and does whatever else a cycle's end brings. */
export async function renewDue(ctx: Context): Promise<Renewed> {
  const run: Run = { renewed: 0, alone: 0, failed: new Set(), left: 0, toldAt: -Infinity }
  const until = performance.now() + runMilliseconds
  for (let pass = 1; pass <= passes; pass++) {
    run.left = 0
    await sweep(ctx, run, until)
    if (run.left === 0 || performance.now() > until) break
    // What another run had claimed is usually done by then; if that run has died, its claim went with it.
    if (pass < passes) await delay(pauseMilliseconds)
  }
  const { renewed, alone, failed } = run
  const result = { renewed, alone, failed: failed.size, behind: (await renewalsDue(ctx.db.across, ctx)).due }
  if (result.renewed + result.failed + result.behind > 0) ctx.log.info(result, 'subscriptions renewed')
  return result
}

/**
 * Goes through all that is due once, and counts what it had to leave. While one batch is written, another is reckoned;
 * but as long as somebody uses the gate there is one at a time, so that it has most of the machine.
 */
async function sweep(ctx: Context, run: Run, until: number): Promise<void> {
  const working = new Set<Promise<unknown>>()
  try {
    for await (const due of dueBatches(ctx, until)) {
      // What fails stays here, for whoever waits next.
      const work: Promise<unknown> = renewClaimed(ctx, run, due).then(() => working.delete(work))
      work.catch(() => {})
      working.add(work)
      const most = (await gateIsUsed(ctx.db.across)) ? 1 : 2
      while (working.size >= most) await Promise.race(working)
    }
    await Promise.all(working)
  } finally {
    // A failure is told when nothing of the run is at work any more.
    await Promise.allSettled(working)
  }
}

/** A batch, unless another run is at it. */
async function renewClaimed(ctx: Context, run: Run, due: Row[]): Promise<void> {
  const wasFree = await claimed(ctx, due, () => renewBatch(ctx, run, due))
  if (!wasFree) run.left += due.length
  if (due.length === batchSize) await tellProgress(ctx, run)
}

/** What is due, batch by batch. */
async function* dueBatches(ctx: Context, until: number): AsyncGenerator<Row[], void> {
  let last: Row | undefined
  while (performance.now() < until) {
    const due = await readDue(ctx, last)
    last = due.at(-1)
    if (!last) return
    yield due
  }
}

/** The next batch, oldest first, read without locks: what changes meanwhile shows when it is written. */
function readDue(ctx: Context, last: Row | undefined): Promise<Row[]> {
  const query = dueSubscriptions(ctx.db.across, ctx)
    .selectAll()
    .orderBy('cycleEnd')
    .orderBy('businessId')
    .orderBy('id')
    .limit(batchSize)
  if (!last) return query.execute()
  const position = sql<boolean>`(cycle_end, business_id, id) > (${last.cycleEnd}, ${last.businessId}, ${last.id})`
  return query.where(position).execute()
}

/** What no worker has brought up to now yet, and since when the oldest waits. */
export type RenewalsDue = { due: number; oldestAt: Date | null }

export const renewalsDue = (db: Queryable, ctx: Context): Promise<RenewalsDue> =>
  dueSubscriptions(db, ctx)
    .select(({ fn }) => [fn.count<number>('businessId').as('due'), fn.min('cycleEnd').as('oldestAt')])
    .executeTakeFirstOrThrow()

/** Of a run that takes more than a batch; a short one says at its end what it did. */
async function tellProgress(ctx: Context, run: Run): Promise<void> {
  if (performance.now() - run.toldAt < tellMilliseconds) return
  run.toldAt = performance.now()
  const { renewed, alone, failed } = run
  ctx.log.info(
    { renewed, alone, failed: failed.size, ...(await renewalsDue(ctx.db.across, ctx)) },
    'renewing subscriptions',
  )
}

const dueSubscriptions = (db: Queryable, ctx: Context) =>
  db
    .selectFrom('subscriptions')
    .where('status', 'in', ['trialing', 'active', 'past_due'])
    .where('cycleEnd', '<=', ctx.now())

/** Does the work unless another run has claimed it. The claim ends with its transaction, so it dies with its process. */
function claimed(ctx: Context, [first]: Row[], work: () => Promise<void>): Promise<boolean> {
  const claim = hashToken(first?.id ?? '').readInt32BE(0)
  return acrossBusinesses(ctx.db, async (tx) => {
    const { rows } = await sql<{ free: boolean }>`
      select pg_try_advisory_xact_lock(${claims}::int, ${claim}::int) as free`.execute(tx)
    if (!rows[0]?.free) return false
    // The database ends transactions that are idle for long, lest a worker that stands still keeps its claim for ever.
    const alive = setInterval(() => void sql`select`.execute(tx).catch(() => {}), aliveMilliseconds)
    await work().finally(() => clearInterval(alive))
    return true
  })
}

/** Whose cycles follow one another is written together, in key order; everything else goes one by one. */
async function renewBatch(ctx: Context, run: Run, due: Row[]): Promise<void> {
  const now = ctx.now()
  // Read after the rows, so that every version they name is among these.
  const { byId } = await planCatalogue(ctx.db.across)
  const alone: Row[] = []
  let together: Renewal[] = []
  let cycles = 0
  for (const row of due.toSorted(byKey)) {
    if (run.failed.has(row.id)) continue
    const renewal = cyclesSince(row, byId, now)
    if (!renewal) {
      alone.push(row)
      continue
    }
    together.push(renewal)
    cycles += renewal.boundaries.length
    if (cycles < cyclesTogether) continue
    await renewTogether(ctx, run, together)
    together = []
    cycles = 0
  }
  await renewTogether(ctx, run, together)
  for (const row of alone) await renewAlone(ctx, run, row)
  ctx.log.debug({ due: due.length, alone: alone.length }, 'a batch of subscriptions was renewed')
}

/**
 * Every cycle since, also on another plan or after a trial. Undefined when no cycle follows one of them, when something
 * waits for its payment, or when one cannot be worked out.
 */
function cyclesSince(row: Row, versions: Map<string, PlanVersion>, now: Date): Renewal | undefined {
  const plan = versions.get(row.planVersionId)
  const pending = row.pendingChange ? versions.get(row.pendingChange.planVersionId) : plan
  if (!plan || !pending || row.awaiting) return undefined
  const before = withPlans(row, { plan, pending, awaited: plan })
  const boundaries: Boundary[] = []
  try {
    for (const boundary of advance(before, now)) {
      if (boundary.subscription.cycleNumber === row.cycleNumber + boundaries.length) return undefined
      boundaries.push(boundary)
    }
  } catch {
    // Tried again on its own, where the failure is told and stops nobody else.
    return undefined
  }
  return { before, boundaries }
}

/**
 * Writes them in one transaction, and halves them when that fails, until what somebody holds or what cannot be written
 * stands alone: one such row must not keep a thousand from being renewed.
 */
async function renewTogether(ctx: Context, run: Run, renewals: Renewal[]): Promise<void> {
  const [first, second] = renewals
  if (!first) return
  try {
    const renewed = await acrossBusinesses(ctx.db, async (tx) => {
      await waitAtMost(tx, lockMilliseconds)
      return writeRenewals(tx, ctx, renewals)
    })
    run.renewed += renewed
  } catch (error) {
    if (!isLockTimeout(error) && !isRefused(error)) throw error
    if (!second) return noteFailure(ctx, run, first.before, error)
    const middle = Math.ceil(renewals.length / 2)
    await renewTogether(ctx, run, renewals.slice(0, middle))
    await renewTogether(ctx, run, renewals.slice(middle))
  }
}

/** A boundary that brings more than another cycle, by the same rules as any write to the subscription. */
async function renewAlone(ctx: Context, run: Run, row: Row): Promise<void> {
  try {
    const advanced = await acrossBusinesses(ctx.db, async (tx) => {
      await waitAtMost(tx, lockMilliseconds)
      const locked = await storedSubscription(tx, row.businessId, 'lock')
      if (!locked || !isDue(locked, ctx.now())) return 0
      await advanceLocked(tx, ctx, locked)
      return 1
    })
    run.renewed += advanced
    run.alone += advanced
  } catch (error) {
    noteFailure(ctx, run, row, error)
  }
}

function noteFailure(ctx: Context, run: Run, { businessId, id }: { businessId: string; id: string }, error: unknown) {
  if (isLockTimeout(error)) {
    run.left += 1
    return
  }
  run.failed.add(id)
  ctx.log.error({ err: error, businessId, subscription: id }, 'a subscription could not be renewed')
}

/** Something about the rows themselves: a constraint, a value out of range, a sum that cannot be counted exactly. */
const isRefused = (error: unknown): boolean => error instanceof RangeError || /^2[23]/.test(sqlState(error) ?? '')

// By byte, as the database orders them.
function byKey(left: Row, right: Row): number {
  if (left.businessId !== right.businessId) return left.businessId < right.businessId ? -1 : 1
  return left.id < right.id ? -1 : 1
}
