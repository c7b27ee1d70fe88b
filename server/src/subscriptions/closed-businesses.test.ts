import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createTestFreehold, days, password, type TestFreehold } from '../../test/harness.ts'
import { openStaff, type Staff } from '../../test/staff.ts'
import { whatDoesNotAddUp } from '../../test/invoices.ts'
import { acrossBusinesses } from '../db/transactions.ts'
import { endClosed } from './closed-businesses.ts'
import { renewDue } from './renewal.ts'
import { lockSubscription } from './subscriptions.ts'

let freehold: TestFreehold
let staff: Staff
beforeEach(async () => {
  freehold = await createTestFreehold()
  staff = await openStaff(freehold)
})
afterEach(() => freehold.close())

async function customer() {
  const { business, user } = await freehold.signUp()
  const url = `/v1/businesses/${business.id}`
  const as = async () => ({
    token: freehold.ok(await freehold.api.post('/v1/login', { email: user.email, password })).token as string,
  })
  return {
    id: business.id as string,
    choose: async (plan: string) =>
      freehold.ok(await freehold.api.put(`${url}/subscription/plan`, { plan }, await as())),
    onPaid: async () => {
      const body = { plan: 'growth', charge: 'invoice', reason: 'they asked for it' }
      return freehold.ok(await freehold.api.put(`/v1/staff/businesses/${business.id}/plan`, body, staff.admin))
    },
    close: async () => freehold.ok(await freehold.api.delete(url, await as())),
    reopen: async () => freehold.api.post(`${url}/reopening`, {}, await as()),
    subscription: async () => freehold.ok(await freehold.api.get(`${url}/subscription`, await as())),
    invoices: () =>
      freehold.sql('select status, cause, total::int, held from freehold.invoices where business_id = $1 order by id', [
        business.id,
      ]),
    ends: () =>
      freehold.sql(`select data from freehold.events where business_id = $1 and type = 'subscription.ended'`, [
        business.id,
      ]),
  }
}

describe('closing a business', () => {
  test('takes back what waits for its payment; after reopening it can be asked for again', async () => {
    const acme = await customer()
    await acme.choose('growth')
    expect(await acme.subscription()).toMatchObject({ awaitingPayment: { plan: { key: 'growth' } } })
    await acme.close()
    expect(await acme.subscription()).toMatchObject({ awaitingPayment: null, plan: { key: 'free' } })
    expect(await acme.invoices()).toMatchObject([{ status: 'void', cause: 'start' }])
    freehold.ok(await acme.reopen())
    await acme.choose('growth')
    expect(await acme.invoices()).toMatchObject([{ status: 'void' }, { status: 'open', cause: 'start' }])
  })

  test('leaves the subscription as it is for the days in which it can be reopened', async () => {
    const acme = await customer()
    await acme.onPaid()
    await acme.close()
    await freehold.advance(days(30) - 60)
    await endClosed(freehold.ctx)
    expect(await acme.ends()).toEqual([])
    freehold.ok(await acme.reopen())
    expect(await acme.subscription()).toMatchObject({ status: 'active', access: 'full' })
  })

  test('ends the subscription after them, once, and nobody owes cycles that could not be used', async () => {
    const acme = await customer()
    await acme.onPaid()
    const open = await customer()
    await acme.close()
    await freehold.advance(days(45))
    await renewDue(freehold.ctx)
    expect(await acme.invoices()).toMatchObject([
      { status: 'open', total: 4900 },
      { status: 'draft', held: true, total: 4900 },
    ])
    await Promise.all([endClosed(freehold.ctx), endClosed(freehold.ctx)])
    await endClosed(freehold.ctx)
    expect(await acme.ends()).toMatchObject([{ data: { reason: 'business_closed' } }])
    expect(await acme.invoices()).toMatchObject([{ status: 'open', total: 4900 }, { status: 'void' }])
    expect(await acme.subscription()).toMatchObject({ status: 'ended', endReason: 'business_closed' })
    await freehold.advance(days(60))
    await renewDue(freehold.ctx)
    expect(await acme.invoices()).toHaveLength(2)
    expect(await open.ends()).toEqual([])
    expect(await whatDoesNotAddUp(freehold)).toEqual([])
  })

  test('is ended for everybody although one of them cannot be, or is held', async () => {
    const [broken, held, fine] = [await customer(), await customer(), await customer()]
    for (const each of [broken, held, fine]) await each.close()
    await freehold.advance(days(31))
    const setZone = (zone: string) =>
      freehold.sql('update freehold.subscriptions set zone = $2 where business_id = $1', [broken.id, zone])
    await setZone('Nowhere/Land')
    await acrossBusinesses(freehold.ctx.db, async (tx) => {
      await lockSubscription(tx, freehold.ctx, held.id)
      await endClosed(freehold.ctx)
      expect(await fine.ends()).toHaveLength(1)
      expect([await broken.ends(), await held.ends()]).toEqual([[], []])
    })
    await setZone('UTC')
    await endClosed(freehold.ctx)
    for (const each of [broken, held, fine]) expect(await each.ends()).toHaveLength(1)
  })
})
