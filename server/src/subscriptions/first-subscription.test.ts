import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, days as seconds, password, type TestFreehold } from '../../test/harness.ts'
import { openStaff, type Staff } from '../../test/staff.ts'
import { days, months, usd } from '../prices.ts'
import { defineProduct } from '../product.ts'
import { renewDue } from './renewal.ts'
import { announceTrialEndings } from './trial-endings.ts'

const productThatStartsOn = (plan: 'basic' | 'tried') =>
  defineProduct({
    name: 'Test',
    permissions: { 'recordings:create': 'write' },
    keys: { sdk: { prefix: 'pk', publishable: true, permissions: ['recordings:create'] } },
    features: { recordings: { kind: 'metered' } },
    plans: {
      basic: { name: 'Basic', cycle: months(1), price: usd(10_00), includes: { recordings: 5 } },
      tried: { name: 'Tried', cycle: months(1), price: usd(20_00), trial: days(14), includes: { recordings: 9 } },
      free: { name: 'Free', cycle: months(1), price: usd(0), includes: { recordings: 1 } },
    },
    signup: { plan, keys: ['sdk'] },
  })

const reason = 'agreed by phone'
const eventsOf = async (freehold: TestFreehold, businessId: string) =>
  (
    await freehold.sql(
      `select type from freehold.events where business_id = $1 and type like 'subscription.%' order by sequence`,
      [businessId],
    )
  ).map(({ type }) => type)

describe('where sign-up leads to a plan that costs something', () => {
  let freehold: TestFreehold
  let people: Staff
  beforeAll(async () => {
    freehold = await createTestFreehold({ product: productThatStartsOn('basic') })
    people = await openStaff(freehold)
  })
  afterAll(() => freehold.close())

  const open = async () => {
    const { business, token, subscription, apiKeys } = await freehold.signUp()
    const by = { token }
    const url = `/v1/businesses/${business.id}/subscription`
    return {
      id: business.id as string,
      subscription,
      now: async () => freehold.ok(await freehold.api.get(url, by)),
      choose: (body: object) => freehold.api.put(`${url}/plan`, body, by),
      consume: async () =>
        (await freehold.api.post('/v1/consume', { feature: 'recordings' }, { token: apiKeys[0].key })).body,
      pay: (invoiceId: string, amount: number) =>
        freehold.api.post(
          `/v1/staff/businesses/${business.id}/invoices/${invoiceId}/payments`,
          { amount, reference: invoiceId },
          people.admin,
        ),
      cycles: () => freehold.sql('select * from freehold.subscription_cycles where business_id = $1', [business.id]),
    }
  }

  test('which nobody will pay any more, another may be chosen', async () => {
    const acme = await open()
    const path = `/v1/staff/businesses/${acme.id}/invoices/${acme.subscription.awaitingPayment.invoiceId}`
    freehold.ok(await freehold.api.patch(path, { status: 'void', reason }, people.admin))
    expect(await acme.now()).toMatchObject({ status: 'paused', awaitingPayment: null })
    freehold.ok(await acme.choose({ plan: 'free' }))
    expect(await acme.now()).toMatchObject({ status: 'active', access: 'full', plan: { key: 'free' } })
    expect(await acme.cycles()).toMatchObject([{ number: 1 }])
    expect(await eventsOf(freehold, acme.id)).toContain('subscription.created')
  })

  test('there is nothing to use until it is paid, and the first cycle begins then', async () => {
    const acme = await open()
    const { invoiceId } = acme.subscription.awaitingPayment
    expect(acme.subscription).toMatchObject({ status: 'paused', access: 'none', plan: { key: 'basic' } })
    expect(await acme.consume()).toMatchObject({ allowed: false, code: 'subscription_inactive' })
    expect(await acme.cycles()).toEqual([])
    expect(await eventsOf(freehold, acme.id)).toEqual([])
    await freehold.advance(seconds(2))
    await renewDue(freehold.ctx)
    freehold.ok(await acme.pay(invoiceId, 10_00))
    const now = await acme.now()
    expect(now).toMatchObject({ status: 'active', awaitingPayment: null })
    expect(Date.parse(now.cycleStart)).toBeGreaterThan(Date.parse(acme.subscription.cycleStart))
    expect(await acme.consume()).toMatchObject({ allowed: true, limit: 5 })
    expect(await acme.cycles()).toMatchObject([{ number: 1 }])
    expect(await eventsOf(freehold, acme.id)).toEqual(['subscription.created'])
  })

  test('another plan may be chosen instead', async () => {
    const acme = await open()
    expect((await acme.choose({ plan: 'free' })).status).toBe(409)
    expect((await acme.choose({ plan: 'free', replace: true })).body).toMatchObject({
      status: 'active',
      plan: { key: 'free' },
      awaitingPayment: null,
    })
    expect(await acme.consume()).toMatchObject({ allowed: true, limit: 1 })
    const other = await open()
    expect((await other.choose({ plan: 'tried', replace: true, trial: true })).body).toMatchObject({
      status: 'trialing',
      plan: { key: 'tried' },
      pendingChange: null,
    })
  })

  test('staff may end it, or give it away', async () => {
    const acme = await open()
    const url = `/v1/staff/businesses/${acme.id}`
    expect((await freehold.api.post(`${url}/cancellation`, { reason }, people.admin)).body).toMatchObject({
      status: 'ended',
      awaitingPayment: null,
    })
    expect((await freehold.api.put(`${url}/plan`, { plan: 'basic', reason }, people.admin)).body).toMatchObject({
      status: 'active',
      plan: { key: 'basic' },
    })
  })
})

describe('where sign-up leads to a trial', () => {
  let freehold: TestFreehold
  beforeAll(async () => {
    freehold = await createTestFreehold({ product: productThatStartsOn('tried') })
  })
  afterAll(() => freehold.close())

  test('a person has it once; their next business begins with a payment', async () => {
    const { subscription, user } = await freehold.signUp()
    expect(subscription).toMatchObject({ status: 'trialing', access: 'full' })
    const { token } = freehold.ok(await freehold.api.post('/v1/login', { email: user.email, password }))
    const { business } = freehold.ok(await freehold.api.post('/v1/businesses', { name: 'Second' }, { token }))
    const second = await freehold.api.get(`/v1/businesses/${business.id}/subscription`, { token })
    expect(second.body).toMatchObject({ status: 'paused', awaitingPayment: { plan: { key: 'tried' } } })
  })

  test('its end is told three days before, once, and anew when it is put off', async () => {
    const { business } = await freehold.signUp()
    const told = async () => {
      await Promise.all([announceTrialEndings(freehold.ctx), announceTrialEndings(freehold.ctx)])
      const types = await eventsOf(freehold, business.id)
      return types.filter((type) => type === 'subscription.trial_ending').length
    }
    await freehold.advance(seconds(10))
    expect(await told()).toBe(0)
    await freehold.advance(seconds(1) + 1)
    expect([await told(), await told()]).toEqual([1, 1])
    const people = await openStaff(freehold)
    const url = `/v1/staff/businesses/${business.id}/extension`
    freehold.ok(await freehold.api.post(url, { days: 7, reason }, people.admin))
    expect(await told()).toBe(1)
    await freehold.advance(seconds(7))
    expect(await told()).toBe(2)
  })

  test('it expires, and what was asked for may be paid still', async () => {
    const { business, user } = await freehold.signUp()
    await freehold.advance(seconds(15))
    await renewDue(freehold.ctx)
    const { token } = freehold.ok(await freehold.api.post('/v1/login', { email: user.email, password }))
    const url = `/v1/businesses/${business.id}/subscription`
    expect((await freehold.api.get(url, { token })).body).toMatchObject({ status: 'ended', endReason: 'trial_expired' })
    expect((await freehold.api.put(`${url}/plan`, { plan: 'tried', trial: true }, { token })).body.code).toBe(
      'trial_already_used',
    )
    expect((await freehold.api.put(`${url}/plan`, { plan: 'tried' }, { token })).body).toMatchObject({
      awaitingPayment: { plan: { key: 'tried' } },
    })
    expect(await eventsOf(freehold, business.id)).toEqual(['subscription.created', 'subscription.trial_expired'])
  })
})
