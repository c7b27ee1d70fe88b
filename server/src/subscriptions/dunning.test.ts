import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, days, type TestFreehold } from '../../test/harness.ts'
import { hashToken, newToken } from '../secrets.ts'
import { chaseOverdue } from './dunning.ts'

let freehold: TestFreehold
let staff: string
beforeAll(async () => {
  freehold = await createTestFreehold()
  // Sessions would not last as long as what is tested here.
  staff = newToken('app')
  await freehold.sql(
    `insert into freehold.app_keys (id, name, scope, hash, hint, created_at) values ($1, 'back office', 'admin', $2, 'app…', $3)`,
    [freehold.ctx.newId('appKey'), hashToken(staff), freehold.ctx.now()],
  )
})
afterAll(() => freehold.close())

const run = () => chaseOverdue(freehold.ctx)

/** A business whose first cycle of a paid plan is invoiced and due in seven days. */
async function billed(plan = 'growth') {
  const { business, token, user, apiKeys } = await freehold.signUp()
  const changed = await freehold.api.put(
    `/v1/staff/businesses/${business.id}/plan`,
    { plan, reason: 'they asked for it', charge: 'invoice' },
    { token: staff },
  )
  freehold.ok(changed)
  const { items } = freehold.ok(await freehold.api.get(`/v1/businesses/${business.id}/invoices`, { token }))
  expect(items).toMatchObject([{ status: 'open' }])
  return { id: business.id as string, token, email: user.email as string, invoice: items[0], key: apiKeys[0].key }
}
type Debtor = Awaited<ReturnType<typeof billed>>

const subscriptionOf = async ({ id }: Debtor) =>
  freehold.ok(await freehold.api.get(`/v1/staff/businesses/${id}`, { token: staff })).subscription
const invoiceOf = async ({ id, invoice }: Debtor) =>
  freehold.ok(await freehold.api.get(`/v1/staff/businesses/${id}/invoices/${invoice.id}`, { token: staff }))
/** Mails about this invoice; the next cycles have invoices of their own. */
const remindersOf = async ({ email, invoice }: Debtor) =>
  (await freehold.mails(email)).filter(({ text }) => text.includes(invoice.number))
const staffPost = async ({ id }: Debtor, path: string, body: object) =>
  freehold.ok(await freehold.api.post(`/v1/staff/businesses/${id}/${path}`, body, { token: staff }))
const pay = (of: Debtor) =>
  staffPost(of, `invoices/${of.invoice.id}/payments`, {
    amount: of.invoice.amountDue,
    reference: `bank ${of.invoice.id}`,
  })

describe('an invoice that is not paid', () => {
  test('changes nothing until its term is over; then everything works on for seven days, and the owners are told', async () => {
    const of = await billed()
    await freehold.advance(days(7) - 60)
    await run()
    expect(await subscriptionOf(of)).toMatchObject({ status: 'active' })
    expect(await remindersOf(of)).toEqual([])

    await freehold.advance(60)
    await run()
    expect(await subscriptionOf(of)).toMatchObject({ status: 'past_due', access: 'full' })
    const [mail, ...more] = await remindersOf(of)
    expect(more).toEqual([])
    expect(mail).toMatchObject({ template: 'payment-overdue' })
    expect(mail!.text).toContain(of.invoice.number)
    expect(mail!.text).toContain('$49.00')
    const consume = () => freehold.api.post('/v1/consume', { feature: 'recordings' }, { token: of.key })
    expect((await consume()).body).toMatchObject({ allowed: true })

    await freehold.advance(days(7))
    expect(await subscriptionOf(of)).toMatchObject({ status: 'past_due', access: 'read_only' })
    expect((await consume()).body).toMatchObject({ allowed: false, code: 'subscription_inactive' })
  })

  test('is reminded of five times, however often and by however many it is looked at, and then it is over', async () => {
    const of = await billed()
    await freehold.advance(days(7))
    const seen: number[] = []
    for (let day = 0; day <= 23; day += 1) {
      const before = (await remindersOf(of)).length
      const runs = await Promise.all([run(), run(), run()])
      expect(runs.map(({ failed }) => failed)).toEqual([0, 0, 0])
      await run()
      if ((await remindersOf(of)).length > before) seen.push(day)
      expect((await remindersOf(of)).length - before).toBeLessThanOrEqual(1)
      await freehold.advance(days(1))
    }
    expect(seen).toEqual([0, 2, 7, 14, 21])
    expect(await subscriptionOf(of)).toMatchObject({ status: 'ended', access: 'none', endReason: 'unpaid' })
    expect(await invoiceOf(of)).toMatchObject({ status: 'uncollectible', amountDue: 4900 })
    expect((await remindersOf(of))[0]).toMatchObject({ template: 'subscription-unpaid' })
    const types = await freehold.sql(
      `select type from freehold.events where business_id = $1
         and type in ('subscription.past_due', 'subscription.ended', 'invoice.uncollectible') order by type`,
      [of.id],
    )
    expect(types.map(({ type }) => type)).toEqual([
      'invoice.uncollectible',
      'subscription.ended',
      'subscription.past_due',
    ])
  })

  test('is reminded of once for all the days that nobody looked', async () => {
    const of = await billed()
    await freehold.advance(days(40))
    await run()
    // Its days begin when it is found: nobody is cut off because a worker came late.
    expect(await subscriptionOf(of)).toMatchObject({ status: 'past_due', access: 'full' })
    await freehold.advance(days(15))
    await run()
    expect(await remindersOf(of)).toHaveLength(2)
    expect(await subscriptionOf(of)).toMatchObject({ status: 'past_due', access: 'read_only' })
  })

  test('ends nobody who was not told that it would: what nobody looked at for weeks is told first', async () => {
    const of = await billed()
    await freehold.advance(days(7))
    await run()
    await freehold.advance(days(30))
    await run()
    expect(await subscriptionOf(of)).toMatchObject({ status: 'past_due', access: 'read_only' })
    expect(await remindersOf(of)).toHaveLength(2)
    await freehold.advance(days(7) - 60)
    await run()
    expect(await subscriptionOf(of)).toMatchObject({ status: 'past_due' })
    await freehold.advance(60)
    await run()
    expect(await subscriptionOf(of)).toMatchObject({ status: 'ended', endReason: 'unpaid' })
  })

  test('whose reminder could not be queued is as it was, and followed up by the next run', async () => {
    const of = await billed()
    const other = await billed()
    await freehold.advance(days(7))
    const { enqueue } = freehold.ctx
    freehold.ctx.enqueue = async (tx, queue, data) => {
      const mail = tx.selectFrom('mails').select('recipient').where('id', '=', String(data['mailId']))
      const { recipient } = await mail.executeTakeFirstOrThrow()
      if (recipient === of.email) throw new Error('the queue is gone')
      return enqueue(tx, queue, data)
    }
    try {
      expect(await run()).toMatchObject({ failed: 1 })
    } finally {
      freehold.ctx.enqueue = enqueue
    }
    expect(await subscriptionOf(of)).toMatchObject({ status: 'active' })
    expect(await remindersOf(of)).toEqual([])
    expect(await subscriptionOf(other)).toMatchObject({ status: 'past_due' })
    await run()
    expect(await subscriptionOf(of)).toMatchObject({ status: 'past_due' })
    expect(await remindersOf(of)).toHaveLength(1)
    expect(await remindersOf(other)).toHaveLength(1)
  })

  test('is left to staff once its business is closed', async () => {
    const of = await billed()
    freehold.ok(await freehold.api.delete(`/v1/businesses/${of.id}`, { token: of.token }))
    await freehold.advance(days(30))
    await run()
    expect(await remindersOf(of)).toEqual([])
    expect(await invoiceOf(of)).toMatchObject({ status: 'open' })
  })
})

describe('whoever is behind catches up', () => {
  async function behind() {
    const of = await billed()
    await freehold.advance(days(7))
    await run()
    expect(await subscriptionOf(of)).toMatchObject({ status: 'past_due' })
    return of
  }
  const isBack = async (of: Debtor) => {
    expect(await subscriptionOf(of)).toMatchObject({ status: 'active', access: 'full' })
    const sent = (await remindersOf(of)).length
    await freehold.advance(days(2))
    await run()
    expect(await remindersOf(of)).toHaveLength(sent)
  }

  test('by paying', async () => {
    const of = await behind()
    await pay(of)
    await isBack(of)
  })

  test('by credit', async () => {
    const of = await behind()
    await staffPost(of, 'credits', { amount: 4900, currency: 'USD', reason: 'the outage' })
    expect(await invoiceOf(of)).toMatchObject({ status: 'paid', creditApplied: 4900 })
    await isBack(of)
  })

  test.each(['void', 'uncollectible'])('when its invoice becomes %s', async (status) => {
    const of = await behind()
    const path = `/v1/staff/businesses/${of.id}/invoices/${of.invoice.id}`
    freehold.ok(await freehold.api.patch(path, { status, reason: 'a mistake of ours' }, { token: staff }))
    await isBack(of)
  })

  test('but not by a part of it', async () => {
    const of = await behind()
    await staffPost(of, `invoices/${of.invoice.id}/payments`, { amount: 4800, reference: 'bank 1' })
    expect(await subscriptionOf(of)).toMatchObject({ status: 'past_due' })
    await run()
    expect(await subscriptionOf(of)).toMatchObject({ status: 'past_due' })
  })
})
