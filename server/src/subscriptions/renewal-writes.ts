import { sql } from 'kysely'
import { auditEach } from '../audit/audit.ts'
import { systemActor, type Context } from '../context.ts'
import { arrayText } from '../db/arrays.ts'
import type { Tx } from '../db/open.ts'
import { emitAll } from '../events/emit.ts'
import { invalidateCountersOfEach } from '../usage/counters.ts'
import { eventOf } from './announcing.ts'
import { billCycles } from './billing.ts'
import type { Subscription, Turn } from './lifecycle.ts'
import { overagesOfTurns } from './overages.ts'
import { rollOver } from './rollover.ts'
import { summary } from './subscriptions.ts'

/** What stands in one column as it is. */
type Scalar = 'businessId' | 'id' | 'version' | 'price' | 'billed' | 'cycleNumber' | 'cycleStart' | 'cycleEnd'

/** A subscription as it was read, and as it is in each cycle since. */
export type Renewal = { before: Subscription; cycles: Subscription[] }

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
  await auditEach(tx, ctx, systemActor('renewal'), turns.map(auditEntry))
  await billCycles(tx, ctx, cycles, overages)
  await allowJoins(tx, 'on')
  await emitAll(
    tx,
    ctx,
    turns.map(({ before, after }) => eventOf('renewed', before, after)),
  )
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
  const after = (name: Scalar) => arrayText(renewals.map(({ cycles }) => cycles.at(-1)?.[name]))
  const { rows } = await sql<{ id: string }>`
    update freehold.subscriptions s
    set cycle_number = due.cycle_number,
      cycle_start = due.cycle_start,
      cycle_end = due.cycle_end,
      billed = due.billed,
      version = due.version
    from unnest(
      ${before('businessId')}::text[], ${before('id')}::text[], ${before('version')}::int[],
      ${before('cycleEnd')}::timestamptz[], ${after('cycleNumber')}::int[], ${after('cycleStart')}::timestamptz[],
      ${after('cycleEnd')}::timestamptz[], ${after('billed')}::bigint[], ${after('version')}::int[]
    ) as due (business_id, id, seen_version, seen_end, cycle_number, cycle_start, cycle_end, billed, version)
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
const turnsOf = ({ before, cycles }: Renewal): Turn[] =>
  cycles.map((after, index) => ({ before: cycles[index - 1] ?? before, after }))

const auditEntry = ({ before, after }: Turn) => ({
  businessId: after.businessId,
  action: 'subscription.renewed',
  target: { kind: 'subscription', id: after.id },
  before: summary(before),
  after: summary(after),
})
