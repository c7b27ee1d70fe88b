import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestFreehold, days as seconds, type TestFreehold } from '../../test/harness.ts'
import { openStaff, type Staff } from '../../test/staff.ts'
import { days, usd } from '../prices.ts'
import { defineProduct } from '../product.ts'
import { renewDue } from './renewal.ts'

const product = defineProduct({
  name: 'Test',
  permissions: { 'recordings:create': 'write' },
  keys: { sdk: { prefix: 'pk', publishable: true, permissions: ['recordings:create'] } },
  features: { recordings: { kind: 'metered', rollover: 30 } },
  plans: { free: { name: 'Free', cycle: days(15), price: usd(0), includes: { recordings: 100, members: 3 } } },
  signup: { plan: 'free', keys: ['sdk'] },
})

let freehold: TestFreehold
let people: Staff
beforeAll(async () => {
  freehold = await createTestFreehold({ product })
  people = await openStaff(freehold)
})
afterAll(() => freehold.close())

async function open() {
  const { business, apiKeys } = await freehold.signUp()
  return {
    id: business.id as string,
    consume: async (amount: number) =>
      (await freehold.api.post('/v1/consume', { feature: 'recordings', amount }, { token: apiKeys[0].key })).body,
    grants: () =>
      freehold.sql('select amount::int, expires_at from freehold.grants where business_id = $1 order by id', [
        business.id,
      ]),
  }
}

test.each([
  ['all that is left', 80, 120],
  ['no more than the cap', 10, 130],
  ['nothing when all is used', 100, 100],
])('the next cycle has %s', async (_, used, limit) => {
  const acme = await open()
  await acme.consume(used)
  await freehold.advance(seconds(15))
  expect(await acme.consume(1)).toMatchObject({ allowed: true, used: 1, limit })
})

test('it is carried over once, whoever renews, and expires with that cycle', async () => {
  const acme = await open()
  await acme.consume(80)
  await freehold.advance(seconds(15))
  await Promise.all([renewDue(freehold.ctx), renewDue(freehold.ctx), acme.consume(1), acme.consume(1)])
  expect(await acme.grants()).toMatchObject([{ amount: 20 }])
  // What was carried over is used first, so that of the plan's own 100 as many are left as the cap allows.
  expect(await acme.consume(118)).toMatchObject({ allowed: true, remaining: 0 })
  await freehold.advance(seconds(15))
  expect(await acme.consume(1)).toMatchObject({ used: 1, limit: 100 })
})

test('what is carried over is not carried over again', async () => {
  const acme = await open()
  await acme.consume(80)
  await freehold.advance(seconds(15))
  await acme.consume(15)
  await freehold.advance(seconds(15))
  expect(await acme.consume(1)).toMatchObject({ limit: 130 })
  expect((await acme.grants()).map(({ amount }) => amount)).toEqual([20, 30])
})

test('a grant stays out of it, and a limit of staff too', async () => {
  const acme = await open()
  const url = `/v1/staff/businesses/${acme.id}`
  const grant = { feature: 'recordings', amount: 50, reason: 'a gift' }
  freehold.ok(await freehold.api.post(`${url}/grants`, grant, people.admin))
  await acme.consume(120)
  await freehold.advance(seconds(15))
  expect(await acme.consume(1)).toMatchObject({ limit: 130 })
  const other = await open()
  const limit = { limit: 500, reason: 'agreed by phone' }
  freehold.ok(await freehold.api.put(`/v1/staff/businesses/${other.id}/limits/recordings`, limit, people.admin))
  await freehold.advance(seconds(15))
  expect(await other.consume(1)).toMatchObject({ limit: 500 })
})

test('a limit of staff that has run out before the end of the cycle does not keep it back', async () => {
  const acme = await open()
  const expiresAt = new Date(freehold.ctx.now().getTime() + 5 * 86_400_000).toISOString()
  const limit = { limit: 500, reason: 'for a week', expiresAt }
  freehold.ok(await freehold.api.put(`/v1/staff/businesses/${acme.id}/limits/recordings`, limit, people.admin))
  await acme.consume(80)
  await freehold.advance(seconds(15))
  expect(await acme.consume(1)).toMatchObject({ used: 1, limit: 120 })
})
