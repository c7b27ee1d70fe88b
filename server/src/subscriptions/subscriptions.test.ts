import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, days as seconds, password, type Answer, type TestFreehold } from '../../test/harness.ts'
import { openStaff, type Staff } from '../../test/staff.ts'
import { days, eur, months, usd } from '../prices.ts'
import { defineProduct } from '../product.ts'
import { endClosed } from './closed-businesses.ts'
import { chaseOverdue } from './dunning.ts'
import { renewDue } from './renewal.ts'
import { announceTrialEndings } from './trial-endings.ts'

/**
 * Every transition of a subscription and every refusal, one row each, over HTTP. What they cost, races and rarer cases are
 * the business of the tests beside this one; sign-ups that lead to a trial or a payment are first-subscription.test.ts's,
 * and charges of a provider that fail charging.test.ts's.
 */

const product = defineProduct({
  name: 'Test',
  permissions: { 'projects:create': 'write' },
  keys: { sdk: { prefix: 'pk', publishable: true, permissions: ['projects:create'] } },
  features: { projects: { kind: 'allocated' } },
  plans: {
    free: { name: 'Free', cycle: months(1), price: usd(0), includes: { projects: 5 } },
    starter: { name: 'Starter', cycle: months(1), price: usd(30_00), includes: { projects: 2 } },
    growth: {
      name: 'Growth',
      prices: { monthly: usd(90_00), yearly: usd(900_00) },
      trial: days(14),
      includes: { projects: 5 },
    },
    taster: {
      name: 'Taster',
      cycle: months(1),
      price: usd(50_00),
      trial: days(14),
      onEnd: { fallback: 'free' },
      includes: {},
    },
    patient: {
      name: 'Patient',
      cycle: months(1),
      price: usd(40_00),
      trial: days(14),
      onTrialEnd: 'pause',
      includes: {},
    },
    pass: { name: 'Pass', cycle: months(1), price: usd(5_00), onEnd: 'end', includes: {} },
    euro: { name: 'Euro', cycle: months(1), price: eur(10_00), includes: {} },
    old: { name: 'Old', cycle: months(1), price: usd(10_00), includes: {} },
  },
  signup: { plan: 'free', keys: ['sdk'] },
})

let freehold: TestFreehold
let people: Staff
beforeAll(async () => {
  freehold = await createTestFreehold({ product })
  people = await openStaff(freehold)
  for (const archived of ['old']) await archive(archived)
}, 120_000)
afterAll(() => freehold.close())

const reason = 'agreed by phone'
const archive = async (plan: string, archived = true) =>
  freehold.ok(await freehold.api.call('PATCH', `/v1/staff/plans/${plan}`, { archived, reason }, people.admin))

async function open() {
  const { business, user, token: first } = await freehold.signUp()
  const own = `/v1/businesses/${business.id}`
  const staffUrl = `/v1/staff/businesses/${business.id}`
  let token: string = first
  const as = () => ({ token })
  const acme = {
    id: business.id as string,
    /** Sessions do not outlive what is tested here. */
    later: async (count: number) => {
      await freehold.advance(seconds(count))
      token = freehold.ok(await freehold.api.post('/v1/login', { email: user.email, password })).token
    },
    choose: (body: Record<string, unknown>) => freehold.api.put(`${own}/subscription/plan`, body, as()),
    cancel: (body: Record<string, unknown> = {}) => freehold.api.post(`${own}/subscription/cancellation`, body, as()),
    undoCancel: () => freehold.api.delete(`${own}/subscription/cancellation`, as()),
    pause: () => freehold.api.post(`${own}/subscription/pause`, {}, as()),
    resume: () => freehold.api.delete(`${own}/subscription/pause`, as()),
    close: () => freehold.api.delete(own, as()),
    staff: (method: string, path: string, body: Record<string, unknown>) =>
      freehold.api.call(method, staffUrl + path, { reason, ...body }, people.admin),
    /** On a plan that is paid, or that staff have given away. */
    on: async (plan: string, more: Record<string, unknown> = {}) => {
      freehold.ok(await acme.staff('PUT', '/plan', { plan, ...more }))
    },
    pay: async () => {
      const { items } = freehold.ok(await freehold.api.get(`${staffUrl}/invoices?status=open`, people.admin))
      let answer: Answer | undefined
      for (const { id, amountDue: amount } of items.toReversed()) {
        const body = { amount, reference: `bank ${id}` }
        answer = await freehold.api.post(`${staffUrl}/invoices/${id}/payments`, body, people.admin)
      }
      return answer ?? { status: 0, body: 'nothing is open', headers: new Headers() }
    },
    /** In arrears: a cycle that staff invoiced and nobody paid. */
    behind: async (plan: Record<string, unknown> = { plan: 'starter' }) => {
      freehold.ok(await acme.staff('PUT', '/plan', { ...plan, charge: 'invoice' }))
      await acme.later(8)
      await chaseOverdue(freehold.ctx)
    },
    now: async () => freehold.ok(await freehold.api.get(staffUrl, people.admin)).subscription,
    events: async () =>
      (
        await freehold.sql<{ type: string }>(
          `select type from freehold.events where business_id = $1 and type like 'subscription.%' order by sequence`,
          [business.id],
        )
      ).map(({ type }) => type.replace('subscription.', '')),
  }
  return acme
}
type Acme = Awaited<ReturnType<typeof open>>

type Row = {
  row: string
  /** What comes before. */
  given?: (acme: Acme) => Promise<unknown>
  when: (acme: Acme) => Promise<Answer | void>
  is: Record<string, unknown>
  emits: string[]
  /** What asking once more answers, where it is no repetition of a command. */
  again?: Record<string, unknown> | 'not asked'
  isSignUp?: true
}

const trial = (acme: Acme, plan = 'growth') => acme.choose({ plan, trial: true })
const sweep = async () => {
  await renewDue(freehold.ctx)
}
const cycle = 32

const rows: Row[] = [
  {
    row: 'sign-up, price 0',
    when: async () => {},
    is: { status: 'active', plan: { key: 'free' }, access: 'full' },
    emits: ['created'],
    again: 'not asked',
    isSignUp: true,
  },
  {
    row: 'a trial that has not been used',
    when: (acme) => trial(acme),
    is: { status: 'trialing', plan: { key: 'growth' }, pendingChange: { plan: { key: 'free' } } },
    emits: ['plan_changed'],
    again: { status: 409, body: { code: 'trial_already_used' } },
  },
  {
    row: 'a trial is about to end',
    given: async (acme) => {
      await trial(acme)
      await acme.later(12)
    },
    when: async () => {
      await announceTrialEndings(freehold.ctx)
    },
    is: { status: 'trialing' },
    emits: ['trial_ending'],
  },
  {
    row: 'a purchase, before it is paid',
    when: (acme) => acme.choose({ plan: 'growth', price: 'yearly' }),
    is: { status: 'active', plan: { key: 'free' }, awaitingPayment: { plan: { key: 'growth' } } },
    emits: [],
  },
  {
    row: 'a purchase, once it is paid',
    given: (acme) => acme.choose({ plan: 'growth', price: 'yearly' }),
    when: (acme) => acme.pay(),
    is: { status: 'active', plan: { key: 'growth' }, awaitingPayment: null },
    emits: ['plan_changed'],
    again: 'not asked',
  },
  {
    row: 'a trial that is bought',
    given: async (acme) => {
      await trial(acme)
      await acme.choose({ plan: 'growth' })
    },
    when: (acme) => acme.pay(),
    is: { status: 'active', plan: { key: 'growth' }, pendingChange: null },
    emits: ['trial_converted'],
    again: 'not asked',
  },
  {
    row: 'a trial that staff convert',
    given: (acme) => trial(acme),
    when: (acme) => acme.staff('POST', '/conversion', { charge: 'invoice' }),
    is: { status: 'active', plan: { key: 'growth' } },
    emits: ['trial_converted'],
  },
  {
    row: 'a trial that ends on the way back to a free plan',
    given: async (acme) => {
      await trial(acme)
      await acme.later(15)
    },
    when: sweep,
    is: { status: 'active', plan: { key: 'free' } },
    emits: ['plan_changed'],
  },
  {
    row: 'a trial that ends without a payment, on a plan with a fallback',
    given: async (acme) => {
      await acme.staff('POST', '/cancellation', { when: 'now' })
      await trial(acme, 'taster')
      await acme.later(15)
    },
    when: sweep,
    is: { status: 'active', plan: { key: 'free' }, access: 'full' },
    emits: ['trial_expired', 'created'],
  },
  {
    row: 'a trial that ends without a payment, and nothing to fall back to',
    given: async (acme) => {
      await acme.staff('POST', '/cancellation', { when: 'now' })
      await trial(acme)
      await acme.later(15)
    },
    when: sweep,
    is: { status: 'ended', endReason: 'trial_expired', access: 'none' },
    emits: ['trial_expired'],
  },
  {
    row: 'a trial that ends without a payment, on a plan that pauses then',
    given: async (acme) => {
      await acme.staff('POST', '/cancellation', { when: 'now' })
      await trial(acme, 'patient')
      await acme.later(15)
    },
    when: sweep,
    is: { status: 'paused', plan: { key: 'patient' }, access: 'none' },
    emits: ['trial_expired'],
  },
  {
    row: 'a trial that paused at its end, once it is paid',
    given: async (acme) => {
      await acme.staff('POST', '/cancellation', { when: 'now' })
      await trial(acme, 'patient')
      await acme.later(40)
      await sweep()
      freehold.ok(await acme.resume())
    },
    when: (acme) => acme.pay(),
    is: { status: 'active', plan: { key: 'patient' }, access: 'full' },
    emits: ['resumed'],
    again: 'not asked',
  },
  {
    row: 'the end of a cycle',
    given: async (acme) => {
      await acme.on('starter')
      await acme.later(cycle)
    },
    when: sweep,
    is: { status: 'active', plan: { key: 'starter' } },
    emits: ['renewed'],
  },
  {
    row: 'the end of a cycle of a plan that ends',
    given: async (acme) => {
      await acme.on('pass')
      await acme.later(cycle)
    },
    when: sweep,
    is: { status: 'ended', endReason: 'plan_ended' },
    emits: ['ended'],
  },
  {
    row: 'the end of a cycle of a plan that falls back',
    given: async (acme) => {
      await acme.on('taster')
      await acme.later(cycle)
    },
    when: sweep,
    is: { status: 'active', plan: { key: 'free' } },
    emits: ['ended', 'created'],
  },
  {
    row: 'a payment that does not come',
    given: async (acme) => {
      await acme.on('starter', { charge: 'invoice' })
      await acme.later(8)
    },
    when: async () => {
      await chaseOverdue(freehold.ctx)
    },
    is: { status: 'past_due', access: 'full' },
    emits: ['past_due'],
  },
  {
    row: 'a payment that comes late',
    given: (acme) => acme.behind(),
    when: (acme) => acme.pay(),
    is: { status: 'active', access: 'full', graceEnd: null },
    emits: ['recovered'],
    again: 'not asked',
  },
  {
    row: 'a payment that nobody makes',
    given: async (acme) => {
      await acme.behind({ plan: 'growth', price: 'yearly' })
      for (const wait of [3, 5, 7]) {
        await acme.later(wait)
        await chaseOverdue(freehold.ctx)
      }
      await acme.later(8)
    },
    when: async () => {
      await chaseOverdue(freehold.ctx)
    },
    is: { status: 'ended', endReason: 'unpaid', access: 'none' },
    emits: ['ended'],
  },
  {
    row: 'an upgrade in the same interval, once it is paid',
    given: async (acme) => {
      await acme.on('starter')
      await acme.later(3)
      await acme.choose({ plan: 'growth' })
    },
    when: (acme) => acme.pay(),
    is: { status: 'active', plan: { key: 'growth' } },
    emits: ['plan_changed'],
    again: 'not asked',
  },
  {
    row: 'an upgrade that nobody pays in its cycle',
    given: async (acme) => {
      await acme.on('starter')
      await acme.choose({ plan: 'growth' })
      await acme.later(cycle)
    },
    when: sweep,
    is: { status: 'active', plan: { key: 'starter' }, awaitingPayment: null },
    emits: ['change_failed', 'renewed'],
  },
  {
    row: 'a downgrade',
    given: (acme) => acme.on('growth'),
    when: (acme) => acme.choose({ plan: 'starter' }),
    is: { status: 'active', plan: { key: 'growth' }, pendingChange: { plan: { key: 'starter' } } },
    emits: ['change_scheduled'],
  },
  {
    row: 'a downgrade at its boundary',
    given: async (acme) => {
      await acme.on('growth')
      await acme.choose({ plan: 'starter' })
      await acme.later(cycle)
    },
    when: sweep,
    is: { status: 'active', plan: { key: 'starter' }, pendingChange: null },
    emits: ['plan_changed'],
  },
  {
    row: 'a downgrade that is taken back',
    given: async (acme) => {
      await acme.on('growth')
      await acme.choose({ plan: 'starter' })
    },
    when: (acme) => acme.choose({ plan: 'growth', replace: true }),
    is: { status: 'active', plan: { key: 'growth' }, pendingChange: null },
    emits: ['change_cancelled'],
  },
  {
    row: 'a cancellation at the end of the cycle',
    when: (acme) => acme.cancel(),
    is: { status: 'active', cancelAtCycleEnd: true, access: 'full' },
    emits: ['cancel_scheduled'],
  },
  {
    row: 'a cancellation that is taken back',
    given: (acme) => acme.cancel(),
    when: (acme) => acme.undoCancel(),
    is: { status: 'active', cancelAtCycleEnd: false },
    emits: ['cancel_undone'],
    again: { status: 409, body: { code: 'no_scheduled_cancellation' } },
  },
  {
    row: 'a cancellation at its boundary',
    given: async (acme) => {
      await acme.cancel()
      await acme.later(cycle)
    },
    when: sweep,
    is: { status: 'ended', endReason: 'cancelled', access: 'none' },
    emits: ['ended'],
  },
  {
    row: 'a cancellation now',
    when: (acme) => acme.cancel({ when: 'now' }),
    is: { status: 'ended', endReason: 'cancelled', access: 'none' },
    emits: ['ended'],
    again: { status: 409, body: { code: 'subscription_ended' } },
  },
  {
    row: 'a cancellation now of what is paused',
    given: async (acme) => {
      await acme.on('starter')
      await acme.pause()
      await acme.later(cycle)
    },
    when: (acme) => acme.cancel({ when: 'now' }),
    is: { status: 'ended', endReason: 'cancelled' },
    emits: ['paused', 'ended'],
    again: { status: 409, body: { code: 'subscription_ended' } },
  },
  {
    row: 'a pause that is asked for',
    given: (acme) => acme.on('starter'),
    when: (acme) => acme.pause(),
    is: { status: 'active', pauseAtCycleEnd: true, access: 'full' },
    emits: [],
  },
  {
    row: 'a pause at its boundary',
    given: async (acme) => {
      await acme.on('starter')
      await acme.pause()
      await acme.later(cycle)
    },
    when: sweep,
    is: { status: 'paused', access: 'none' },
    emits: ['paused'],
  },
  {
    row: 'a resumption, before it is paid',
    given: async (acme) => {
      await acme.on('starter')
      await acme.pause()
      await acme.later(cycle)
      await sweep()
    },
    when: (acme) => acme.resume(),
    is: { status: 'paused', awaitingPayment: { plan: { key: 'starter' } } },
    emits: [],
  },
  {
    row: 'a resumption, once it is paid',
    given: async (acme) => {
      await acme.on('starter')
      await acme.pause()
      await acme.later(cycle)
      await acme.resume()
    },
    when: (acme) => acme.pay(),
    is: { status: 'active', access: 'full' },
    emits: ['resumed'],
    again: 'not asked',
  },
  {
    row: 'an extension by staff',
    when: (acme) => acme.staff('POST', '/extension', { cycleEnd: '2035-01-01T00:00:00.000Z' }),
    is: { status: 'active', cycleEnd: '2035-01-01T00:00:00.000Z' },
    emits: ['extended'],
  },
  {
    row: 'an extension of a trial by staff',
    given: (acme) => trial(acme),
    when: (acme) => acme.staff('POST', '/extension', { cycleEnd: '2035-01-01T00:00:00.000Z' }),
    is: { status: 'trialing', trialEnd: '2035-01-01T00:00:00.000Z' },
    emits: ['extended'],
  },
  {
    row: 'a plan that staff give now',
    when: (acme) => acme.staff('PUT', '/plan', { plan: 'growth', charge: 'waive' }),
    is: { status: 'active', plan: { key: 'growth' } },
    emits: ['plan_changed'],
  },
  {
    row: 'a plan that staff give at the end of the cycle',
    when: (acme) => acme.staff('PUT', '/plan', { plan: 'growth', when: 'cycleEnd' }),
    is: { status: 'active', plan: { key: 'free' }, pendingChange: { plan: { key: 'growth' } } },
    emits: ['change_scheduled'],
  },
  {
    row: 'a plan that is archived',
    given: (acme) => acme.on('pass'),
    when: async () => {
      await archive('euro')
      await archive('euro', false)
    },
    is: { status: 'active', plan: { key: 'pass' } },
    emits: [],
  },
  {
    row: 'a business that is suspended',
    when: (acme) => acme.staff('PATCH', '', { status: 'suspended' }),
    is: { status: 'active', access: 'none' },
    emits: ['suspended'],
  },
  {
    row: 'a business that is suspended, at the end of its cycle',
    given: async (acme) => {
      await acme.on('starter')
      await acme.staff('PATCH', '', { status: 'suspended' })
      await freehold.advance(seconds(cycle))
    },
    when: sweep,
    is: { status: 'active', access: 'none' },
    emits: ['renewed'],
  },
  {
    row: 'a business that goes on',
    given: (acme) => acme.staff('PATCH', '', { status: 'suspended' }),
    when: (acme) => acme.staff('PATCH', '', { status: 'active' }),
    is: { status: 'active', access: 'full' },
    emits: [],
  },
  {
    row: 'a business that is closed, when it can be reopened no more',
    given: async (acme) => {
      await acme.close()
      await freehold.advance(seconds(31))
    },
    when: () => endClosed(freehold.ctx),
    is: { status: 'ended', endReason: 'business_closed' },
    // Its cycles went on as long as it could be reopened.
    emits: ['renewed', 'ended'],
  },
  {
    row: 'a plan that is chosen after the end',
    given: (acme) => acme.cancel({ when: 'now' }),
    when: (acme) => acme.choose({ plan: 'free' }),
    is: { status: 'active', plan: { key: 'free' } },
    emits: ['created'],
  },
]

describe('from one state to another', () => {
  test.each(rows)('$row', async ({ given, when, is, emits, again, isSignUp }) => {
    const acme = await open()
    await given?.(acme)
    const before = isSignUp ? 0 : (await acme.events()).length
    const answer = await when(acme)
    if (answer) expect(answer).toMatchObject({ status: expect.toSatisfy((status: number) => status < 300) })
    const now = await acme.now()
    expect(now).toMatchObject(is)
    expect((await acme.events()).slice(before)).toEqual(emits)
    if (again === 'not asked') return
    // Asked once more it is so already.
    const events = await acme.events()
    const repeated = await when(acme)
    if (again) expect(repeated).toMatchObject(again)
    else if (repeated) expect([200, 204]).toContain(repeated.status)
    expect(await acme.events()).toEqual(events)
    expect(await acme.now()).toEqual(now)
  })
})

const refusals: {
  code: string
  of: string
  status?: number
  given?: (acme: Acme) => Promise<unknown>
  when: (acme: Acme) => Promise<Answer>
}[] = [
  ...(
    [
      ['a cancellation', (acme) => acme.cancel()],
      ['taking a cancellation back', (acme) => acme.undoCancel()],
      ['a pause', (acme) => acme.pause()],
      ['a resumption', (acme) => acme.resume()],
      ['an extension', (acme) => acme.staff('POST', '/extension', { days: 1 })],
      ['a conversion', (acme) => acme.staff('POST', '/conversion', { charge: 'waive' })],
      ['a plan at its end', (acme) => acme.staff('PUT', '/plan', { plan: 'growth', when: 'cycleEnd' })],
    ] satisfies [string, (acme: Acme) => Promise<Answer>][]
  ).map(([of, when]) => ({
    code: 'subscription_ended',
    of: `${of} of what has ended`,
    given: (acme: Acme) => acme.cancel({ when: 'now' }),
    when,
  })),
  {
    code: 'trial_already_used',
    of: 'a second trial',
    given: async (acme) => {
      await trial(acme)
      await acme.staff('PUT', '/plan', { plan: 'free', replace: true })
    },
    when: (acme) => trial(acme, 'taster'),
  },
  {
    code: 'payment_overdue',
    of: 'a change while a payment is overdue',
    given: (acme) => acme.behind(),
    when: (acme) => acme.choose({ plan: 'growth' }),
  },
  {
    code: 'payment_overdue',
    of: 'an extension while a payment is overdue',
    given: (acme) => acme.behind(),
    when: (acme) => acme.staff('POST', '/extension', { days: 1 }),
  },
  {
    code: 'pending_change_exists',
    of: 'another change',
    given: async (acme) => {
      await acme.on('growth')
      await acme.choose({ plan: 'starter' })
    },
    when: (acme) => acme.choose({ plan: 'free' }),
  },
  { code: 'plan_archived', of: 'a plan that takes nobody new', when: (acme) => acme.choose({ plan: 'old' }) },
  { code: 'plan_archived', of: 'it, by staff', when: (acme) => acme.staff('PUT', '/plan', { plan: 'old' }) },
  { code: 'currency_mismatch', of: 'a plan in another currency', when: (acme) => acme.choose({ plan: 'euro' }) },
  { code: 'no_scheduled_cancellation', of: 'taking nothing back', when: (acme) => acme.undoCancel() },
  { code: 'cannot_pause', of: 'a pause in a trial', given: (acme) => trial(acme), when: (acme) => acme.pause() },
  { code: 'cannot_pause', of: 'a pause of what ends', given: (acme) => acme.cancel(), when: (acme) => acme.pause() },
  {
    code: 'cannot_pause',
    of: 'a pause while a payment is overdue',
    given: (acme) => acme.behind(),
    when: (acme) => acme.pause(),
  },
  { code: 'not_paused', of: 'a resumption of what goes on', when: (acme) => acme.resume() },
  {
    code: 'business_not_open',
    status: 403,
    of: 'a change of a suspended business',
    given: (acme) => acme.staff('PATCH', '', { status: 'suspended' }),
    when: (acme) => acme.choose({ plan: 'growth' }),
  },
  {
    code: 'invalid_request',
    status: 422,
    of: 'an extension that is not forward',
    when: (acme) => acme.staff('POST', '/extension', { cycleEnd: '2020-01-01T00:00:00.000Z' }),
  },
  {
    code: 'stale_subscription',
    of: 'a quote of a subscription that has changed since',
    when: async (acme) => {
      const { quoteId } = freehold.ok(await acme.choose({ plan: 'growth', preview: true }))
      await acme.cancel()
      return acme.choose({ plan: 'growth', quoteId })
    },
  },
  {
    code: 'downgrade_does_not_fit',
    of: 'a plan with less than is held',
    given: async (acme) => {
      await acme.on('growth')
      for (const itemId of ['one', 'two', 'three']) {
        const body = { feature: 'projects', itemId, subject: { businessId: acme.id } }
        freehold.ok(await freehold.api.post('/v1/allocate', body, people.meter))
      }
    },
    when: (acme) => acme.choose({ plan: 'starter' }),
  },
  { code: 'unknown_plan', status: 422, of: 'a plan that there is not', when: (acme) => acme.choose({ plan: 'gold' }) },
  {
    code: 'invalid_request',
    status: 422,
    of: 'a price that there is not',
    when: (acme) => acme.choose({ plan: 'growth', price: 'daily' }),
  },
]

describe('is refused', () => {
  test.each(refusals)('$code: $of', async ({ code, status = 409, given, when }) => {
    const acme = await open()
    await given?.(acme)
    const before = await acme.now()
    const events = await acme.events()
    expect(await when(acme)).toMatchObject({ status, body: { code } })
    // A quote goes stale by what is done in between.
    if (code === 'stale_subscription') return
    expect(await acme.now()).toEqual(before)
    expect(await acme.events()).toEqual(events)
  })

  test('a second current subscription: two that begin at once are one', async () => {
    const acme = await open()
    await acme.cancel({ when: 'now' })
    const both = await Promise.all([acme.choose({ plan: 'free' }), acme.staff('PUT', '/plan', { plan: 'starter' })])
    expect(both.map(({ status }) => status).every((status) => [200, 409].includes(status))).toBe(true)
    const current = await freehold.sql(
      `select id from freehold.subscriptions where business_id = $1 and status <> 'ended'`,
      [acme.id],
    )
    expect(current).toHaveLength(1)
  })
})
