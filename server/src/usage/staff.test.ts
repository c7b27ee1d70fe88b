import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, days, type TestFreehold } from '../../test/harness.ts'
import { auditOf, onlyStaff, openStaff, refusals, type Staff } from '../../test/staff.ts'

let freehold: TestFreehold
let people: Staff
beforeAll(async () => {
  freehold = await createTestFreehold()
  people = await openStaff(freehold)
})
afterAll(() => freehold.close())

const reason = 'sorry for the outage'

/** A business with what a test does to it. App keys outlive the clock, so they act here. */
async function open() {
  const { business, apiKeys } = await freehold.signUp()
  const [{ key }] = apiKeys
  const url = `/v1/staff/businesses/${business.id}`
  return {
    id: business.id as string,
    url,
    consume: async (amount: number) =>
      (await freehold.api.post('/v1/consume', { feature: 'recordings', amount }, { token: key })).body,
    allocate: async (itemId: string) =>
      (
        await freehold.api.post(
          '/v1/allocate',
          { subject: { businessId: business.id }, feature: 'applications', itemId },
          people.meter,
        )
      ).body,
    check: async (feature: string) =>
      (await freehold.api.post('/v1/check', { subject: { businessId: business.id }, feature }, people.meter)).body,
    grant: (body: Record<string, unknown>) =>
      freehold.api.post(`${url}/grants`, { feature: 'recordings', reason, ...body }, people.admin),
    override: (feature: string, body: Record<string, unknown>) =>
      freehold.api.put(`${url}/limits/${feature}`, { reason, ...body }, people.admin),
    restore: (feature: string) =>
      freehold.api.call('DELETE', `${url}/limits/${feature}`, { reason: 'back to the plan' }, people.admin),
    grants: async () => freehold.ok(await freehold.api.get(url, people.admin)).grants,
  }
}
const inSeconds = (seconds: number) => new Date(freehold.ctx.now().getTime() + seconds * 1000).toISOString()

describe('who may', () => {
  test.each([
    ['POST', '/grants', { feature: 'recordings', amount: 1, reason }, 201],
    ['PUT', '/limits/recordings', { limit: 1, reason }, 200],
    ['DELETE', '/limits/recordings', { reason }, 204],
  ])('only staff and admin app keys may %s …%s', async (method, path, body, status) => {
    const { url } = await open()
    const call = (options: { token?: string }) => freehold.api.call(method, url + path, body, options)
    expect(await refusals(call, people)).toEqual(onlyStaff)
    expect((await call(people.admin)).status).toBe(status)
  })
})

describe('a grant', () => {
  test('raises the ceiling, at once and for exactly its amount', async () => {
    const acme = await open()
    expect(await acme.consume(100)).toMatchObject({ allowed: true, remaining: 0 })
    expect(await acme.consume(1)).toMatchObject({ allowed: false, code: 'limit_reached' })
    const granted = await acme.grant({ amount: 50 })
    expect(granted).toMatchObject({
      status: 201,
      body: { feature: 'recordings', amount: 50, drawn: 0, remaining: 50, priority: 100, reason, expiresAt: null },
    })
    expect(await acme.consume(50)).toMatchObject({ allowed: true, limit: 150, used: 150, remaining: 0 })
    expect(await acme.consume(1)).toMatchObject({ allowed: false, code: 'limit_reached' })
    expect(await auditOf(freehold, acme.id, 'grant.created')).toMatchObject([
      { actor_kind: 'app', target: { kind: 'grant', name: 'recordings' }, after: { amount: 50, reason } },
    ])
  })

  test('is drawn after the plan’s allowance, and what is left survives renewals', async () => {
    const acme = await open()
    await acme.grant({ amount: 50 })
    expect(await acme.consume(120)).toMatchObject({ allowed: true, limit: 150 })
    expect(await acme.grants()).toMatchObject([{ amount: 50, drawn: 20, remaining: 30 }])
    await freehold.advance(days(15))
    expect(await acme.consume(100)).toMatchObject({ allowed: true, limit: 130, used: 100, remaining: 30 })
    expect(await acme.grants()).toMatchObject([{ drawn: 20, remaining: 30 }])
    expect(await acme.consume(30)).toMatchObject({ allowed: true, remaining: 0 })
    await freehold.advance(days(15))
    expect(await acme.consume(100)).toMatchObject({ allowed: true, limit: 100, remaining: 0 })
    expect(await acme.grants()).toMatchObject([{ drawn: 50, remaining: 0 }])
  })

  test('does not pay for what was counted before it was made, whatever its priority', async () => {
    const acme = await open()
    await acme.consume(80)
    await acme.grant({ amount: 50, priority: 10 })
    expect(await acme.grants()).toMatchObject([{ drawn: 0, remaining: 50 }])
    await acme.consume(10)
    expect(await acme.grants()).toMatchObject([{ drawn: 10, remaining: 40 }])
    await freehold.advance(days(15))
    expect(await acme.consume(1)).toMatchObject({ limit: 140 })
  })

  test('that begins later does not pay for what the plan has paid for, however high its priority', async () => {
    const acme = await open()
    await acme.grant({ amount: 50, priority: 10, effectiveAt: inSeconds(3600) })
    await acme.consume(30)
    expect(await acme.grants()).toMatchObject([{ drawn: 0 }])
    await freehold.advance(3601)
    expect(await acme.grants()).toMatchObject([{ drawn: 0 }])
    expect(await acme.consume(20)).toMatchObject({ allowed: true, limit: 150, used: 50 })
    expect(await acme.grants()).toMatchObject([{ drawn: 20 }])
    await freehold.advance(days(15))
    expect(await acme.consume(1)).toMatchObject({ limit: 130 })
  })

  test('that is over before its units are attributed has paid for those counted while it was there', async () => {
    const acme = await open()
    await acme.grant({ amount: 50, priority: 10, expiresAt: inSeconds(3600) })
    await acme.consume(30)
    await freehold.advance(3601)
    expect(await acme.consume(20)).toMatchObject({ limit: 130, used: 50 })
    expect(await acme.grants()).toMatchObject([{ drawn: 30 }])
  })

  test('that comes when more was counted than anything has paid for pays for the rest', async () => {
    const acme = await open()
    await freehold.api.post(
      `${acme.url}/usage-corrections`,
      { feature: 'recordings', amount: 120, reason },
      people.admin,
    )
    await acme.grant({ amount: 50 })
    expect(await acme.consume(1)).toMatchObject({ allowed: true, limit: 150, used: 121, remaining: 29 })
    expect(await acme.grants()).toMatchObject([{ drawn: 21 }])
  })

  test('is drawn by priority, then by what expires first', async () => {
    const acme = await open()
    freehold.ok(await acme.grant({ amount: 10, reason: 'last' }))
    freehold.ok(await acme.grant({ amount: 10, reason: 'second', expiresAt: inSeconds(days(10)) }))
    freehold.ok(await acme.grant({ amount: 10, reason: 'first', priority: 60 }))
    await acme.consume(115)
    const drawn = Object.fromEntries(
      (await acme.grants()).map((each: { reason: string; drawn: number }) => [each.reason, each.drawn]),
    )
    expect(drawn).toEqual({ first: 10, second: 5, last: 0 })
  })

  test('lapses when it expires; what was drawn stays used', async () => {
    const acme = await open()
    await acme.grant({ amount: 50, expiresAt: inSeconds(3600) })
    expect(await acme.consume(120)).toMatchObject({ allowed: true, limit: 150 })
    await freehold.advance(3601)
    expect(await acme.consume(1)).toMatchObject({ allowed: false, code: 'limit_reached', limit: 120, used: 120 })
    await freehold.advance(days(15))
    expect(await acme.consume(1)).toMatchObject({ allowed: true, limit: 100, used: 1 })
  })

  test('gives nothing before it takes effect', async () => {
    const acme = await open()
    const granted = await acme.grant({ amount: 50, effectiveAt: inSeconds(3600) })
    expect(granted.status).toBe(201)
    expect(await acme.consume(101)).toMatchObject({ allowed: false, limit: 100 })
    await freehold.advance(3601)
    expect(await acme.consume(101)).toMatchObject({ allowed: true, limit: 150 })
  })

  test('that should have begun earlier begins now', async () => {
    const acme = await open()
    const { body } = await acme.grant({ amount: 1, effectiveAt: '2020-01-01T00:00:00Z' })
    expect(body.effectiveAt).toBe(body.createdAt)
  })

  test('made twice with one idempotency key is made once', async () => {
    const acme = await open()
    const make = (amount: number) =>
      freehold.api.post(
        `${acme.url}/grants`,
        { feature: 'recordings', amount, reason },
        { ...people.admin, headers: { 'idempotency-key': `grant-${acme.id}` } },
      )
    const first = await make(5)
    expect((await make(5)).body).toEqual(first.body)
    expect(await make(6)).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } })
    expect(await acme.grants()).toHaveLength(1)
  })

  test('made by many while it is used never lets more through than there is', async () => {
    const acme = await open()
    await acme.consume(100)
    const [answers] = await Promise.all([
      Promise.all(Array.from({ length: 60 }, () => acme.consume(1))),
      Promise.all(Array.from({ length: 4 }, () => acme.grant({ amount: 5 }))),
    ])
    const late = await Promise.all(Array.from({ length: 30 }, () => acme.consume(1)))
    expect([...answers, ...late].filter(({ allowed }) => allowed)).toHaveLength(20)
    expect(await acme.grants()).toMatchObject(Array.from({ length: 4 }, () => ({ drawn: 5, remaining: 0 })))
  })

  test.each([
    [{ feature: 'applications', amount: 1 }, 'body/feature'],
    [{ feature: 'exports', amount: 1 }, 'body/feature'],
    [{ feature: 'members', amount: 1 }, 'body/feature'],
    [{ feature: 'nothing', amount: 1 }, 'body/feature'],
    [{ feature: 'constructor', amount: 1 }, 'body/feature'],
    [{ amount: 0 }, 'body/amount'],
    [{ amount: -1 }, 'body/amount'],
    [{ amount: 1.5 }, 'body/amount'],
    [{ amount: 2 ** 53 }, 'body/amount'],
    [{ amount: '5' }, 'body/amount'],
    [{ amount: 1, reason: '' }, 'body/reason'],
    [{ amount: 1, priority: -1 }, 'body/priority'],
    [{ amount: 1, expiresAt: '2020-01-01T00:00:00Z' }, 'body/expiresAt'],
    [{ amount: 1, expiresAt: '2999-01-01T00:00:00Z', effectiveAt: '2999-01-02T00:00:00Z' }, 'body/expiresAt'],
    [{ amount: 1, expiresAt: 'tomorrow' }, 'body/expiresAt'],
    [{ amount: 1, drawn: 5 }, 'body/drawn'],
  ])('is refused with %j', async (body, path) => {
    const acme = await open()
    const refused = await acme.grant(body)
    expect(refused.status).toBe(422)
    expect(refused.body.errors.map((each: { path: string }) => each.path)).toContain(path)
    expect(await freehold.sql('select from freehold.grants where business_id = $1', [acme.id])).toEqual([])
  })
})

describe('an override', () => {
  test('replaces the plan’s limit up and down, and taking it away brings the plan’s back', async () => {
    const acme = await open()
    expect(await acme.override('recordings', { limit: 5 })).toMatchObject({
      status: 200,
      body: { feature: 'recordings', limit: 5, reason, expiresAt: null },
    })
    expect(await acme.consume(6)).toMatchObject({ allowed: false, limit: 5 })
    await acme.override('recordings', { limit: 200 })
    expect(await acme.consume(200)).toMatchObject({ allowed: true, limit: 200, remaining: 0 })
    await acme.override('recordings', { limit: 150 })
    expect(await acme.consume(1)).toMatchObject({ allowed: false, limit: 150, used: 200, remaining: 0 })
    expect((await acme.restore('recordings')).status).toBe(204)
    expect(await acme.consume(1)).toMatchObject({ allowed: false, limit: 100, used: 200 })
    expect(await auditOf(freehold, acme.id, 'limit.overridden')).toMatchObject([
      { before: { limit: 200 }, after: { limit: 150, reason } },
      { before: { limit: 5 }, after: { limit: 200, reason } },
      { before: null, after: { limit: 5, reason }, target: { kind: 'limit', id: 'recordings' } },
    ])
    expect(await auditOf(freehold, acme.id, 'limit.restored')).toMatchObject([
      { before: { limit: 150 }, after: { reason: 'back to the plan' } },
    ])
    const unreasoned = await freehold.api.delete(`${acme.url}/limits/recordings`, people.admin)
    expect(unreasoned).toMatchObject({ status: 422, body: { errors: [{ path: 'body/reason' }] } })
  })

  test('of null is unlimited, and goes on counting', async () => {
    const acme = await open()
    await acme.consume(100)
    expect((await acme.override('recordings', { limit: null })).body).toMatchObject({ limit: null })
    expect(await acme.consume(1_000_000)).toMatchObject({
      allowed: true,
      limit: null,
      used: 1_000_100,
      remaining: null,
    })
  })

  test('of 0 allows nothing', async () => {
    const acme = await open()
    await acme.override('recordings', { limit: 0 })
    expect(await acme.consume(1)).toMatchObject({ allowed: false, limit: 0, used: 0 })
  })

  test('adds to a grant: the grant counts on top', async () => {
    const acme = await open()
    await acme.grant({ amount: 10 })
    await acme.override('recordings', { limit: 5 })
    expect(await acme.consume(15)).toMatchObject({ allowed: true, limit: 15 })
  })

  test('ends when it expires, to the second', async () => {
    const acme = await open()
    await acme.override('recordings', { limit: null, expiresAt: inSeconds(3600) })
    expect(await acme.consume(500)).toMatchObject({ allowed: true, limit: null })
    await freehold.advance(3601)
    expect(await acme.consume(1)).toMatchObject({ allowed: false, limit: 100, used: 500 })
    const { overrides, entitlements } = freehold.ok(await freehold.api.get(acme.url, people.admin))
    expect(overrides).toMatchObject([{ limit: null }])
    expect(entitlements.recordings).toMatchObject({ limit: 100, source: 'plan' })
  })

  test('switches a feature on and off, and changes a setting', async () => {
    const acme = await open()
    expect(await acme.check('exports')).toMatchObject({ allowed: false, code: 'feature_unavailable' })
    await acme.override('exports', { limit: true })
    expect(await acme.check('exports')).toMatchObject({ allowed: true })
    await acme.override('retentionDays', { limit: 30.5 })
    const { entitlements } = freehold.ok(await freehold.api.get(acme.url, people.admin))
    expect(entitlements).toMatchObject({
      exports: { enabled: true, source: 'override' },
      retentionDays: { value: 30.5, source: 'override' },
    })
    await acme.restore('exports')
    expect(await acme.check('exports')).toMatchObject({ allowed: false })
  })

  test('lets items and members in beyond the plan', async () => {
    const acme = await open()
    expect(await acme.allocate('one')).toMatchObject({ allowed: true })
    expect(await acme.allocate('two')).toMatchObject({ allowed: false, code: 'limit_reached' })
    await acme.override('applications', { limit: 2 })
    expect(await acme.allocate('two')).toMatchObject({ allowed: true, limit: 2, used: 2 })
    await acme.override('members', { limit: 1 })
    const { entitlements } = freehold.ok(await freehold.api.get(acme.url, people.admin))
    expect(entitlements.members).toMatchObject({ limit: 1, used: 1, remaining: 0 })
  })

  test('made again as it is says nothing; taken away twice neither', async () => {
    const acme = await open()
    for (const _ of [1, 2]) expect((await acme.override('recordings', { limit: 7 })).status).toBe(200)
    for (const _ of [1, 2]) expect((await acme.restore('recordings')).status).toBe(204)
    expect(await auditOf(freehold, acme.id, 'limit.overridden')).toHaveLength(1)
    expect(await auditOf(freehold, acme.id, 'limit.restored')).toHaveLength(1)
  })

  test.each([
    ['recordings', { limit: true }, 'body/limit'],
    ['recordings', { limit: 1.5 }, 'body/limit'],
    ['recordings', { limit: -1 }, 'body/limit'],
    ['recordings', { limit: 2 ** 53 }, 'body/limit'],
    ['recordings', { limit: '5' }, 'body/limit'],
    ['recordings', {}, 'body/limit'],
    ['applications', { limit: false }, 'body/limit'],
    ['exports', { limit: 1 }, 'body/limit'],
    ['exports', { limit: null }, 'body/limit'],
    ['retentionDays', { limit: null }, 'body/limit'],
    ['retentionDays', { limit: true }, 'body/limit'],
    ['nothing', { limit: 1 }, 'params/feature'],
    ['constructor', { limit: 1 }, 'params/feature'],
    ['__proto__', { limit: 1 }, 'params/feature'],
    ['recordings', { limit: 1, expiresAt: '2020-01-01T00:00:00Z' }, 'body/expiresAt'],
    ['recordings', { limit: 1, reason: ' ' }, 'body/reason'],
  ])('of %s is refused with %j', async (feature, body, path) => {
    const acme = await open()
    const refused = await acme.override(feature, body)
    expect(refused.status).toBe(422)
    expect(refused.body.errors.map((each: { path: string }) => each.path)).toContain(path)
    expect(await freehold.sql('select from freehold.limit_overrides where business_id = $1', [acme.id])).toEqual([])
  })

  test('of an unknown feature cannot be taken away', async () => {
    const acme = await open()
    expect((await acme.restore('nothing')).status).toBe(422)
  })
})

test('an unknown business is not found', async () => {
  const url = '/v1/staff/businesses/biz_00000000000000000000000000'
  const grant = await freehold.api.post(`${url}/grants`, { feature: 'recordings', amount: 1, reason }, people.admin)
  const override = await freehold.api.put(`${url}/limits/recordings`, { limit: 1, reason }, people.admin)
  const restore = await freehold.api.call('DELETE', `${url}/limits/recordings`, { reason }, people.admin)
  expect([grant.status, override.status, restore.status]).toEqual([404, 404, 404])
})
