import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, days as seconds, type TestFreehold } from '../../test/harness.ts'
import { whatIsWrong } from '../../test/properties/predicates.ts'
import { auditOf, openStaff, type Staff } from '../../test/staff.ts'
import { days, eur, months, usd } from '../prices.ts'
import { defineProduct } from '../product.ts'
import { renewDue } from './renewal.ts'

const product = defineProduct({
  name: 'Test',
  permissions: { 'recordings:create': 'write' },
  keys: { sdk: { prefix: 'pk', publishable: true, permissions: ['recordings:create'] } },
  features: {
    recordings: { kind: 'metered' },
    projects: { kind: 'allocated' },
    boards: { kind: 'allocated', onDowngrade: 'grandfather' },
  },
  plans: {
    free: {
      name: 'Free',
      cycle: days(15),
      price: usd(0),
      includes: { recordings: 10, projects: 1, boards: 1, members: 3 },
    },
    starter: {
      name: 'Starter',
      cycle: months(1),
      price: usd(30_00),
      includes: { recordings: 100, projects: 2, boards: 2, members: 5 },
    },
    growth: {
      name: 'Growth',
      prices: { monthly: usd(90_00), yearly: usd(900_00) },
      trial: days(14),
      includes: { recordings: 1000, projects: 10, boards: 10, members: 10 },
    },
    euro: { name: 'Euro', cycle: months(1), price: eur(10_00), includes: {} },
    secret: { name: 'Secret', cycle: months(1), price: usd(0), hidden: true, includes: { recordings: null } },
    old: { name: 'Old', cycle: months(1), price: usd(10_00), includes: {} },
  },
  signup: { plan: 'free', keys: ['sdk'] },
})

let freehold: TestFreehold
let people: Staff
beforeAll(async () => {
  freehold = await createTestFreehold({ product })
  people = await openStaff(freehold)
})
afterAll(() => freehold.close())

const reason = 'agreed by phone'

/** A business on the free plan. Its owner signs in again whenever the clock has outlived their session. */
async function open() {
  const { business, apiKeys, user, token: first } = await freehold.signUp()
  const [{ key }] = apiKeys
  const own = `/v1/businesses/${business.id}`
  const url = `${own}/subscription`
  const staffUrl = `/v1/staff/businesses/${business.id}`
  let token: string = first
  const as = () => ({ token })
  const pay = async (invoiceId: string, amount: number, reference = `bank ${invoiceId} ${amount}`) =>
    freehold.api.post(`${staffUrl}/invoices/${invoiceId}/payments`, { amount, reference }, people.admin)
  const acme = {
    id: business.id as string,
    user,
    staffUrl,
    advance: async (days: number) => {
      await freehold.advance(seconds(days))
      token = freehold.ok(
        await freehold.api.post('/v1/login', { email: user.email, password: 'correct horse battery' }),
      ).token
    },
    choose: (body: Record<string, unknown>) => freehold.api.put(`${url}/plan`, body, as()),
    preview: async (body: Record<string, unknown>) =>
      freehold.ok(await freehold.api.put(`${url}/plan`, { ...body, preview: true }, as())),
    cancel: (body: Record<string, unknown> = {}) => freehold.api.post(`${url}/cancellation`, body, as()),
    undoCancel: () => freehold.api.delete(`${url}/cancellation`, as()),
    pause: () => freehold.api.post(`${url}/pause`, {}, as()),
    resume: () => freehold.api.delete(`${url}/pause`, as()),
    now: async () => freehold.ok(await freehold.api.get(url, as())),
    consume: async (amount: number) =>
      (await freehold.api.post('/v1/consume', { feature: 'recordings', amount }, { token: key })).body,
    allocate: (feature: string, itemId: string) =>
      freehold.api.post('/v1/allocate', { feature, itemId, businessId: business.id }, as()),
    invoices: () => freehold.sql('select * from freehold.invoices where business_id = $1 order by id', [business.id]),
    lines: async (invoiceId: string) =>
      (
        await freehold.sql(
          'select amount::int from freehold.invoice_lines where business_id = $1 and invoice_id = $2 order by position',
          [business.id, invoiceId],
        )
      ).map(({ amount }) => amount),
    events: async () =>
      (
        await freehold.sql(
          `select type from freehold.events where business_id = $1 and type like 'subscription.%' order by sequence`,
          [business.id],
        )
      ).map(({ type }) => type.replace('subscription.', '')),
    inHand: async () =>
      (await freehold.sql('select balance::int from freehold.credit_balances where business_id = $1', [business.id]))[0]
        ?.balance ?? 0,
    audit: (action: string) => auditOf(freehold, business.id, `subscription.${action}`),
    pay,
    credit: (amount: number) =>
      freehold.api.post(`${staffUrl}/credits`, { amount, currency: 'USD', reason }, people.admin),
    staffPlan: (body: Record<string, unknown>) =>
      freehold.api.put(`${staffUrl}/plan`, { reason, ...body }, people.admin),
    cycles: () =>
      freehold.sql(
        'select * from freehold.subscription_cycles where business_id = $1 order by subscription_id, number',
        [business.id],
      ),
    /** Pays what is awaited. */
    settle: async () => {
      const { awaitingPayment } = await acme.now()
      const [{ due }] = await freehold.sql(
        'select (total - credit_applied - amount_paid)::int as due from freehold.invoices where business_id = $1 and id = $2',
        [business.id, awaitingPayment.invoiceId],
      )
      return freehold.ok(await pay(awaitingPayment.invoiceId, due))
    },
    /** On a paid plan, in the first second of its cycle. */
    buy: async (body: Record<string, unknown>) => {
      freehold.ok(await acme.choose(body))
      await acme.settle()
      return acme.now()
    },
  }
  return acme
}

const refusedWith = (code: string, status = 409) => ({ status, body: { code } })

test('what changes in the second in which a cycle began leaves it that second, and a counter of its own', async () => {
  const { ctx } = freehold
  const { now } = ctx
  const second = new Date(Math.floor(now().getTime() / 1000) * 1000)
  ctx.now = () => new Date(second.getTime() + 400)
  try {
    const acme = await open()
    expect(await acme.consume(10)).toMatchObject({ allowed: true, used: 10 })
    for (const change of [{ plan: 'starter' }, { plan: 'growth', price: 'yearly' }, { plan: 'starter' }]) {
      freehold.ok(await acme.staffPlan({ ...change, charge: 'invoice' }))
      expect(await acme.consume(1)).toMatchObject({ allowed: true, used: 1 })
    }
    expect((await acme.cycles()).map((cycle) => cycle.cycle_start.getTime() - second.getTime())).toEqual([
      0, 1000, 2000, 3000,
    ])
    expect((await acme.cycles()).map((cycle) => cycle.cycle_end.getTime() - second.getTime()).slice(0, 3)).toEqual([
      1000, 2000, 3000,
    ])
    // What is given back settles what is owed: the last of the three is left.
    const due = (await acme.invoices()).map(({ total, credit_applied: credit }) => total - credit)
    expect(due).toEqual([0, 30_00])
    expect(await acme.inHand()).toBe(0)
    freehold.ok(await acme.cancel({ when: 'now' }))
    freehold.ok(await acme.choose({ plan: 'free' }))
    expect(await whatIsWrong(freehold)).toEqual([])
  } finally {
    ctx.now = now
  }
})

describe('a first purchase', () => {
  test('keeps the free plan until it is paid, and begins with the payment', async () => {
    const acme = await open()
    await acme.consume(10)
    const asked = await acme.choose({ plan: 'starter' })
    expect(asked).toMatchObject({
      status: 200,
      body: { plan: { key: 'free' }, awaitingPayment: { plan: { key: 'starter' }, price: 'default' } },
    })
    expect(await acme.consume(1)).toMatchObject({ allowed: false, limit: 10 })
    expect(await acme.events()).toEqual(['created'])
    expect(await acme.invoices()).toMatchObject([{ status: 'open', cause: 'start', total: '3000' }])

    await acme.advance(3)
    await acme.settle()
    const now = await acme.now()
    expect(now).toMatchObject({ status: 'active', plan: { key: 'starter' }, awaitingPayment: null })
    expect(Date.parse(now.cycleStart)).toBeGreaterThan(Date.parse(asked.body.cycleStart) + seconds(2) * 1000)
    expect(await acme.consume(100)).toMatchObject({ allowed: true, used: 100, limit: 100 })
    expect(await acme.events()).toEqual(['created', 'plan_changed'])
    const cycles = await acme.cycles()
    expect(cycles).toHaveLength(2)
    expect(cycles[0].cycle_end).toEqual(cycles[1].cycle_start)
  })

  test('is not half begun by a part of the payment', async () => {
    const acme = await open()
    const { awaitingPayment } = freehold.ok(await acme.choose({ plan: 'starter' }))
    freehold.ok(await acme.pay(awaitingPayment.invoiceId, 10_00))
    expect(await acme.now()).toMatchObject({ plan: { key: 'free' } })
    freehold.ok(await acme.pay(awaitingPayment.invoiceId, 20_00))
    expect(await acme.now()).toMatchObject({ plan: { key: 'starter' }, awaitingPayment: null })
  })

  test('is immediate when what is in hand covers it', async () => {
    const acme = await open()
    freehold.ok(await acme.credit(50_00))
    expect(await acme.preview({ plan: 'starter' })).toMatchObject({ dueNow: 0, nextAmount: 30_00 })
    expect((await acme.choose({ plan: 'starter' })).body).toMatchObject({
      plan: { key: 'starter' },
      awaitingPayment: null,
    })
    expect(await acme.inHand()).toBe(20_00)
    expect(await acme.events()).toEqual(['created', 'plan_changed'])
  })

  test('that credit covers holds up no invoice of others while it waits for counting to finish', async () => {
    const [acme, other] = [await open(), await open()]
    freehold.ok(await acme.credit(50_00))
    await acme.consume(1)
    let chosen: ReturnType<typeof acme.choose> | undefined
    await freehold.ctx.db.across.transaction().execute(async (tx) => {
      await tx.selectFrom('usageCounters').select('used').where('businessId', '=', acme.id).forNoKeyUpdate().execute()
      chosen = acme.choose({ plan: 'starter' })
      await freehold.eventually(async () => {
        const waiting = await freehold.sql(
          "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query ilike '%usage_counters%'",
        )
        return waiting.length > 0
      })
      const begun = performance.now()
      freehold.ok(await other.staffPlan({ plan: 'starter', charge: 'invoice' }))
      expect(performance.now() - begun).toBeLessThan(3000)
    })
    expect(await chosen).toMatchObject({ status: 200, body: { plan: { key: 'starter' }, awaitingPayment: null } })
  })

  test('is not paid by credit that is given later, until it is asked for anew', async () => {
    const acme = await open()
    freehold.ok(await acme.choose({ plan: 'starter' }))
    freehold.ok(await acme.credit(30_00))
    expect(await acme.now()).toMatchObject({ plan: { key: 'free' }, awaitingPayment: { plan: { key: 'starter' } } })
    freehold.ok(await acme.choose({ plan: 'free', replace: true }))
    expect((await acme.choose({ plan: 'starter' })).body).toMatchObject({
      plan: { key: 'starter' },
      awaitingPayment: null,
    })
  })

  test('asked for again, by one or by many, is one invoice', async () => {
    const acme = await open()
    const answers = await Promise.all(Array.from({ length: 5 }, () => acme.choose({ plan: 'starter' })))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200])
    expect(await acme.invoices()).toHaveLength(1)
  })

  test('gives way to another, and can be taken back', async () => {
    const acme = await open()
    freehold.ok(await acme.choose({ plan: 'starter' }))
    expect(await acme.choose({ plan: 'growth' })).toMatchObject(refusedWith('pending_change_exists'))
    const other = freehold.ok(await acme.choose({ plan: 'growth', replace: true }))
    expect(other.awaitingPayment).toMatchObject({ plan: { key: 'growth' }, price: 'monthly' })
    expect(await acme.invoices()).toMatchObject([{ status: 'void' }, { status: 'open', total: '9000' }])
    const stays = freehold.ok(await acme.choose({ plan: 'free', replace: true }))
    expect(stays).toMatchObject({ plan: { key: 'free' }, awaitingPayment: null })
    expect((await acme.invoices()).map(({ status }) => status)).toEqual(['void', 'void'])
    expect(await acme.events()).toEqual(['created', 'change_cancelled'])
  })

  test('outlives the cycle in which it was asked for', async () => {
    const acme = await open()
    freehold.ok(await acme.choose({ plan: 'starter' }))
    await acme.advance(16)
    await renewDue(freehold.ctx)
    expect(await acme.now()).toMatchObject({ plan: { key: 'free' }, awaitingPayment: { plan: { key: 'starter' } } })
    await acme.settle()
    expect(await acme.now()).toMatchObject({ plan: { key: 'starter' } })
  })

  test('paid in a later cycle that was billed gives the rest of that back: no day is paid twice', async () => {
    const acme = await open()
    // Staff have waived this cycle, so nothing of it is to be given back when the year is asked for.
    freehold.ok(await acme.staffPlan({ plan: 'growth', price: 'monthly', charge: 'waive' }))
    const { awaitingPayment } = freehold.ok(await acme.choose({ plan: 'growth', price: 'yearly' }))
    await acme.advance(32)
    await renewDue(freehold.ctx)
    expect((await acme.invoices()).at(-1)).toMatchObject({ cause: 'cycle', total: '9000', status: 'open' })
    freehold.ok(await acme.pay(awaitingPayment.invoiceId, 900_00))
    expect(await acme.now()).toMatchObject({ price: { name: 'yearly' } })
    // A day or so of the month has gone by.
    const [{ due }] = await freehold.sql(
      "select (total - credit_applied - amount_paid)::int as due from freehold.invoices where business_id = $1 and cause = 'cycle'",
      [acme.id],
    )
    expect(due).toBeGreaterThan(0)
    expect(due).toBeLessThan(7_00)
  })

  test('is over when the subscription is', async () => {
    const acme = await open()
    freehold.ok(await acme.choose({ plan: 'starter' }))
    freehold.ok(await acme.cancel({ when: 'now' }))
    expect(await acme.invoices()).toMatchObject([{ status: 'void' }])
  })
})

describe('at once', () => {
  test('many choices that replace one another leave one invoice to pay', async () => {
    const acme = await open()
    const bodies = ['starter', 'growth', 'starter', 'growth'].map((plan) => ({ plan, replace: true }))
    const answers = await Promise.all(bodies.map((body) => acme.choose(body)))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    const unpaid = (await acme.invoices()).filter(({ status }) => status === 'open')
    expect(unpaid).toHaveLength(1)
    expect((await acme.now()).awaitingPayment.invoiceId).toBe(unpaid[0].id)
  })

  test('a payment and a cancellation lose no money and start nothing twice', async () => {
    const acme = await open()
    const { awaitingPayment } = freehold.ok(await acme.choose({ plan: 'starter' }))
    const [paid, cancelled] = await Promise.all([
      acme.pay(awaitingPayment.invoiceId, 30_00),
      acme.cancel({ when: 'now' }),
    ])
    expect(cancelled.status).toBe(200)
    expect([201, 409]).toContain(paid.status)
    expect(await acme.now()).toMatchObject({ status: 'ended' })
    const [{ status }] = await acme.invoices()
    expect(status).toBe(paid.status === 201 ? 'paid' : 'void')
  })

  test('the same payment sent many times begins one cycle', async () => {
    const acme = await open()
    const { awaitingPayment } = freehold.ok(await acme.choose({ plan: 'starter' }))
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => acme.pay(awaitingPayment.invoiceId, 30_00, 'bank 1')),
    )
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201, 201])
    expect(await acme.cycles()).toHaveLength(2)
    expect(await acme.events()).toEqual(['created', 'plan_changed'])
  })

  test('a payment and the boundary at which it is due come to one or the other', async () => {
    const acme = await open()
    await acme.buy({ plan: 'starter' })
    const { awaitingPayment } = freehold.ok(await acme.choose({ plan: 'growth' }))
    const invoice = (await acme.invoices()).find(({ id }) => id === awaitingPayment.invoiceId)
    await acme.advance(32)
    const [paid] = await Promise.all([
      acme.pay(invoice.id, Number(invoice.total)),
      renewDue(freehold.ctx),
      acme.consume(1),
    ])
    expect(paid).toMatchObject(refusedWith('invoice_not_open'))
    expect(await acme.now()).toMatchObject({ plan: { key: 'starter' }, awaitingPayment: null })
    expect((await acme.events()).filter((type) => type === 'change_failed')).toHaveLength(1)
  })
})

describe('an upgrade', () => {
  test('in the same interval keeps the cycle, and costs the difference for the rest of it', async () => {
    const acme = await open()
    const { cycleStart, cycleEnd } = await acme.buy({ plan: 'starter' })
    await acme.consume(60)
    const half = (Date.parse(cycleEnd) - Date.parse(cycleStart)) / 2 / 1000
    await freehold.advance(Math.round(half - (freehold.ctx.now().getTime() - Date.parse(cycleStart)) / 1000))
    await acme.advance(0)
    const quote = await acme.preview({ plan: 'growth' })
    expect(quote).toMatchObject({ direction: 'upgrade', nextAmount: 90_00, blockers: [] })
    expect(quote.lines.map(({ kind }: { kind: string }) => kind)).toEqual(['proration_credit', 'proration_charge'])
    for (const [index, amount] of [-15_00, 45_00].entries())
      expect(Math.abs(quote.lines[index].amount - amount)).toBeLessThan(3)
    freehold.ok(await acme.choose({ plan: 'growth', quoteId: quote.quoteId }))
    const [, invoice] = await acme.invoices()
    expect(await acme.lines(invoice.id)).toEqual(quote.lines.map(({ amount }: { amount: number }) => amount))
    expect(await acme.consume(60)).toMatchObject({ allowed: false, used: 60 })
    await acme.settle()
    expect(await acme.now()).toMatchObject({ plan: { key: 'growth' }, cycleStart, cycleEnd })
    expect(await acme.consume(60)).toMatchObject({ allowed: true, used: 120, limit: 1000 })
    expect(await acme.events()).toEqual(['created', 'plan_changed', 'plan_changed'])
  })

  test('gives back what went by before it was paid', async () => {
    const acme = await open()
    await acme.buy({ plan: 'starter' })
    freehold.ok(await acme.choose({ plan: 'growth' }))
    await acme.advance(10)
    await acme.settle()
    const inHand = await acme.inHand()
    // Ten days of the difference of 60.00 a month.
    expect(inHand).toBeGreaterThan(18_00)
    expect(inHand).toBeLessThan(22_00)
  })

  test('to another interval closes the cycle, and begins one at the full price', async () => {
    const acme = await open()
    const before = await acme.buy({ plan: 'growth', price: 'monthly' })
    await acme.consume(5)
    await acme.advance(10)
    const { lines, dueNow } = await acme.preview({ plan: 'growth', price: 'yearly' })
    expect(lines).toMatchObject([{ kind: 'proration_credit' }, { kind: 'cycle', amount: 900_00 }])
    expect(dueNow).toBe(900_00 + lines[0].amount)
    freehold.ok(await acme.choose({ plan: 'growth', price: 'yearly' }))
    await acme.settle()
    const after = await acme.now()
    expect(after).toMatchObject({ price: { name: 'yearly' } })
    expect(Date.parse(after.cycleStart)).toBeLessThan(Date.parse(before.cycleEnd))
    expect(await acme.consume(1)).toMatchObject({ used: 1 })
  })

  test('that is not paid lapses with the cycle it was reckoned for, and the plan renews as it was', async () => {
    const acme = await open()
    await acme.buy({ plan: 'starter' })
    freehold.ok(await acme.choose({ plan: 'growth' }))
    await acme.advance(32)
    await renewDue(freehold.ctx)
    expect(await acme.now()).toMatchObject({ plan: { key: 'starter' }, awaitingPayment: null })
    expect(await acme.events()).toEqual(['created', 'plan_changed', 'change_failed', 'renewed'])
    expect(await acme.invoices()).toMatchObject([
      { status: 'paid', cause: 'start' },
      { status: 'void', cause: 'change' },
      { status: 'open', cause: 'cycle', total: '3000' },
    ])
  })

  test('waits until what is overdue is settled', async () => {
    const acme = await open()
    await acme.buy({ plan: 'starter' })
    await freehold.sql(`update freehold.subscriptions set status = 'past_due' where business_id = $1`, [acme.id])
    expect(await acme.choose({ plan: 'growth' })).toMatchObject(refusedWith('payment_overdue'))
    expect(await acme.choose({ plan: 'free' })).toMatchObject(refusedWith('payment_overdue'))
  })
})

describe('a downgrade', () => {
  test('waits for the end of the cycle and costs nothing now', async () => {
    const acme = await open()
    const { cycleEnd } = await acme.buy({ plan: 'growth' })
    expect(await acme.preview({ plan: 'starter' })).toMatchObject({
      direction: 'downgrade',
      effectiveAt: cycleEnd,
      lines: [],
      dueNow: 0,
      nextAmount: 30_00,
    })
    expect((await acme.choose({ plan: 'starter' })).body).toMatchObject({
      plan: { key: 'growth' },
      pendingChange: { plan: { key: 'starter' }, effectiveAt: cycleEnd },
    })
    expect((await acme.choose({ plan: 'starter' })).status).toBe(200)
    await acme.advance(32)
    expect(await acme.now()).toMatchObject({ plan: { key: 'starter' }, cycleStart: cycleEnd, pendingChange: null })
    await renewDue(freehold.ctx)
    expect((await acme.invoices()).at(-1)).toMatchObject({ cause: 'cycle', total: '3000', status: 'open' })
    expect(await acme.events()).toEqual(['created', 'plan_changed', 'change_scheduled', 'plan_changed'])
  })

  test('that what is held does not fit is refused, unless the product lets it stay', async () => {
    const acme = await open()
    await acme.buy({ plan: 'growth' })
    const held = [
      ...['p1', 'p2', 'p3'].map((item) => ['projects', item]),
      ['boards', 'b1'],
      ['boards', 'b2'],
      ['boards', 'b3'],
    ]
    for (const [feature = '', item = ''] of held) await allocate(acme.id, feature, item)
    expect((await acme.preview({ plan: 'starter' })).blockers).toEqual([{ feature: 'projects', used: 3, limit: 2 }])
    expect(await acme.choose({ plan: 'starter' })).toMatchObject({
      status: 409,
      body: { code: 'downgrade_does_not_fit', feature: 'projects', used: 3, limit: 2 },
    })
    expect(await acme.now()).toMatchObject({ pendingChange: null })
    await release(acme.id, 'projects', 'p3')
    expect((await acme.choose({ plan: 'starter' })).status).toBe(200)
    // What comes meanwhile does not hold up the boundary: it stays, and no new one is let in.
    await allocate(acme.id, 'projects', 'p4')
    await acme.advance(32)
    expect(await acme.now()).toMatchObject({ plan: { key: 'starter' } })
    expect(await allocate(acme.id, 'projects', 'p5')).toMatchObject({ allowed: false, used: 3, limit: 2 })
    expect(await allocate(acme.id, 'boards', 'b4')).toMatchObject({ allowed: false, used: 3, limit: 2 })
  })
})

async function allocate(businessId: string, feature: string, itemId: string) {
  const body = { feature, itemId, subject: { businessId } }
  return freehold.ok(await freehold.api.post('/v1/allocate', body, people.meter))
}
async function release(businessId: string, feature: string, itemId: string) {
  const body = { feature, itemId, subject: { businessId } }
  return freehold.ok(await freehold.api.post('/v1/release', body, people.meter))
}

describe('a preview', () => {
  test('writes nothing', async () => {
    const acme = await open()
    const before = await acme.now()
    await acme.preview({ plan: 'starter' })
    expect(await acme.now()).toEqual(before)
    expect(await acme.invoices()).toEqual([])
    expect(await acme.events()).toEqual(['created'])
  })

  test('is kept to: stale when the subscription, the terms or the time are others', async () => {
    const acme = await open()
    const stale = refusedWith('stale_subscription')
    const first = await acme.preview({ plan: 'starter' })
    expect(await acme.choose({ plan: 'growth', quoteId: first.quoteId })).toMatchObject(stale)
    expect(await acme.choose({ plan: 'starter', price: 'default', trial: true, quoteId: first.quoteId })).toMatchObject(
      stale,
    )
    freehold.ok(await acme.cancel())
    expect(await acme.choose({ plan: 'starter', quoteId: first.quoteId })).toMatchObject(stale)
    const second = await acme.preview({ plan: 'starter' })
    await freehold.advance(601)
    expect(await acme.choose({ plan: 'starter', quoteId: second.quoteId })).toMatchObject(stale)
    const third = await acme.preview({ plan: 'starter' })
    const other = await open()
    expect(await other.choose({ plan: 'starter', quoteId: third.quoteId })).toMatchObject(stale)
    expect((await acme.choose({ plan: 'starter', quoteId: third.quoteId })).status).toBe(200)
  })

  test.each(['x', 'AAAA', 'a'.repeat(900)])('takes no made-up quote: %s', async (quoteId) => {
    const acme = await open()
    expect(await acme.choose({ plan: 'starter', quoteId })).toMatchObject({
      status: 422,
      body: { errors: [{ path: 'body/quoteId' }] },
    })
  })
})

describe('a choice', () => {
  test.each([
    [{ plan: 'nothing' }, 422, 'unknown_plan'],
    [{ plan: 'secret' }, 422, 'unknown_plan'],
    [{ plan: 'constructor' }, 422, 'unknown_plan'],
    [{ plan: 'growth', price: 'weekly' }, 422, 'invalid_request'],
    [{ plan: 'growth', price: 'toString' }, 422, 'invalid_request'],
    [{ plan: 'gro\u0000wth' }, 422, 'invalid_request'],
    [{ plan: 'euro' }, 409, 'currency_mismatch'],
    [{ plan: 'starter', trial: true }, 409, 'conflict'],
    [{}, 422, 'invalid_request'],
    [{ plan: 'growth', charge: 'waive' }, 422, 'invalid_request'],
  ])('of %j is refused, previewed or not', async (body, status, code) => {
    const acme = await open()
    expect(await acme.choose(body)).toMatchObject({ status, body: { code } })
    expect(await acme.choose({ ...body, preview: true })).toMatchObject({ status, body: { code } })
    expect(await acme.invoices()).toEqual([])
  })

  test('of what is had already changes nothing', async () => {
    const acme = await open()
    const before = await acme.now()
    expect((await acme.choose({ plan: 'free' })).body).toEqual(before)
    expect(await acme.preview({ plan: 'free' })).toMatchObject({ direction: 'none', dueNow: 0 })
    expect(await acme.events()).toEqual(['created'])
  })

  test('of an archived plan is refused; who is on it may stay', async () => {
    const acme = await open()
    freehold.ok(await acme.staffPlan({ plan: 'old' }))
    const archive = (archived: boolean) =>
      freehold.api.patch('/v1/staff/plans/old', { archived, reason: 'not sold any more' }, people.admin)
    freehold.ok(await archive(true))
    const other = await open()
    expect(await other.choose({ plan: 'old' })).toMatchObject(refusedWith('plan_archived'))
    expect((await acme.choose({ plan: 'old' })).status).toBe(200)
    freehold.ok(await archive(false))
  })

  test('is for those who manage the subscription', async () => {
    const owner = await freehold.signUp()
    const member = await freehold.join(owner.business, owner.token)
    const stranger = await freehold.signUp()
    const url = `/v1/businesses/${owner.business.id}/subscription`
    const statuses = []
    for (const token of [undefined, member.token, owner.apiKeys[0].key, stranger.token]) {
      const by = { token }
      statuses.push([
        (await freehold.api.put(`${url}/plan`, { plan: 'starter' }, by)).status,
        (await freehold.api.post(`${url}/cancellation`, {}, by)).status,
        (await freehold.api.delete(`${url}/cancellation`, by)).status,
        (await freehold.api.post(`${url}/pause`, {}, by)).status,
        (await freehold.api.delete(`${url}/pause`, by)).status,
      ])
    }
    expect(statuses).toEqual([401, 403, 403, 404].map((status) => Array(5).fill(status)))
  })

  test('of a suspended business is refused', async () => {
    const acme = await open()
    freehold.ok(await freehold.api.patch(acme.staffUrl, { status: 'suspended', reason }, people.admin))
    for (const answer of [await acme.choose({ plan: 'starter' }), await acme.cancel(), await acme.pause()]) {
      expect(answer).toMatchObject(refusedWith('business_not_open', 403))
    }
  })
})

describe('a cancellation', () => {
  test('ends it with its cycle, and can be undone until then', async () => {
    const acme = await open()
    expect(await acme.undoCancel()).toMatchObject(refusedWith('no_scheduled_cancellation'))
    const before = await acme.now()
    for (const _ of [1, 2])
      expect((await acme.cancel()).body).toMatchObject({ status: 'active', cancelAtCycleEnd: true })
    expect((await acme.undoCancel()).status).toBe(204)
    expect(await acme.now()).toEqual(before)
    expect(await acme.undoCancel()).toMatchObject(refusedWith('no_scheduled_cancellation'))
    freehold.ok(await acme.cancel({ when: 'cycleEnd' }))
    await acme.advance(16)
    expect(await acme.now()).toMatchObject({ status: 'ended', endReason: 'cancelled', endedAt: before.cycleEnd })
    await renewDue(freehold.ctx)
    expect(await acme.events()).toEqual(['created', 'cancel_scheduled', 'cancel_undone', 'cancel_scheduled', 'ended'])
  })

  test('now ends it now, and leaves nothing to undo', async () => {
    const acme = await open()
    await acme.buy({ plan: 'starter' })
    await acme.advance(3)
    expect((await acme.cancel({ when: 'now' })).body).toMatchObject({ status: 'ended', access: 'none' })
    for (const answer of [await acme.cancel(), await acme.undoCancel(), await acme.pause(), await acme.resume()]) {
      expect(answer).toMatchObject(refusedWith('subscription_ended'))
    }
    expect(await acme.inHand()).toBe(0)
  })

  test('by staff gives the rest back when that is said', async () => {
    const acme = await open()
    await acme.buy({ plan: 'starter' })
    await acme.advance(15)
    freehold.ok(await freehold.api.post(`${acme.staffUrl}/cancellation`, { reason, credit: 'rest' }, people.admin))
    const inHand = await acme.inHand()
    expect(inHand).toBeGreaterThan(13_00)
    expect(inHand).toBeLessThan(17_00)
  })

  test('is followed by another subscription when a plan is chosen again', async () => {
    const acme = await open()
    const { id } = await acme.now()
    freehold.ok(await acme.cancel({ when: 'now' }))
    const free = freehold.ok(await acme.choose({ plan: 'free' }))
    expect(free).toMatchObject({ status: 'active', plan: { key: 'free' }, endedAt: null })
    expect(free.id).not.toBe(id)
    expect(await acme.consume(1)).toMatchObject({ allowed: true, used: 1 })
    freehold.ok(await acme.cancel({ when: 'now' }))
    const asked = freehold.ok(await acme.choose({ plan: 'starter' }))
    expect(asked).toMatchObject({ status: 'ended', awaitingPayment: { plan: { key: 'starter' } } })
    expect((await acme.choose({ plan: 'starter' })).body).toEqual(asked)
    expect(await acme.consume(1)).toMatchObject({ allowed: false, code: 'subscription_inactive' })
    await acme.settle()
    expect(await acme.now()).toMatchObject({ status: 'active', plan: { key: 'starter' }, awaitingPayment: null })
    expect(await acme.events()).toEqual(['created', 'ended', 'created', 'ended', 'created'])
    expect(await acme.consume(1)).toMatchObject({ allowed: true, limit: 100 })
  })
})

describe('a pause', () => {
  test('begins with the end of the cycle, and can be taken back until then', async () => {
    const acme = await open()
    expect(await acme.resume()).toMatchObject(refusedWith('not_paused'))
    const before = await acme.now()
    for (const _ of [1, 2]) expect((await acme.pause()).body).toMatchObject({ status: 'active', pauseAtCycleEnd: true })
    expect((await acme.resume()).status).toBe(204)
    expect(await acme.now()).toEqual(before)
    expect(await acme.events()).toEqual(['created'])
  })

  test('costs nothing, and ends with a full cycle that is paid first', async () => {
    const acme = await open()
    const { cycleEnd } = await acme.buy({ plan: 'starter' })
    freehold.ok(await acme.pause())
    await acme.advance(60)
    await renewDue(freehold.ctx)
    expect(await acme.now()).toMatchObject({ status: 'paused', access: 'none', cycleEnd })
    expect(await acme.invoices()).toHaveLength(1)
    expect(await acme.pause()).toMatchObject(refusedWith('cannot_pause'))
    expect(await acme.choose({ plan: 'growth' })).toMatchObject(refusedWith('conflict'))
    for (const _ of [1, 2]) expect((await acme.resume()).status).toBe(204)
    expect(await acme.now()).toMatchObject({ status: 'paused', awaitingPayment: { plan: { key: 'starter' } } })
    expect((await acme.invoices()).at(-1)).toMatchObject({ cause: 'resume', total: '3000', status: 'open' })
    await acme.advance(2)
    await acme.settle()
    const resumed = await acme.now()
    expect(resumed).toMatchObject({ status: 'active', access: 'full' })
    expect(freehold.ctx.now().getTime() - Date.parse(resumed.cycleStart)).toBeLessThan(60_000)
    expect(await acme.consume(1)).toMatchObject({ allowed: true, used: 1 })
    expect(await acme.events()).toEqual(['created', 'plan_changed', 'paused', 'resumed'])
    const [, bought, next] = await acme.cycles()
    expect(bought.cycle_end.toISOString()).toBe(cycleEnd)
    expect(next.cycle_start.toISOString()).toBe(resumed.cycleStart)
  })

  test('is not over while something is owed for the time before it', async () => {
    const acme = await open()
    freehold.ok(await acme.staffPlan({ plan: 'starter', charge: 'invoice' }))
    freehold.ok(await acme.pause())
    await acme.advance(60)
    await renewDue(freehold.ctx)
    expect(await acme.now()).toMatchObject({ status: 'paused' })
    expect(await acme.resume()).toMatchObject(refusedWith('payment_overdue'))
    const [owed, ...more] = await acme.invoices()
    expect(more).toEqual([])
    freehold.ok(await acme.pay(owed.id, 3000))
    expect((await acme.resume()).status).toBe(204)
    await acme.settle()
    expect(await acme.now()).toMatchObject({ status: 'active', access: 'full' })
  })

  test('is over with the payment of the next cycle, which does not settle what has become overdue meanwhile', async () => {
    const acme = await open()
    await acme.buy({ plan: 'starter' })
    await acme.advance(28)
    freehold.ok(await acme.staffPlan({ plan: 'growth', charge: 'invoice' }))
    freehold.ok(await acme.pause())
    await acme.advance(4)
    await renewDue(freehold.ctx)
    expect((await acme.resume()).status).toBe(204)
    await acme.advance(7)
    await acme.settle()
    expect(await acme.now()).toMatchObject({ status: 'past_due', access: 'full' })
    const owed = (await acme.invoices()).find(({ status }) => status === 'open')
    freehold.ok(await acme.pay(owed.id, Number(owed.total)))
    expect(await acme.now()).toMatchObject({ status: 'active' })
  })

  test('stays scheduled when a cancellation that came after it is taken back', async () => {
    const acme = await open()
    freehold.ok(await acme.pause())
    expect((await acme.cancel()).body).toMatchObject({ cancelAtCycleEnd: true, pauseAtCycleEnd: false })
    freehold.ok(await acme.undoCancel())
    expect(await acme.now()).toMatchObject({ cancelAtCycleEnd: false, pauseAtCycleEnd: true })
    freehold.ok(await acme.cancel())
    await acme.advance(15)
    expect(await acme.now()).toMatchObject({ status: 'ended', pauseAtCycleEnd: false })
  })

  test('of a free plan ends at once', async () => {
    const acme = await open()
    freehold.ok(await acme.pause())
    await acme.advance(20)
    expect(await acme.now()).toMatchObject({ status: 'paused' })
    expect((await acme.resume()).status).toBe(204)
    expect(await acme.now()).toMatchObject({ status: 'active' })
  })

  test('is refused where a cancellation or a trial is', async () => {
    const acme = await open()
    freehold.ok(await acme.cancel())
    expect(await acme.pause()).toMatchObject(refusedWith('cannot_pause'))
    const other = await open()
    freehold.ok(await other.choose({ plan: 'growth', trial: true }))
    expect(await other.pause()).toMatchObject(refusedWith('cannot_pause'))
  })
})

describe('a trial', () => {
  test('costs nothing, and falls back to the free plan unless it is bought', async () => {
    const acme = await open()
    expect(await acme.preview({ plan: 'growth', trial: true })).toMatchObject({
      direction: 'trial',
      lines: [],
      dueNow: 0,
    })
    const tried = freehold.ok(await acme.choose({ plan: 'growth', trial: true }))
    expect(tried).toMatchObject({
      status: 'trialing',
      plan: { key: 'growth' },
      pendingChange: { plan: { key: 'free' } },
    })
    expect(Date.parse(tried.trialEnd) - Date.parse(tried.cycleStart)).toBe(seconds(14) * 1000)
    expect(await acme.consume(500)).toMatchObject({ allowed: true })
    await acme.advance(15)
    expect(await acme.now()).toMatchObject({ status: 'active', plan: { key: 'free' } })
    expect(await acme.invoices()).toEqual([])
    expect(await acme.choose({ plan: 'growth', trial: true })).toMatchObject(refusedWith('trial_already_used'))
  })

  test('that is bought becomes a subscription with the payment', async () => {
    const acme = await open()
    freehold.ok(await acme.choose({ plan: 'growth', trial: true }))
    expect(freehold.ok(await acme.choose({ plan: 'growth' }))).toMatchObject({
      status: 'trialing',
      awaitingPayment: { plan: { key: 'growth' } },
    })
    await acme.settle()
    const bought = await acme.now()
    expect(bought).toMatchObject({ status: 'active', plan: { key: 'growth' }, pendingChange: null })
    await acme.advance(20)
    expect(await acme.now()).toMatchObject({ status: 'active', plan: { key: 'growth' }, cycleEnd: bought.cycleEnd })
    expect(await acme.events()).toEqual(['created', 'plan_changed', 'trial_converted'])
  })

  test('does not give a plan that cannot be tried', async () => {
    const acme = await open()
    freehold.ok(await acme.choose({ plan: 'growth', trial: true }))
    expect(freehold.ok(await acme.choose({ plan: 'starter' }))).toMatchObject({
      plan: { key: 'growth' },
      awaitingPayment: { plan: { key: 'starter' } },
    })
    expect(freehold.ok(await acme.choose({ plan: 'growth', price: 'yearly', replace: true }))).toMatchObject({
      status: 'trialing',
      price: { name: 'yearly' },
      awaitingPayment: null,
    })
  })

  test('is had once by a person, whatever business they found', async () => {
    const acme = await open()
    freehold.ok(await acme.choose({ plan: 'growth', trial: true }))
    const { token } = freehold.ok(
      await freehold.api.post('/v1/login', { email: acme.user.email, password: 'correct horse battery' }),
    )
    const { business } = freehold.ok(await freehold.api.post('/v1/businesses', { name: 'Second' }, { token }))
    const url = `/v1/businesses/${business.id}/subscription/plan`
    expect(await freehold.api.put(url, { plan: 'growth', trial: true }, { token })).toMatchObject(
      refusedWith('trial_already_used'),
    )
  })

  test('is made what it is a trial of by staff', async () => {
    const acme = await open()
    const convert = (body: Record<string, unknown>) =>
      freehold.api.post(`${acme.staffUrl}/conversion`, { reason, ...body }, people.admin)
    expect(await convert({})).toMatchObject(refusedWith('conflict'))
    freehold.ok(await acme.choose({ plan: 'growth', trial: true }))
    expect((await convert({ charge: 'invoice' })).body).toMatchObject({ status: 'active', plan: { key: 'growth' } })
    expect(await acme.invoices()).toMatchObject([{ status: 'open', cause: 'cycle', total: '9000' }])
    expect((await convert({ charge: 'invoice' })).status).toBe(200)
    expect(await acme.events()).toEqual(['created', 'plan_changed', 'trial_converted'])
  })
})

describe('a plan change by staff', () => {
  test('takes effect at once and is owed when they say so', async () => {
    const acme = await open()
    freehold.ok(await acme.staffPlan({ plan: 'starter', charge: 'invoice' }))
    expect(await acme.now()).toMatchObject({ plan: { key: 'starter' }, awaitingPayment: null })
    expect(await acme.invoices()).toMatchObject([{ status: 'open', cause: 'cycle', total: '3000' }])
    expect(await acme.audit('plan_changed')).toMatchObject([{ after: { charge: 'invoiced', reason } }])
  })

  test('that is waived is no base of a credit later', async () => {
    const acme = await open()
    freehold.ok(await acme.staffPlan({ plan: 'starter' }))
    const { lines } = await acme.preview({ plan: 'growth' })
    expect(lines.map(({ kind }: { kind: string }) => kind)).toEqual(['proration_charge'])
    freehold.ok(await acme.staffPlan({ plan: 'free', charge: 'invoice' }))
    expect(await acme.inHand()).toBe(0)
  })

  test('at the end of the cycle is waived for that cycle alone', async () => {
    const acme = await open()
    freehold.ok(await acme.staffPlan({ plan: 'starter', when: 'cycleEnd' }))
    await acme.advance(16)
    await renewDue(freehold.ctx)
    expect(await acme.invoices()).toEqual([])
    await acme.advance(31)
    await renewDue(freehold.ctx)
    expect(await acme.invoices()).toMatchObject([{ cause: 'cycle', total: '3000' }])
  })
})

describe('a renewal', () => {
  test('bills the cycle that contains now; one that went by unseen waits for staff', async () => {
    const acme = await open()
    await acme.buy({ plan: 'starter' })
    await acme.advance(31 * 3 + 5)
    await Promise.all([renewDue(freehold.ctx), renewDue(freehold.ctx)])
    const [, ...later] = await acme.invoices()
    expect(later.map(({ status, held, cause }) => ({ status, held, cause }))).toEqual([
      { status: 'draft', held: true, cause: 'cycle' },
      { status: 'draft', held: true, cause: 'cycle' },
      { status: 'open', held: false, cause: 'cycle' },
    ])
    expect(await acme.events()).toEqual(['created', 'plan_changed', 'renewed', 'renewed', 'renewed'])
  })

  test('comes to the same when the business itself asks', async () => {
    const acme = await open()
    await acme.buy({ plan: 'starter' })
    await acme.advance(31 * 3 + 5)
    await acme.consume(1)
    expect((await acme.invoices()).map(({ status }) => status)).toEqual(['paid', 'draft', 'draft', 'open'])
    expect(await acme.events()).toEqual(['created', 'plan_changed', 'renewed', 'renewed', 'renewed'])
  })

  test('of a suspended business is a draft', async () => {
    const acme = await open()
    await acme.buy({ plan: 'starter' })
    freehold.ok(await freehold.api.patch(acme.staffUrl, { status: 'suspended', reason }, people.admin))
    await acme.advance(32)
    await renewDue(freehold.ctx)
    expect((await acme.invoices()).at(-1)).toMatchObject({ status: 'draft', held: true })
  })

  test.each([
    ['swept meanwhile', () => renewDue(freehold.ctx)],
    ['that nobody looked at', () => undefined],
  ])('of a business that goes on is waived for cycles that nobody could use, %s', async (_, sweep) => {
    const acme = await open()
    await acme.buy({ plan: 'starter' })
    const set = (status: string) => freehold.api.patch(acme.staffUrl, { status, reason }, people.admin)
    // A cycle of before the suspension that is found late is no part of it.
    await acme.advance(31 * 2 + 5)
    freehold.ok(await set('suspended'))
    const states = async () => (await acme.invoices()).map(({ status, held }) => [status, held].join())
    const before = await states()
    await acme.advance(31 * 3)
    await sweep()
    freehold.ok(await set('active'))
    expect(await states()).toEqual([...before, 'void,false', 'void,false', 'draft,true'])
    const waived = (await acme.invoices()).find(({ status }) => status === 'void')
    expect(waived).toMatchObject({ number: null, status_reason: 'The business was suspended' })
    freehold.ok(await set('active'))
    await renewDue(freehold.ctx)
    expect(await states()).toEqual([...before, 'void,false', 'void,false', 'draft,true'])
  })
})
