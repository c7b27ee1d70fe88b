import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestFreehold, type TestFreehold } from '../../test/harness.ts'
import { mailAlerts } from './alerts.ts'

let freehold: TestFreehold
beforeAll(async () => {
  freehold = await createTestFreehold()
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
  expect(await subjects(email)).toEqual([expect.stringContaining('80 %')])
  await consume(token, 19)
  await consume(token, 1)
  expect(await subjects(email)).toEqual([expect.stringContaining('reached its limit'), expect.stringContaining('80 %')])
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

test('a higher ceiling may be come near to again', async () => {
  const { id, email, token } = await start()
  await consume(token, 80)
  expect(await subjects(email)).toHaveLength(1)
  await freehold.sql('update freehold.usage_counters set ceiling = 200 where business_id = $1', [id])
  await consume(token, 80)
  expect(await subjects(email)).toHaveLength(2)
})
