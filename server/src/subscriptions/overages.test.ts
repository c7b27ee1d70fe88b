import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { whatDoesNotAddUp } from '../../test/invoices.ts'
import { createTestFreehold, days as seconds, type TestFreehold } from '../../test/harness.ts'
import { openStaff, type Staff } from '../../test/staff.ts'
import { acrossBusinesses } from '../db/transactions.ts'
import { days, months, usd } from '../prices.ts'
import { defineProduct } from '../product.ts'
import { confirmReservation } from '../usage/reservations.ts'
import { settleLateOverages } from './late-overages.ts'
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

/** A business that has used 150 of 100, or so many, in its first cycle, on the free plan or one that staff have invoiced. */
async function beyond(plan?: string, units = 150) {
  const { business, apiKeys, token } = await freehold.signUp()
  const staffUrl = `/v1/staff/businesses/${business.id}`
  const reason = 'agreed'
  const staff = async (method: string, path: string, body: object) =>
    freehold.ok(await freehold.api.call(method, staffUrl + path, { reason, ...body }, people.admin))
  if (plan !== undefined) await staff('PUT', '/plan', { plan, charge: 'invoice' })
  const consume = async (amount: number) =>
    freehold.ok(await freehold.api.post('/v1/consume', { feature: 'recordings', amount }, { token: apiKeys[0].key }))
  expect(await consume(units)).toMatchObject({ allowed: true, used: units })
  return {
    id: business.id as string,
    token: token as string,
    key: apiKeys[0].key as string,
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

/** As long before the end of the business's cycle. */
async function anHourBeforeTheEnd(businessId: string): Promise<void> {
  const [{ cycle_end: end }] = await freehold.sql(
    `select cycle_end from freehold.subscriptions where business_id = $1 and status = 'active'`,
    [businessId],
  )
  await freehold.advance(Math.floor((end.getTime() - freehold.ctx.now().getTime()) / 1000) - 3600)
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

  test('is all of it when a reservation is confirmed at the moment at which the sweep reckons', async () => {
    const acme = await beyond('paid')
    const body = { feature: 'recordings', amount: 20, ttlSeconds: 86_400 }
    await anHourBeforeTheEnd(acme.id)
    const { id } = freehold.ok(await freehold.api.post('/v1/reservations', body, { token: acme.key }))
    // Closes the counter, so that the sweep has no reason to wait for it.
    await acme.staff('POST', '/grants', { feature: 'recordings', amount: 10 })
    await freehold.advance(3602)
    const waits = async () => (await freehold.sql('select from pg_locks where not granted')).length > 0
    const run = await acrossBusinesses(freehold.ctx.db, async (tx) => {
      await confirmReservation(tx, freehold.ctx, { businessId: acme.id, id, credentialId: undefined })
      const sweeping = renewDue(freehold.ctx)
      while (!(await waits()));
      return { sweeping }
    })
    expect(await run.sweeping).toMatchObject({ alone: 0, failed: 0, behind: 0 })
    expect(await acme.invoices()).toEqual([['cycle 3000'], ['cycle 3000', 'overage 600']])
    expect(await whatDoesNotAddUp(freehold)).toEqual([])
  })

  test('keeps nobody else from being renewed when it is more than can be counted', async () => {
    const [acme, other] = [await beyond('paid'), await beyond('paid')]
    await freehold.sql(
      `update freehold.usage_counters set used = 9000000000000000 where business_id = $1 and feature = 'recordings'`,
      [acme.id],
    )
    await freehold.advance(seconds(31))
    expect(await renewDue(freehold.ctx)).toMatchObject({ alone: 0, failed: 1 })
    expect(await other.invoices()).toEqual([['cycle 3000'], ['cycle 3000', 'overage 500']])
    expect(await acme.invoices()).toEqual([['cycle 3000']])
    await freehold.sql('update freehold.usage_counters set used = 150 where business_id = $1', [acme.id])
    expect(await renewDue(freehold.ctx)).toMatchObject({ renewed: 1, failed: 0 })
    expect(await acme.invoices()).toEqual([['cycle 3000'], ['cycle 3000', 'overage 500']])
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

  test('is billed once and all of it when the plan changes while others count', async () => {
    const acme = await beyond('paid')
    await freehold.advance(60)
    await Promise.all([
      ...Array.from({ length: 20 }, () => acme.consume(10)),
      acme.staff('PUT', '/plan', { plan: 'most', charge: 'waive' }),
      ...Array.from({ length: 20 }, () => acme.consume(10)),
    ])
    expect(await acme.consume(1)).toMatchObject({ used: 551 })
    await freehold.advance(seconds(31))
    await renewDue(freehold.ctx)
    const units = async (plan: string) => {
      const [{ sum }] = await freehold.sql(
        `select coalesce(sum(split_part(description, ' ', 2)::int), 0)::int as sum from freehold.invoice_lines
         where business_id = $1 and kind = 'overage' and plan = $2`,
        [acme.id, plan],
      )
      return sum
    }
    // What the first plan billed comes on top of the 300 that the second includes.
    const first = await units('paid')
    expect(first).toBeGreaterThanOrEqual(50)
    expect(await units('most')).toBe(Math.max(0, 551 - 300 - first))
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

describe('what is confirmed or set right after it was billed', () => {
  /** 150 of 100 used in a cycle that is over and billed, with 20 held in it still. */
  async function closed({ held = 20, used = 150 } = {}) {
    const acme = await beyond('paid', used)
    // In the cycle that began with the paid plan: the one before lasts to the end of its second.
    const at = new Date(freehold.ctx.now().getTime() + 1000).toISOString()
    await anHourBeforeTheEnd(acme.id)
    const body = { feature: 'recordings', amount: held, ttlSeconds: 86_400 }
    const reserved = freehold.ok(await freehold.api.post('/v1/reservations', body, { token: acme.key }))
    await freehold.advance(3602)
    await renewDue(freehold.ctx)
    return {
      ...acme,
      confirm: async (amount = held) => {
        const path = `/v1/reservations/${reserved.id}/confirm`
        return freehold.ok(await freehold.api.post(path, { amount }, { token: acme.key }))
      },
      correct: (amount: number, when = at) =>
        acme.staff('POST', '/usage-corrections', { feature: 'recordings', amount, at: when }),
      credit: async () => {
        const rows = await freehold.sql(
          `select amount::int from freehold.credit_entries where business_id = $1 and invoice_id is null order by id`,
          [acme.id],
        )
        return rows.map(({ amount }) => amount)
      },
    }
  }
  const settle = () => settleLateOverages(freehold.ctx)

  test('is billed by the terms of its cycle, once, however often and by however many it is looked for', async () => {
    const acme = await closed()
    await acme.staff('PUT', '/plan', { plan: 'most', charge: 'waive' })
    await acme.confirm()
    const before = await acme.invoices()
    expect(before).toEqual([['cycle 3000'], ['cycle 3000', 'overage 500']])
    await Promise.all([settle(), settle(), settle()])
    await settle()
    await acme.confirm()
    await settle()
    expect(await acme.invoices()).toEqual([...before, ['overage 200']])
    const [line] = await freehold.sql(
      `select description, plan, price, period_end <= $2 as over from freehold.invoice_lines
       where business_id = $1 and kind = 'overage' and amount = 200`,
      [acme.id, freehold.ctx.now()],
    )
    expect(line).toEqual({
      description: 'recordings: 20 more beyond the limit',
      plan: 'paid',
      price: 'monthly',
      over: true,
    })
    await freehold.advance(seconds(31))
    await renewDue(freehold.ctx)
    expect((await acme.invoices()).flat().filter((each: string) => each.startsWith('overage'))).toHaveLength(2)
    expect(await whatDoesNotAddUp(freehold)).toEqual([])
  })

  test('is billed once when it is confirmed while others look', async () => {
    const acme = await closed()
    await Promise.all([settle(), acme.confirm(), settle(), acme.correct(30), settle()])
    await settle()
    const late = (await acme.invoices()).slice(2).flat()
    expect(late.reduce((sum: number, each: string) => sum + Number(each.split(' ')[1]), 0)).toBe(500)
    expect(await whatDoesNotAddUp(freehold)).toEqual([])
  })

  test('costs nothing below the limit, and what goes over it from there alone', async () => {
    const acme = await closed({ used: 70 })
    await acme.confirm()
    await settle()
    expect(await acme.invoices()).toEqual([['cycle 3000'], ['cycle 3000']])
    await acme.correct(11)
    await settle()
    expect(await acme.invoices()).toEqual([['cycle 3000'], ['cycle 3000'], ['overage 10']])
    await acme.correct(-50)
    await settle()
    expect(await acme.credit()).toEqual([10])
  })

  test('is credit when it was less, to the limit and no further, and what is there again is billed again', async () => {
    const acme = await closed()
    await acme.correct(-30)
    await Promise.all([settle(), settle()])
    await settle()
    expect(await acme.credit()).toEqual([300])
    await acme.correct(-90)
    await settle()
    expect(await acme.credit()).toEqual([300, 200])
    await acme.correct(110)
    await settle()
    expect((await acme.invoices()).slice(2)).toEqual([['overage 400']])
    expect(await acme.consume(1)).toMatchObject({ used: 1, limit: 100 })
    expect(await whatDoesNotAddUp(freehold)).toEqual([])
  })

  test('gives nothing back of what was waived', async () => {
    const acme = await closed()
    const [invoice] = await freehold.sql(
      `select invoice_id as id from freehold.invoice_lines where business_id = $1 and kind = 'overage'`,
      [acme.id],
    )
    await acme.staff('PATCH', `/invoices/${invoice.id}`, { status: 'void' })
    await acme.correct(20)
    await settle()
    expect((await acme.invoices()).slice(2)).toEqual([['overage 200']])
    await acme.correct(-50)
    await settle()
    expect(await acme.credit()).toEqual([])
    await acme.correct(-40)
    await settle()
    expect(await acme.credit()).toEqual([200])
  })

  test('comes off what was billed by an earlier plan of the cycle after all else, and off the limit that came of it', async () => {
    const acme = await beyond('paid')
    await acme.staff('PUT', '/plan', { plan: 'most', charge: 'waive' })
    expect(await acme.consume(310)).toMatchObject({ used: 460, limit: 350 })
    await freehold.advance(60)
    const correct = (amount: number) => acme.staff('POST', '/usage-corrections', { feature: 'recordings', amount })
    await correct(-120)
    await settle()
    expect(await acme.consume(1)).toMatchObject({ used: 341, limit: 340 })
    const [{ balance }] = await freehold.sql(
      'select balance::int from freehold.credit_balances where business_id = $1',
      [acme.id],
    )
    // The open invoices are settled with it.
    expect(balance).toBe(0)
    const rows = await freehold.sql(
      `select amount::int from freehold.credit_entries where business_id = $1 and invoice_id is null`,
      [acme.id],
    )
    expect(rows).toEqual([{ amount: 100 }])
  })

  test('stays to be settled when that fails, and holds up nobody else', async () => {
    const overages = async ({ invoices }: typeof one) =>
      (await invoices()).flat().filter((each: string) => each.startsWith('overage'))
    const one = await closed()
    await one.correct(20)
    const other = await closed()
    await other.correct(20)
    await freehold.sql(`
      create function freehold.refuse() returns trigger language plpgsql as
        $$ begin if new.business_id = '${one.id}' then raise 'no'; end if; return new; end $$;
      create trigger refuse before insert on freehold.invoice_lines for each row execute function freehold.refuse()`)
    await settle()
    expect(await overages(one)).toEqual(['overage 500'])
    expect(await overages(other)).toEqual(['overage 500', 'overage 200'])
    await freehold.sql('drop function freehold.refuse() cascade')
    await settle()
    for (const each of [one, other]) expect(await overages(each)).toEqual(['overage 500', 'overage 200'])
  })

  test('waits with a business that is suspended, as a held draft', async () => {
    const acme = await closed()
    await acme.correct(20)
    await freehold.sql(`update freehold.businesses set status = 'suspended' where id = $1`, [acme.id])
    await settle()
    const drafts = await freehold.sql(
      `select total::int from freehold.invoices where business_id = $1 and status = 'draft' and cause = 'change'`,
      [acme.id],
    )
    expect(drafts).toEqual([{ total: 200 }])
  })

  test('is not paid for by a grant that came when the cycle had been cut short', async () => {
    const acme = await beyond('paid')
    await freehold.advance(60)
    await acme.staff('PUT', '/plan', { plan: 'paid', price: 'yearly' })
    expect(await acme.invoices()).toEqual([['cycle 3000'], ['overage 500']])
    await acme.staff('POST', '/grants', { feature: 'recordings', amount: 40 })
    expect(await acme.consume(1)).toMatchObject({ used: 1, limit: 140 })
  })
})
