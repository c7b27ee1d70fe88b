import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, type TestFreehold } from '../../test/harness.ts'
import { openStaff, type Staff } from '../../test/staff.ts'

let freehold: TestFreehold
let staff: Staff
beforeAll(async () => {
  freehold = await createTestFreehold()
  staff = await openStaff(freehold)
})
afterAll(() => freehold.close())

/** A business on a free plan that wants another, which begins when its invoice is paid. */
async function buying() {
  const { business, token } = await freehold.signUp()
  const of = { id: business.id as string, token: token as string }
  await choose(of)
  const [invoice] = await invoicesOf(of)
  expect(invoice).toMatchObject({ status: 'open', cause: 'start' })
  return { ...of, invoice }
}
type Buyer = { id: string; token: string }

const choose = async ({ id, token }: Buyer) =>
  freehold.ok(await freehold.api.put(`/v1/businesses/${id}/subscription/plan`, { plan: 'growth' }, { token }))
const invoicesOf = async ({ id, token }: Buyer) =>
  freehold.ok(await freehold.api.get(`/v1/businesses/${id}/invoices`, { token })).items
const decide = async ({ id }: Buyer, invoiceId: string, status: string) =>
  freehold.ok(
    await freehold.api.patch(
      `/v1/staff/businesses/${id}/invoices/${invoiceId}`,
      { status, reason: 'asked for by mistake' },
      staff.admin,
    ),
  )
const eventsOf = async ({ id }: Buyer) =>
  (await freehold.sql('select type from freehold.events where business_id = $1 order by sequence', [id])).map(
    ({ type }) => type,
  )

describe('an invoice that a subscription waits for', () => {
  test('when staff void it, is waited for no more, and the same can be asked for again', async () => {
    const of = await buying()
    await decide(of, of.invoice.id, 'void')
    expect(await eventsOf(of)).toContain('subscription.change_cancelled')
    await choose(of)
    expect(await invoicesOf(of)).toMatchObject([
      { status: 'open', cause: 'start' },
      { id: of.invoice.id, status: 'void' },
    ])
  })

  test('when staff give it up, is void: nobody owes what never began', async () => {
    const of = await buying()
    await decide(of, of.invoice.id, 'uncollectible')
    expect(await invoicesOf(of)).toMatchObject([{ id: of.invoice.id, status: 'void', amountDue: 0 }])
    expect(await eventsOf(of)).toContain('subscription.change_cancelled')
    await choose(of)
    expect(await invoicesOf(of)).toMatchObject([{ status: 'open', cause: 'start' }, { status: 'void' }])
  })

  test('is not settled by credit that comes later: whoever waits hears of a payment', async () => {
    const of = await buying()
    const body = { amount: 10_000, currency: 'USD', reason: 'an apology' }
    freehold.ok(await freehold.api.post(`/v1/staff/businesses/${of.id}/credits`, body, staff.admin))
    expect(await invoicesOf(of)).toMatchObject([{ status: 'open', creditApplied: 0 }])
    // Asked for anew, it is spent, and all is as after a payment.
    await decide(of, of.invoice.id, 'void')
    await choose(of)
    expect((await invoicesOf(of))[0]).toMatchObject({ status: 'paid', creditApplied: 4900 })
    expect(await eventsOf(of)).toContain('subscription.plan_changed')
  })
})

describe('a cycle whose invoice staff have voided', () => {
  const inHand = async ({ id, token }: Buyer) =>
    freehold.ok(await freehold.api.get(`/v1/businesses/${id}/credits`, { token })).balances

  test('was billed nothing: nobody is given back what they never paid', async () => {
    const { business, token } = await freehold.signUp()
    const of = { id: business.id as string, token: token as string }
    const change = { plan: 'growth', charge: 'invoice', reason: 'agreed' }
    freehold.ok(await freehold.api.put(`/v1/staff/businesses/${of.id}/plan`, change, staff.admin))
    const [invoice] = await invoicesOf(of)
    expect(invoice).toMatchObject({ status: 'open', cause: 'cycle' })
    await decide(of, invoice.id, 'void')
    const body = { reason: 'they leave', when: 'now', credit: 'rest' }
    freehold.ok(await freehold.api.post(`/v1/staff/businesses/${of.id}/cancellation`, body, staff.admin))
    expect(await inHand(of)).toEqual([])
  })
})
