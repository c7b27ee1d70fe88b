import { afterAll, beforeAll, expect, test } from 'vitest'
import { renewDue } from '../../src/subscriptions/renewal.ts'
import { createTestFreehold, days, type TestFreehold } from '../harness.ts'
import { whatIsWrong } from '../properties/predicates.ts'
import product from './renewing-product.ts'

let freehold: TestFreehold
beforeAll(async () => {
  freehold = await createTestFreehold({ product })
})
afterAll(() => freehold.close())

test('a machine whose clock jumps, forth and back again, bills nothing twice and skips no period', async () => {
  const { ctx } = freehold
  const right = ctx.now
  const signedUp = [await freehold.signUp(), await freehold.signUp()]
  await freehold.sql(
    `update freehold.subscriptions
     set plan_version_id = (select id from freehold.plan_versions where plan_key = 'growth')
     where business_id = $1`,
    [signedUp[1].business.id],
  )
  const consume = ({ apiKeys }: { apiKeys: { key: string }[] }) =>
    freehold.api.post('/v1/consume', { feature: 'recordings' }, { token: apiKeys[0]?.key })
  await freehold.advance(days(33))
  const statuses: Record<number, number[]> = {}
  for (const jump of [0, 3600, -3600, 0, 365 * 86_400, 3600, -3600, -365 * 86_400, 0, 365 * 86_400]) {
    ctx.now = () => new Date(right().getTime() + jump * 1000)
    statuses[jump] = [
      ...(statuses[jump] ?? []),
      ...(await Promise.all(signedUp.map(consume))).map(({ status }) => status),
    ]
    // A payment is missed in a year; that is not what this is about.
    await freehold.sql(`update freehold.subscriptions set status = 'active' where status = 'past_due'`)
    await Promise.all([renewDue(ctx), renewDue(ctx)])
    expect([jump, await whatIsWrong(freehold)]).toEqual([jump, []])
  }
  ctx.now = right
  // What is counted before its period began, is counted as of its beginning.
  expect(new Set(Object.values(statuses).flat())).toEqual(new Set([200]))
  const [outside] = await freehold.sql(
    `select count(*)::int as entries
     from freehold.usage_entries e
     join freehold.usage_counters c using (business_id, feature, period_start)
     where e.at < c.period_start or e.at >= c.period_end`,
  )
  expect(outside).toEqual({ entries: 0 })
  const [paid] = await freehold.sql(
    `select count(*)::int as periods, count(i.id)::int as invoices, count(distinct i.id)::int as different
     from freehold.subscription_cycles c
     left join freehold.invoices i on i.business_id = c.business_id and i.subscription_id = c.subscription_id
       and i.cycle_number = c.number and i.cause = 'cycle'
     where c.business_id = $1 and c.number > 1`,
    [signedUp[1].business.id],
  )
  expect(paid.periods).toBeGreaterThan(12)
  expect(paid).toEqual({ periods: paid.periods, invoices: paid.periods, different: paid.periods })
})
