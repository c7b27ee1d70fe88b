import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, type TestFreehold } from '../../test/harness.ts'
import { across, billFor, line, payer, whatDoesNotAddUp, type Payer } from '../../test/invoices.ts'
import { openInvoice, type Invoice, type NewInvoice } from './invoices.ts'
import { recordPayment } from './payments.ts'

let freehold: TestFreehold
let token: string
beforeAll(async () => {
  freehold = await createTestFreehold()
  const staff = await freehold.signUp()
  await freehold.makeStaff(staff.user.id)
  token = staff.token
})
afterAll(() => freehold.close())

const bill = async (of: Payer, more: Partial<NewInvoice> = {}) =>
  (await across(freehold, (tx) => openInvoice(tx, freehold.ctx, billFor(of, more))))!
const pay = ({ businessId, id }: Invoice, amount: number) =>
  across(freehold, (tx) =>
    recordPayment(
      tx,
      freehold.ctx,
      { kind: 'system', id: 'test', name: 'test' },
      { businessId, invoiceId: id, amount, reference: `bank ${id}`, receivedAt: freehold.ctx.now() },
    ),
  )
const base = ({ businessId }: Payer) => `/v1/staff/businesses/${businessId}`
const decide = (of: Payer, id: string, status: string, reason = 'because we said so') =>
  freehold.api.patch(`${base(of)}/invoices/${id}`, { status, reason }, { token })
const credit = (of: Payer, amount: number, reason = 'an apology') =>
  freehold.api.post(`${base(of)}/credits`, { amount, currency: 'USD', reason }, { token })
const balances = async (of: Payer) => freehold.ok(await freehold.api.get(`${base(of)}/credits`, { token })).balances
const actions = async (of: Payer, like: string) =>
  (
    await freehold.sql(
      'select action from freehold.audit_entries where business_id = $1 and action like $2 order by id',
      [of.businessId, like],
    )
  ).map(({ action }) => action)

describe('staff', () => {
  test('see drafts too, and every invoice whole', async () => {
    const of = await payer(freehold)
    const open = await bill(of)
    const held = await bill(of, { held: true })
    const { items } = freehold.ok(await freehold.api.get(`${base(of)}/invoices`, { token }))
    expect(items.map(({ id }: { id: string }) => id)).toEqual([held.id, open.id])
    const drafts = freehold.ok(await freehold.api.get(`${base(of)}/invoices?status=draft`, { token }))
    expect(drafts.items).toMatchObject([{ id: held.id, status: 'draft', held: true, number: null }])
    const whole = freehold.ok(await freehold.api.get(`${base(of)}/invoices/${held.id}`, { token }))
    expect(whole).toMatchObject({ lines: [{ amount: 4900 }], payments: [] })
    expect((await freehold.api.get('/v1/staff/businesses/biz_none/invoices', { token })).status).toBe(404)
  })

  test('release a held draft: it gets its number, its term, and what is in hand', async () => {
    const of = await payer(freehold)
    const held = await bill(of, { cause: 'cycle', cycleNumber: 5, held: true })
    freehold.ok(await credit(of, 900))
    const released = freehold.ok(await decide(of, held.id, 'open'))
    expect(released).toMatchObject({
      status: 'open',
      held: false,
      creditApplied: 900,
      amountDue: 4000,
      billedTo: of.name,
    })
    expect(released.number).toMatch(/^INV-/)
    expect(Date.parse(released.dueAt) - Date.parse(released.openedAt)).toBe(7 * 86_400_000)
    expect(freehold.ok(await decide(of, held.id, 'open'))).toEqual(released)
    expect(await actions(of, 'invoice.%')).toEqual(['invoice.held', 'invoice.released'])
    expect(await balances(of)).toEqual([{ currency: 'USD', balance: 0 }])
    expect(await whatDoesNotAddUp(freehold)).toEqual([])
  })

  test('release one that is paid at once by what is in hand', async () => {
    const of = await payer(freehold)
    const held = await bill(of, { held: true })
    freehold.ok(await credit(of, 5000))
    expect(freehold.ok(await decide(of, held.id, 'open'))).toMatchObject({ status: 'paid', amountDue: 0 })
    expect(await whatDoesNotAddUp(freehold)).toEqual([])
  })

  test('release a draft once, however many do', async () => {
    const of = await payer(freehold)
    const held = await bill(of, { held: true })
    const answers = await Promise.all(Array.from({ length: 5 }, () => decide(of, held.id, 'open')))
    expect(new Set(answers.map(({ status, body }) => `${status} ${body.number}`)).size).toBe(1)
    expect(await whatDoesNotAddUp(freehold)).toEqual([])
  })

  test('waive a held draft: it never gets a number, and the business never sees it', async () => {
    const of = await payer(freehold)
    const held = await bill(of, { held: true })
    const waived = freehold.ok(await decide(of, held.id, 'void', 'the outage was ours'))
    expect(waived).toMatchObject({ status: 'void', held: false, number: null, statusReason: 'the outage was ours' })
    expect(await actions(of, 'invoice.%')).toEqual(['invoice.held', 'invoice.waived'])
    const seen = freehold.ok(await freehold.api.get(`/v1/businesses/${of.businessId}/invoices`, { token: of.token }))
    expect(seen.items).toEqual([])
    expect(await decide(of, held.id, 'open')).toMatchObject({ status: 409, body: { code: 'invoice_not_open' } })
  })

  test('void an invoice, which keeps its number and gives back what was spent on it', async () => {
    const of = await payer(freehold)
    freehold.ok(await credit(of, 900))
    const invoice = await bill(of)
    const after = freehold.ok(await decide(of, invoice.id, 'void'))
    expect(after).toMatchObject({ status: 'void', number: invoice.number, amountDue: 0, creditApplied: 0 })
    expect(after.closedAt).not.toBeNull()
    expect(freehold.ok(await decide(of, invoice.id, 'void'))).toEqual(after)
    expect(await balances(of)).toEqual([{ currency: 'USD', balance: 900 }])
    expect(await whatDoesNotAddUp(freehold)).toEqual([])
  })

  test('void what was paid in part: the money is in hand again; what is paid stays paid', async () => {
    const of = await payer(freehold)
    const [half, whole] = [await bill(of), await bill(of)]
    await pay(half, 900)
    await pay(whole, 4900)
    freehold.ok(await decide(of, half.id, 'void'))
    expect(await balances(of)).toEqual([{ currency: 'USD', balance: 900 }])
    freehold.ok(await decide(of, half.id, 'void'))
    expect(await balances(of)).toEqual([{ currency: 'USD', balance: 900 }])
    for (const status of ['void', 'uncollectible', 'open']) {
      expect(await decide(of, whole.id, status)).toMatchObject({ status: 409, body: { code: 'invoice_not_open' } })
    }
    expect(await whatDoesNotAddUp(freehold)).toEqual([])
  })

  test('give up an invoice that nobody will pay', async () => {
    const of = await payer(freehold)
    const invoice = await bill(of)
    const lost = freehold.ok(await decide(of, invoice.id, 'uncollectible', 'they are bankrupt'))
    expect(lost).toMatchObject({ status: 'uncollectible', statusReason: 'they are bankrupt', amountDue: 4900 })
    expect(freehold.ok(await decide(of, invoice.id, 'uncollectible'))).toEqual(lost)
    expect(await actions(of, 'invoice.%')).toEqual(['invoice.opened', 'invoice.marked_uncollectible'])
    expect(freehold.ok(await decide(of, invoice.id, 'void'))).toMatchObject({ status: 'void' })
  })

  test('give a reason for everything', async () => {
    const of = await payer(freehold)
    const invoice = await bill(of)
    for (const reason of [undefined, '', '  ']) {
      const answers = [
        await freehold.api.patch(`${base(of)}/invoices/${invoice.id}`, { status: 'void', reason }, { token }),
        await freehold.api.post(`${base(of)}/credits`, { amount: 1, currency: 'USD', reason }, { token }),
      ]
      expect(answers.map(({ status }) => status)).toEqual([422, 422])
    }
  })

  test('credit a business, and take back what is in hand', async () => {
    const of = await payer(freehold)
    expect(await credit(of, 1000)).toMatchObject({
      status: 201,
      body: { amount: 1000, balanceAfter: 1000, reason: 'an apology', invoiceId: null },
    })
    expect(freehold.ok(await credit(of, -400))).toMatchObject({ amount: -400, balanceAfter: 600 })
    expect(await credit(of, -601)).toMatchObject({ status: 422, body: { code: 'invalid_request' } })
    expect((await credit(of, 0)).status).toBe(422)
    // Who reads it has typed dollars, so it names no bound in cents.
    for (const amount of [1_000_000_000_001, -1_000_000_000_001]) {
      expect((await credit(of, amount)).body.errors).toEqual([{ path: 'body/amount', message: 'is too large' }])
    }
    expect(await actions(of, 'credit.%')).toEqual(['credit.added', 'credit.taken_back'])
    const answer = await freehold.api.post(
      '/v1/staff/businesses/biz_none/credits',
      { amount: 1, currency: 'USD', reason: 'a reason' },
      { token },
    )
    expect(answer.status).toBe(404)
  })

  test('hear what is wrong with a sum as people say it', async () => {
    const of = await payer(freehold)
    const { id } = await bill(of, { lines: [line(4900)] })
    const payment = (amount: number) =>
      freehold.api.post(`${base(of)}/invoices/${id}/payments`, { amount, reference: 'bank 1' }, { token })
    const said = async (amount: number) => (await payment(amount)).body.errors[0].message
    expect(await said(0)).toBe('must be more than 0')
    expect(await said(1_000_000_000_001)).toBe('is too large')
    expect(await said(4901)).toMatch(/^at most \$49\.00 is due/)
  })

  test('credit once under one idempotency key', async () => {
    const of = await payer(freehold)
    const send = () =>
      freehold.api.post(
        `${base(of)}/credits`,
        { amount: 700, currency: 'USD', reason: 'an apology' },
        { token, headers: { 'idempotency-key': 'credit-1' } },
      )
    const first = await send()
    expect((await send()).body).toEqual(first.body)
    expect(await balances(of)).toEqual([{ currency: 'USD', balance: 700 }])
  })

  test('see an invoice of one business only there', async () => {
    const [mine, theirs] = [await payer(freehold), await payer(freehold)]
    const invoice = await bill(theirs, { lines: [line(100)] })
    expect((await decide(mine, invoice.id, 'void')).status).toBe(404)
    expect((await freehold.api.get(`${base(mine)}/invoices/${invoice.id}`, { token })).status).toBe(404)
  })
})
