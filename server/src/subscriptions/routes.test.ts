import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, days, type TestFreehold } from '../../test/harness.ts'
import { openStaff, type Staff } from '../../test/staff.ts'

let freehold: TestFreehold
let people: Staff
beforeAll(async () => {
  freehold = await createTestFreehold()
  people = await openStaff(freehold)
})
afterAll(() => freehold.close())

async function open() {
  const { business, token, apiKeys, subscription, user } = await freehold.signUp()
  const [{ key }] = apiKeys
  return {
    business,
    subscription,
    token: token as string,
    email: user.email as string,
    staffUrl: `/v1/staff/businesses/${business.id}`,
    get: (path: string, bearer: string = token) =>
      freehold.api.get(`/v1/businesses/${business.id}${path}`, { token: bearer }),
    consume: async (amount: number, more = {}) =>
      (await freehold.api.post('/v1/consume', { feature: 'recordings', amount, ...more }, { token: key })).body,
  }
}
const reason = 'for a test'
const at = (seconds: number) => new Date(freehold.ctx.now().getTime() + seconds * 1000).toISOString()

describe.each(['/subscription', '/entitlements', '/usage'])('%s', (path) => {
  test('is for members, down to the least of them, and for nobody else', async () => {
    const acme = await open()
    const member = await freehold.join(acme.business, acme.token, 'viewer')
    const stranger = await freehold.signUp()
    expect((await acme.get(path)).status).toBe(200)
    expect((await acme.get(path, member.token)).status).toBe(200)
    expect((await acme.get(path, stranger.token)).status).toBe(404)
    expect((await acme.get(path, stranger.apiKeys[0].key)).status).toBe(404)
    const anonymous = await freehold.api.get(`/v1/businesses/${acme.business.id}${path}`)
    expect(anonymous.status).toBe(401)
  })
})

describe('the subscription', () => {
  test('is shown as it was at sign-up', async () => {
    const acme = await open()
    expect((await acme.get('/subscription')).body).toEqual(acme.subscription)
  })

  test('is shown as it is now, while no worker runs', async () => {
    const acme = await open()
    await freehold.advance(days(7))
    await acme.get('/subscription')
    await freehold.advance(days(9))
    const { body } = await acme.get('/subscription')
    expect(body).toMatchObject({ status: 'active', cycleStart: acme.subscription.cycleEnd })
  })
})

describe('entitlements', () => {
  test('say of every feature what the plan gives and what is used', async () => {
    const acme = await open()
    await acme.consume(30)
    const { body } = await acme.get('/entitlements')
    expect(body).toEqual({
      recordings: {
        kind: 'metered',
        limit: 100,
        used: 30,
        remaining: 70,
        resetsAt: acme.subscription.cycleEnd,
        source: 'plan',
      },
      applications: { kind: 'allocated', limit: 1, used: 0, remaining: 1, resetsAt: null, source: 'plan' },
      exports: {
        kind: 'switch',
        limit: null,
        used: null,
        remaining: null,
        resetsAt: null,
        source: 'plan',
        enabled: false,
      },
      retentionDays: {
        kind: 'value',
        limit: 7,
        used: null,
        remaining: null,
        resetsAt: null,
        source: 'plan',
        value: 7,
      },
      members: { kind: 'allocated', limit: 3, used: 1, remaining: 2, resetsAt: null, source: 'plan' },
    })
  })

  test('count what is reserved as gone', async () => {
    const acme = await open()
    const reserved = await freehold.api.post(
      '/v1/reservations',
      { businessId: acme.business.id, feature: 'recordings', amount: 40 },
      { token: acme.token },
    )
    expect(reserved.body.allowed).toBe(true)
    expect((await acme.get('/entitlements')).body.recordings).toMatchObject({ limit: 100, used: 0, remaining: 60 })
  })

  test('show unlimited as null, and begin anew with the cycle', async () => {
    const acme = await open()
    await acme.consume(100)
    freehold.ok(await freehold.api.put(`${acme.staffUrl}/limits/recordings`, { limit: null, reason }, people.admin))
    expect((await acme.get('/entitlements')).body.recordings).toMatchObject({
      limit: null,
      used: 100,
      remaining: null,
      source: 'override',
    })
    await freehold.advance(days(13))
    await acme.get('/entitlements')
    await freehold.advance(days(3))
    expect((await acme.get('/entitlements')).body.recordings).toMatchObject({ used: 0 })
  })

  test('are nothing once the subscription has ended, or while the business is suspended', async () => {
    const nothing = {
      recordings: { limit: 0, used: 30, remaining: 0, source: 'none', resetsAt: null },
      applications: { limit: 0, used: 0, remaining: 0, source: 'none' },
      exports: { enabled: false, source: 'none' },
      retentionDays: { value: 0, source: 'none' },
      members: { limit: 0, used: 1, remaining: 0, source: 'none' },
    }
    const ended = await open()
    await ended.consume(30)
    freehold.ok(await freehold.api.post(`${ended.staffUrl}/cancellation`, { reason }, people.admin))
    expect((await ended.get('/entitlements')).body).toMatchObject(nothing)

    const suspended = await open()
    await suspended.consume(30)
    freehold.ok(await freehold.api.patch(suspended.staffUrl, { status: 'suspended', reason }, people.admin))
    expect((await suspended.get('/entitlements')).body).toMatchObject(nothing)
    freehold.ok(await freehold.api.patch(suspended.staffUrl, { status: 'active', reason }, people.admin))
    expect((await suspended.get('/entitlements')).body.recordings).toMatchObject({ limit: 100, used: 30 })
  })
})

describe('the usage series', () => {
  type Item = { start: string; amount: number }
  const used = (items: Item[]) => items.filter(({ amount }) => amount !== 0)
  const sum = (items: Item[]) => items.reduce((total, { amount }) => total + amount, 0)

  test('answers the current cycle by days when nothing is asked, with 0 for days without use', async () => {
    const acme = await open()
    await acme.consume(3)
    await acme.consume(4)
    await freehold.advance(days(2))
    await acme.consume(5)
    const { body } = await acme.get('/usage')
    expect(body).toMatchObject({ feature: 'recordings', bucket: 'day' })
    expect(body.items).toHaveLength(16)
    expect(body.items[0].start).toBe(`${acme.subscription.cycleStart.slice(0, 10)}T00:00:00.000Z`)
    expect(used(body.items).map(({ amount }) => amount)).toEqual([7, 5])
    expect(body.items[2]).toEqual({ start: `${at(0).slice(0, 10)}T00:00:00.000Z`, amount: 5 })
  })

  test('leaves out what lies before the cycle, and shows it when asked', async () => {
    const acme = await open()
    await acme.consume(9)
    await freehold.advance(days(13))
    await acme.get('/usage')
    await freehold.advance(days(3))
    await acme.consume(2)
    expect(sum((await acme.get('/usage')).body.items)).toBe(2)
    const all = await acme.get(`/usage?from=${at(-days(20))}&to=${at(3600)}`)
    expect(used(all.body.items).map(({ amount }) => amount)).toEqual([9, 2])
  })

  test('goes by hours, up to but without the end', async () => {
    const acme = await open()
    await acme.consume(1)
    await freehold.advance(3600)
    await acme.consume(2)
    const all = await acme.get(`/usage?from=${at(-7200)}&to=${at(60)}&bucket=hour`)
    expect(used(all.body.items).map(({ amount }) => amount)).toEqual([1, 2])
    for (const [index, { start }] of all.body.items.entries()) {
      expect(start).toMatch(/T\d\d:00:00\.000Z$/)
      expect(Date.parse(start) - Date.parse(all.body.items[0].start)).toBe(index * 3_600_000)
    }
    const before = await acme.get(`/usage?from=${at(-7200)}&to=${at(-1800)}&bucket=hour`)
    expect(sum(before.body.items)).toBe(1)
  })

  test('puts what was reported late where it happened', async () => {
    const acme = await open()
    await freehold.advance(days(1))
    expect(await acme.consume(6, { at: at(-7200) })).toMatchObject({ allowed: true })
    const { body } = await acme.get(`/usage?from=${at(-10_800)}&to=${at(0)}&bucket=hour`)
    expect(used(body.items)).toEqual([{ start: `${at(-7200).slice(0, 13)}:00:00.000Z`, amount: 6 }])
  })

  test('of what is held item by item shows what came and went', async () => {
    const acme = await open()
    const call = (route: string) =>
      freehold.api.post(
        route,
        { businessId: acme.business.id, feature: 'applications', itemId: 'one' },
        { token: acme.token },
      )
    await call('/v1/allocate')
    const held = await acme.get('/usage?feature=applications')
    expect(sum(held.body.items)).toBe(1)
    await call('/v1/release')
    expect(sum((await acme.get('/usage?feature=applications')).body.items)).toBe(0)
  })

  test("holds nothing of another business's", async () => {
    const acme = await open()
    const other = await open()
    await other.consume(50)
    expect(sum((await acme.get('/usage')).body.items)).toBe(0)
  })

  test('answers at most 2,000 buckets', async () => {
    const acme = await open()
    const midnight = `${at(0).slice(0, 10)}T00:00:00Z`
    const before = (hours: number) => new Date(Date.parse(midnight) - hours * 3_600_000).toISOString()
    const most = await acme.get(`/usage?from=${before(2000)}&to=${midnight}&bucket=hour`)
    expect(most.body.items).toHaveLength(2000)
    const more = await acme.get(`/usage?from=${before(2001)}&to=${midnight}&bucket=hour`)
    expect(more).toMatchObject({ status: 422, body: { errors: [{ path: 'querystring/from' }] } })
  })

  test.each([
    ['feature=nothing', 'querystring/feature'],
    ['feature=constructor', 'querystring/feature'],
    ['feature=exports', 'querystring/feature'],
    ['feature=members', 'querystring/feature'],
    ['bucket=minute', 'querystring/bucket'],
    ['from=yesterday', 'querystring/from'],
    ['from=2026-01-01', 'querystring/from'],
    ['to=2020-01-01T00:00:00Z', 'querystring/to'],
    ['from=2026-01-02T00:00:00Z&to=2026-01-02T00:00:00Z', 'querystring/to'],
    ['from=0001-01-01T00:00:00Z&to=9999-12-31T00:00:00Z', 'querystring/from'],
    ['businessId=biz_x', 'querystring/businessId'],
  ])('is refused for ?%s', async (query, path) => {
    const acme = await open()
    const refused = await acme.get(`/usage?${query}`)
    expect(refused.status).toBe(422)
    expect(refused.body.errors.map((each: { path: string }) => each.path)).toContain(path)
  })
})
