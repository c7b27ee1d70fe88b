import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, type TestFreehold } from '../../test/harness.ts'
import { across, billFor, line, payer, whatDoesNotAddUp } from '../../test/invoices.ts'
import { addCredit, creditBalance } from './credit.ts'
import { openInvoice } from './invoices.ts'

let freehold: TestFreehold
beforeAll(async () => {
  freehold = await createTestFreehold()
})
afterAll(() => freehold.close())

const staff = { kind: 'app', id: 'app_books', name: 'Bookkeeping', scope: 'admin' } as const
const credit = (businessId: string, amount: number, currency = 'USD') =>
  across(freehold, (tx) => addCredit(tx, freehold.ctx, staff, { businessId, currency, amount, reason: 'an apology' }))
const balance = (businessId: string, currency = 'USD') =>
  across(freehold, (tx) => creditBalance(tx, businessId, currency))

describe('credit', () => {
  test('adds up, apart for each currency', async () => {
    const { businessId } = await payer(freehold)
    expect(await balance(businessId)).toBe(0)
    await credit(businessId, 500)
    expect(await credit(businessId, 250)).toMatchObject({ balanceAfter: 750, paidInvoices: [] })
    await credit(businessId, 90, 'EUR')
    expect([await balance(businessId), await balance(businessId, 'EUR')]).toEqual([750, 90])
  })

  test('settles what is open first, the invoice that is due first before the others', async () => {
    const of = await payer(freehold)
    const open = (total: number, dueAt: string) =>
      across(freehold, (tx) =>
        openInvoice(tx, freehold.ctx, billFor(of, { lines: [line(total)], dueAt: new Date(dueAt) })),
      )
    const later = await open(1000, '2031-02-01')
    const sooner = await open(700, '2031-01-01')
    expect(await credit(of.businessId, 900)).toMatchObject({ paidInvoices: [sooner!.id] })
    const rows = await freehold.sql(
      'select id, status, credit_applied::int from freehold.invoices where business_id = $1 order by due_at',
      [of.businessId],
    )
    expect(rows).toEqual([
      { id: sooner!.id, status: 'paid', credit_applied: 700 },
      { id: later!.id, status: 'open', credit_applied: 200 },
    ])
    expect(await balance(of.businessId)).toBe(0)
    expect(await whatDoesNotAddUp(freehold)).toEqual([])
  })

  test('can be taken back while it is in hand, and no further', async () => {
    const { businessId } = await payer(freehold)
    await expect(credit(businessId, -1)).rejects.toMatchObject({ status: 422 })
    await credit(businessId, 500)
    await credit(businessId, -200)
    await expect(credit(businessId, -301)).rejects.toThrow('the $3.00 that are in hand')
    expect(await balance(businessId)).toBe(300)
    await credit(businessId, 300, 'JPY')
    await expect(credit(businessId, -301, 'JPY')).rejects.toThrow('the ¥300 that are in hand')
  })

  test('taken back by many at once never falls below nothing', async () => {
    const { businessId } = await payer(freehold)
    await credit(businessId, 1000)
    const results = await Promise.allSettled(Array.from({ length: 10 }, () => credit(businessId, -300)))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(3)
    expect(await balance(businessId)).toBe(100)
    expect(await whatDoesNotAddUp(freehold)).toEqual([])
  })

  test('is spent once by invoices that are opened at once', async () => {
    const of = await payer(freehold)
    await credit(of.businessId, 5000)
    const opened = await Promise.all(
      Array.from({ length: 6 }, () => across(freehold, (tx) => openInvoice(tx, freehold.ctx, billFor(of)))),
    )
    const spent = opened.reduce((sum, invoice) => sum + invoice!.creditApplied, 0)
    expect(spent + (await balance(of.businessId))).toBe(5000)
    expect(await whatDoesNotAddUp(freehold)).toEqual([])
  })
})
