import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, days, type TestFreehold } from '../../test/harness.ts'
import type { Tx } from '../db/open.ts'
import { acrossBusinesses, authorized, withinBusiness } from '../db/transactions.ts'
import { openInvoice, openInvoices, type InvoiceLine, type NewInvoice } from './invoices.ts'

let freehold: TestFreehold
beforeAll(async () => {
  freehold = await createTestFreehold()
})
afterAll(() => freehold.close())

const across = <T>(work: (tx: Tx) => Promise<T>) => acrossBusinesses(freehold.ctx.db, work)

async function customer() {
  const { business, subscription, token } = await freehold.signUp()
  return { business, subscription, token, businessId: business.id as string, subscriptionId: subscription.id as string }
}
type Customer = Awaited<ReturnType<typeof customer>>

const line = (amount: number, more: Partial<InvoiceLine> = {}): InvoiceLine => ({
  kind: 'cycle',
  description: 'Growth, April 2026',
  amount,
  periodStart: new Date('2026-04-01T00:00:00Z'),
  periodEnd: new Date('2026-05-01T00:00:00Z'),
  plan: 'growth',
  price: 'monthly',
  ...more,
})

const invoiceOf = ({ businessId, subscriptionId }: Customer, more: Partial<NewInvoice> = {}): NewInvoice => ({
  businessId,
  subscriptionId,
  currency: 'USD',
  lines: [line(4900)],
  cause: 'cycle',
  cycleNumber: 1,
  ...more,
})

describe('opening an invoice', () => {
  test('makes it final with a number, due within the term of a cycle', async () => {
    const of = await customer()
    const invoice = await across((tx) => openInvoice(tx, freehold.ctx, invoiceOf(of)))
    expect(invoice).toMatchObject({
      status: 'open',
      number: expect.stringMatching(/^INV-\d{6}$/),
      total: 4900,
      amountDue: 4900,
      billedTo: of.business.name,
    })
    expect(invoice!.dueAt!.getTime() - invoice!.openedAt!.getTime()).toBe(days(7) * 1000)
    const [stored] = await freehold.sql('select * from freehold.invoices where id = $1', [invoice!.id])
    expect(stored).toMatchObject({
      status: 'open',
      number: invoice!.number,
      total: '4900',
      billed_to: of.business.name,
    })
  })

  test('works as the role of one business', async () => {
    const of = await customer()
    const invoice = await withinBusiness(freehold.ctx.db, authorized(of.businessId), (tx) =>
      openInvoice(tx, freehold.ctx, invoiceOf(of, { cause: 'change', change: { to: 'growth' } })),
    )
    expect(invoice).toMatchObject({ status: 'open', change: { to: 'growth' } })
    expect(invoice!.dueAt).toEqual(invoice!.openedAt)
  })

  test('makes no second one for a cycle', async () => {
    const of = await customer()
    const [first, second] = await across((tx) => openInvoices(tx, freehold.ctx, [invoiceOf(of), invoiceOf(of)]))
    expect([first?.status, second]).toEqual(['open', undefined])
  })
})
