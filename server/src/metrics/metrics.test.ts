import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestFreehold, type TestFreehold } from '../../test/harness.ts'
import { onlyStaff, openStaff, refusals, type Staff } from '../../test/staff.ts'
import { renewDue } from '../subscriptions/renewal.ts'

let freehold: TestFreehold
let people: Staff
beforeAll(async () => {
  freehold = await createTestFreehold()
  people = await openStaff(freehold)
})
afterAll(() => freehold.close())

const metrics = async (query = '') => freehold.ok(await freehold.api.get(`/v1/staff/metrics${query}`, people.staff))
const last = async () => {
  const { months, revenue } = await metrics('?months=1')
  return { ...months[0], ...revenue[0]?.months[0] }
}

const onPlan = async (id: string, plan: string, price: string | undefined) =>
  freehold.ok(
    await freehold.api.put(
      `/v1/staff/businesses/${id}/plan`,
      { plan, reason: 'a test', replace: true, ...(price === undefined ? {} : { price }) },
      people.staff,
    ),
  )

test('are for staff and admin app keys', async () => {
  expect(await refusals((options) => freehold.api.get('/v1/staff/metrics', options), people)).toEqual(onlyStaff)
  expect((await freehold.api.get('/v1/staff/metrics', people.admin)).status).toBe(200)
  for (const query of ['?months=0', '?months=37', '?months=x', '?from=2026']) {
    expect((await freehold.api.get(`/v1/staff/metrics${query}`, people.staff)).status).toBe(422)
  }
})

test('follow a business from its sign-up over a bigger and a smaller price to its end and back', async () => {
  const before = await last()
  const { business } = await freehold.signUp()
  const signedUp = await last()
  expect(signedUp.signUps).toBe(before.signUps + 1)
  expect(signedUp.active).toBe(before.active + 1)
  expect((await metrics()).revenue).toEqual([])

  await onPlan(business.id, 'growth', 'monthly')
  expect(await last()).toMatchObject({ mrr: 4900, new: 4900, paying: 1, churned: 0, churnRate: null })
  // $490 a year is $40.83 a month.
  await onPlan(business.id, 'growth', 'yearly')
  expect(await last()).toMatchObject({ mrr: 4083, new: 4900, contraction: -817, paying: 1 })
  await onPlan(business.id, 'growth', 'monthly')
  expect(await last()).toMatchObject({ mrr: 4900, expansion: 817 })

  const end = { when: 'now', reason: 'they left' }
  freehold.ok(await freehold.api.post(`/v1/staff/businesses/${business.id}/cancellation`, end, people.staff))
  expect(await last()).toMatchObject({ mrr: 0, churn: -4900, churned: 1, paying: 0, active: signedUp.active - 1 })
  await onPlan(business.id, 'growth', 'monthly')
  expect(await last()).toMatchObject({ mrr: 4900, reactivation: 4900, new: 4900, paying: 1, active: signedUp.active })
})

test('count no trial, and a renewal on the same terms moves nothing', async () => {
  const { business } = await freehold.signUp()
  const before = await last()
  await freehold.sql(
    `update freehold.subscriptions set status = 'trialing', trial_end = cycle_end, price = 'monthly',
       plan_version_id = (select id from freehold.plan_versions where plan_key = 'growth')
     where business_id = $1`,
    [business.id],
  )
  expect(await last()).toMatchObject({ mrr: before.mrr ?? 0 })
  const url = `/v1/staff/businesses/${business.id}`
  freehold.ok(await freehold.api.post(`${url}/conversion`, { reason: 'they decided' }, people.staff))
  const converted = await last()
  expect(converted.mrr).toBe((before.mrr ?? 0) + 4900)
})

test('months begin where those before ended, whatever happened', async () => {
  await freehold.advance(32 * 86_400)
  await people.signIn()
  await renewDue(freehold.ctx)
  const { business } = await freehold.signUp()
  await onPlan(business.id, 'growth', 'yearly')
  const { months, revenue } = await metrics('?months=3')
  expect(months).toHaveLength(3)
  expect(months.at(-1).signUps).toBe(1)
  const [{ currency, months: usd }] = revenue
  expect(currency).toBe('USD')
  expect(usd).toHaveLength(3)
  for (const [index, each] of usd.entries()) {
    const begun = index === 0 ? 0 : usd[index - 1].mrr
    const moved = each.new + each.reactivation + each.expansion + each.contraction + each.churn
    // Each number is rounded for itself.
    expect(Math.abs(begun + moved - each.mrr)).toBeLessThanOrEqual(3)
  }
  expect(usd[0]).toMatchObject({ mrr: 0, paying: 0 })
  expect(usd.at(-1)).toMatchObject({ new: 4083 })
})
