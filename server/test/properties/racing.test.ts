import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createTestFreehold, type TestFreehold } from '../harness.ts'
import { startWorker, type Worker } from '../worker.ts'
import { whatIsWrong } from './predicates.ts'
import { patience, runs } from './runs.ts'

/**
 * Workers in processes of their own, on one database: they find the same boundaries at the same time, one of them is
 * killed in the middle, and the others do what it has left.
 */

const count = 1
const fleets = fc.record({
  workers: fc.integer({ min: 2, max: 3 }),
  businesses: fc.integer({ min: 1500, max: 3000 }),
  /** How many boundaries have passed, of which the last is billed and those before are held. */
  boundaries: fc.integer({ min: 1, max: 3 }),
})

test(
  '[6] [21] of each boundary comes one period and one invoice, numbered 1 to k, whoever races and whoever is killed',
  { timeout: patience(count, 60_000) },
  () => fc.assert(fc.asyncProperty(fleets, race), { ...runs(count), endOnFailure: true }),
)

async function race({
  workers: number,
  businesses,
  boundaries,
}: {
  workers: number
  businesses: number
  boundaries: number
}) {
  const fleet = await createTestFreehold()
  const workers: Worker[] = []
  try {
    await seed(fleet, businesses, boundaries)
    for (let index = 0; index < number; index += 1) workers.push(startWorker(fleet.database))
    await Promise.all(workers.map(({ heard }) => heard('ready')))
    await fleet.eventually(async () => (await fleet.sql('select from freehold.schedules')).length > 0, 'a look')
    // A tick for each, so that every worker has a run of its own.
    for (const _ of workers) await fleet.advance(60)
    const batch = 'a batch of subscriptions was renewed'
    const killed = await Promise.race(workers.map((worker) => worker.heard(batch).then(() => worker)))
    killed.process.kill('SIGKILL')
    await killed.ended

    const due = () => fleet.sql(`select from freehold.subscriptions where cycle_number <= $1`, [boundaries])
    const deadline = performance.now() + 60_000
    while ((await due()).length > 0 && performance.now() < deadline) {
      // A worker that has died is missed after a while; the next tick does not wait for that.
      await fleet.advance(60)
      await new Promise((resolve) => setTimeout(resolve, 1000))
    }
    expect(await whatIsWrong(fleet)).toEqual([])
    const [state] = await fleet.sql(`
      select
        (select count(*)::int from freehold.subscriptions where cycle_number = ${boundaries + 1} and version = cycle_number)
          as renewed,
        (select count(*)::int from freehold.subscription_cycles) as cycles,
        (select count(*)::int from freehold.invoices where cause = 'cycle') as invoices,
        (select count(number)::int from freehold.invoices) as numbered,
        (select last_number::int from freehold.invoice_series) as last,
        (select count(*)::int from freehold.audit_entries where action = 'subscription.renewed') as told`)
    expect(state).toEqual({
      renewed: businesses,
      cycles: businesses * (boundaries + 1),
      invoices: businesses * boundaries,
      numbered: businesses,
      last: businesses,
      told: businesses * boundaries,
    })
  } finally {
    for (const worker of workers) worker.process.kill('SIGKILL')
    await Promise.all(workers.map(({ ended }) => ended))
    await fleet.close()
  }
}

/** Businesses that pay each month, the last of whose boundaries has just passed and of which none was taken. */
async function seed({ sql, ctx }: TestFreehold, businesses: number, boundaries: number): Promise<void> {
  const now = new Date(Math.floor(ctx.now().getTime() / 1000) * 1000)
  await sql(
    `with one as (
       select 'biz_' || lpad(n::text, 26, '0') as business_id, 'sub_' || lpad(n::text, 26, '0') as id,
         $2::timestamptz - make_interval(days => 31 * $3::int) as start
       from generate_series(1, $1::int) n
     ), business as (
       insert into freehold.businesses (id, name, created_at) select business_id, business_id, start from one
     ), version as (
       select id as version from freehold.plan_versions where plan_key = 'growth'
     ), subscription as (
       insert into freehold.subscriptions
         (business_id, id, plan_version_id, price, status, anchor, cycle_start, cycle_end, created_at)
       select business_id, id, version, 'monthly', 'active', start, start, ${monthLater('start')}, start
       from one, version
     ), told as (
       insert into freehold.event_streams (business_id, last_sequence) select business_id, 1 from one
     ), event as (
       insert into freehold.events (business_id, id, sequence, type, data, at, delivered_at)
       select business_id, 'evt_' || substring(id from 5), 1, 'subscription.created',
         jsonb_build_object('subscriptionId', id), start, start
       from one
     )
     insert into freehold.subscription_cycles
       (business_id, subscription_id, number, cycle_start, cycle_end, plan_version_id, price, created_at)
     select business_id, id, 1, start, ${monthLater('start')}, version, 'monthly', start
     from one, version`,
    [businesses, now, boundaries],
  )
}

const monthLater = (start: string) => `((${start} at time zone 'UTC') + interval '1 month') at time zone 'UTC'`
