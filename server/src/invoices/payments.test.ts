import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, type TestFreehold } from '../../test/harness.ts'
import { across, billFor, line, payer, whatDoesNotAddUp, type Payer } from '../../test/invoices.ts'
import { lockBusiness } from '../businesses/businesses.ts'
import { markUncollectible, voidInvoice } from './closing.ts'
import { addCredit } from './credit.ts'
import { openInvoice, type Invoice } from './invoices.ts'
import { recordPayment, type NewPayment } from './payments.ts'

let freehold: TestFreehold
beforeAll(async () => {
  freehold = await createTestFreehold()
})
afterAll(() => freehold.close())

const staff = { kind: 'app', id: 'app_books', name: 'Bookkeeping', scope: 'admin' } as const

async function billed(of?: Payer): Promise<Invoice> {
  const invoice = await across(freehold, async (tx) =>
    openInvoice(tx, freehold.ctx, billFor(of ?? (await payer(freehold)))),
  )
  return invoice!
}

let transfers = 0
const pay = ({ businessId, id }: Invoice, more: Partial<NewPayment> = {}) =>
  across(freehold, (tx) =>
    recordPayment(tx, freehold.ctx, staff, {
      businessId,
      invoiceId: id,
      amount: 4900,
      reference: `transfer ${++transfers}`,
      receivedAt: freehold.ctx.now(),
      ...more,
    }),
  )
const paymentsOf = ({ id }: Invoice) =>
  freehold.sql('select reference, amount::int from freehold.payments where invoice_id = $1 order by id', [id])

describe('a payment', () => {
  test('of everything pays the invoice', async () => {
    const invoice = await billed()
    const { invoice: after, isPaid } = await pay(invoice)
    expect(isPaid).toBe(true)
    expect(after).toMatchObject({ status: 'paid', amountPaid: 4900, amountDue: 0 })
    expect(after.paidAt).not.toBeNull()
    const [entry] = await freehold.sql(
      `select actor_kind, action, after from freehold.audit_entries where business_id = $1 and action like 'payment.%'`,
      [invoice.businessId],
    )
    expect(entry).toMatchObject({
      actor_kind: 'app',
      action: 'payment.recorded',
      after: { status: 'paid', amount: 4900, currency: 'USD' },
    })
    const events = await freehold.sql(
      `select type from freehold.events where business_id = $1 and type = 'invoice.paid'`,
      [invoice.businessId],
    )
    expect(events).toHaveLength(1)
  })

  test('of a part leaves the rest to pay', async () => {
    const invoice = await billed()
    expect(await pay(invoice, { amount: 1900 })).toMatchObject({
      isPaid: false,
      invoice: { status: 'open', amountDue: 3000 },
    })
    expect(await pay(invoice, { amount: 3000 })).toMatchObject({ isPaid: true, invoice: { amountDue: 0 } })
  })

  test('of more than is due is refused, and changes nothing', async () => {
    const invoice = await billed()
    await expect(pay(invoice, { amount: 4901 })).rejects.toMatchObject({ status: 422, code: 'invalid_request' })
    await pay(invoice, { amount: 4000 })
    await expect(pay(invoice, { amount: 901 })).rejects.toThrow('at most $9.00 is due')
    expect(await paymentsOf(invoice)).toHaveLength(1)
  })

  test('that has yet to arrive is refused', async () => {
    const later = new Date(freehold.ctx.now().getTime() + 3_600_000)
    await expect(pay(await billed(), { receivedAt: later })).rejects.toThrow(/future/)
  })

  test('is for an invoice that is open, or was given up', async () => {
    const of = await payer(freehold)
    const close = (work: typeof voidInvoice, { businessId, id }: Invoice) =>
      across(freehold, (tx) => work(tx, freehold.ctx, staff, { businessId, invoiceId: id, reason: 'a reason' }))
    const [paid, isVoid, lost] = [await billed(of), await billed(of), await billed(of)]
    await pay(paid)
    await close(voidInvoice, isVoid)
    await close(markUncollectible, lost)
    await expect(pay(paid)).rejects.toMatchObject({ code: 'invoice_not_open' })
    await expect(pay(isVoid)).rejects.toMatchObject({ code: 'invoice_not_open' })
    expect(await pay(lost)).toMatchObject({ isPaid: true, invoice: { status: 'paid', closedAt: null } })
    const held = await across(freehold, (tx) => openInvoice(tx, freehold.ctx, billFor(of, { held: true })))
    await expect(pay(held!)).rejects.toMatchObject({ code: 'invoice_not_open' })
  })

  test('for an invoice of another business is not found', async () => {
    const [mine, theirs] = [await billed(), await billed()]
    await expect(pay({ ...theirs, businessId: mine.businessId })).rejects.toMatchObject({ status: 404 })
  })
})

describe('the same reference', () => {
  test('again counts once and answers how the invoice stands', async () => {
    const invoice = await billed()
    const first = await pay(invoice, { reference: 'bank 1', amount: 2000 })
    expect(await pay(invoice, { reference: 'bank 1', amount: 2000 })).toEqual(first)
    await pay(invoice, { reference: 'bank 2', amount: 2900 })
    expect(await pay(invoice, { reference: 'bank 1', amount: 2000 })).toMatchObject({ isPaid: true })
    expect(await paymentsOf(invoice)).toEqual([
      { reference: 'bank 1', amount: 2000 },
      { reference: 'bank 2', amount: 2900 },
    ])
  })

  test('with another amount or for another invoice is refused', async () => {
    const of = await payer(freehold)
    const [one, other] = [await billed(of), await billed(of)]
    await pay(one, { reference: 'bank 1', amount: 2000 })
    await expect(pay(one, { reference: 'bank 1', amount: 2001 })).rejects.toMatchObject({
      status: 409,
      code: 'payment_reference_used',
      message: expect.stringContaining('recorded with $20.00'),
    })
    await expect(pay(other, { reference: 'bank 1', amount: 2000 })).rejects.toMatchObject({
      code: 'payment_reference_used',
    })
    expect(await pay(other, { reference: 'bank 1', amount: 2000, provider: 'another' })).toMatchObject({
      invoice: { amountPaid: 2000 },
    })
    expect(await pay(await billed(), { reference: 'bank 1', amount: 2000 })).toMatchObject({ isPaid: false })
  })

  test('at once from many counts once', async () => {
    const of = await payer(freehold)
    const [one, other] = [await billed(of), await billed(of)]
    const same = await Promise.all(Array.from({ length: 8 }, () => pay(one, { reference: 'bank 1', amount: 4900 })))
    expect(same.every(({ isPaid }) => isPaid)).toBe(true)
    expect(await paymentsOf(one)).toHaveLength(1)
    const both = await Promise.allSettled([
      pay(one, { reference: 'bank 2', amount: 100 }),
      pay(other, { reference: 'bank 3', amount: 100 }),
      pay(other, { reference: 'bank 3', amount: 200 }),
    ])
    expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(await paymentsOf(other)).toHaveLength(1)
  })
})

test('payments at once never come to more than the total', async () => {
  const invoice = await billed()
  const results = await Promise.allSettled(Array.from({ length: 10 }, () => pay(invoice, { amount: 1000 })))
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(4)
  expect(await whatDoesNotAddUp(freehold)).toEqual([])
})

test('whatever is billed, paid, credited and closed, in whatever order, adds up', async () => {
  const of = await payer(freehold)
  const { ctx } = freehold
  const amount = fc.integer({ min: 1, max: 9000 })
  const which = fc.nat({ max: 4 })
  const step = fc.oneof(
    fc.record({ kind: fc.constant('bill' as const), amount: fc.integer({ min: -6000, max: 9000 }), which }),
    fc.record({ kind: fc.constant('pay' as const), amount, which }),
    fc.record({ kind: fc.constant('credit' as const), amount: fc.integer({ min: -6000, max: 6000 }), which }),
    fc.record({ kind: fc.constantFrom('void' as const, 'lose' as const), amount, which }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 10 }), async (steps) => {
      const done = steps.map(({ kind, amount: size, which: index }) =>
        across(freehold, async (tx) => {
          // As every caller does: what moves both invoices and credit waits for its business.
          if (kind !== 'bill' || size < 0) await lockBusiness(tx, of.businessId)
          if (kind === 'bill') return openInvoice(tx, ctx, billFor(of, { lines: [line(size)] }))
          const { businessId } = of
          const reason = 'a reason'
          if (kind === 'credit') return addCredit(tx, ctx, staff, { businessId, currency: 'USD', amount: size, reason })
          const invoices = await tx
            .selectFrom('invoices')
            .select('id')
            .where('businessId', '=', businessId)
            .where('status', '=', 'open')
            .orderBy('id')
            .execute()
          const invoiceId = invoices[index]?.id ?? 'ivc_none'
          if (kind === 'void') return voidInvoice(tx, ctx, staff, { businessId, invoiceId, reason })
          if (kind === 'lose') return markUncollectible(tx, ctx, staff, { businessId, invoiceId, reason })
          const reference = `any ${++transfers}`
          return recordPayment(tx, ctx, staff, {
            businessId,
            invoiceId,
            amount: size,
            reference,
            receivedAt: ctx.now(),
          })
        }).catch((error: { status?: number }) => {
          // Refusals are fine; anything the database had to stop is not.
          if (error.status === undefined) throw error
        }),
      )
      await Promise.all(done)
      expect(await whatDoesNotAddUp(freehold)).toEqual([])
    }),
    { numRuns: 25 },
  )
})
