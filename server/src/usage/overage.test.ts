import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, type TestFreehold } from '../../test/harness.ts'
import { openStaff, type Staff } from '../../test/staff.ts'
import { acrossBusinesses } from '../db/transactions.ts'
import type { ProductDefinitionError } from '../product-definition-error.ts'
import { days, eur, usd } from '../prices.ts'
import { defineProduct } from '../product.ts'
import { mailAlerts } from './alerts.ts'
import { loadAccounts } from './counters.ts'
import { overageCost, overageLines, periodOverages, unitsWithinCap } from './overage.ts'
import { verifyUsage } from './verification.ts'

const soft = { limit: 100, overage: { price: usd(10) } }
const capped = { limit: 100, overage: { price: usd(1_00), unitsPerPrice: 1000, spendCap: usd(5) } }
const product = defineProduct({
  name: 'Test',
  permissions: { 'recordings:create': 'write' },
  keys: { sdk: { prefix: 'pk', permissions: ['recordings:create'] } },
  features: { recordings: { kind: 'metered' }, minutes: { kind: 'metered' }, applications: { kind: 'allocated' } },
  plans: {
    basic: { name: 'Basic', cycle: days(15), price: usd(0), includes: { recordings: soft, minutes: capped } },
    hard: { name: 'Hard', cycle: days(15), price: usd(0), includes: { recordings: 100 } },
  },
  signup: { plan: 'basic', keys: ['sdk'] },
})

let freehold: TestFreehold
let people: Staff
beforeAll(async () => {
  freehold = await createTestFreehold({ product })
  people = await openStaff(freehold)
})
afterAll(() => freehold.close())

async function open() {
  const { user, business, token, subscription, apiKeys } = await freehold.signUp()
  const subject = { businessId: business.id as string }
  const url = `/v1/staff/businesses/${business.id}`
  const gate = async (path: string, amount: number, body = {}) =>
    (await freehold.api.post(path, { feature: 'recordings', amount, ...body }, { token: apiKeys[0].key })).body
  return {
    id: business.id as string,
    email: user.email as string,
    subscription,
    consume: (amount: number, body = {}) => gate('/v1/consume', amount, body),
    check: (amount: number, body = {}) => gate('/v1/check', amount, body),
    reserve: (amount: number) => gate('/v1/reservations', amount),
    gate,
    subject,
    entitlements: async () => (await freehold.api.get(`/v1/businesses/${business.id}/entitlements`, { token })).body,
    staff: (method: string, path: string, body: object) =>
      freehold.api.call(method, url + path, { reason: 'because we may', ...body }, people.admin),
    lines: () =>
      acrossBusinesses(freehold.ctx.db, async (tx) => {
        const accounts = await loadAccounts(tx, business.id, ['recordings', 'minutes'])
        const { cycleStart, cycleEnd } = subscription
        const cycle = {
          includes: { recordings: soft, minutes: capped, applications: 3 },
          planKey: 'basic',
          price: 'default',
          cycleStart: new Date(cycleStart),
          cycleEnd: new Date(cycleEnd),
        }
        return overageLines(cycle, periodOverages(cycle, accounts))
      }),
  }
}

describe('a soft limit', () => {
  test('lets counting go on beyond it, and says so', async () => {
    const acme = await open()
    expect(await acme.consume(90)).toMatchObject({ allowed: true, limit: 100, remaining: 10 })
    expect(await acme.consume(30)).toMatchObject({ allowed: true, code: null, limit: 100, used: 120, remaining: 0 })
    expect(await acme.check(1_000_000)).toMatchObject({ allowed: true, limit: 100, used: 120, remaining: 0 })
    expect(await acme.reserve(5)).toMatchObject({ allowed: true, limit: 100, remaining: 0 })
    expect((await acme.entitlements()).recordings).toEqual({
      kind: 'metered',
      limit: 100,
      used: 120,
      remaining: 0,
      overage: {
        units: 20,
        cost: { amount: 200, currency: 'USD' },
        price: { amount: 10, currency: 'USD' },
        unitsPerPrice: 1,
        spendCap: null,
      },
      resetsAt: acme.subscription.cycleEnd,
      source: 'plan',
    })
    expect((await verifyUsage(freehold.ctx)).drifts).toEqual([])
  })

  test('is not there yet for who has used nothing', async () => {
    const acme = await open()
    expect((await acme.entitlements()).recordings).toMatchObject({ remaining: 100, overage: { units: 0 } })
    expect(await acme.check(101)).toMatchObject({ allowed: true, limit: 100, used: 0, remaining: 100 })
  })

  test('answers a repeat as the first time', async () => {
    const acme = await open()
    const first = await acme.consume(130, { idempotencyKey: 'one' })
    expect(first).toMatchObject({ limit: 100, used: 130, remaining: 0 })
    expect(await acme.consume(130, { idempotencyKey: 'one' })).toEqual(first)
  })

  test('moves with grants and overrides, and an override of null ends it', async () => {
    const acme = await open()
    await acme.consume(120)
    await acme.staff('POST', '/grants', { feature: 'recordings', amount: 15 })
    expect((await acme.entitlements()).recordings).toMatchObject({ limit: 115, remaining: 0, overage: { units: 5 } })
    await acme.staff('PUT', '/limits/recordings', { limit: 200 })
    expect(await acme.consume(1)).toMatchObject({ limit: 215, used: 121, remaining: 94 })
    await acme.staff('PUT', '/limits/recordings', { limit: null })
    expect((await acme.entitlements()).recordings).toMatchObject({ limit: null, remaining: null })
    expect((await acme.entitlements()).recordings).not.toHaveProperty('overage')
  })

  test('is mailed when it comes near, without a word of refusal', async () => {
    const acme = await open()
    await acme.consume(150)
    await acme.consume(150)
    await mailAlerts(freehold.ctx)
    const mails = (await freehold.mails(acme.email)).filter(({ template }) => template === 'usage-alert')
    expect(mails).toHaveLength(1)
    expect(mails[0]?.text).toContain('150 of 100')
    expect(mails[0]?.text).toContain('charged as the plan says')
  })

  test('stands in the catalogue', async () => {
    const { items } = freehold.ok(await freehold.api.get('/v1/plans'))
    expect(items).toContainEqual(
      expect.objectContaining({ key: 'basic', includes: { recordings: soft, minutes: capped } }),
    )
  })
})

describe('a spend cap', () => {
  // 5 cents at a dollar for a thousand: half a cent above is rounded up, so 54 units still cost 5.
  test('stops counting where more would cost more than it', async () => {
    const acme = await open()
    const minutes = { feature: 'minutes' }
    expect(await acme.consume(100, minutes)).toMatchObject({ allowed: true, remaining: 0 })
    expect(await acme.check(55, minutes)).toMatchObject({ allowed: false, code: 'limit_reached' })
    expect(await acme.consume(55, minutes)).toMatchObject({
      allowed: false,
      code: 'limit_reached',
      limit: 100,
      used: 100,
    })
    expect(await acme.consume(54, minutes)).toMatchObject({ allowed: true, limit: 100, used: 154 })
    expect(await acme.consume(1, { ...minutes, explain: true })).toMatchObject({
      allowed: false,
      code: 'limit_reached',
      limit: 100,
      used: 154,
      explanation: { failed: 'counter' },
    })
    expect((await acme.entitlements()).minutes.overage).toMatchObject({
      units: 54,
      cost: { amount: 5 },
      spendCap: { amount: 5 },
    })
  })

  test('is never passed, whoever races', async () => {
    const acme = await open()
    const answers = await Promise.all(Array.from({ length: 200 }, () => acme.consume(1, { feature: 'minutes' })))
    expect(answers.filter(({ allowed }) => allowed)).toHaveLength(154)
  })

  test.each([
    [{ price: usd(1_00), unitsPerPrice: 1000, spendCap: usd(5) }, 54],
    [{ price: usd(10), spendCap: usd(100) }, 10],
    [{ price: usd(10), spendCap: usd(99) }, 9],
    [{ price: usd(10), spendCap: usd(0) }, 0],
    [{ price: usd(1), unitsPerPrice: 2, spendCap: usd(0) }, 0],
    [{ price: usd(1), unitsPerPrice: 3, spendCap: usd(0) }, 1],
    [{ price: usd(0), spendCap: usd(0) }, null],
    [{ price: usd(10) }, null],
    [{ price: usd(1), unitsPerPrice: 1_000_000, spendCap: usd(900_719_925_474_099) }, null],
  ])('of %j pays for %s units: they cost no more, and one more would', (overage, units) => {
    expect(unitsWithinCap(overage)).toBe(units)
    if (units === null) return
    expect(overageCost(units, overage)).toBeLessThanOrEqual(overage.spendCap?.amount ?? 0)
    expect(overageCost(units + 1, overage)).toBeGreaterThan(overage.spendCap?.amount ?? 0)
  })
})

describe('overage lines', () => {
  test('are one for each feature and period, priced as a whole', async () => {
    const acme = await open()
    await acme.consume(123)
    await acme.consume(154, { feature: 'minutes' })
    expect(await acme.lines()).toEqual([
      {
        kind: 'overage',
        description: 'recordings: 23 beyond the limit',
        amount: 230,
        periodStart: new Date(acme.subscription.cycleStart),
        periodEnd: new Date(acme.subscription.cycleEnd),
        plan: 'basic',
        price: 'default',
        feature: 'recordings',
      },
      expect.objectContaining({ feature: 'minutes', amount: 5 }),
    ])
  })

  test('are none within the limit, and count what a grant paid for as paid', async () => {
    const acme = await open()
    await acme.consume(100)
    expect(await acme.lines()).toEqual([])
    await acme.staff('POST', '/grants', { feature: 'recordings', amount: 30 })
    await acme.consume(50)
    expect(await acme.lines()).toMatchObject([{ amount: 200 }])
  })

  test('are there until they are billed, and leave other cycles out', async () => {
    const acme = await open()
    await acme.consume(110)
    const before = await acme.lines()
    await freehold.advance(15 * 86_400)
    expect(await acme.lines()).toEqual(before)
    await acme.staff('POST', '/grants', { feature: 'recordings', amount: 500, priority: 1 })
    await acme.consume(700)
    expect(before).toMatchObject([{ amount: 100 }])
    expect(await acme.lines()).toEqual([])
    const billed = await freehold.sql(
      `select description, amount::int from freehold.invoice_lines where business_id = $1`,
      [acme.id],
    )
    expect(billed).toEqual([{ description: 'recordings: 10 beyond the limit', amount: 100 }])
  })

  test('never ask for more than the cap, though a correction may have gone beyond it', async () => {
    const acme = await open()
    await acme.staff('POST', '/usage-corrections', { feature: 'minutes', amount: 5000 })
    expect(await acme.lines()).toMatchObject([{ feature: 'minutes', amount: 5 }])
  })
})

describe('a definition', () => {
  const problems = (includes: object, price = usd(0)) => {
    try {
      defineProduct({
        name: 'Test',
        features: { recordings: { kind: 'metered' }, applications: { kind: 'allocated' } },
        plans: { free: { name: 'Free', cycle: days(15), price, includes } },
        signup: { plan: 'free' },
      })
    } catch (error) {
      return (error as ProductDefinitionError).problems
    }
    return []
  }
  const overage = { price: usd(1) }

  test.each([
    [{ limit: 0, overage: { price: usd(0), unitsPerPrice: 1, spendCap: usd(0) } }, []],
    [{ limit: -1, overage }, ['limit']],
    [{ limit: null, overage }, ['limit']],
    [{ limit: 1 }, ['overage']],
    [{ limit: 1, overage: usd(1) }, ['overage.price', 'overage.amount', 'overage.currency']],
    [{ limit: 1, overage: { price: usd(0.5) } }, ['overage.price']],
    [{ limit: 1, overage: { ...overage, unitsPerPrice: 0 } }, ['overage.unitsPerPrice']],
    [{ limit: 1, overage: { ...overage, unitsPerPrice: 1.5 } }, ['overage.unitsPerPrice']],
    [{ limit: 1, overage: { ...overage, spendCap: usd(-1) } }, ['overage.spendCap']],
    [{ limit: 1, overage: { ...overage, spendCap: eur(1) } }, ['overage.spendCap']],
    [{ limit: 1, overage: { price: eur(1) } }, ['overage.price']],
  ])('with %j is told %j', (included, expected) => {
    const paths = problems({ recordings: included }).map((problem) => problem.split(':')[0])
    expect([...new Set(paths)]).toEqual(expected.map((each) => `plans.free.includes.recordings.${each}`))
  })

  test('has soft limits for what is counted per period only', () => {
    expect(problems({ applications: { limit: 1, overage } })).toEqual([
      'plans.free.includes.applications: must be a whole number, or null for unlimited',
    ])
  })
})
