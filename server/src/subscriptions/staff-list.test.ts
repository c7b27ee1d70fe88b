import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, type TestFreehold } from '../../test/harness.ts'
import { across, billFor } from '../../test/invoices.ts'
import { idsOf, onlyStaff, openStaff, paged, refusals, type Staff } from '../../test/staff.ts'
import { openInvoice } from '../invoices/invoices.ts'

/** What staff see of every business at once. */

let freehold: TestFreehold
let people: Staff
beforeAll(async () => {
  freehold = await createTestFreehold()
  people = await openStaff(freehold)
})
afterAll(() => freehold.close())

const get = (path: string, options: { token?: string } = people.staff) => freehold.api.get(`/v1/staff/${path}`, options)
const list = async (path: string) => freehold.ok(await get(path)).items

async function customer(name: string) {
  const { business, subscription, token } = await freehold.signUp({ business: { name } })
  const set = (columns: string, ...values: unknown[]) =>
    freehold.sql(`update freehold.subscriptions set ${columns} where business_id = $1`, [business.id, ...values])
  return { id: business.id as string, subscriptionId: subscription.id as string, token: token as string, set, name }
}

test.each(['subscriptions', 'invoices', 'grants', 'support-sessions'])(
  'the list of %s is for staff and admin app keys, and knows its cursor and limit',
  async (path) => {
    expect(await refusals((options) => get(path, options), people)).toEqual(onlyStaff)
    expect((await get(path, people.admin)).status).toBe(200)
    for (const query of ['limit=0', 'limit=101', 'unknown=1']) expect((await get(`${path}?${query}`)).status).toBe(422)
  },
)

describe('subscriptions', () => {
  test('come with whose cycle ends first, and are found by how they stand and by plan', async () => {
    const late = await customer('Late')
    const leaving = await customer('Leaving')
    const trying = await customer('Trying')
    await late.set(`status = 'past_due', grace_end = cycle_end`)
    await leaving.set(`cancel_at_cycle_end = true`)
    await trying.set(`status = 'trialing', trial_end = cycle_end`)
    const names = async (query: string) =>
      (await list(`subscriptions?${query}`)).map(({ business }: { business: { name: string } }) => business.name)
    expect(await names('status=past_due')).toEqual(['Late'])
    expect(await names('status=ending')).toEqual(['Leaving'])
    expect(await names('status=trialing')).toEqual(['Trying'])
    expect(await names('status=ended')).toEqual([])
    expect(await names('plan=growth')).toEqual([])
    const all = await list('subscriptions?limit=100')
    expect(all.map(({ cycleEnd }: { cycleEnd: string }) => cycleEnd)).toEqual(
      all.map(({ cycleEnd }: { cycleEnd: string }) => cycleEnd).toSorted(),
    )
    expect(await paged(get, 'subscriptions')).toEqual(idsOf(all))
    expect(await names('status=due')).toEqual([])
    await late.set(`cycle_end = $2`, new Date(freehold.ctx.now().getTime() + 3 * 86_400_000))
    expect(await names('status=due')).toEqual(['Late'])
    expect((await get('subscriptions?cursor=nonsense')).status).toBe(422)
  })

  test('say what is overdue of them, and since when', async () => {
    const owing = await customer('Owing')
    const payer = { businessId: owing.id, subscriptionId: owing.subscriptionId, name: 'Owing', token: owing.token }
    const bill = billFor(payer, { dueAt: new Date(freehold.ctx.now().getTime() - 1000) })
    await across(freehold, (tx) => openInvoice(tx, freehold.ctx, bill))
    const found = (await list('subscriptions?limit=100')).find(
      ({ business }: { business: { id: string } }) => business.id === owing.id,
    )
    expect(found).toMatchObject({
      business: { name: 'Owing', status: 'active' },
      plan: { key: 'free', version: 1 },
      price: { amount: 0, currency: 'USD' },
      overdue: 4900,
      overdueSince: expect.any(String),
    })
    expect(await list('invoices')).toMatchObject([
      { business: { id: owing.id, name: 'Owing' }, amountDue: 4900, number: expect.stringMatching(/^INV-/) },
    ])
  })
})

test('drafts that wait for staff are listed, the oldest first', async () => {
  const held = await customer('Held')
  const payer = { businessId: held.id, subscriptionId: held.subscriptionId, name: 'Held', token: held.token }
  for (let index = 0; index < 3; index++) {
    await across(freehold, (tx) => openInvoice(tx, freehold.ctx, billFor(payer, { held: true })))
  }
  const all = await list('invoices?state=held')
  expect(all).toHaveLength(3)
  expect(all[0]).toMatchObject({ number: null, dueAt: null, amountDue: 4900 })
  expect(await paged(get, 'invoices?state=held')).toEqual(idsOf(all))
})

test('credit that expires soon and is not used up is listed, what ends first before the rest', async () => {
  const { id } = await customer('Credited')
  const grant = (days: number, amount = 5) =>
    freehold.api.post(
      `/v1/staff/businesses/${id}/grants`,
      {
        feature: 'recordings',
        amount,
        reason: 'a gift',
        expiresAt: new Date(freehold.ctx.now().getTime() + days * 86_400_000).toISOString(),
      },
      people.staff,
    )
  for (const days of [6, 2, 8]) freehold.ok(await grant(days, days))
  expect((await list('grants')).map(({ amount }: { amount: number }) => amount)).toEqual([2, 6])
  expect(await paged(get, 'grants?withinDays=30')).toHaveLength(3)
  expect((await list('grants'))[0]).toMatchObject({
    business: { id, name: 'Credited' },
    remaining: 2,
    reason: 'a gift',
  })
  await freehold.sql(`update freehold.grants set drawn = amount where business_id = $1`, [id])
  expect(await list('grants')).toEqual([])
  expect((await get('grants?withinDays=0')).status).toBe(422)
})

test('support sessions of every business are listed by how they stand', async () => {
  const open = await customer('Open')
  const asked = await customer('Asked')
  const policy = { policy: 'ask' }
  freehold.ok(await freehold.api.put(`/v1/businesses/${asked.id}/support-access`, policy, { token: asked.token }))
  const start = async (businessId: string) =>
    freehold.ok(
      await freehold.api.post(
        '/v1/staff/support-sessions',
        { businessId, reason: 'ticket 7', minutes: 30 },
        people.staff,
      ),
    ).id
  const active = await start(open.id)
  const requested = await start(asked.id)
  expect(idsOf(await list('support-sessions'))).toEqual([requested, active])
  expect(await paged(get, 'support-sessions')).toEqual([requested, active])
  expect(await list('support-sessions?status=active')).toMatchObject([
    { id: active, business: { id: open.id, name: 'Open' }, status: 'active', reason: 'ticket 7' },
  ])
  expect(idsOf(await list('support-sessions?status=requested'))).toEqual([requested])
  expect(await list('support-sessions?status=over')).toEqual([])
  freehold.ok(await freehold.api.delete(`/v1/staff/support-sessions/${active}`, people.staff))
  expect(idsOf(await list('support-sessions?status=over'))).toEqual([active])
  expect(JSON.stringify(await list('support-sessions'))).not.toMatch(/sup_[0-9a-z]{27}|token/i)
})
