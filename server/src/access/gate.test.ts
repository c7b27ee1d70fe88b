import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, days, type TestFreehold } from '../../test/harness.ts'

let freehold: TestFreehold
beforeAll(async () => {
  freehold = await createTestFreehold()
})
afterAll(() => freehold.close())

const key = (signedUp: { apiKeys: { key: string }[] }) => signedUp.apiKeys[0]?.key ?? ''

describe('consume', () => {
  test('counts up to the limit and then says when it resets', async () => {
    const acme = await freehold.signUp()
    const token = key(acme)
    const first = await freehold.api.post('/v1/consume', { feature: 'recordings', amount: 99 }, { token })
    expect(first.body).toMatchObject({ allowed: true, code: null, limit: 100, used: 99, remaining: 1 })
    const last = await freehold.api.post('/v1/consume', { feature: 'recordings' }, { token })
    expect(last.body).toMatchObject({ allowed: true, used: 100, remaining: 0 })
    const refused = await freehold.api.post('/v1/consume', { feature: 'recordings' }, { token })
    expect(refused).toMatchObject({
      status: 200,
      body: {
        allowed: false,
        code: 'limit_reached',
        limit: 100,
        used: 100,
        remaining: 0,
        resetsAt: acme.subscription.cycleEnd,
      },
    })
  })

  test('never admits more than the limit, whoever races', async () => {
    const token = key(await freehold.signUp())
    const answers = await Promise.all(
      Array.from({ length: 150 }, () => freehold.api.post('/v1/consume', { feature: 'recordings' }, { token })),
    )
    expect(answers.filter((answer) => answer.body.allowed)).toHaveLength(100)
    expect(answers.filter((answer) => answer.body.code === 'limit_reached')).toHaveLength(50)
  })

  test('counts an idempotency key once and answers repeats with the first answer', async () => {
    const token = key(await freehold.signUp())
    const body = { feature: 'recordings', amount: 3, idempotencyKey: 'upload-1' }
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => freehold.api.post('/v1/consume', body, { token })),
    )
    expect(new Set(answers.map((answer) => JSON.stringify(answer.body))).size).toBe(1)
    expect(answers[0]?.body).toMatchObject({ allowed: true, used: 3 })
    const other = await freehold.api.post('/v1/consume', { ...body, amount: 4 }, { token })
    expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } })
  })

  test('begins a new counter when the cycle has ended, without any worker', async () => {
    const acme = await freehold.signUp()
    const token = key(acme)
    await freehold.api.post('/v1/consume', { feature: 'recordings', amount: 100 }, { token })
    await freehold.advance(days(15))
    const next = await freehold.api.post('/v1/consume', { feature: 'recordings' }, { token })
    expect(next.body).toMatchObject({ allowed: true, used: 1, limit: 100 })
    const counters = await freehold.sql(
      'select used from freehold.usage_counters where business_id = $1 order by period_start',
      [acme.business.id],
    )
    expect(counters.map((row) => Number(row.used))).toEqual([100, 1])
  })

  test('counts what happened in the open period, from its first moment, and nothing older', async () => {
    const acme = await freehold.signUp()
    const token = key(acme)
    const report = async (at: Date, idempotencyKey?: string) =>
      freehold.api.post('/v1/consume', { feature: 'recordings', at: at.toISOString(), idempotencyKey }, { token })
    const later = (time: Date, milliseconds: number) => new Date(time.getTime() + milliseconds)
    const last = later(freehold.ctx.now(), 0)
    expect((await report(last, 'once')).body).toMatchObject({ allowed: true, used: 1 })
    await freehold.advance(days(15))
    const start = new Date((await freehold.api.post('/v1/consume', { feature: 'recordings' }, { token })).body.resetsAt)
    start.setUTCDate(start.getUTCDate() - 15)
    expect(await report(later(start, -1))).toMatchObject({ status: 422, body: { code: 'usage_too_old' } })
    expect((await report(start)).body).toMatchObject({ allowed: true, used: 2 })
    // Among others in one batch it is refused alone.
    const answers = await Promise.all([later(start, -1), start, later(start, -1), start].map((at) => report(at)))
    expect(answers.map(({ status }) => status)).toEqual([422, 200, 422, 200])
    expect((await report(last, 'once')).body, 'a repeat gets its first answer').toMatchObject({ used: 1 })
    await freehold.advance(2 * 86_400)
    expect((await report(last, 'once')).body, 'however old it is by now').toMatchObject({ used: 1 })
    expect(await report(last, 'twice')).toMatchObject({ status: 422, body: { code: 'usage_too_old' } })
    expect((await freehold.api.post('/v1/consume', { feature: 'recordings' }, { token })).body).toMatchObject({
      used: 5,
    })
  })

  test('counts what happened up to 24 hours ago', async () => {
    const token = key(await freehold.signUp())
    await freehold.advance(2 * 86_400)
    const report = async (milliseconds: number) => {
      const at = new Date(freehold.ctx.now().getTime() - milliseconds).toISOString()
      return (await freehold.api.post('/v1/consume', { feature: 'recordings', at }, { token })).status
    }
    expect([await report(86_390_000), await report(86_401_000)]).toEqual([200, 422])
    expect([await report(-290_000), await report(-310_000)]).toEqual([200, 422])
  })

  test('refuses a moment that no clock shows before it travels with what others count', async () => {
    const acme = key(await freehold.signUp())
    const neighbour = key(await freehold.signUp())
    const leapSecond = { feature: 'recordings', at: '2016-12-31T23:59:60Z', idempotencyKey: 'second' }
    const answers = await Promise.all(
      Array.from({ length: 40 }, async (_, index) =>
        index % 4 === 0
          ? freehold.api.post('/v1/consume', leapSecond, { token: acme })
          : freehold.api.post('/v1/consume', { feature: 'recordings' }, { token: neighbour }),
      ),
    )
    for (const [index, { status, body }] of answers.entries()) {
      if (index % 4 !== 0) expect({ status, allowed: body.allowed }).toEqual({ status: 200, allowed: true })
      else expect({ status, errors: body.errors }).toMatchObject({ status: 422, errors: [{ path: 'body/at' }] })
    }
    const events = [{ feature: 'recordings', idempotencyKey: 'first' }, leapSecond]
    expect(await freehold.api.post('/v1/usage', { events }, { token: acme })).toMatchObject({
      status: 422,
      body: { errors: [{ path: 'body/events/1/at' }] },
    })
    expect((await freehold.api.post('/v1/check', { feature: 'recordings' }, { token: acme })).body.used).toBe(0)
  })

  test('counts a thousand events of one request in a few statements, each once', async () => {
    const acme = await freehold.signUp()
    const token = key(acme)
    const events = Array.from({ length: 1000 }, (_, index) => ({
      feature: 'recordings',
      // Every tenth comes twice.
      idempotencyKey: `event-${index % 10 === 9 ? index - 1 : index}`,
    }))
    let statements = 0
    const pool = freehold.ctx.db.gatePool
    const query = pool.query.bind(pool) as (...args: unknown[]) => unknown
    pool.query = ((...args: unknown[]) => {
      statements += 1
      return query(...args)
    }) as typeof pool.query
    const { items } = freehold.ok(await freehold.api.post('/v1/usage', { events }, { token }))
    pool.query = query as typeof pool.query
    expect(statements).toBeLessThan(40)
    expect(items.map(({ idempotencyKey }: { idempotencyKey: string }) => idempotencyKey)).toEqual(
      events.map(({ idempotencyKey }) => idempotencyKey),
    )
    const allowed = items.filter((each: { allowed: boolean }) => each.allowed)
    expect(new Set(allowed.map(({ idempotencyKey }: { idempotencyKey: string }) => idempotencyKey)).size).toBe(100)
    expect(items.filter((each: { code: string | null }) => each.code === 'limit_reached')).toHaveLength(
      1000 - allowed.length,
    )
    const [ledger] = await freehold.sql(
      `select count(*)::int as entries, (select used::int from freehold.usage_counters where business_id = $1)
       from freehold.usage_entries where business_id = $1`,
      [acme.business.id],
    )
    expect(ledger).toEqual({ entries: 100, used: 100 })
  })

  test.each([-1, 0, 1.5, 2 ** 53, '1', null, true])('refuses the amount %j and counts nothing', async (amount) => {
    const acme = await freehold.signUp()
    const refused = await freehold.api.post('/v1/consume', { feature: 'recordings', amount }, { token: key(acme) })
    expect(refused).toMatchObject({ status: 422, body: { code: 'invalid_request', errors: [{ path: 'body/amount' }] } })
    expect(
      await freehold.sql('select from freehold.usage_counters where business_id = $1', [acme.business.id]),
    ).toEqual([])
  })
})

describe('allocate', () => {
  test('holds an item once, refuses the next beyond the limit and gives it back', async () => {
    const acme = await freehold.signUp()
    const call = (route: string, itemId: string) =>
      freehold.api.post(route, { businessId: acme.business.id, feature: 'applications', itemId }, { token: acme.token })
    expect((await call('/v1/allocate', 'one')).body).toMatchObject({
      allowed: true,
      used: 1,
      remaining: 0,
      resetsAt: null,
    })
    expect((await call('/v1/allocate', 'one')).body).toMatchObject({ allowed: true, used: 1 })
    expect((await call('/v1/allocate', 'two')).body).toMatchObject({ allowed: false, code: 'limit_reached' })
    expect((await call('/v1/release', 'one')).body).toMatchObject({ allowed: true, used: 0 })
    expect((await call('/v1/allocate', 'two')).body).toMatchObject({ allowed: true, used: 1 })
  })
})

describe('a business whose grace is over', () => {
  const beyondGrace = async () => {
    const acme = await freehold.signUp()
    await freehold.sql(
      `update freehold.subscriptions set status = 'past_due', grace_end = cycle_start where business_id = $1`,
      [acme.business.id],
    )
    return acme
  }

  test.each([
    [true, { permission: 'recordings:read' }],
    [true, { permission: 'recordings:read', feature: 'retentionDays' }],
    [false, { permission: 'recordings:read', feature: 'recordings' }],
    [false, { permission: 'recordings:read', feature: 'applications' }],
    [false, { permission: 'recordings:create' }],
    [false, { feature: 'retentionDays' }],
    [false, {}],
  ])('may still read, and nothing more: %s for %o', async (allowed, body) => {
    const { business, token } = await beyondGrace()
    const answer = await freehold.api.post('/v1/check', { ...body, businessId: business.id }, { token })
    expect(answer).toMatchObject({ status: 200, body: { allowed, code: allowed ? null : 'subscription_inactive' } })
  })

  test('counts nothing, whatever permission is named', async () => {
    const { business, token } = await beyondGrace()
    const body = { permission: 'recordings:read', feature: 'recordings', businessId: business.id }
    const answer = await freehold.api.post('/v1/consume', body, { token })
    expect(answer.body).toMatchObject({ allowed: false, code: 'subscription_inactive' })
  })
})
