import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestFreehold, type TestFreehold } from '../../test/harness.ts'
import { openStaff } from '../../test/staff.ts'
import { mailAlerts } from './alerts.ts'

let freehold: TestFreehold
let admin: { token: string }
beforeAll(async () => {
  freehold = await createTestFreehold()
  admin = (await openStaff(freehold)).admin
})
afterAll(() => freehold.close())

const start = async () => {
  const { user, business, apiKeys } = await freehold.signUp()
  return { email: user.email as string, id: business.id as string, token: apiKeys[0].key as string }
}
const consume = (token: string, amount: number) =>
  freehold.api.post('/v1/consume', { feature: 'recordings', amount }, { token })
const subjects = async (email: string) => {
  await mailAlerts(freehold.ctx)
  return (await freehold.mails(email)).filter((mail) => mail.template === 'usage-alert').map((mail) => mail.subject)
}

test('owners hear at 80 and at 100 %, once each', async () => {
  const { email, token } = await start()
  await consume(token, 79)
  expect(await subjects(email)).toEqual([])
  await consume(token, 1)
  await consume(token, 1)
  expect(await subjects(email)).toEqual([expect.stringContaining('80%')])
  await consume(token, 19)
  await consume(token, 1)
  expect(await subjects(email)).toEqual([expect.stringContaining('reached its limit'), expect.stringContaining('80%')])
})

test('a jump over both is one mail about the higher', async () => {
  const { email, token } = await start()
  await consume(token, 100)
  expect(await subjects(email)).toEqual([expect.stringContaining('reached its limit')])
})

test('many at once and two workers make one mail', async () => {
  const { email, token } = await start()
  await Promise.all(Array.from({ length: 90 }, () => consume(token, 1)))
  await Promise.all([mailAlerts(freehold.ctx), mailAlerts(freehold.ctx)])
  expect(await subjects(email)).toHaveLength(1)
})

test('what was held and is confirmed comes near to a limit too', async () => {
  const { email, token } = await start()
  const { body } = await freehold.api.post('/v1/reservations', { feature: 'recordings', amount: 90 }, { token })
  expect(await subjects(email)).toEqual([])
  await freehold.api.post(`/v1/reservations/${body.id}/confirm`, { amount: 85 }, { token })
  expect(await subjects(email)).toEqual([expect.stringContaining('80%')])
})

test('another limit may be come near to again: an override, a grant, and not the old one twice', async () => {
  const { id, email, token } = await start()
  const staff = (method: string, path: string, body?: object) =>
    freehold.api.call(method, `/v1/staff/businesses/${id}${path}`, body, admin)
  const reason = 'they asked for it'
  await consume(token, 100)
  expect(await subjects(email)).toHaveLength(1)
  await staff('PUT', '/limits/recordings', { limit: 200, reason })
  await consume(token, 59)
  expect(await subjects(email)).toHaveLength(1)
  await consume(token, 1)
  expect(await subjects(email)).toHaveLength(2)
  await staff('DELETE', '/limits/recordings', { reason })
  await consume(token, 1)
  expect(await subjects(email)).toHaveLength(2)
  await staff('POST', '/grants', { feature: 'recordings', amount: 100, reason })
  await consume(token, 40)
  // The limit is 200 once more, of which 80 % have been told.
  expect(await subjects(email)).toHaveLength(3)
  const alerts = await freehold.sql(
    'select threshold, ceiling::int from freehold.usage_alerts where business_id = $1 order by ceiling, threshold',
    [id],
  )
  expect(alerts).toEqual([
    { threshold: 100, ceiling: 100 },
    { threshold: 80, ceiling: 200 },
    { threshold: 100, ceiling: 200 },
  ])
})

test('a limit of which more is used than it gives is not mailed on every count', async () => {
  const { id, email, token } = await start()
  await consume(token, 90)
  expect(await subjects(email)).toHaveLength(1)
  await freehold.api.put(`/v1/staff/businesses/${id}/limits/recordings`, { limit: 110, reason: 'a gift' }, admin)
  for (const _ of [1, 2, 3]) await consume(token, 1)
  expect(await subjects(email)).toHaveLength(1)
})

test('a higher ceiling may be come near to again', async () => {
  const { id, email, token } = await start()
  await consume(token, 80)
  expect(await subjects(email)).toHaveLength(1)
  await freehold.sql('update freehold.usage_counters set ceiling = 200 where business_id = $1', [id])
  await consume(token, 80)
  expect(await subjects(email)).toHaveLength(2)
})
