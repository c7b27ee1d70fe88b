import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestFreehold, type TestFreehold } from '../../test/harness.ts'
import { verifyUsage } from './verification.ts'

let freehold: TestFreehold
beforeAll(async () => {
  freehold = await createTestFreehold()
})
afterAll(() => freehold.close())

test('finds nothing wrong with what was counted, reserved, allocated and released, even while it goes on', async () => {
  const { business, token, apiKeys } = await freehold.signUp()
  const call = (path: string, body: object) => freehold.api.post(path, { businessId: business.id, ...body }, { token })
  await call('/v1/allocate', { feature: 'applications', itemId: 'a' })
  await call('/v1/release', { feature: 'applications', itemId: 'a' })
  const reserved = await call('/v1/reservations', { feature: 'recordings', amount: 5 })
  const other = await call('/v1/reservations', { feature: 'recordings', amount: 7 })
  await call(`/v1/reservations/${other.body.id}/confirm`, { amount: 3 })
  expect(reserved.body.allowed).toBe(true)

  let going = true
  const load = Array.from({ length: 4 }, async () => {
    while (going) await freehold.api.post('/v1/consume', { feature: 'recordings' }, { token: apiKeys[0].key })
  })
  for (let round = 0; round < 10; round += 1) expect((await verifyUsage(freehold.ctx)).drifts).toEqual([])
  going = false
  await Promise.all(load)
})

test('reports a counter that drifted and mends it when asked', async () => {
  const { business, apiKeys } = await freehold.signUp()
  await freehold.api.post('/v1/consume', { feature: 'recordings', amount: 4 }, { token: apiKeys[0].key })
  await freehold.sql('update freehold.usage_counters set used = 9, held = 2 where business_id = $1', [business.id])
  const own = (drifts: { businessId: string }[]) => drifts.filter((drift) => drift.businessId === business.id)

  expect(own((await verifyUsage(freehold.ctx)).drifts)).toEqual([
    expect.objectContaining({ feature: 'recordings', used: 9, expectedUsed: 4, held: 2, expectedHeld: 0 }),
  ])
  expect(await verifyUsage(freehold.ctx, { repair: true })).toMatchObject({ repaired: 1 })
  expect((await verifyUsage(freehold.ctx)).drifts).toEqual([])
  const again = await freehold.api.post('/v1/consume', { feature: 'recordings' }, { token: apiKeys[0].key })
  expect(again.body).toMatchObject({ used: 5 })
})
