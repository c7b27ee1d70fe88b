import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { renewDue } from '../../src/subscriptions/renewal.ts'
import { createTestFreehold, days, type TestFreehold } from '../harness.ts'
import { whatIsWrong } from '../properties/predicates.ts'
import type { Fate } from './renewal-process.ts'
import product from './renewing-product.ts'

// `npm run test:faults` goes through every statement of a run; the suite through a few, spread over it.
const rounds = Number(process.env['FAULT_ROUNDS'] ?? 10)
const isLong = rounds >= 1000

let freehold: TestFreehold
const businesses: string[] = []
beforeAll(async () => {
  freehold = await createTestFreehold({ product })
  for (const plan of ['basic', 'basic', 'growth', 'growth', 'basic', 'basic']) {
    const { business } = await freehold.signUp()
    businesses.push(business.id)
    if (plan === 'growth') await moveTo(business.id, 'growth')
  }
})
const children: ChildProcess[] = []
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await freehold.close()
})

const moveTo = (businessId: string, plan: string) =>
  freehold.sql(
    `update freehold.subscriptions
     set plan_version_id = (select id from freehold.plan_versions where plan_key = $2)
     where business_id = $1`,
    [businessId, plan],
  )

/** Everybody's cycle ends; one of them falls back to another plan then, and one changes its plan. */
async function nextBoundary() {
  const [, , , , falling = '', changing = ''] = businesses
  await moveTo(falling, 'promo')
  await freehold.sql(
    `update freehold.subscriptions
     set pending_change = jsonb_build_object('planVersionId', plan_version_id, 'price', price)
     where business_id = $1`,
    [changing],
  )
  await freehold.sql(`update freehold.subscriptions set status = 'active' where status = 'past_due'`)
  await freehold.sql(
    `with counted as (
       insert into freehold.usage_counters
         (business_id, feature, period_start, period_end, used, allowance, opened_at, valid_until)
       select business_id, feature, cycle_start, cycle_end, used, allowance, cycle_start, cycle_end
       from freehold.subscriptions,
         (values ('recordings', 130, 100), ('minutes', 20, 40)) as counted (feature, used, allowance)
       where status = 'active'
       returning *
     )
     insert into freehold.usage_entries
       (business_id, id, feature, period_start, kind, amount, used_after, held_after, at)
     select business_id, 'use_' || md5(random()::text), feature, period_start, 'consume', used, used, held, period_start
     from counted`,
  )
  // As long as every cycle: one boundary of each, however many rounds there are.
  await freehold.advance(days(30))
}

const due = async () =>
  (
    await freehold.sql(
      `select from freehold.subscriptions where status in ('trialing', 'active', 'past_due') and cycle_end <= $1`,
      [freehold.ctx.now()],
    )
  ).length

/** The cycles there are, and what came with them. */
const state = () =>
  freehold.sql(
    `select business_id, cycle_number, version, cycle_start, cycle_end, status, plan_version_id,
       (select count(*)::int from freehold.subscription_cycles c where c.business_id = s.business_id) as cycles,
       (select count(*)::int from freehold.invoices i where i.business_id = s.business_id and cause = 'cycle') as invoices,
       (select count(*)::int from freehold.events e where e.business_id = s.business_id) as events,
       (select count(*)::int from freehold.audit_entries a where a.business_id = s.business_id) as entries
     from freehold.subscriptions s order by business_id`,
  )

type Result = { statements: number; renewed: { renewed: number; behind: number } | string }

/** A process that is ready to renew, and does when it is told how it ends. */
async function ready() {
  const child = fork(fileURLToPath(new URL('renewal-process.ts', import.meta.url)), [freehold.database], {
    execArgv: ['--conditions=freehold-source'],
  })
  children.push(child)
  const exit = once(child, 'exit') as Promise<[number | null, string | null]>
  await once(child, 'message')
  let result: Result | undefined
  return {
    renew: (fate: Fate) => {
      child.on('message', (message) => (result = message as Result))
      child.send(fate)
    },
    ended: async () => ({ signal: (await exit)[1], result }),
    stopped: async () => {
      while (!/^State:\tT/m.test(readFileSync(`/proc/${child.pid}/status`, 'utf8'))) await delay(10)
    },
    goOn: () => child.kill('SIGCONT'),
  }
}

/** How many statements a run has that nothing happens to. */
async function undisturbed(): Promise<number> {
  await nextBoundary()
  const run = await ready()
  run.renew({ signal: 'SIGKILL', statement: Infinity, sent: false })
  const { result } = await run.ended()
  expect(await due()).toBe(0)
  return result?.statements ?? 0
}

let statements = 0
test(
  'a worker that is killed at any statement of a renewal leaves all or nothing of it, and the next one does the rest',
  { timeout: isLong ? 3_600_000 : 180_000 },
  async () => {
    statements = await undisturbed()
    expect(statements).toBeGreaterThan(20)
    const all = Array.from({ length: 2 * statements }, (_, index) => ({
      statement: 1 + Math.floor(index / 2),
      sent: index % 2 === 1,
    }))
    // The last ones are where something has been written already.
    const every = isLong ? 1 : Math.floor(all.length / 3)
    const fates = all.filter((_, index) => (index + 1) % every === 0)
    let next = ready()
    for (const fate of fates) {
      const run = await next
      next = ready()
      await nextBoundary()
      run.renew({ signal: 'SIGKILL', ...fate })
      const { signal } = await run.ended()
      const at = `killed at statement ${fate.statement}${fate.sent ? ', which was sent' : ''}`
      expect([at, signal]).toEqual([at, 'SIGKILL'])
      // The database may be at work still on what was sent last.
      await freehold.eventually(async () => {
        const { renewed, behind } = await renewDue(freehold.ctx)
        return renewed + behind === 0
      }, 'the rest')
      expect([at, await due()]).toEqual([at, 0])
      expect([at, await whatIsWrong(freehold)]).toEqual([at, []])
    }
    const [sum] = await freehold.sql(
      `select count(*) filter (where plan_key = 'growth')::int as paid, count(*) filter (where plan_key = 'growth')::int =
         (select count(*)::int from freehold.invoices i where cause = 'cycle' and i.total = 4900 + 300) as invoiced
       from freehold.subscription_cycles c join freehold.plan_versions v on v.id = c.plan_version_id where c.number > 1`,
    )
    expect(sum).toEqual({ paid: 2 * (fates.length + 1), invoiced: true })
    const [left] = await freehold.sql(
      `select count(*)::int as cycles, count(*) filter (where brought = 15)::int as brought
       from (
         select (select sum(amount) from freehold.grants g where g.business_id = c.business_id
                 and g.effective_at = c.cycle_start and g.created_by = 'renewal') as brought
         from freehold.subscription_cycles c join freehold.plan_versions v on v.id = c.plan_version_id
         where c.number > 1 and plan_key = 'growth'
       ) as cycles`,
    )
    expect(left).toEqual({ cycles: 2 * (fates.length + 1), brought: 2 * (fates.length + 1) })
  },
)

test.runIf(process.platform === 'linux')(
  'a worker that stands still in a renewal holds nobody up, and what it still wants to write when it goes on is refused',
  { timeout: isLong ? 3_600_000 : 180_000 },
  async () => {
    statements = statements || (await undisturbed())
    // With the claim alone, before a write, before a commit, and wherever else a long run has the time to stop.
    const at = isLong ? [4, 8, 12, 16, 20] : [4, 12]
    for (const statement of at) {
      await nextBoundary()
      const run = await ready()
      run.renew({ signal: 'SIGSTOP', statement, sent: false })
      await run.stopped()
      if (!isLong) await outlast()
      await expect.poll(async () => (await renewDue(freehold.ctx), due()), { timeout: 60_000, interval: 250 }).toBe(0)
      const before = await state()
      run.goOn()
      const { result } = await run.ended()
      expect(await state()).toEqual(before)
      expect(await whatIsWrong(freehold)).toEqual([])
      // It finds out: nobody counts what it did not do.
      expect(result?.renewed).toSatisfy((renewed) => typeof renewed === 'string' || renewed.renewed === 0)
    }
  },
)

/** What the database does by itself after half a minute. */
async function outlast() {
  await freehold.sql(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and state like 'idle in transaction%' and application_name = 'freehold'`,
  )
}
