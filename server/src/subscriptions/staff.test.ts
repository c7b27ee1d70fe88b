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

const reason = 'agreed by phone'

/** A business on the free plan, a day after it signed up. App keys outlive the clock, so they act here. */
async function open() {
  const { business, apiKeys, subscription } = await freehold.signUp()
  const [{ key }] = apiKeys
  const url = `/v1/staff/businesses/${business.id}`
  await freehold.advance(days(1))
  return {
    id: business.id as string,
    url,
    subscription,
    consume: async (amount: number) =>
      (await freehold.api.post('/v1/consume', { feature: 'recordings', amount }, { token: key })).body,
    plan: (body: Record<string, unknown>) => freehold.api.put(`${url}/plan`, { reason, ...body }, people.admin),
    extend: (body: Record<string, unknown>) => freehold.api.post(`${url}/extension`, { reason, ...body }, people.admin),
    cancel: (body: Record<string, unknown> = {}) =>
      freehold.api.post(`${url}/cancellation`, { reason, ...body }, people.admin),
    now: async () => freehold.ok(await freehold.api.get(url, people.admin)).subscription,
    stored: async () =>
      (
        await freehold.sql('select * from freehold.subscriptions where business_id = $1 order by id desc limit 1', [
          business.id,
        ])
      )[0],
    cycles: () =>
      freehold.sql<{ cycle_start: Date; cycle_end: Date }>(
        'select * from freehold.subscription_cycles where business_id = $1 order by subscription_id, number',
        [business.id],
      ),
    audit: (action: string) => auditOf(freehold, business.id, `subscription.${action}`),
  }
}
type Open = Awaited<ReturnType<typeof open>>
const later = (text: string, seconds: number) => new Date(new Date(text).getTime() + seconds * 1000).toISOString()

/** Cycles follow one another without a gap, from the first to the one that is now. */
async function expectContiguous(acme: Open) {
  const cycles = await acme.cycles()
  const ends = cycles.map(({ cycle_end: end }) => end.toISOString())
  const starts = cycles.map(({ cycle_start: start }) => start.toISOString())
  expect(starts.slice(1)).toEqual(ends.slice(0, -1))
  expect(ends.at(-1)).toBe((await acme.now()).cycleEnd)
}

describe('who may', () => {
  test.each([
    ['PUT', '/plan', { plan: 'growth', reason }],
    ['POST', '/extension', { days: 3, reason }],
    ['POST', '/cancellation', { reason }],
  ])('only staff and admin app keys may %s …%s', async (method, path, body) => {
    const { url } = await open()
    const call = (options: { token?: string }) => freehold.api.call(method, url + path, body, options)
    expect(await refusals(call, people)).toEqual(onlyStaff)
    expect((await call(people.admin)).status).toBe(200)
  })
})

describe('a plan change now', () => {
  test('to a plan of another length closes the cycle, counts from now and begins a new counter', async () => {
    const acme = await open()
    expect(await acme.consume(100)).toMatchObject({ remaining: 0 })
    const changed = await acme.plan({ plan: 'unlimited' })
    expect(changed).toMatchObject({
      status: 200,
      body: { status: 'active', plan: { key: 'unlimited' }, pendingChange: null },
    })
    const { cycleStart, cycleEnd } = changed.body
    expect(Date.parse(cycleStart)).toBeLessThanOrEqual(freehold.ctx.now().getTime())
    expect(Date.parse(cycleStart)).toBeGreaterThan(freehold.ctx.now().getTime() - 60_000)
    expect(Date.parse(cycleEnd) - Date.parse(cycleStart)).toBeGreaterThanOrEqual(days(28) * 1000)
    expect((await acme.stored()).anchor.toISOString()).toBe(cycleStart)
    expect(await acme.consume(1000)).toMatchObject({ allowed: true, limit: null, used: 1000, resetsAt: cycleEnd })
    await expectContiguous(acme)
    expect(await acme.cycles()).toHaveLength(2)
    expect(await acme.audit('plan_changed')).toMatchObject([
      {
        actor_kind: 'app',
        target: { kind: 'subscription', id: acme.subscription.id },
        before: { plan: 'free' },
        after: { plan: 'unlimited', reason },
      },
    ])
  })

  test('to a plan of the same length keeps the cycle and what is used; down again, it may stay above and is refused', async () => {
    const acme = await open()
    freehold.ok(await acme.plan({ plan: 'growth', price: 'monthly' }))
    await freehold.advance(days(2))
    const { cycleStart, cycleEnd } = await acme.now()
    expect(await acme.consume(10_000)).toMatchObject({ allowed: true, remaining: 0 })
    const up = await acme.plan({ plan: 'unlimited' })
    expect(up.body).toMatchObject({ plan: { key: 'unlimited' }, cycleStart, cycleEnd })
    expect(await acme.consume(5)).toMatchObject({ allowed: true, limit: null, used: 10_005 })
    const down = await acme.plan({ plan: 'growth' })
    expect(down.body).toMatchObject({ plan: { key: 'growth' }, cycleStart, cycleEnd })
    expect(await acme.consume(1)).toMatchObject({ allowed: false, code: 'limit_reached', limit: 10_000, used: 10_005 })
    expect(await acme.cycles()).toHaveLength(2)
    await freehold.advance(days(31))
    expect(await acme.consume(1)).toMatchObject({ allowed: true, used: 1, limit: 10_000 })
  })

  test('says in the log that what it costs is waived', async () => {
    const acme = await open()
    const changed = await acme.plan({ plan: 'growth' })
    expect(changed.body.price).toMatchObject({ name: 'monthly', amount: 49_00 })
    expect(await acme.audit('plan_changed')).toMatchObject([
      { after: { plan: 'growth', price: 'monthly', charge: 'waived', reason } },
    ])
    freehold.ok(await acme.plan({ plan: 'free' }))
    const [toFree] = await acme.audit('plan_changed')
    expect(toFree.after).not.toHaveProperty('charge')
  })

  test('takes the price that is named', async () => {
    const acme = await open()
    const changed = await acme.plan({ plan: 'growth', price: 'yearly' })
    expect(changed.body.price).toMatchObject({ name: 'yearly', interval: { unit: 'year', count: 1 } })
    expect(await acme.plan({ plan: 'growth', price: 'weekly' })).toMatchObject({
      status: 422,
      body: { errors: [{ path: 'body/price' }] },
    })
    expect((await acme.plan({ plan: 'growth', price: 'constructor' })).status).toBe(422)
  })

  test('of a trial keeps the trial', async () => {
    const acme = await open()
    await freehold.sql(
      `update freehold.subscriptions set status = 'trialing', trial_end = cycle_end where business_id = $1`,
      [acme.id],
    )
    const changed = await acme.plan({ plan: 'growth' })
    expect(changed.body).toMatchObject({
      status: 'trialing',
      cycleEnd: acme.subscription.cycleEnd,
      trialEnd: acme.subscription.cycleEnd,
      plan: { key: 'growth' },
    })
  })

  test('asked again, by one or by many, happens once', async () => {
    const acme = await open()
    const answers = await Promise.all(Array.from({ length: 4 }, () => acme.plan({ plan: 'growth' })))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect(new Set(answers.map(({ body }) => body.cycleStart)).size).toBe(1)
    expect(await acme.audit('plan_changed')).toHaveLength(1)
    expect(await acme.cycles()).toHaveLength(2)
  })

  test('races with counting without losing or inventing a unit', async () => {
    const acme = await open()
    const [answers] = await Promise.all([
      Promise.all(Array.from({ length: 120 }, () => acme.consume(1))),
      acme.plan({ plan: 'growth' }),
    ])
    const allowed = answers.filter((each) => each.allowed).length
    const [{ used }] = await freehold.sql(
      'select sum(used)::int as used from freehold.usage_counters where business_id = $1',
      [acme.id],
    )
    const [{ written }] = await freehold.sql(
      'select sum(amount)::int as written from freehold.usage_entries where business_id = $1',
      [acme.id],
    )
    expect([used, written]).toEqual([allowed, allowed])
  })
})

describe('a plan change at the end of the cycle', () => {
  test('waits for the boundary and then counts by the new plan', async () => {
    const acme = await open()
    await acme.consume(40)
    const scheduled = await acme.plan({ plan: 'growth', when: 'cycleEnd' })
    expect(scheduled.body).toMatchObject({
      plan: { key: 'free' },
      pendingChange: {
        plan: { key: 'growth', version: 1 },
        price: 'monthly',
        effectiveAt: acme.subscription.cycleEnd,
      },
    })
    expect(await acme.consume(1)).toMatchObject({ used: 41, limit: 100 })
    expect(await acme.audit('change_scheduled')).toMatchObject([
      { after: { plan: 'free', pendingChange: { plan: 'growth', price: 'monthly' }, reason } },
    ])
    await freehold.advance(days(15))
    expect(await acme.now()).toMatchObject({
      plan: { key: 'growth' },
      cycleStart: acme.subscription.cycleEnd,
      pendingChange: null,
    })
    expect(await acme.consume(1)).toMatchObject({ used: 1, limit: 10_000 })
    await expectContiguous(acme)
  })

  test('is not replaced unless that is asked for', async () => {
    const acme = await open()
    freehold.ok(await acme.plan({ plan: 'growth', when: 'cycleEnd' }))
    expect((await acme.plan({ plan: 'growth', when: 'cycleEnd' })).status).toBe(200)
    for (const when of ['now', 'cycleEnd']) {
      expect(await acme.plan({ plan: 'unlimited', when })).toMatchObject({
        status: 409,
        body: { code: 'pending_change_exists' },
      })
    }
    const replaced = await acme.plan({ plan: 'unlimited', when: 'cycleEnd', replace: true })
    expect(replaced.body.pendingChange.plan.key).toBe('unlimited')
    const undone = await acme.plan({ plan: 'free', when: 'cycleEnd', replace: true })
    expect(undone.body).toMatchObject({ plan: { key: 'free' }, pendingChange: null })
    expect(await acme.audit('change_scheduled')).toHaveLength(2)
    expect(await acme.audit('change_cancelled')).toHaveLength(1)

    freehold.ok(await acme.plan({ plan: 'growth', when: 'cycleEnd' }))
    const stays = await acme.plan({ plan: 'free', when: 'now', replace: true })
    expect(stays.body).toMatchObject({ pendingChange: null, cycleStart: acme.subscription.cycleStart })
    expect(await acme.audit('plan_changed')).toEqual([])

    freehold.ok(await acme.plan({ plan: 'growth', when: 'cycleEnd' }))
    const now = await acme.plan({ plan: 'unlimited', replace: true })
    expect(now.body).toMatchObject({ plan: { key: 'unlimited' }, pendingChange: null })
  })
})

describe('a plan change', () => {
  test.each([
    [{ plan: 'nothing' }, 422, 'unknown_plan'],
    [{ plan: 'constructor' }, 422, 'unknown_plan'],
    [{ plan: '' }, 422, 'invalid_request'],
    [{ plan: 'gro\u0000wth' }, 422, 'invalid_request'],
    [{ plan: 'growth', when: 'later' }, 422, 'invalid_request'],
    [{ plan: 'growth', reason: '' }, 422, 'invalid_request'],
    [{ plan: 'growth', cycleEnd: '2999-01-01T00:00:00Z' }, 422, 'invalid_request'],
  ])('with %j is refused', async (body, status, code) => {
    const acme = await open()
    expect(await acme.plan(body)).toMatchObject({ status, body: { code } })
    expect(await acme.now()).toMatchObject({ plan: { key: 'free' }, pendingChange: null })
  })

  test('to an archived plan is refused; who is on it stays', async () => {
    const acme = await open()
    freehold.ok(await acme.plan({ plan: 'growth' }))
    const archive = (archived: boolean) =>
      freehold.api.patch('/v1/staff/plans/growth', { archived, reason: 'not sold any more' }, people.admin)
    freehold.ok(await archive(true))
    const other = await open()
    expect(await other.plan({ plan: 'growth' })).toMatchObject({ status: 409, body: { code: 'plan_archived' } })
    await freehold.advance(days(40))
    expect(await acme.consume(1)).toMatchObject({ allowed: true, limit: 10_000 })
    freehold.ok(await archive(false))
  })

  test('to a plan in another currency is refused', async () => {
    const price = { amount: 10_00, currency: 'EUR', interval: { unit: 'month', count: 1 } }
    const version = { prices: { default: price }, includes: {} }
    freehold.ok(await freehold.api.post('/v1/staff/plans/unlimited/versions', version, people.admin))
    const acme = await open()
    expect(await acme.plan({ plan: 'unlimited' })).toMatchObject({ status: 409, body: { code: 'currency_mismatch' } })
    const back = { prices: { default: { ...price, amount: 0, currency: 'USD' } }, includes: { recordings: null } }
    freehold.ok(await freehold.api.post('/v1/staff/plans/unlimited/versions', back, people.admin))
  })

  test('of a suspended business is refused', async () => {
    const acme = await open()
    freehold.ok(await freehold.api.patch(acme.url, { status: 'suspended', reason }, people.admin))
    expect(await acme.plan({ plan: 'growth' })).toMatchObject({ status: 403, body: { code: 'business_not_open' } })
    expect(await acme.extend({ days: 3 })).toMatchObject({ status: 403, body: { code: 'business_not_open' } })
  })
})

describe('an extension', () => {
  test('moves the boundary and the anchor; the same counter goes on until then', async () => {
    const acme = await open()
    await acme.consume(60)
    const end = later(acme.subscription.cycleEnd, days(10))
    const extended = await acme.extend({ cycleEnd: end })
    expect(extended).toMatchObject({
      status: 200,
      body: { cycleStart: acme.subscription.cycleStart, cycleEnd: end, plan: { key: 'free' } },
    })
    expect((await acme.stored()).anchor.toISOString()).toBe(end)
    await freehold.advance(days(20))
    expect(await acme.consume(40)).toMatchObject({ allowed: true, used: 100, resetsAt: end })
    await freehold.advance(days(5))
    expect(await acme.consume(1)).toMatchObject({ allowed: true, used: 1, resetsAt: later(end, days(15)) })
    expect(await acme.now()).toMatchObject({ cycleStart: end, cycleEnd: later(end, days(15)) })
    await expectContiguous(acme)
    expect(await acme.audit('extended')).toMatchObject([
      { before: { cycleEnd: acme.subscription.cycleEnd }, after: { cycleEnd: end, reason } },
    ])
  })

  test('by days counts from the end of the cycle', async () => {
    const acme = await open()
    const extended = await acme.extend({ days: 3 })
    expect(extended.body.cycleEnd).toBe(later(acme.subscription.cycleEnd, days(3)))
    expect((await acme.extend({ days: 3 })).body.cycleEnd).toBe(later(acme.subscription.cycleEnd, days(6)))
  })

  test('of a trial lengthens the trial', async () => {
    const acme = await open()
    await freehold.sql(
      `update freehold.subscriptions set status = 'trialing', trial_end = cycle_end where business_id = $1`,
      [acme.id],
    )
    const end = later(acme.subscription.cycleEnd, days(5))
    expect((await acme.extend({ days: 5 })).body).toMatchObject({ status: 'trialing', cycleEnd: end, trialEnd: end })
  })

  test('to the same end again changes nothing', async () => {
    const acme = await open()
    const cycleEnd = later(acme.subscription.cycleEnd, days(1))
    for (const _ of [1, 2]) expect((await acme.extend({ cycleEnd })).status).toBe(200)
    expect(await acme.audit('extended')).toHaveLength(1)
  })

  test('goes forward only', async () => {
    const acme = await open()
    for (const cycleEnd of [
      acme.subscription.cycleEnd,
      later(acme.subscription.cycleEnd, -1),
      '2020-01-01T00:00:00Z',
    ]) {
      expect(await acme.extend({ cycleEnd })).toMatchObject({
        status: 422,
        body: { errors: [{ path: 'body/cycleEnd' }] },
      })
    }
    expect((await acme.now()).cycleEnd).toBe(acme.subscription.cycleEnd)
  })

  test.each([
    [{}, 'body'],
    [{ days: 3, cycleEnd: '2999-01-01T00:00:00Z' }, 'body'],
    [{ days: 0 }, 'body/days'],
    [{ days: -1 }, 'body/days'],
    [{ days: 1.5 }, 'body/days'],
    [{ days: 3661 }, 'body/days'],
    [{ cycleEnd: '9999-12-31T00:00:00Z' }, 'body/cycleEnd'],
    [{ cycleEnd: 'soon' }, 'body/cycleEnd'],
    [{ cycleEnd: '2999-12-31T23:59:60Z' }, 'body/cycleEnd'],
    [{ days: 3, reason: ' ' }, 'body/reason'],
  ])('is refused with %j', async (body, path) => {
    const acme = await open()
    const refused = await acme.extend(body)
    expect(refused.status).toBe(422)
    expect(refused.body.errors.map((each: { path: string }) => each.path)).toContain(path)
  })

  test('waits until an overdue payment is settled', async () => {
    const acme = await open()
    await freehold.sql(`update freehold.subscriptions set status = 'past_due' where business_id = $1`, [acme.id])
    expect(await acme.extend({ days: 3 })).toMatchObject({ status: 409, body: { code: 'payment_overdue' } })
  })
})

describe('a cancellation', () => {
  test('now ends the subscription and cuts its cycle off', async () => {
    const acme = await open()
    await acme.consume(10)
    freehold.ok(await acme.plan({ plan: 'growth', when: 'cycleEnd' }))
    const ended = await acme.cancel()
    expect(ended).toMatchObject({
      status: 200,
      body: { status: 'ended', access: 'none', endReason: 'cancelled', pendingChange: null, cancelAtCycleEnd: false },
    })
    expect(ended.body.cycleEnd).toBe(ended.body.endedAt)
    expect(Date.parse(ended.body.endedAt)).toBeLessThan(Date.parse(acme.subscription.cycleEnd))
    expect(await acme.consume(1)).toMatchObject({ allowed: false, code: 'subscription_inactive' })
    await expectContiguous(acme)
    expect(await acme.audit('ended')).toMatchObject([{ after: { status: 'ended', reason } }])
    await freehold.advance(days(40))
    expect(await acme.now()).toMatchObject({ status: 'ended', endedAt: ended.body.endedAt })
  })

  test('leaves nothing to do with what has ended', async () => {
    const acme = await open()
    freehold.ok(await acme.cancel({ when: 'now' }))
    const answers = [
      await acme.cancel(),
      await acme.cancel({ when: 'cycleEnd' }),
      await acme.plan({ plan: 'growth', when: 'cycleEnd' }),
      await acme.extend({ days: 3 }),
    ]
    for (const answer of answers) expect(answer).toMatchObject({ status: 409, body: { code: 'subscription_ended' } })
    expect(await acme.audit('ended')).toHaveLength(1)
  })

  test('is followed by another subscription when staff give it a plan', async () => {
    const acme = await open()
    const ended = freehold.ok(await acme.cancel())
    const begun = freehold.ok(await acme.plan({ plan: 'growth' }))
    expect(begun).toMatchObject({ status: 'active', plan: { key: 'growth' }, endedAt: null, trialEnd: null })
    expect(begun.id).not.toBe(ended.id)
    expect(Date.parse(begun.cycleStart)).toBeGreaterThanOrEqual(Date.parse(ended.endedAt))
    expect(await acme.consume(1)).toMatchObject({ allowed: true, limit: 10_000, used: 1 })
    expect(await acme.audit('created')).toMatchObject([{ after: { plan: 'growth', charge: 'waived', reason } }])
    expect(await freehold.sql('select from freehold.invoices where business_id = $1', [acme.id])).toEqual([])
  })

  test('at the end of the cycle leaves the cycle to be used', async () => {
    const acme = await open()
    for (const _ of [1, 2]) {
      expect((await acme.cancel({ when: 'cycleEnd' })).body).toMatchObject({ status: 'active', cancelAtCycleEnd: true })
    }
    expect(await acme.audit('cancel_scheduled')).toMatchObject([{ after: { cancelAtCycleEnd: true, reason } }])
    expect(await acme.consume(1)).toMatchObject({ allowed: true })
    await freehold.advance(days(15))
    expect(await acme.consume(1)).toMatchObject({ allowed: false, code: 'subscription_inactive' })
    expect(await acme.now()).toMatchObject({ status: 'ended', endedAt: acme.subscription.cycleEnd })
  })

  test('is possible in the second in which it all began', async () => {
    const { business } = await freehold.signUp()
    const ended = await freehold.api.post(`/v1/staff/businesses/${business.id}/cancellation`, { reason }, people.admin)
    expect(ended).toMatchObject({ status: 200, body: { status: 'ended' } })
  })

  test('reaches a suspended business too', async () => {
    const acme = await open()
    freehold.ok(await freehold.api.patch(acme.url, { status: 'suspended', reason }, people.admin))
    expect((await acme.cancel()).body).toMatchObject({ status: 'ended' })
  })

  test('and a plan change at once end as one or the other, never as both', async () => {
    const acme = await open()
    const [changed, cancelled] = await Promise.all([acme.plan({ plan: 'growth' }), acme.cancel()])
    expect(cancelled.status).toBe(200)
    expect(changed.status).toBe(200)
    // Whoever comes second decides: after an end, another subscription begins.
    const states = await freehold.sql(
      'select status, end_reason from freehold.subscriptions where business_id = $1 order by id',
      [acme.id],
    )
    expect(states[0]).toEqual({ status: 'ended', end_reason: 'cancelled' })
    expect(states.slice(1)).toEqual(states.length === 1 ? [] : [{ status: 'active', end_reason: null }])
  })
})

describe('while a subscription is paused', () => {
  test('its plan may change and it may end, but nothing is scheduled for a boundary that does not come', async () => {
    const acme = await open()
    await freehold.sql(`update freehold.subscriptions set status = 'paused' where business_id = $1`, [acme.id])
    expect((await acme.plan({ plan: 'growth', when: 'cycleEnd' })).status).toBe(409)
    expect((await acme.cancel({ when: 'cycleEnd' })).status).toBe(409)
    expect((await acme.extend({ days: 3 })).status).toBe(409)
    expect((await acme.plan({ plan: 'growth' })).body).toMatchObject({ status: 'paused', plan: { key: 'growth' } })
    expect((await acme.cancel()).body).toMatchObject({ status: 'ended' })
  })
})

test('an unknown business is not found', async () => {
  const url = '/v1/staff/businesses/biz_00000000000000000000000000'
  const plan = await freehold.api.put(`${url}/plan`, { plan: 'growth', reason }, people.admin)
  const extension = await freehold.api.post(`${url}/extension`, { days: 1, reason }, people.admin)
  const cancellation = await freehold.api.post(`${url}/cancellation`, { reason }, people.admin)
  expect([plan.status, extension.status, cancellation.status]).toEqual([404, 404, 404])
})
