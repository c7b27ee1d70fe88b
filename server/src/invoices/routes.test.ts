import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, type TestFreehold } from '../../test/harness.ts'
import { across, billFor, line, payer, type Payer } from '../../test/invoices.ts'
import { addCredit } from './credit.ts'
import { openInvoice, type NewInvoice } from './invoices.ts'
import { recordPayment } from './payments.ts'

let freehold: TestFreehold
beforeAll(async () => {
  freehold = await createTestFreehold()
})
afterAll(() => freehold.close())

const staff = { kind: 'app', id: 'app_books', name: 'Bookkeeping', scope: 'admin' } as const
const bill = async (of: Payer, more: Partial<NewInvoice> = {}) =>
  (await across(freehold, (tx) => openInvoice(tx, freehold.ctx, billFor(of, more))))!
const get = ({ businessId, token }: Payer, path: string) =>
  freehold.api.get(`/v1/businesses/${businessId}/${path}`, { token })

describe('the invoices of a business', () => {
  test('come newest first and page by page', async () => {
    const of = await payer(freehold)
    const ids: string[] = []
    for (let count = 0; count < 5; count += 1) ids.unshift((await bill(of)).id)
    await bill(await payer(freehold))
    const first = freehold.ok(await get(of, 'invoices?limit=2'))
    const second = freehold.ok(await get(of, `invoices?limit=2&cursor=${first.nextCursor}`))
    const third = freehold.ok(await get(of, `invoices?limit=2&cursor=${second.nextCursor}`))
    expect([...first.items, ...second.items, ...third.items].map(({ id }) => id)).toEqual(ids)
    expect(third.nextCursor).toBeNull()
    expect(first.items[0]).toMatchObject({ status: 'open', total: 4900, amountDue: 4900, currency: 'USD' })
  })

  test('can be narrowed to a status', async () => {
    const of = await payer(freehold)
    const open = await bill(of)
    const paid = await bill(of)
    await across(freehold, (tx) =>
      recordPayment(tx, freehold.ctx, staff, {
        businessId: of.businessId,
        invoiceId: paid.id,
        amount: 4900,
        reference: 'bank 1',
        receivedAt: freehold.ctx.now(),
      }),
    )
    const idsOf = async (status: string) =>
      freehold.ok(await get(of, `invoices?status=${status}`)).items.map(({ id }: { id: string }) => id)
    expect([await idsOf('open'), await idsOf('paid'), await idsOf('void')]).toEqual([[open.id], [paid.id], []])
    expect((await get(of, 'invoices?status=draft')).status).toBe(422)
  })

  test('have their lines and payments, but not before they are final', async () => {
    const of = await payer(freehold)
    const invoice = await bill(of, {
      lines: [line(-1500, { kind: 'proration_credit' }), line(4500, { feature: 'seats' })],
    })
    await across(freehold, (tx) =>
      recordPayment(tx, freehold.ctx, staff, {
        businessId: of.businessId,
        invoiceId: invoice.id,
        amount: 1000,
        reference: 'bank 7',
        receivedAt: new Date('2026-04-17T00:00:00Z'),
      }),
    )
    expect(freehold.ok(await get(of, `invoices/${invoice.id}`))).toMatchObject({
      number: invoice.number,
      total: 3000,
      amountDue: 2000,
      lines: [
        { kind: 'proration_credit', amount: -1500, plan: 'growth', price: 'monthly', feature: null },
        { kind: 'cycle', amount: 4500, feature: 'seats' },
      ],
      payments: [{ provider: 'manual', reference: 'bank 7', amount: 1000, receivedAt: '2026-04-17T00:00:00.000Z' }],
    })
    const held = await bill(of, { held: true })
    expect((await get(of, `invoices/${held.id}`)).status).toBe(404)
    expect((await get(of, `invoices/${held.id}/html`)).status).toBe(404)
    expect(freehold.ok(await get(of, 'invoices')).items).toHaveLength(1)
  })
})

describe('an invoice to print', () => {
  test('says who owes what to whom, and since when', async () => {
    const of = await payer(freehold)
    const invoice = await bill(of, { lines: [line(1_234_567), line(-67)] })
    await across(freehold, (tx) =>
      addCredit(tx, freehold.ctx, staff, { businessId: of.businessId, currency: 'USD', amount: 500, reason: 'a gift' }),
    )
    const { status, body, headers } = await get(of, `invoices/${invoice.id}/html`)
    expect(status).toBe(200)
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8')
    for (const said of [
      invoice.number,
      of.name,
      freehold.ctx.product.name,
      'Growth, monthly',
      '2026-04-01 – 2026-05-01',
      '$12,345.67',
      '-$0.67',
      '$12,345.00',
      '-$5.00',
      '$12,340.00',
      'To be paid',
    ]) {
      expect(body).toContain(said)
    }
  })

  test('says how to pay until it is paid, on the page and in the answer', async () => {
    const of = await payer(freehold)
    const { id, number } = await bill(of)
    const { howToPay } = freehold.ctx.product
    expect(howToPay).toContain('IBAN')
    expect(freehold.ok(await get(of, `invoices/${id}`)).howToPay).toBe(howToPay)
    const page = (await get(of, `invoices/${id}/html`)).body
    expect(page).toContain(`<footer>${howToPay}</footer>`)
    expect(page).toContain(`Reference: ${number}`)
    const paid = { businessId: of.businessId, invoiceId: id, amount: 4900, reference: 'bank 1' }
    await across(freehold, (tx) => recordPayment(tx, freehold.ctx, staff, { ...paid, receivedAt: freehold.ctx.now() }))
    expect(freehold.ok(await get(of, `invoices/${id}`)).howToPay).toBeNull()
    expect((await get(of, `invoices/${id}/html`)).body).not.toContain('<footer>')
  })

  test('may run and load nothing, and shows its one style sheet', async () => {
    const of = await payer(freehold)
    const { body, headers } = await get(of, `invoices/${(await bill(of)).id}/html`)
    const [, style = ''] = /<style>([\s\S]*)<\/style>/.exec(body) ?? []
    const hash = createHash('sha256').update(style).digest('base64')
    expect(headers.get('content-security-policy')).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`,
    )
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(body).not.toMatch(/<script|style=|javascript:|\son\w+=/i)
  })

  test.each([
    `<script>alert('mine')</script>`,
    `"><img src=x onerror=alert(1)>`,
    `</title></style><base href=//evil.example>`,
    `&lt;b&gt; Tom & Jerry's`,
  ])('shows a business and a plan called %s as what they are called', async (hostile) => {
    const of = await payer(freehold, hostile)
    const invoice = await bill(of, { lines: [line(4900, { description: hostile })] })
    const { body } = await get(of, `invoices/${invoice.id}/html`)
    expect(body.match(/<\w+/g).filter((tag: string) => /script|img|base/i.test(tag))).toEqual([])
    expect(body).not.toContain(hostile)
    const shown = body.replace(/&#(\d+);/g, (_: string, code: string) => String.fromCharCode(Number(code)))
    expect(shown.split(hostile)).toHaveLength(3)
  })

  test.each([
    [500, 'JPY', '¥500'],
    [123_456, 'KWD', 'KWD\u00a0123.456'],
    [5, 'EUR', '€0.05'],
    [Number.MAX_SAFE_INTEGER, 'USD', '$90,071,992,547,409.91'],
  ])('shows %i %s as %s', async (amount, currency, shown) => {
    const of = await payer(freehold)
    const invoice = await bill(of, { currency, lines: [line(amount)] })
    const { body } = await get(of, `invoices/${invoice.id}/html`)
    expect(body).toContain(`<td class="amount">${shown}</td>`)
  })
})

test('what is in hand is shown with what became of it', async () => {
  const of = await payer(freehold)
  expect(freehold.ok(await get(of, 'credits'))).toEqual({ balances: [], items: [], nextCursor: null })
  await across(freehold, (tx) =>
    addCredit(tx, freehold.ctx, staff, { businessId: of.businessId, currency: 'USD', amount: 6000, reason: 'a gift' }),
  )
  const invoice = await bill(of)
  expect(freehold.ok(await get(of, 'credits'))).toMatchObject({
    balances: [{ currency: 'USD', balance: 1100 }],
    items: [
      { amount: -4900, balanceAfter: 1100, invoiceId: invoice.id, reason: `Spent on ${invoice.number}` },
      { amount: 6000, balanceAfter: 6000, invoiceId: null, reason: 'a gift' },
    ],
    nextCursor: null,
  })
})
