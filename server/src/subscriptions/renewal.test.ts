import pg from 'pg'
import { pino } from 'pino'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createTestFreehold, days as seconds, type TestFreehold } from '../../test/harness.ts'
import { startWorker, type Worker } from '../../test/worker.ts'
import { gateApplication } from '../db/gate-activity.ts'
import { acrossBusinesses } from '../db/transactions.ts'
import { days, months, usd } from '../prices.ts'
import { defineProduct } from '../product.ts'
import { renewDue } from './renewal.ts'
import { lockSubscription } from './subscriptions.ts'

const includes = { recordings: 100 }
const product = defineProduct({
  name: 'Test',
  permissions: { 'recordings:create': 'write' },
  keys: { sdk: { prefix: 'pk', publishable: true, permissions: ['recordings:create'] } },
  features: { recordings: { kind: 'metered' } },
  plans: {
    basic: { name: 'Basic', cycle: days(15), price: usd(0), includes },
    pass: { name: 'Pass', cycle: days(15), price: usd(900), onEnd: 'end', includes },
    promo: { name: 'Promo', cycle: days(15), price: usd(100), onEnd: { fallback: 'basic' }, includes },
    growth: { name: 'Growth', cycle: months(1), price: usd(4900), trial: days(15), includes },
    taster: { name: 'Taster', cycle: days(15), price: usd(0), trial: days(7), includes },
  },
  signup: { plan: 'basic', keys: ['sdk'] },
})

const logged: { level: number; msg: string; [key: string]: unknown }[] = []
const logger = pino({ level: 'info' }, { write: (line: string) => logged.push(JSON.parse(line)) })

let freehold: TestFreehold
beforeAll(async () => {
  freehold = await createTestFreehold({ product, logger })
})
afterAll(() => freehold.close())

// What earlier tests have left stands still.
beforeEach(async () => {
  await freehold.sql(`update freehold.subscriptions set status = 'paused' where status <> 'ended'`)
})

type Row = { id: string; status: string; cycle_number: number; cycle_start: Date; cycle_end: Date; [key: string]: any }

const signUp = async (): Promise<{ id: string; token: string; key: string; cycleEnd: string }> => {
  const { business, token, apiKeys, subscription } = await freehold.signUp()
  return { id: business.id, token, key: apiKeys[0].key, cycleEnd: subscription.cycleEnd }
}
const signUps = async (count: number) => {
  const businesses: Awaited<ReturnType<typeof signUp>>[] = []
  while (businesses.length < count) businesses.push(await signUp())
  return businesses
}
const rows = (businessId: string) =>
  freehold.sql<Row>('select * from freehold.subscriptions where business_id = $1 order by id', [businessId])
const subscriptionOf = async (businessId: string): Promise<Row> => {
  const row = (await rows(businessId)).at(-1)
  if (!row) throw new Error('There is no subscription')
  return row
}
const cyclesOf = (businessId: string) =>
  freehold.sql<{ number: number; cycle_start: Date; cycle_end: Date }>(
    'select number, cycle_start, cycle_end from freehold.subscription_cycles where business_id = $1 order by subscription_id, number',
    [businessId],
  )
const auditOf = async (businessId: string) =>
  (
    await freehold.sql<{ action: string }>(
      `select action from freehold.audit_entries where business_id = $1 and action like 'subscription.%' order by id`,
      [businessId],
    )
  ).map(({ action }) => action)

const change = (businessId: string, assignments: string, values: unknown[] = []) =>
  freehold.sql(`update freehold.subscriptions set ${assignments} where business_id = $1`, [businessId, ...values])
const onPlan = async (businessId: string, plan: string, assignments = '') => {
  const set = `plan_version_id = (select id from freehold.plan_versions where plan_key = $2)${assignments}`
  await change(businessId, set, [plan])
}
const versionOf = async (plan: string): Promise<string> => {
  const [version] = await freehold.sql('select id from freehold.plan_versions where plan_key = $1', [plan])
  return version.id
}
const renew = () => renewDue(freehold.ctx)

describe('what is due', () => {
  test('is renewed, and what is not due is left alone', async () => {
    const acme = await signUp()
    await freehold.advance(seconds(14))
    const later = await signUp()
    await freehold.advance(seconds(1))
    expect(await renew()).toMatchObject({ renewed: 1, alone: 0, failed: 0, behind: 0 })
    expect(await subscriptionOf(acme.id)).toMatchObject({ status: 'active', cycle_number: 2, version: 2 })
    expect((await subscriptionOf(acme.id)).cycle_start.toISOString()).toBe(acme.cycleEnd)
    expect(await subscriptionOf(later.id)).toMatchObject({ cycle_number: 1, version: 1 })
  })

  test('is renewed once by runs that race', async () => {
    const businesses = await signUps(8)
    await freehold.advance(seconds(15))
    const runs = await Promise.all([renew(), renew(), renew(), renew()])
    expect(runs.reduce((sum, { renewed }) => sum + renewed, 0)).toBe(8)
    for (const { id } of businesses) {
      expect(await subscriptionOf(id)).toMatchObject({ cycle_number: 2, version: 2 })
      expect((await cyclesOf(id)).map(({ number }) => number)).toEqual([1, 2])
      expect(await auditOf(id)).toEqual(['subscription.renewed'])
    }
    expect(await renew()).toEqual({ renewed: 0, alone: 0, failed: 0, behind: 0 })
  })

  test('is caught up cycle by cycle, oldest first, when it is months late', async () => {
    const { id } = await signUp()
    await freehold.advance(seconds(15 * 5 + 3))
    await renew()
    const cycles = await cyclesOf(id)
    expect(cycles.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6])
    for (const [index, { cycle_start }] of cycles.slice(1).entries()) {
      expect(cycle_start).toEqual(cycles[index]?.cycle_end)
    }
    expect((await subscriptionOf(id)).cycle_end).toEqual(cycles.at(-1)?.cycle_end)
    expect(await auditOf(id)).toEqual(Array(5).fill('subscription.renewed'))
  })

  test('comes out the same as when the business itself had asked', async () => {
    const [swept, asked] = [await signUp(), await signUp()]
    const anchor = new Date('2026-01-31T10:00:00Z')
    const state =
      "zone = 'America/New_York', anchor = $2, cycle_start = $2, cycle_end = $3, price = 'default', plan_version_id = (select id from freehold.plan_versions where plan_key = 'growth')"
    for (const { id } of [swept, asked]) await change(id, state, [anchor, new Date('2026-02-28T10:00:00Z')])
    await acrossBusinesses(freehold.ctx.db, (tx) => lockSubscription(tx, freehold.ctx, asked.id))
    await renew()
    const [mine, theirs] = [await subscriptionOf(swept.id), await subscriptionOf(asked.id)]
    const own = { id: '', business_id: '', created_at: null }
    expect({ ...mine, ...own }).toEqual({ ...theirs, ...own })
    expect(mine.cycle_number).toBeGreaterThan(2)
    expect((await cyclesOf(swept.id)).slice(1)).toEqual((await cyclesOf(asked.id)).slice(1))
    const audits = await Promise.all(
      [swept, asked].map(({ id }) =>
        freehold.sql(
          'select action, actor_kind, actor_id, before, after from freehold.audit_entries where business_id = $1 and action = $2 order by id',
          [id, 'subscription.renewed'],
        ),
      ),
    )
    expect(audits[0]).toEqual(audits[1])
    expect(audits[0]?.[0]).toMatchObject({ actor_kind: 'system', actor_id: 'renewal', before: { plan: 'growth' } })
  })

  test('is the one that has not ended, also where a process whose clock was ahead made the one before it', async () => {
    const { id, token, key } = await signUp()
    await freehold.sql(
      `insert into freehold.subscriptions
       select (jsonb_populate_record(s, jsonb_build_object('id', 'sub_zzzzzzzzzzzzzzzzzzzzzzzzzz', 'status', 'ended',
         'ended_at', s.created_at, 'end_reason', 'cancelled'))).*
       from freehold.subscriptions s where business_id = $1`,
      [id],
    )
    await freehold.advance(seconds(15))
    expect(await renew()).toMatchObject({ renewed: 1, failed: 0, behind: 0 })
    const { body } = await freehold.api.get(`/v1/businesses/${id}/subscription`, { token })
    expect(body).toMatchObject({ status: 'active' })
    const consumed = await freehold.api.post('/v1/consume', { feature: 'recordings' }, { token: key })
    expect(consumed.body).toMatchObject({ allowed: true, used: 1 })
  })

  test('is not renewed again when a request was faster', async () => {
    const businesses = await signUps(6)
    await freehold.advance(seconds(15))
    const [answers, ...runs] = await Promise.all([
      Promise.all(
        businesses.map(({ key }) => freehold.api.post('/v1/consume', { feature: 'recordings' }, { token: key })),
      ),
      renew(),
      renew(),
    ])
    expect(answers.map(({ body }) => body.used)).toEqual(Array(6).fill(1))
    expect(runs).toMatchObject([
      { failed: 0, behind: 0 },
      { failed: 0, behind: 0 },
    ])
    for (const { id } of businesses) {
      expect((await cyclesOf(id)).map(({ number }) => number)).toEqual([1, 2])
      expect(await auditOf(id)).toEqual(['subscription.renewed'])
    }
  })

  test('is left alone when it was advanced between the reading and the writing', async () => {
    const { id } = await signUp()
    await freehold.advance(seconds(15))
    const waits = async () => (await freehold.sql('select from pg_locks where not granted')).length > 0
    const run = await acrossBusinesses(freehold.ctx.db, async (tx) => {
      await lockSubscription(tx, freehold.ctx, id)
      const sweeping = renew()
      while (!(await waits()));
      return { sweeping }
    })
    expect(await run.sweeping).toEqual({ renewed: 0, alone: 0, failed: 0, behind: 0 })
    expect(await subscriptionOf(id)).toMatchObject({ cycle_number: 2, version: 2 })
    expect((await cyclesOf(id)).map(({ number }) => number)).toEqual([1, 2])
  })

  test('is told in the log', async () => {
    await signUp()
    await freehold.advance(seconds(15))
    logged.length = 0
    const done = await renew()
    expect(logged.filter(({ msg }) => msg === 'subscriptions renewed')).toMatchObject([{ level: 30, ...done }])
    logged.length = 0
    await renew()
    expect(logged).toEqual([])
  })
})

describe('usage', () => {
  test('begins anew with the cycle, and what was used before stays readable', async () => {
    const { id, key } = await signUp()
    await freehold.api.post('/v1/consume', { feature: 'recordings', amount: 100 }, { token: key })
    await freehold.advance(seconds(15))
    await renew()
    const closed = await freehold.sql('select used, valid_until from freehold.usage_counters where business_id = $1', [
      id,
    ])
    expect(closed).toEqual([{ used: '100', valid_until: -Infinity }])
    const next = await freehold.api.post('/v1/consume', { feature: 'recordings', amount: 3 }, { token: key })
    expect(next.body).toMatchObject({ allowed: true, used: 3, limit: 100 })
    const counters = await freehold.sql(
      'select used from freehold.usage_counters where business_id = $1 order by period_start',
      [id],
    )
    expect(counters).toEqual([{ used: '100' }, { used: '3' }])
  })
})

describe('a cycle that brings more than a renewal', () => {
  test('ends when it was cancelled', async () => {
    const { id, key, cycleEnd } = await signUp()
    await freehold.api.post('/v1/consume', { feature: 'recordings' }, { token: key })
    await change(id, 'cancel_at_cycle_end = true')
    await freehold.advance(seconds(40))
    expect(await renew()).toMatchObject({ renewed: 1, alone: 1, behind: 0 })
    const ended = await subscriptionOf(id)
    expect(ended).toMatchObject({ status: 'ended', end_reason: 'cancelled', cycle_number: 1 })
    expect(ended['ended_at'].toISOString()).toBe(cycleEnd)
    const refused = await freehold.api.post('/v1/consume', { feature: 'recordings' }, { token: key })
    expect(refused.body).toMatchObject({ allowed: false, code: 'subscription_inactive' })
    expect(await auditOf(id)).toEqual(['subscription.ended'])
  })

  test('pauses when that was asked for', async () => {
    const { id } = await signUp()
    await change(id, 'pause_at_cycle_end = true')
    await freehold.advance(seconds(40))
    await renew()
    expect(await subscriptionOf(id)).toMatchObject({ status: 'paused', cycle_number: 1 })
    expect(await renew()).toMatchObject({ renewed: 0 })
  })

  test('ends when the plan says so', async () => {
    const { id } = await signUp()
    await onPlan(id, 'pass')
    await freehold.advance(seconds(15))
    await renew()
    expect(await subscriptionOf(id)).toMatchObject({ status: 'ended', end_reason: 'plan_ended' })
  })

  test('falls back to the plan that it names, from the boundary on, however late', async () => {
    const { id, key, cycleEnd } = await signUp()
    await onPlan(id, 'promo')
    await freehold.advance(seconds(15 + 15 + 3))
    await Promise.all([renew(), renew()])
    const [promo, basic, ...others] = await rows(id)
    expect(others).toEqual([])
    expect(promo).toMatchObject({ status: 'ended', end_reason: 'fell_back' })
    expect(basic).toMatchObject({ status: 'active', cycle_number: 2 })
    expect(basic?.['anchor'].toISOString()).toBe(cycleEnd)
    const consumed = await freehold.api.post('/v1/consume', { feature: 'recordings' }, { token: key })
    expect(consumed.body).toMatchObject({ allowed: true, used: 1 })
    expect(await auditOf(id)).toEqual(['subscription.ended', 'subscription.renewed'])
  })

  test('expires a trial that has a price', async () => {
    const { id } = await signUp()
    await onPlan(id, 'growth', `, status = 'trialing', trial_end = cycle_end`)
    await freehold.advance(seconds(15))
    await renew()
    expect(await subscriptionOf(id)).toMatchObject({ status: 'ended', end_reason: 'trial_expired' })
  })

  test('changes the plan when a change was waiting, and renews from then on', async () => {
    const { id, cycleEnd } = await signUp()
    const growth = await versionOf('growth')
    await change(id, 'pending_change = $2', [JSON.stringify({ planVersionId: growth, price: 'default' })])
    await freehold.advance(seconds(15 + 40))
    expect(await renew()).toMatchObject({ renewed: 1, alone: 0, behind: 0 })
    const changed = await subscriptionOf(id)
    expect(changed).toMatchObject({ plan_version_id: growth, pending_change: null, cycle_number: 3, billed: '4900' })
    expect(changed['anchor'].toISOString()).toBe(cycleEnd)
    expect(await auditOf(id)).toEqual(['subscription.plan_changed', 'subscription.renewed'])
  })

  test('leads from a trial that costs nothing into the plan, and from one that does back to where it came from', async () => {
    const [free, paid] = [await signUp(), await signUp()]
    await onPlan(free.id, 'taster', `, status = 'trialing', trial_end = cycle_end`)
    const back = JSON.stringify({ planVersionId: await versionOf('basic'), price: 'default' })
    await onPlan(paid.id, 'growth', `, status = 'trialing', trial_end = cycle_end, pending_change = '${back}'`)
    await freehold.advance(seconds(15))
    expect(await renew()).toMatchObject({ renewed: 2, alone: 0, failed: 0, behind: 0 })
    expect(await subscriptionOf(free.id)).toMatchObject({ status: 'active', cycle_number: 2, pending_change: null })
    expect(await auditOf(free.id)).toEqual(['subscription.trial_converted'])
    const basic = await versionOf('basic')
    expect(await subscriptionOf(paid.id)).toMatchObject({ status: 'active', plan_version_id: basic, billed: '0' })
    expect(await auditOf(paid.id)).toEqual(['subscription.plan_changed'])
  })

  test('leaves a change to what costs something where nobody has said who pays', async () => {
    const { id } = await signUp()
    const wanted = { planVersionId: await versionOf('growth'), price: 'default' }
    const pending = JSON.stringify(wanted)
    await onPlan(id, 'taster', `, status = 'trialing', trial_end = cycle_end, pending_change = '${pending}'`)
    await freehold.advance(seconds(15))
    expect(await renew()).toMatchObject({ renewed: 1, alone: 0 })
    expect(await subscriptionOf(id)).toMatchObject({ status: 'active', cycle_number: 2, pending_change: wanted })
  })
})

describe('what cannot be renewed now', () => {
  test.each(['subscriptions', 'usage_counters'])(
    'because a long transaction holds its row in %s holds up nobody else',
    async (table) => {
      const businesses = await signUps(9)
      for (const { key } of businesses) {
        await freehold.api.post('/v1/consume', { feature: 'recordings' }, { token: key })
      }
      await freehold.advance(seconds(15))
      const held = businesses[7]?.id ?? ''
      const application = new pg.Client({ connectionString: freehold.database })
      await application.connect()
      try {
        await application.query('begin')
        await application.query(`select from freehold.${table} where business_id = $1 for no key update`, [held])
        const started = performance.now()
        expect(await renew()).toMatchObject({ renewed: 8, failed: 0, behind: 1 })
        expect(performance.now() - started).toBeLessThan(5000)
        expect(await subscriptionOf(held)).toMatchObject({ cycle_number: 1 })
      } finally {
        await application.end()
      }
      expect(await renew()).toMatchObject({ renewed: 1, behind: 0 })
      expect(await subscriptionOf(held)).toMatchObject({ cycle_number: 2 })
    },
  )

  test('because it is broken is logged and holds up nobody else', async () => {
    const [fine, nowhere, crossed] = await Promise.all([signUp(), signUp(), signUp()])
    await freehold.advance(seconds(15))
    await change(nowhere.id, "zone = 'Nowhere/Land'")
    // A cycle that is there already: the database refuses the second one.
    await freehold.sql(
      `insert into freehold.subscription_cycles
       select business_id, subscription_id, 2, cycle_start, cycle_end, plan_version_id, price, created_at
       from freehold.subscription_cycles where business_id = $1`,
      [crossed.id],
    )
    logged.length = 0
    expect(await renew()).toMatchObject({ renewed: 1, failed: 2, behind: 2 })
    expect(await subscriptionOf(fine.id)).toMatchObject({ cycle_number: 2 })
    expect(await subscriptionOf(crossed.id)).toMatchObject({ cycle_number: 1 })
    const told = new Set(logged.filter(({ level }) => level === 50).map(({ businessId }) => businessId))
    expect(told).toEqual(new Set([nowhere.id, crossed.id]))
    await freehold.sql(`delete from freehold.subscription_cycles where business_id = $1 and number = 2`, [crossed.id])
    await change(nowhere.id, "zone = 'UTC'")
    expect(await renew()).toMatchObject({ renewed: 2, failed: 0, behind: 0 })
  })
})

describe('several thousand at once', () => {
  const count = 8000

  test('say in the log how far they are', async () => {
    const fleet = await createTestFreehold({ logger })
    try {
      await seed(fleet, 2500)
      logged.length = 0
      const done = await renewDue(fleet.ctx)
      expect(done).toEqual({ renewed: 2500, alone: 0, failed: 0, behind: 0 })
      const told = logged.filter(({ level }) => level === 30)
      expect(told).toMatchObject([
        { msg: 'renewing subscriptions', alone: 0, failed: 0, oldestAt: expect.any(String) },
        { msg: 'subscriptions renewed', ...done },
      ])
      // Another batch may be written while what is due is counted.
      const [renewed, due] = [Number(told[0]?.['renewed']), Number(told[0]?.['due'])]
      expect([250, 500]).toContain(renewed)
      expect(due % 250).toBe(0)
      expect(renewed + due).toBeLessThanOrEqual(2500)
    } finally {
      await fleet.close()
    }
  })

  test('are worked on two batches at a time, and one at a time while somebody uses the gate', async () => {
    const fleet = await createTestFreehold({ logger })
    // Does what a gate's connection does under load: it is never without a statement.
    const gate = new pg.Client({ connectionString: fleet.database, application_name: gateApplication })
    try {
      await gate.connect()
      await seed(fleet, 2500)
      const mostBatches = async () => {
        let most = 0
        let done = false
        const run = renewDue(fleet.ctx).finally(() => (done = true))
        while (!done) {
          const [locks] = await fleet.sql(`
            select count(*)::int as batches from pg_locks join pg_database d on d.oid = database
            where datname = current_database() and locktype = 'advisory' and classid = x'726e776c'::int`)
          most = Math.max(most, locks.batches)
        }
        expect(await run).toMatchObject({ renewed: 2500, behind: 0 })
        return most
      }
      expect(await mostBatches()).toBe(2)
      const asking = gate.query('select pg_sleep(600)').catch(() => {})
      await fleet.advance(seconds(15))
      expect(await mostBatches()).toBe(1)
      await fleet.sql(`select pg_cancel_backend(pid) from pg_stat_activity where query = 'select pg_sleep(600)'`)
      await asking
    } finally {
      await gate.end()
      await fleet.close()
    }
  })

  test('are all renewed exactly once although a worker is killed in the middle', async () => {
    const fleet = await createTestFreehold()
    const workers: Worker[] = []
    try {
      await seed(fleet, count)
      workers.push(startWorker(fleet.database), startWorker(fleet.database))
      await Promise.all(workers.map(({ heard }) => heard('ready')))
      await fleet.eventually(
        async () => (await fleet.sql('select from freehold.schedules')).length > 0,
        'a look at the schedules',
      )
      // Two ticks, so that both have a run of their own.
      await fleet.advance(60)
      await fleet.advance(60)
      const batch = 'a batch of subscriptions was renewed'
      const killed = await Promise.race(workers.map((worker) => worker.heard(batch).then(() => worker)))
      killed.process.kill('SIGKILL')
      await killed.ended
      const [atDeath] = await fleet.sql(
        `select count(*)::int as due from freehold.subscriptions where cycle_number < 4`,
      )
      expect(atDeath.due).toBeGreaterThan(0)

      await fleet.advance(60)
      await fleet.eventually(
        async () => (await fleet.sql('select from freehold.subscriptions where cycle_number < 4')).length === 0,
        'the rest',
      )
      const [history] = await fleet.sql(`
        select count(*)::int as cycles,
          count(distinct (business_id, number))::int as different,
          count(*) filter (where cycle_start is distinct from before)::int as gaps
        from (
          select *, lag(cycle_end, 1, cycle_start) over (partition by business_id order by number) as before
          from freehold.subscription_cycles
        ) c`)
      expect(history).toEqual({ cycles: 4 * count, different: 4 * count, gaps: 0 })
      const [state] = await fleet.sql(`
        select count(*) filter (where s.cycle_number = 4 and s.version = 4)::int as renewed,
          count(*) filter (where c.cycle_end = s.cycle_end and c.cycle_start = s.cycle_start)::int as consistent,
          (select count(*)::int from freehold.audit_entries where action = 'subscription.renewed') as told,
          (select count(*)::int from freehold.usage_counters where valid_until > '-infinity') as open
        from freehold.subscriptions s
        join freehold.subscription_cycles c
          on c.business_id = s.business_id and c.subscription_id = s.id and c.number = s.cycle_number`)
      expect(state).toEqual({ renewed: count, consistent: count, told: 3 * count, open: 0 })
    } finally {
      for (const worker of workers) worker.process.kill('SIGKILL')
      await Promise.all(workers.map(({ ended }) => ended))
      await fleet.close()
    }
  })
})

/** Businesses whose third boundary has just passed and whose first was never taken. */
async function seed({ sql, ctx }: TestFreehold, count: number): Promise<void> {
  const start = new Date(Math.floor(ctx.now().getTime() / 1000) * 1000 - 46 * 86_400_000)
  const one = `'biz_' || lpad(n::text, 26, '0') as business_id, 'sub_' || lpad(n::text, 26, '0') as id, $2::timestamptz as start
    from generate_series(1, $1::int) n`
  await sql(
    `with one as (select ${one}), business as (
       insert into freehold.businesses (id, name, created_at) select business_id, business_id, start from one
     ), version as (
       select id as version from freehold.plan_versions where plan_key = 'free'
     ), counter as (
       insert into freehold.usage_counters (business_id, feature, period_start, period_end, used, ceiling, valid_until)
       select business_id, 'recordings', start, start + interval '15 days', 5, 100, start + interval '15 days' from one
     ), subscription as (
       insert into freehold.subscriptions
         (business_id, id, plan_version_id, price, status, anchor, cycle_start, cycle_end, created_at)
       select business_id, id, version, 'default', 'active', start, start, start + interval '15 days', start
       from one, version
     )
     insert into freehold.subscription_cycles
       (business_id, subscription_id, number, cycle_start, cycle_end, plan_version_id, price, created_at)
     select business_id, id, 1, start, start + interval '15 days', version, 'default', start
     from one, version`,
    [count, start],
  )
}
