import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, days as seconds, type TestFreehold } from '../../test/harness.ts'
import { openStaff, type Staff } from '../../test/staff.ts'
import type { PaymentProvider } from '../invoices/provider.ts'
import { days, months, usd } from '../prices.ts'
import { defineProduct } from '../product.ts'
import { acrossBusinesses } from '../db/transactions.ts'
import { emit } from '../events/emit.ts'
import { chargeRequested } from './charging.ts'
import { chaseOverdue } from './dunning.ts'
import { mailOwners } from './owner-mails.ts'
import { renewDue } from './renewal.ts'
import { announceTrialEndings } from './trial-endings.ts'

const product = defineProduct({
  name: 'Test',
  noun: 'workspace',
  howToPay: 'To the bank of the test',
  permissions: { 'recordings:create': 'write' },
  keys: { sdk: { prefix: 'pk', permissions: ['recordings:create'] } },
  features: { recordings: { kind: 'metered' } },
  plans: {
    free: { name: 'Free', cycle: months(1), price: usd(0), includes: { recordings: 1, members: 5 } },
    basic: { name: 'Basic', cycle: months(1), price: usd(10_00), includes: { recordings: 5, members: 5 } },
    large: { name: 'Large', cycle: months(1), price: usd(30_00), includes: { recordings: 50, members: 5 } },
    tried: {
      name: 'Tried',
      cycle: months(1),
      price: usd(20_00),
      trial: days(14),
      includes: { recordings: 9, members: 5 },
    },
    patient: {
      name: 'Patient',
      cycle: months(1),
      price: usd(20_00),
      trial: days(14),
      onTrialEnd: 'pause',
      includes: { members: 5 },
    },
  },
  signup: { plan: 'free', keys: ['sdk'] },
})
const reason = 'agreed by phone'

async function open(options: { payments?: PaymentProvider } = {}) {
  const freehold = await createTestFreehold({ product, ...options })
  const { admin }: Staff = await openStaff(freehold)
  /** What workers do each minute. */
  const run = async () => {
    await renewDue(freehold.ctx)
    await announceTrialEndings(freehold.ctx)
    await chaseOverdue(freehold.ctx)
    await chargeRequested(freehold.ctx)
    await mailOwners(freehold.ctx)
  }
  const customer = async () => {
    const { business, token, user } = await freehold.signUp()
    const path = `/v1/staff/businesses/${business.id}`
    let seen = 1
    return {
      id: business.id as string,
      name: business.name as string,
      email: user.email as string,
      token: token as string,
      /** By the owner. */
      act: (method: string, to: string, body?: object) =>
        freehold.api
          .call(method, `/v1/businesses/${business.id}/${to}`, body, { token })
          .then((answer) => freehold.ok(answer)),
      staff: (method: string, to: string, body?: object) =>
        freehold.api.call(method, `${path}/${to}`, body, admin).then((answer) => freehold.ok(answer)),
      invoices: async () => freehold.ok(await freehold.api.get(`${path}/invoices`, admin)).items,
      /** What has come to the owner since one last looked, oldest first. */
      fresh: async (to = user.email) => {
        await run()
        const mails = (await freehold.mails(to)).toReversed()
        return mails.slice(seen, (seen = mails.length))
      },
    }
  }
  return { freehold, run, customer, admin }
}

const templates = (mails: { template: string }[]) => mails.map(({ template }) => template)

describe('where people pay as they like', () => {
  let freehold: TestFreehold
  let customer: Awaited<ReturnType<typeof open>>['customer']
  let run: () => Promise<void>
  beforeAll(async () => ({ freehold, customer, run } = await open()))
  afterAll(() => freehold.close())

  test('signing up on a free plan, and its renewals, mail nothing about money', async () => {
    const acme = await customer()
    expect(await acme.fresh()).toEqual([])
    await freehold.advance(seconds(40))
    expect(await acme.fresh()).toEqual([])
  })

  test('a better plan is one mail to pay it and one when it has begun with its payment', async () => {
    const acme = await customer()
    await acme.act('PUT', 'subscription/plan', { plan: 'basic' })
    const [due, ...more] = await acme.fresh()
    expect(more).toEqual([])
    const [invoice] = await acme.invoices()
    expect(due).toMatchObject({ template: 'invoice-due', subject: expect.stringContaining('$10.00 for Basic') })
    expect(due?.text).toContain('To the bank of the test')
    expect(due?.text).toContain(`/b/${acme.id}/invoices/${invoice.id}`)
    const pay = () =>
      acme.staff('POST', `invoices/${invoice.id}/payments`, { amount: 1000, reference: `r ${invoice.id}` })
    await pay()
    await pay()
    const changed = await acme.fresh()
    expect(templates(changed)).toEqual(['plan-changed'])
    expect(changed[0]?.text).toMatch(/Paid: +\$10\.00\n/)
    expect(changed[0]?.text).toMatch(/This cycle until: .* UTC\n/)
    expect(await acme.fresh()).toEqual([])
  })

  test('the renewal of a paid plan is one mail with its invoice, and one when that is paid', async () => {
    const acme = await customer()
    await acme.staff('PUT', 'plan', { plan: 'basic', reason, charge: 'waive' })
    expect(templates(await acme.fresh())).toEqual(['plan-changed'])
    await freehold.advance(seconds(31))
    const [renewed, ...more] = await acme.fresh()
    expect(more).toEqual([])
    expect(renewed).toMatchObject({ template: 'invoice-due' })
    expect(renewed?.html).toContain('Basic is renewed')
    expect(renewed?.text).toMatch(/Due by: +\d+ \w+ \d{4} \(UTC\)/)
    const [invoice] = await acme.invoices()
    await acme.staff('POST', `invoices/${invoice.id}/payments`, { amount: 1000, reference: 'r2' })
    expect(templates(await acme.fresh())).toEqual(['payment-received'])
  })

  test('credit that settles an invoice is said to have paid it; one that is void is not to be paid', async () => {
    const acme = await customer()
    await acme.staff('PUT', 'plan', { plan: 'basic', reason, charge: 'invoice' })
    const [changed] = await acme.fresh()
    expect(changed).toMatchObject({ template: 'plan-changed' })
    expect(changed?.text).toMatch(/To pay: +\$10\.00/)
    const [invoice] = await acme.invoices()
    await acme.staff('PATCH', `invoices/${invoice.id}`, { status: 'void', reason })
    expect(templates(await acme.fresh())).toEqual(['invoice-void'])
    await acme.staff('POST', 'credits', { amount: 5000, currency: 'USD', reason })
    await freehold.advance(seconds(32))
    const [paid, ...more] = await acme.fresh()
    expect(more).toEqual([])
    expect(paid).toMatchObject({ template: 'payment-received', subject: expect.stringContaining('from your credit') })
  })

  test('a cheaper plan is said when it is asked for, and when it comes', async () => {
    const acme = await customer()
    await acme.staff('PUT', 'plan', { plan: 'large', reason, charge: 'waive' })
    await acme.fresh()
    await acme.act('PUT', 'subscription/plan', { plan: 'free' })
    const [scheduled] = await acme.fresh()
    expect(scheduled).toMatchObject({
      template: 'plan-change-scheduled',
      subject: expect.stringMatching(/Free on .* UTC/),
    })
    await freehold.advance(seconds(32))
    const [changed, ...more] = await acme.fresh()
    expect(more).toEqual([])
    expect(changed?.text).toContain('is on Free from now on; it was on Large before')
  })

  test('a cancellation is said when it is asked for, taken back and true', async () => {
    const acme = await customer()
    await acme.staff('PUT', 'plan', { plan: 'basic', reason, charge: 'waive' })
    await acme.fresh()
    await acme.act('POST', 'subscription/cancellation', {})
    await acme.act('POST', 'subscription/cancellation', {})
    expect(templates(await acme.fresh())).toEqual(['cancellation-scheduled'])
    await acme.act('DELETE', 'subscription/cancellation')
    expect(templates(await acme.fresh())).toEqual(['cancellation-undone'])
    await acme.act('POST', 'subscription/cancellation', {})
    await acme.fresh()
    await freehold.advance(seconds(32))
    const [ended, ...more] = await acme.fresh()
    expect(more).toEqual([])
    expect(ended).toMatchObject({ template: 'subscription-ended' })
  })

  test('a trial’s end is said three days before and when it is there', async () => {
    const acme = await customer()
    await acme.act('PUT', 'subscription/plan', { plan: 'tried', trial: true })
    const [begun] = await acme.fresh()
    expect(begun?.text).toMatch(/Trial until: .* UTC/)
    await freehold.advance(seconds(12))
    expect(templates(await acme.fresh())).toEqual(['trial-ending'])
    await freehold.advance(seconds(3))
    const ended = await acme.fresh()
    expect(templates(ended)).toEqual(['trial-ended'])
  })

  test('a trial that pauses at its end is said to, and how it goes on', async () => {
    const acme = await customer()
    await acme.staff('POST', 'cancellation', { when: 'now', reason })
    await acme.act('PUT', 'subscription/plan', { plan: 'patient', trial: true })
    await acme.fresh()
    await freehold.advance(seconds(12))
    const [ending] = await acme.fresh()
    expect(ending?.text).toContain('is paused. Nothing is charged unless you choose it.')
    await freehold.advance(seconds(3))
    const [ended, ...more] = await acme.fresh()
    expect(more).toEqual([])
    expect(ended).toMatchObject({ template: 'trial-ended' })
    expect(ended?.text).toContain('until it is resumed, which begins Patient for $20.00')
  })

  test('all owners hear of it, and nobody else; once, however many workers there are', async () => {
    const acme = await customer()
    const joined = await freehold.join(acme, acme.token, 'admin')
    await acme.staff('PUT', 'plan', { plan: 'basic', reason, charge: 'waive' })
    await Promise.all([mailOwners(freehold.ctx), mailOwners(freehold.ctx), mailOwners(freehold.ctx)])
    await run()
    expect(templates(await acme.fresh())).toEqual(['plan-changed'])
    expect(templates(await freehold.mails(joined.user.email))).not.toContain('plan-changed')
  })

  test('what was undone is told to nobody, and what could not be queued is told by the next run', async () => {
    const acme = await customer()
    const [{ id: subscriptionId }] = await freehold.sql(
      'select id from freehold.subscriptions where business_id = $1',
      [acme.id],
    )
    const data = { subscriptionId, plan: 'free', version: 1, price: 'standard', effectiveAt: freehold.ctx.now() }
    const undone = acrossBusinesses(freehold.ctx.db, async (tx) => {
      await emit(tx, freehold.ctx, { businessId: acme.id, type: 'subscription.cancel_scheduled', data } as never)
      throw new Error('undone')
    })
    await expect(undone).rejects.toThrow('undone')
    expect(await acme.fresh()).toEqual([])

    await acme.act('POST', 'subscription/cancellation', {})
    const { enqueue } = freehold.ctx
    freehold.ctx.enqueue = () => Promise.reject(new Error('the queue is gone'))
    await mailOwners(freehold.ctx)
    freehold.ctx.enqueue = enqueue
    expect(templates(await acme.fresh())).toEqual(['cancellation-scheduled'])
  })

  test('a business that is closed is told no more', async () => {
    const acme = await customer()
    await acme.staff('PUT', 'plan', { plan: 'basic', reason, charge: 'waive' })
    freehold.ok(await freehold.api.call('DELETE', `/v1/businesses/${acme.id}`, undefined, { token: acme.token }))
    expect(await acme.fresh()).toEqual([])
  })
})

describe('where a provider charges', () => {
  let freehold: TestFreehold
  let customer: Awaited<ReturnType<typeof open>>['customer']
  let fails = false
  beforeAll(async () => {
    const charge = ({ id }: { id: string }) =>
      Promise.resolve(
        fails ? { status: 'failed' as const, reason: 'no funds' } : { status: 'succeeded' as const, reference: id },
      )
    const payments: PaymentProvider = { name: 'bank', charging: { charge, lookUp: () => Promise.resolve(undefined) } }
    ;({ freehold, customer } = await open({ payments }))
  })
  afterAll(() => freehold.close())

  test('a renewal is told by what became of its payment', async () => {
    const acme = await customer()
    await acme.act('PUT', 'subscription/plan', { plan: 'basic' })
    expect(templates(await acme.fresh())).toEqual(['plan-changed'])
    await freehold.advance(seconds(32))
    await acme.fresh().then(async (first) => {
      // The charge is asked for by one run and answered by it or the next.
      const mails = [...first, ...(await acme.fresh())]
      expect(templates(mails)).toEqual(['payment-received'])
      expect(mails[0]?.html).toContain('Basic is renewed and paid')
    })
    fails = true
    await freehold.advance(seconds(32))
    const failed = [...(await acme.fresh()), ...(await acme.fresh())]
    fails = false
    expect(templates(failed)).toEqual(['payment-overdue'])
  })

  test('a better plan whose payment fails is said not to happen', async () => {
    const acme = await customer()
    fails = true
    await acme.act('PUT', 'subscription/plan', { plan: 'basic' })
    const [failed, ...more] = await acme.fresh()
    fails = false
    expect(more).toEqual([])
    expect(failed).toMatchObject({ template: 'plan-change-failed', subject: expect.stringContaining('stays on Free') })
    expect(failed?.text).toContain('Nothing was charged')
  })
})
