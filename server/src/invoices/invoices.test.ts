import { setTimeout as delay } from 'node:timers/promises'
import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, days, type TestFreehold } from '../../test/harness.ts'
import { across, billFor, line, payer, whatDoesNotAddUp } from '../../test/invoices.ts'
import { authorized, withinBusiness } from '../db/transactions.ts'
import { addCredit } from './credit.ts'
import { openInvoice, openInvoices, overdueInvoices, type NewInvoice } from './invoices.ts'

let freehold: TestFreehold
beforeAll(async () => {
  freehold = await createTestFreehold()
})
afterAll(() => freehold.close())

const system = { kind: 'system', id: 'test', name: 'test' } as const
const open = (invoice: NewInvoice) => across(freehold, (tx) => openInvoice(tx, freehold.ctx, invoice))
const credit = (businessId: string, amount: number, currency = 'USD') =>
  across(freehold, (tx) => addCredit(tx, freehold.ctx, system, { businessId, currency, amount, reason: 'an apology' }))
const stored = async (id: string) => (await freehold.sql('select * from freehold.invoices where id = $1', [id]))[0]

describe('opening an invoice', () => {
  test('makes it final, with a number, the names of then and a term of seven days for a cycle', async () => {
    const of = await payer(freehold)
    const invoice = await open(billFor(of, { cause: 'cycle' }))
    expect(invoice).toMatchObject({ status: 'open', total: 4900, amountDue: 4900, billedTo: of.name })
    expect(invoice!.number).toMatch(/^INV-\d{6}$/)
    expect(invoice!.dueAt!.getTime() - invoice!.openedAt!.getTime()).toBe(days(7) * 1000)
    expect(await stored(invoice!.id)).toMatchObject({
      status: 'open',
      number: invoice!.number,
      total: '4900',
      billed_to: of.name,
      billed_by: freehold.ctx.product.name,
      due_at: invoice!.dueAt,
    })
  })

  test('is due at once for what waits for its payment, or when it is told', async () => {
    const of = await payer(freehold)
    const change = await open(billFor(of, { change: { to: 'growth' } }))
    expect(change).toMatchObject({ dueAt: change!.openedAt, change: { to: 'growth' } })
    const dueAt = new Date('2031-05-01T00:00:00Z')
    expect(await open(billFor(of, { dueAt }))).toMatchObject({ dueAt })
  })

  test('works as the role of one business, and only for that one', async () => {
    const [mine, theirs] = [await payer(freehold), await payer(freehold)]
    const asMine = (invoice: NewInvoice) =>
      withinBusiness(freehold.ctx.db, authorized(mine.businessId), (tx) => openInvoice(tx, freehold.ctx, invoice))
    await credit(mine.businessId, 900)
    expect(await asMine(billFor(mine))).toMatchObject({ status: 'open', amountDue: 4000 })
    expect(await asMine(billFor(mine, { lines: [line(-500)] }))).toBeUndefined()
    await expect(asMine(billFor(theirs))).rejects.toThrow(/row-level security/)
  })

  test('drops lines of nothing, and makes no invoice of nothing', async () => {
    const of = await payer(freehold)
    const invoice = await open(billFor(of, { lines: [line(0), line(4900), line(0)] }))
    expect(
      await freehold.sql('select amount from freehold.invoice_lines where invoice_id = $1', [invoice!.id]),
    ).toEqual([{ amount: '4900' }])
    expect(await open(billFor(of, { lines: [] }))).toBeUndefined()
    expect(await open(billFor(of, { lines: [line(0)] }))).toBeUndefined()
    expect(await open(billFor(of, { lines: [line(-1500), line(1500)] }))).toBeUndefined()
  })

  test('refuses amounts that are no whole units or cannot be counted exactly', async () => {
    const of = await payer(freehold)
    await expect(open(billFor(of, { lines: [line(0.5)] }))).rejects.toThrow(RangeError)
    await expect(open(billFor(of, { lines: [line(Number.NaN)] }))).rejects.toThrow(RangeError)
    const most = Number.MAX_SAFE_INTEGER
    await expect(open(billFor(of, { lines: [line(most), line(1)] }))).rejects.toThrow(RangeError)
    expect(await open(billFor(of, { lines: [line(most), line(1), line(-1)] }))).toMatchObject({ total: most })
  })

  test('bills a cycle once, also in one batch and when two meet', async () => {
    const of = await payer(freehold)
    const bill = billFor(of, { cause: 'cycle', cycleNumber: 7 })
    const [first, second] = await across(freehold, (tx) => openInvoices(tx, freehold.ctx, [bill, bill]))
    expect([first?.status, second]).toEqual(['open', undefined])
    expect(await open(bill)).toBeUndefined()

    const racing = billFor(of, { cause: 'cycle', cycleNumber: 8 })
    const results = await Promise.allSettled(Array.from({ length: 6 }, () => open(racing)))
    expect(results.filter((each) => each.status === 'fulfilled' && each.value !== undefined)).toHaveLength(1)
    expect(
      await freehold.sql('select count(*)::int from freehold.invoices where business_id = $1 and cycle_number = 8', [
        of.businessId,
      ]),
    ).toEqual([{ count: 1 }])
  })

  test('writes a log entry and tells the product, with the invoice and not without it', async () => {
    const of = await payer(freehold)
    const invoice = await open(billFor(of))
    const undone = across(freehold, async (tx) => {
      await openInvoice(tx, freehold.ctx, billFor(of))
      throw new Error('undone')
    })
    await expect(undone).rejects.toThrow('undone')
    expect(
      await freehold.sql(
        `select action, target, actor_kind from freehold.audit_entries
         where business_id = $1 and action like 'invoice%'`,
        [of.businessId],
      ),
    ).toEqual([
      {
        action: 'invoice.opened',
        target: { kind: 'invoice', id: invoice!.id, name: invoice!.number },
        actor_kind: 'system',
      },
    ])
    expect(
      await freehold.sql(`select type, data from freehold.events where business_id = $1 and type like 'invoice%'`, [
        of.businessId,
      ]),
    ).toEqual([{ type: 'invoice.opened', data: expect.objectContaining({ invoiceId: invoice!.id, total: 4900 }) }])
  })
})

describe('what is in hand', () => {
  test('is spent first, and pays an invoice that nothing remains of', async () => {
    const of = await payer(freehold)
    await credit(of.businessId, 6000)
    const first = await open(billFor(of))
    expect(first).toMatchObject({ status: 'paid', creditApplied: 4900, amountDue: 0, paidAt: first!.openedAt })
    const second = await open(billFor(of))
    expect(second).toMatchObject({ status: 'open', creditApplied: 1100, amountDue: 3800 })
    expect(await open(billFor(of))).toMatchObject({ creditApplied: 0, amountDue: 4900 })
    const types = await freehold.sql('select type from freehold.events where business_id = $1 and type like $2', [
      of.businessId,
      'invoice.paid',
    ])
    expect(types).toHaveLength(1)
  })

  test('is spent on the invoices of a batch one after the other, each in its currency', async () => {
    const of = await payer(freehold)
    await credit(of.businessId, 5000)
    await credit(of.businessId, 100, 'EUR')
    const opened = await across(freehold, (tx) =>
      openInvoices(tx, freehold.ctx, [billFor(of), billFor(of, { currency: 'EUR' }), billFor(of)]),
    )
    expect(opened.map((each) => each?.creditApplied)).toEqual([4900, 100, 100])
    expect(await whatDoesNotAddUp(freehold)).toEqual([])
  })

  test('is what a sum below zero becomes, after it has settled what is open', async () => {
    const of = await payer(freehold)
    const owed = await open(billFor(of))
    expect(await open(billFor(of, { lines: [line(-6000, { kind: 'proration_credit' }), line(100)] }))).toBeUndefined()
    expect(await stored(owed!.id)).toMatchObject({ status: 'paid', credit_applied: '4900' })
    const [balance] = await freehold.sql('select balance from freehold.credit_balances where business_id = $1', [
      of.businessId,
    ])
    expect(balance).toEqual({ balance: '1000' })
  })

  test('is not spent on what is held', async () => {
    const of = await payer(freehold)
    await credit(of.businessId, 5000)
    const held = await open(billFor(of, { held: true }))
    expect(held).toMatchObject({
      status: 'draft',
      held: true,
      number: null,
      creditApplied: 0,
      amountDue: 0,
      dueAt: null,
    })
  })
})

describe('numbers', () => {
  test('have no gaps, however many transactions come and go at once', async () => {
    const payers = await Promise.all(Array.from({ length: 4 }, () => payer(freehold)))
    const attempts = Array.from({ length: 60 }, (_, index) =>
      across(freehold, async (tx) => {
        const of = payers[index % payers.length]!
        await openInvoices(tx, freehold.ctx, [billFor(of), billFor(of, { held: index % 5 === 0 })])
        await delay(index % 4)
        if (index % 3 === 0) throw new Error('undone')
      }),
    )
    const results = await Promise.allSettled(attempts)
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(20)
    expect(await whatDoesNotAddUp(freehold)).toEqual([])
  })

  test('wait for the one before even where a transaction waits little for rows, and leave that wait as it was', async () => {
    const of = await payer(freehold)
    const first = across(freehold, async (tx) => {
      await openInvoice(tx, freehold.ctx, billFor(of))
      await delay(400)
    })
    await delay(100)
    const other = await payer(freehold)
    const second = across(freehold, async (tx) => {
      await sql`set local lock_timeout = '50ms'`.execute(tx)
      const invoice = await openInvoice(tx, freehold.ctx, billFor(other))
      const { rows } = await sql`show lock_timeout`.execute(tx)
      return { status: invoice?.status, rows }
    })
    expect(await second).toEqual({ status: 'open', rows: [{ lockTimeout: '50ms' }] })
    await first
  })
})

describe('a batch', () => {
  test('bills many businesses with a statement for each table, in the order they came', async () => {
    const payers = await Promise.all(Array.from({ length: 5 }, () => payer(freehold)))
    await credit(payers[2]!.businessId, 100_000)
    const bills = payers.map((of, index) =>
      billFor(of, { cause: 'cycle', cycleNumber: 2, lines: [line(index * 1000)], held: index === 4 }),
    )
    const opened = await across(freehold, (tx) => openInvoices(tx, freehold.ctx, bills))
    expect(opened.map((each) => each && [each.businessId, each.total, each.status])).toEqual([
      undefined,
      [payers[1]!.businessId, 1000, 'open'],
      [payers[2]!.businessId, 2000, 'paid'],
      [payers[3]!.businessId, 3000, 'open'],
      [payers[4]!.businessId, 4000, 'draft'],
    ])
    expect(await across(freehold, (tx) => openInvoices(tx, freehold.ctx, []))).toEqual([])
    expect(await whatDoesNotAddUp(freehold)).toEqual([])
  })

  test.each([1, 2, 3])('of anything adds up (%i)', async (seed) => {
    const payers = await Promise.all([payer(freehold), payer(freehold), payer(freehold)])
    const amounts = fc.array(fc.integer({ min: -10_000, max: 20_000 }), { maxLength: 4 })
    const bill = fc.record({ who: fc.nat({ max: 2 }), amounts, held: fc.boolean() })
    const batch = fc.record({ bills: fc.array(bill, { maxLength: 6 }), undone: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(batch, async ({ bills, undone }) => {
        const wanted = bills.map((each) =>
          billFor(payers[each.who]!, { lines: each.amounts.map((amount) => line(amount)), held: each.held }),
        )
        const done = across(freehold, async (tx) => {
          const opened = await openInvoices(tx, freehold.ctx, wanted)
          const sums = bills.map((each) => each.amounts.reduce((sum, amount) => sum + amount, 0))
          expect(opened.map((invoice) => invoice?.total)).toEqual(sums.map((sum) => (sum > 0 ? sum : undefined)))
          if (undone) throw new Error('undone')
        })
        if (undone) await expect(done).rejects.toThrow('undone')
        else await done
        expect(await whatDoesNotAddUp(freehold)).toEqual([])
      }),
      { seed, numRuns: 12 },
    )
  })
})

describe('a final invoice', () => {
  test.each([
    ['a line to change', 'update freehold.invoice_lines set amount = 1 where business_id = $1'],
    ['a line to delete', 'delete from freehold.invoice_lines where business_id = $1'],
    ['its total to change', 'update freehold.invoices set total = 1 where business_id = $1'],
    ['its currency to change', `update freehold.invoices set currency = 'EUR' where business_id = $1`],
    ['a payment to make up', 'update freehold.invoices set amount_paid = total where business_id = $1'],
    ['itself to delete', 'delete from freehold.invoices where business_id = $1'],
    ['credit to rewrite', 'update freehold.credit_entries set amount = 1 where business_id = $1'],
  ])('leaves the role of its business without %s', async (_what, statement) => {
    const of = await payer(freehold)
    await open(billFor(of))
    const change = withinBusiness(freehold.ctx.db, authorized(of.businessId), (tx) =>
      sql.raw(statement.replace('$1', `'${of.businessId}'`)).execute(tx),
    )
    await expect(change).rejects.toThrow(/permission denied/)
  })

  test('takes no payment from the role of its business', async () => {
    const of = await payer(freehold)
    const invoice = await open(billFor(of))
    const pay = withinBusiness(freehold.ctx.db, authorized(of.businessId), (tx) =>
      sql`insert into freehold.payments
            (business_id, id, invoice_id, provider, reference, currency, amount, received_at, created_at)
          values (${of.businessId}, 'pay_1', ${invoice!.id}, 'manual', 'me', 'USD', 4900, ${freehold.ctx.now()},
            ${freehold.ctx.now()})`.execute(tx),
    )
    await expect(pay).rejects.toThrow(/permission denied/)
  })

  test('keeps the names it was made out in', async () => {
    const of = await payer(freehold)
    const invoice = await open(billFor(of))
    await freehold.api.patch(`/v1/businesses/${of.businessId}`, { name: 'Another name' }, { token: of.token })
    expect(await stored(invoice!.id)).toMatchObject({ billed_to: of.name })
  })
})

test('an invoice is overdue when its term is over, until it is settled; one that a change waits for is not', async () => {
  const of = await payer(freehold)
  const owed = await open(billFor(of, { cause: 'cycle', cycleNumber: 3 }))
  await open(billFor(of, { change: { to: 'growth' } }))
  const invoiced = await open(billFor(of, { dueAt: owed!.dueAt! }))
  const overdue = (now: Date) => across(freehold, (tx) => overdueInvoices(tx, of.businessId, now))
  const { dueAt } = owed!
  expect(await overdue(new Date(dueAt!.getTime() - 1))).toEqual([])
  expect((await overdue(dueAt!)).map(({ id }) => id)).toEqual([owed!.id, invoiced!.id])
  await credit(of.businessId, 10_000)
  expect(await overdue(dueAt!)).toEqual([])
})
