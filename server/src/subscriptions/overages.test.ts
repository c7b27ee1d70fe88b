import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { whatDoesNotAddUp } from '../../test/invoices.ts'
import { createTestFreehold, days as seconds, type TestFreehold } from '../../test/harness.ts'
import { openStaff, type Staff } from '../../test/staff.ts'
import { days, defineProduct, months, usd } from '../product.ts'
import { renewDue } from './renewal.ts'

const includes = { recordings: { limit: 100, overage: { price: usd(10) } } }
const product = defineProduct({
  name: 'Test',
  permissions: { 'recordings:create': 'write' },
  keys: { sdk: { prefix: 'pk', permissions: ['recordings:create'] } },
  features: { recordings: { kind: 'metered' } },
  plans: {
    free: { name: 'Free', cycle: days(30), price: usd(0), includes },
    more: { name: 'More', cycle: months(1), price: usd(40_00), includes: { recordings: 200 } },
    most: {
      name: 'Most',
      cycle: months(1),
      price: usd(50_00),
      includes: { recordings: { limit: 300, overage: { price: usd(2) } } },
    },
    paid: { name: 'Paid', prices: { monthly: usd(30_00), yearly: usd(300_00) }, trial: days(14), includes },
    dearer: { name: 'Dearer', cycle: months(1), price: usd(60_00), includes },
    hard: { name: 'Hard', cycle: months(1), price: usd(20_00), includes: { recordings: 100 } },
    pass: { name: 'Pass', cycle: days(30), price: usd(5_00), onEnd: { fallback: 'free' }, includes },
  },
  signup: { plan: 'free', keys: ['sdk'] },
})

let freehold: TestFreehold
let people: Staff
beforeAll(async () => {
  freehold = await createTestFreehold({ product })
  people = await openStaff(freehold)
})
afterAll(() => freehold.close())

/** A business that has used 150 of 100 in its first cycle, on the free plan or one that staff have invoiced. */
async function beyond(plan?: string) {
  const { business, apiKeys, token } = await freehold.signUp()
  const staffUrl = `/v1/staff/businesses/${business.id}`
  const reason = 'agreed'
  const staff = async (method: string, path: string, body: object) =>
    freehold.ok(await freehold.api.call(method, staffUrl + path, { reason, ...body }, people.admin))
  if (plan !== undefined) await staff('PUT', '/plan', { plan, charge: 'invoice' })
  const consume = async (amount: number) =>
    freehold.ok(await freehold.api.post('/v1/consume', { feature: 'recordings', amount }, { token: apiKeys[0].key }))
  expect(await consume(150)).toMatchObject({ allowed: true, used: 150 })
  return {
    id: business.id as string,
    token: token as string,
    staff,
    consume,
    /** Lines of each invoice, oldest first, as `kind amount`. */
    invoices: async () => {
      const rows = await freehold.sql(
        `select i.id, i.status, array_agg(l.kind || ' ' || l.amount order by l.position) as lines
         from freehold.invoices i join freehold.invoice_lines l on l.business_id = i.business_id and l.invoice_id = i.id
         where i.business_id = $1 group by i.id, i.status order by i.id`,
        [business.id],
      )
      return rows.map(({ lines }) => lines)
    },
  }
}

describe('what is used beyond a limit for a price', () => {
  test('stands on the invoice of the next cycle, once, whoever takes the boundary', async () => {
    const swept = await beyond('paid')
    const used = await beyond('paid')
    await freehold.advance(seconds(31))
    await used.consume(1)
    await Promise.all([renewDue(freehold.ctx), renewDue(freehold.ctx), swept.consume(1)])
    for (const acme of [swept, used]) {
      expect(await acme.invoices()).toEqual([['cycle 3000'], ['cycle 3000', 'overage 500']])
    }
    await freehold.advance(seconds(31))
    await renewDue(freehold.ctx)
    for (const acme of [swept, used]) expect((await acme.invoices()).at(-1)).toEqual(['cycle 3000'])
    expect(await whatDoesNotAddUp(freehold)).toEqual([])
  })

  test('is owed where the cycles themselves cost nothing', async () => {
    const acme = await beyond()
    await freehold.advance(seconds(30))
    await renewDue(freehold.ctx)
    expect(await acme.invoices()).toEqual([['overage 500']])
  })

  test('is owed when there is no next cycle, or one of another subscription', async () => {
    const leaves = await beyond('paid')
    await leaves.staff('POST', '/cancellation', { when: 'cycleEnd' })
    const pauses = await beyond('paid')
    freehold.ok(await freehold.api.post(`/v1/businesses/${pauses.id}/subscription/pause`, {}, { token: pauses.token }))
    const falls = await beyond('pass')
    await freehold.advance(seconds(31))
    await renewDue(freehold.ctx)
    expect(await leaves.invoices()).toEqual([['cycle 3000'], ['overage 500']])
    expect(await pauses.invoices()).toEqual([['cycle 3000'], ['overage 500']])
    expect(await falls.invoices()).toEqual([['proration_charge 500'], ['overage 500']])
  })

  test('is owed when the cycle is cut short, and with a plan that has no such thing', async () => {
    const leaves = await beyond('paid')
    await leaves.staff('POST', '/cancellation', { when: 'now' })
    expect(await leaves.invoices()).toEqual([['cycle 3000'], ['overage 500']])
    const year = await beyond('paid')
    await freehold.advance(60)
    await year.staff('PUT', '/plan', { plan: 'paid', price: 'yearly' })
    expect(await year.invoices()).toEqual([['cycle 3000'], ['overage 500']])
    const moves = await beyond('paid')
    await moves.staff('PUT', '/plan', { plan: 'hard', when: 'cycleEnd', charge: 'invoice' })
    await freehold.advance(seconds(31))
    await renewDue(freehold.ctx)
    expect(await moves.invoices()).toEqual([['cycle 3000'], ['cycle 2000', 'overage 500']])
    expect(await year.invoices()).toEqual([['cycle 3000'], ['overage 500']])
  })

  test('costs nothing in a trial', async () => {
    const { business, token, apiKeys } = await freehold.signUp()
    const path = `/v1/businesses/${business.id}/subscription/plan`
    freehold.ok(await freehold.api.put(path, { plan: 'paid', trial: true }, { token }))
    const body = { feature: 'recordings', amount: 150 }
    freehold.ok(await freehold.api.post('/v1/consume', body, { token: apiKeys[0].key }))
    await freehold.advance(seconds(15))
    await renewDue(freehold.ctx)
    expect(await freehold.sql('select id from freehold.invoices where business_id = $1', [business.id])).toEqual([])
  })

  test('is owed by the terms it was used on when the plan is changed within the cycle, and by no others', async () => {
    const acme = await beyond('paid')
    const moves = await beyond('paid')
    await freehold.advance(seconds(27))
    for (const each of [acme, moves]) {
      const [signedIn] = await freehold.sql(
        'select email from freehold.users u join freehold.members m on m.user_id = u.id where m.business_id = $1',
        [each.id],
      )
      const login = { email: signedIn.email, password: 'correct horse battery' }
      const { token } = freehold.ok(await freehold.api.post('/v1/login', login))
      const path = `/v1/businesses/${each.id}/subscription/plan`
      freehold.ok(await freehold.api.put(path, { plan: each === acme ? 'more' : 'most' }, { token }))
      await each.consume(10)
      const [invoice] = await freehold.sql(
        `select id, total::int from freehold.invoices where business_id = $1 and cause = 'change' and status = 'open'`,
        [each.id],
      )
      await each.staff('POST', `/invoices/${invoice.id}/payments`, {
        amount: invoice.total,
        reference: `bank ${each.id}`,
        reason: undefined,
      })
      const { body } = await freehold.api.get(`/v1/businesses/${each.id}/entitlements`, { token })
      // 60 are paid for by themselves; 100 of what the plan includes are used.
      expect(body.recordings).toMatchObject({
        used: 160,
        limit: each === acme ? 260 : 360,
        remaining: each === acme ? 100 : 200,
      })
    }
    expect(await acme.consume(100)).toMatchObject({ allowed: true, remaining: 0 })
    expect(await acme.consume(1)).toMatchObject({ allowed: false, code: 'limit_reached' })
    expect(await moves.consume(250)).toMatchObject({ allowed: true })
    await freehold.advance(seconds(5))
    await renewDue(freehold.ctx)
    const overage = async ({ invoices }: typeof acme) =>
      (await invoices()).flat().filter((line: string) => line.startsWith('overage'))
    expect(await overage(acme)).toEqual(['overage 600'])
    expect(await overage(moves)).toEqual(['overage 600', 'overage 100'])
    expect(await whatDoesNotAddUp(freehold)).toEqual([])
  })

  test('goes on being counted when the plan changes in something else', async () => {
    const acme = await beyond('paid')
    await acme.staff('PUT', '/plan', { plan: 'dearer', charge: 'waive' })
    expect(await acme.invoices()).toEqual([['cycle 3000']])
    await acme.consume(10)
    await freehold.advance(seconds(31))
    await renewDue(freehold.ctx)
    expect(await acme.invoices()).toEqual([['cycle 3000'], ['cycle 6000', 'overage 600']])
  })
})
