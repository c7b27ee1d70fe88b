import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, days, type TestFreehold } from '../../test/harness.ts'
import { auditOf, onlyStaff, openStaff, refusals, type Staff } from '../../test/staff.ts'
import { mailAlerts } from './alerts.ts'
import { verifyUsage } from './verification.ts'

let freehold: TestFreehold
let people: Staff
beforeAll(async () => {
  freehold = await createTestFreehold()
  people = await openStaff(freehold)
})
afterAll(() => freehold.close())

const reason = 'counted twice by a bug of ours'

async function open() {
  const { user, business, apiKeys } = await freehold.signUp()
  const [{ key }] = apiKeys
  const url = `/v1/staff/businesses/${business.id}`
  return {
    id: business.id as string,
    email: user.email as string,
    url,
    consume: async (amount: number, body = {}) =>
      (await freehold.api.post('/v1/consume', { feature: 'recordings', amount, ...body }, { token: key })).body,
    grant: (body: object) =>
      freehold.api.post(`${url}/grants`, { feature: 'recordings', reason, ...body }, people.admin),
    grants: async () => freehold.ok(await freehold.api.get(url, people.admin)).grants,
    correct: (amount: unknown, body: object = {}, headers = {}) =>
      freehold.api.call(
        'POST',
        `${url}/usage-corrections`,
        { feature: 'recordings', amount, reason, ...body },
        { ...people.admin, headers },
      ),
  }
}
const minutesAgo = (minutes: number) => new Date(freehold.ctx.now().getTime() - minutes * 60_000).toISOString()

test('is for staff and admin app keys only', async () => {
  const { url } = await open()
  const body = { feature: 'recordings', amount: 1, reason }
  const call = (options: { token?: string }) => freehold.api.call('POST', `${url}/usage-corrections`, body, options)
  expect(await refusals(call, people)).toEqual(onlyStaff)
})

test('moves the counter up and down, with an entry and its reason for each', async () => {
  const acme = await open()
  await acme.consume(40)
  expect(await acme.correct(-15)).toMatchObject({
    status: 201,
    body: { feature: 'recordings', limit: 100, used: 25, held: 0, remaining: 75 },
  })
  expect((await acme.correct(5)).body).toMatchObject({ used: 30, remaining: 70 })
  expect(await acme.consume(1)).toMatchObject({ used: 31, limit: 100 })
  const entries = await freehold.sql(
    'select kind, amount::int, used_after::int, reason from freehold.usage_entries where business_id = $1 order by id',
    [acme.id],
  )
  expect(entries).toEqual([
    { kind: 'consume', amount: 40, used_after: 40, reason: null },
    { kind: 'correction', amount: -15, used_after: 25, reason },
    { kind: 'correction', amount: 5, used_after: 30, reason },
    { kind: 'consume', amount: 1, used_after: 31, reason: null },
  ])
  expect(await auditOf(freehold, acme.id, 'usage.corrected')).toMatchObject([
    { before: { used: 25 }, after: { used: 30, amount: 5, reason }, target: { kind: 'counter', id: 'recordings' } },
    { before: { used: 40 }, after: { used: 25, amount: -15, reason } },
  ])
})

test('takes back all that was counted and not one more, and says what is left', async () => {
  const acme = await open()
  await acme.consume(3)
  const refused = await acme.correct(-4)
  expect(refused).toMatchObject({ status: 422, body: { errors: [{ path: 'body/amount' }] } })
  expect(refused.body.errors[0].message).toContain('3 are left')
  expect((await acme.correct(-3)).body).toMatchObject({ used: 0 })
  expect((await acme.correct(-1)).body.errors[0].message).toContain('0 are left')
})

test('may state what is above the limit; then nothing more is let in', async () => {
  const acme = await open()
  expect((await acme.correct(120)).body).toMatchObject({ used: 120, limit: 100, remaining: 0 })
  expect(await acme.consume(1)).toMatchObject({ allowed: false, code: 'limit_reached' })
})

test('may be made where nothing was counted yet', async () => {
  const acme = await open()
  expect(await acme.correct(7)).toMatchObject({ status: 201, body: { used: 7 } })
  expect(await acme.consume(1)).toMatchObject({ used: 8 })
})

describe('the period', () => {
  test('is the one before when that is asked for, and the current count stays', async () => {
    const acme = await open()
    await acme.consume(50)
    const then = minutesAgo(0)
    await freehold.advance(days(15))
    await acme.consume(10)
    expect(await acme.correct(-20, { at: then })).toMatchObject({ status: 201, body: { used: 30 } })
    expect(await acme.consume(1)).toMatchObject({ used: 11 })
    await freehold.advance(days(15))
    await acme.consume(1)
    expect(await acme.correct(-1, { at: then })).toMatchObject({
      status: 422,
      body: { errors: [{ path: 'body/at', message: expect.stringContaining('the current period') }] },
    })
  })

  test.each([[-5], [-60 * 24 * 40]])('is refused in the future and long ago (%s minutes ago)', async (minutes) => {
    const acme = await open()
    await acme.consume(5)
    const refused = await acme.correct(-1, { at: minutesAgo(minutes === -5 ? -5 : -minutes) })
    expect(refused).toMatchObject({ status: 422, body: { errors: [{ path: 'body/at' }] } })
  })
})

describe('what it takes away', () => {
  test('returns to the grant it was drawn from, before the plan’s', async () => {
    const acme = await open()
    await acme.grant({ amount: 50 })
    await acme.consume(120)
    expect(await acme.grants()).toMatchObject([{ drawn: 20 }])
    expect((await acme.correct(-30)).body).toMatchObject({ used: 90, limit: 150, remaining: 60 })
    expect(await acme.grants()).toMatchObject([{ drawn: 0, remaining: 50 }])
    expect(await acme.consume(60)).toMatchObject({ allowed: true, remaining: 0 })
    expect(await acme.consume(1)).toMatchObject({ allowed: false })
  })

  test('does not come back with a grant that has expired', async () => {
    const acme = await open()
    await acme.grant({ amount: 50, expiresAt: minutesAgo(-60) })
    await acme.consume(120)
    await freehold.advance(3601)
    expect((await acme.correct(-30)).body).toMatchObject({ used: 90, limit: 100, remaining: 10 })
  })

  test('of the period before is there to be used in this one', async () => {
    const acme = await open()
    await acme.grant({ amount: 50 })
    await acme.consume(150)
    const then = minutesAgo(0)
    await freehold.advance(days(15))
    expect(await acme.consume(1)).toMatchObject({ limit: 100 })
    await acme.correct(-40, { at: then })
    expect(await acme.consume(1)).toMatchObject({ limit: 140, used: 2 })
  })

  test('tells nobody again of a limit that had come near', async () => {
    const acme = await open()
    const alerts = async () => {
      await mailAlerts(freehold.ctx)
      return (await freehold.mails(acme.email)).filter(({ template }) => template === 'usage-alert')
    }
    await acme.consume(85)
    expect(await alerts()).toHaveLength(1)
    await acme.correct(-50)
    await acme.consume(50)
    expect(await alerts()).toHaveLength(1)
    await acme.correct(20)
    expect(await alerts()).toHaveLength(2)
  })
})

describe('at the same time', () => {
  test('twice under one key counts once', async () => {
    const acme = await open()
    await acme.consume(10)
    const key = { 'idempotency-key': 'mend-1' }
    const answers = await Promise.all([acme.correct(-4, {}, key), acme.correct(-4, {}, key)])
    expect(answers.map(({ status }) => status).filter((status) => status === 201).length).toBeGreaterThan(0)
    expect(await acme.correct(-4, {}, key)).toMatchObject({ status: 201, body: { used: 6 } })
    expect(await acme.correct(-5, {}, key)).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } })
    expect(await acme.consume(1)).toMatchObject({ used: 7 })
  })

  test('two of them never take more than there is, and consumption goes on', async () => {
    const acme = await open()
    await acme.consume(50)
    // Eight that stand in line for the counter may take longer than anybody waits for it on a slow machine.
    const persist = async (): Promise<{ allowed?: boolean }> => {
      const answer = await acme.consume(1)
      return answer.code === 'busy' ? persist() : answer
    }
    const [corrections, consumed] = await Promise.all([
      Promise.all(Array.from({ length: 8 }, () => acme.correct(-10))),
      Promise.all(Array.from({ length: 20 }, persist)),
    ])
    const taken = corrections.filter(({ status }) => status === 201).length
    expect(consumed.every(({ allowed }) => allowed)).toBe(true)
    expect(taken).toBeGreaterThanOrEqual(5)
    expect(await acme.consume(1)).toMatchObject({ used: 50 + 20 + 1 - 10 * taken })
  })
})

test.each([
  [0, {}, 'body/amount'],
  [1.5, {}, 'body/amount'],
  ['1', {}, 'body/amount'],
  [null, {}, 'body/amount'],
  [1_000_000_001, {}, 'body/amount'],
  [1, { reason: '' }, 'body/reason'],
  [1, { feature: 'applications' }, 'body/feature'],
  [1, { feature: 'members' }, 'body/feature'],
  [1, { feature: 'nothing' }, 'body/feature'],
  [1, { feature: '__proto__' }, 'body/feature'],
  [1, { at: 'yesterday' }, 'body/at'],
  [1, { periodEnd: '2030-01-01T00:00:00Z' }, 'body/periodEnd'],
])('of %j with %j is refused', async (amount, body, path) => {
  const acme = await open()
  const refused = await acme.correct(amount, body)
  expect(refused.status).toBe(422)
  expect(refused.body.errors.map((each: { path: string }) => each.path)).toContain(path)
  expect(await freehold.sql('select from freehold.usage_entries where business_id = $1', [acme.id])).toEqual([])
})

test('all of them leave counters and ledger in agreement', async () => {
  const { counters, drifts } = await verifyUsage(freehold.ctx)
  expect(counters).toBeGreaterThan(10)
  expect(drifts).toEqual([])
})
