import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestFreehold, type TestFreehold } from '../../test/harness.ts'

const reason = 'it sells better so'
let freehold: TestFreehold
let staff: { token: string }
beforeAll(async () => {
  freehold = await createTestFreehold()
  const { token, user } = await freehold.signUp()
  await freehold.makeStaff(user.id)
  staff = { token }
})
afterAll(() => freehold.close())

/** Everything that says what existing businesses have, but for the plans themselves. */
const contracts = async () => ({
  subscriptions: await freehold.sql('select * from freehold.subscriptions order by business_id, id'),
  cycles: await freehold.sql(
    'select * from freehold.subscription_cycles order by business_id, subscription_id, number',
  ),
  counters: await freehold.sql('select * from freehold.usage_counters order by business_id, feature, period_start'),
  audit: await freehold.sql('select id from freehold.audit_entries order by id'),
  events: await freehold.sql('select id from freehold.events order by id'),
})
const versions = () => freehold.sql('select * from freehold.plan_versions order by id')

const step = fc.oneof(
  fc.record({
    do: fc.constant('publish' as const),
    plan: fc.constantFrom('free', 'growth', 'unlimited'),
    recordings: fc.option(fc.nat(1000)),
    amount: fc.nat(100_00),
    trialDays: fc.nat(30),
    unit: fc.constantFrom('day', 'month', 'year'),
    onEnd: fc.constantFrom('renew', 'end'),
  }),
  fc.record({
    do: fc.constant('offer' as const),
    plan: fc.constantFrom('free', 'growth', 'unlimited'),
    change: fc.constantFrom(
      { archived: true },
      { archived: false },
      { hidden: true },
      { hidden: false },
      { name: 'New' },
    ),
  }),
)

test('publishing, archiving, hiding and renaming change no existing subscription and no published version', async () => {
  for (const plan of ['growth', 'unlimited', 'free']) {
    const { business, apiKeys } = await freehold.signUp()
    const body = { plan, reason: 'a promise', when: 'now' }
    freehold.ok(await freehold.api.put(`/v1/staff/businesses/${business.id}/plan`, body, staff))
    const consume = { feature: 'recordings', amount: 7 }
    freehold.ok(await freehold.api.post('/v1/consume', consume, { token: apiKeys[0].key }))
  }
  const before = await contracts()
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
      const published = await versions()
      for (const each of steps) {
        if (each.do === 'publish') {
          const { plan, recordings, amount, unit, trialDays, onEnd } = each
          const prices = { default: { amount, currency: 'USD', interval: { unit, count: 1 } } }
          const version = { prices, trialDays, onEnd, includes: { recordings } }
          freehold.ok(await freehold.api.post(`/v1/staff/plans/${plan}/versions`, version, staff))
        } else {
          const { status } = await freehold.api.patch(`/v1/staff/plans/${each.plan}`, { ...each.change, reason }, staff)
          // The plan of sign-ups cannot be archived.
          expect([200, 409]).toContain(status)
        }
      }
      expect(await contracts()).toEqual(before)
      expect((await versions()).slice(0, published.length)).toEqual(published)
    }),
    { numRuns: 15 },
  )
})
