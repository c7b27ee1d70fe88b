import { sql } from 'kysely'
import { auditEach } from '../audit/audit.ts'
import { systemActor, type Context } from '../context.ts'
import { arrayText } from '../db/arrays.ts'
import type { Tx } from '../db/open.ts'
import { emitAll } from '../events/emit.ts'
import { invalidateCountersOfEach } from '../usage/counters.ts'
import { fitItems } from '../usage/frozen-items.ts'
import { eventOfStep } from './announcing.ts'
import { billCycles } from './billing.ts'
import type { Boundary, Step, Subscription, Turn } from './lifecycle.ts'
import { overagesOfTurns } from './overages.ts'
import { rollOver } from './rollover.ts'
import { storedTerms, summary } from './subscriptions.ts'

/** What stands in one column as it is. */
type Scalar = Exclude<keyof Subscription, 'plan' | 'pendingChange' | 'awaiting' | `${string}AtCycleEnd`>

/** A subscription as it was read, and every boundary since, with the cycle that began there. */
export type Renewal = { before: Subscription; boundaries: Boundary[] }

const renewal = systemActor('renewal')

type Taken = Turn & { step: Step }

/**
 * Writes renewals of many businesses with one statement for each table: those that still are as they were read get
 * their new cycle, its history, what is left over for it, audit entries, invoices and events, and their counters are
 * closed. Answers how many these were.
 *
 * Statements name rows by key and compare; none locks rows ahead, does arithmetic on dates or asks for the time, so
 * that they work as they are where tables are spread over machines.
 */
export async function writeRenewals(tx: Tx, ctx: Context, renewals: Renewal[]): Promise<number> {
  await allowJoins(tx, 'off')
  const won = await compareAndSet(tx, renewals)
  const businessIds = won.map(({ before }) => before.businessId)
  const turns = won.flatMap(turnsOf)
  const cycles = turns.map(({ after }) => after)
  if (won.length === 0) return 0
  // What they have counted stays from here on, but for what is confirmed of reservations.
  await invalidateCountersOfEach(tx, businessIds)
  const overages = await overagesOfTurns(tx, turns)
  await recordCycles(tx, ctx, cycles)
  await rollOver(tx, ctx, turns)
  await auditEach(tx, ctx, renewal, turns.map(auditEntry))
  const fitted = await fitItems(tx, ctx, renewal, turns.flatMap(fittingOf))
  await billCycles(tx, ctx, cycles, overages)
  await allowJoins(tx, 'on')
  const events = turns.map(({ before, after, step }) => eventOfStep(before, after, step))
  await emitAll(tx, ctx, [...events, ...fitted])
  return won.length
}

/**
 * Off while rows are locked: a hash or merge join would lock them in another order than they are sent in, and two runs
 * could wait for each other. On for the events, whose streams are locked in the order they are sorted in: there a
 * thousand that were sent are joined with a thousand.
 */
async function allowJoins(tx: Tx, setting: 'on' | 'off'): Promise<void> {
  const names = ['enable_hashjoin', 'enable_mergejoin']
  await sql`select set_config(name, ${setting}, true) from unnest(${names}::text[]) as name`.execute(tx)
}

async function compareAndSet(tx: Tx, renewals: Renewal[]): Promise<Renewal[]> {
  const before = (name: Scalar) => arrayText(renewals.map((each) => each.before[name]))
  const last = renewals.map(({ before: first, boundaries }) => boundaries.at(-1)?.subscription ?? first)
  const after = (name: Scalar) => arrayText(last.map((each) => each[name]))
  const { rows } = await sql<{ id: string }>`
    update freehold.subscriptions s
    set plan_version_id = due.plan_version_id,
      price = due.price,
      status = due.status,
      anchor = due.anchor,
      pending_change = due.pending_change,
      cycle_number = due.cycle_number,
      cycle_start = due.cycle_start,
      cycle_end = due.cycle_end,
      billed = due.billed,
      version = due.version
    from unnest(
      ${before('businessId')}::text[], ${before('id')}::text[], ${before('version')}::int[],
      ${before('cycleEnd')}::timestamptz[], ${arrayText(last.map(({ plan }) => plan.id))}::text[],
      ${after('price')}::text[], ${after('status')}::text[], ${after('anchor')}::timestamptz[],
      ${arrayText(last.map(({ pendingChange }) => pendingChange && storedTerms(pendingChange)))}::jsonb[],
      ${after('cycleNumber')}::int[], ${after('cycleStart')}::timestamptz[], ${after('cycleEnd')}::timestamptz[],
      ${after('billed')}::bigint[], ${after('version')}::int[]
    ) as due (
      business_id, id, seen_version, seen_end, plan_version_id, price, status, anchor, pending_change, cycle_number,
      cycle_start, cycle_end, billed, version
    )
    where s.business_id = due.business_id
      and s.id = due.id
      and s.version = due.seen_version
      and s.cycle_end = due.seen_end
    returning s.id`.execute(tx)
  const won = new Set(rows.map(({ id }) => id))
  return renewals.filter(({ before: { id } }) => won.has(id))
}

async function recordCycles(tx: Tx, ctx: Context, cycles: Subscription[]): Promise<void> {
  const column = (name: Scalar) => arrayText(cycles.map((cycle) => cycle[name]))
  await sql`
    insert into freehold.subscription_cycles
      (business_id, subscription_id, number, cycle_start, cycle_end, plan_version_id, price, created_at)
    select each.*, ${ctx.now()}::timestamptz
    from unnest(
      ${column('businessId')}::text[], ${column('id')}::text[], ${column('cycleNumber')}::int[],
      ${column('cycleStart')}::timestamptz[], ${column('cycleEnd')}::timestamptz[],
      ${arrayText(cycles.map(({ plan }) => plan.id))}::text[], ${column('price')}::text[]
    ) as each`.execute(tx)
}

/** Each boundary by itself: the cycle that ended there, and the one that began. */
const turnsOf = ({ before, boundaries }: Renewal): Taken[] =>
  boundaries.map(({ subscription, step }, index) => {
    const ended = boundaries[index - 1]?.subscription ?? before
    return { before: ended, after: subscription, step }
  })

/** A change comes once: what it brings is still what there is in the last of the cycles. */
const fittingOf = ({ after: { businessId, plan }, step: { kind, at } }: Taken) =>
  kind === 'plan_changed' ? [{ businessId, plan, at }] : []

const auditEntry = ({ before, after, step }: Taken) => ({
  businessId: after.businessId,
  action: `subscription.${step.kind}`,
  target: { kind: 'subscription', id: after.id },
  before: summary(before),
  after: summary(after),
})
