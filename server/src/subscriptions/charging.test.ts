import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createTestFreehold, days, password, type TestFreehold } from '../../test/harness.ts'
import { openStaff, type Staff } from '../../test/staff.ts'
import { whatDoesNotAddUp } from '../../test/invoices.ts'
import type { Charge, ChargeResult, PaymentProvider } from '../invoices/provider.ts'
import { chargeRequested } from './charging.ts'
import { chaseOverdue } from './dunning.ts'

/** A provider that keeps what it took, by id, as a real one does; what it answers is up to the test. */
function openBank() {
  const taken = new Map<string, Charge>()
  const asked: string[] = []
  const bank = {
    taken,
    asked,
    charge: async (charge: Charge): Promise<ChargeResult> => take(charge),
    lookUp: async (id: string): Promise<ChargeResult | undefined> =>
      taken.has(id) ? { status: 'succeeded', reference: `bank-${id}` } : undefined,
  }
  const take = (charge: Charge): ChargeResult => {
    asked.push(charge.id)
    taken.set(charge.id, charge)
    return { status: 'succeeded', reference: `bank-${charge.id}` }
  }
  const provider: PaymentProvider = {
    name: 'bank',
    charging: { charge: (charge) => bank.charge(charge), lookUp: (id) => bank.lookUp(id) },
  }
  return { ...bank, bank, take, provider }
}

let freehold: TestFreehold
let staff: Staff
let bank: ReturnType<typeof openBank>['bank']
let take: ReturnType<typeof openBank>['take']
beforeEach(async () => {
  const opened = openBank()
  bank = opened.bank
  take = opened.take
  freehold = await createTestFreehold({ payments: opened.provider })
  staff = await openStaff(freehold)
})
afterEach(() => freehold.close())

/** What workers do each minute. */
const run = async () => {
  await chaseOverdue(freehold.ctx)
  await chargeRequested(freehold.ctx)
}
const customer = async () => {
  const { business, token, user } = await freehold.signUp()
  return { id: business.id as string, token: token as string, email: user.email as string }
}
type Customer = Awaited<ReturnType<typeof customer>>

const choose = async ({ id, email }: Customer, plan: string, price: string) => {
  const { token } = freehold.ok(await freehold.api.post('/v1/login', { email, password }))
  return freehold.ok(await freehold.api.put(`/v1/businesses/${id}/subscription/plan`, { plan, price }, { token }))
}
/** A customer in a paid cycle of which the invoice is due at once, because the provider charges it. */
async function renewed() {
  const of = await customer()
  const body = { plan: 'growth', reason: 'they asked for it', charge: 'waive' }
  freehold.ok(await freehold.api.put(`/v1/staff/businesses/${of.id}/plan`, body, staff.admin))
  const { cycleEnd } = (await pageOf(of)).subscription
  await freehold.advance(Math.ceil((Date.parse(cycleEnd) - freehold.ctx.now().getTime()) / 1000))
  // The next write, or the sweep, takes the boundary.
  await freehold.api.post(
    `/v1/staff/businesses/${of.id}/credits`,
    { amount: 1, currency: 'EUR', reason: 'a coin' },
    staff.admin,
  )
  return of
}
const pageOf = async ({ id }: Customer) =>
  freehold.ok(await freehold.api.get(`/v1/staff/businesses/${id}`, staff.admin))
const subscriptionOf = async (of: Customer) => (await pageOf(of)).subscription
const invoicesOf = async ({ id }: Customer) =>
  freehold.ok(await freehold.api.get(`/v1/staff/businesses/${id}/invoices`, staff.admin)).items
const attemptsOf = ({ id }: Customer) =>
  freehold.sql('select attempt, status, failure from freehold.charge_attempts where business_id = $1 order by id', [id])
const remindersOf = async ({ email }: Customer) =>
  (await freehold.mails(email)).filter(({ template }) => template === 'payment-overdue')

describe('a cycle', () => {
  test('is charged as soon as its invoice is there, and nobody is reminded', async () => {
    const of = await renewed()
    await run()
    expect(await invoicesOf(of)).toMatchObject([{ status: 'paid', amountPaid: 4900 }])
    expect([...bank.taken.values()]).toMatchObject([{ businessId: of.id, amount: 4900, currency: 'USD' }])
    expect(await subscriptionOf(of)).toMatchObject({ status: 'active' })
    expect(await remindersOf(of)).toEqual([])
    expect(await attemptsOf(of)).toEqual([{ attempt: 1, status: 'succeeded', failure: null }])
  })

  test('that cannot be charged is tried again on each of the days, with a reminder for each, until it is over', async () => {
    bank.charge = async () => ({ status: 'failed', reason: 'card_declined' })
    const of = await renewed()
    const seen: number[] = []
    for (let day = 0; day <= 22; day += 1) {
      const before = (await attemptsOf(of)).length
      await Promise.all([run(), run()])
      await run()
      if ((await attemptsOf(of)).length > before) seen.push(day)
      await freehold.advance(days(1))
    }
    expect(seen).toEqual([0, 2, 7, 14, 21])
    expect(await attemptsOf(of)).toHaveLength(5)
    expect(await remindersOf(of)).toHaveLength(4)
    expect((await invoicesOf(of)).at(-1)).toMatchObject({ status: 'uncollectible' })
    expect(await subscriptionOf(of)).toMatchObject({ status: 'ended', endReason: 'unpaid' })
  })

  test('charged by a later attempt brings its subscription back', async () => {
    const { charge } = bank
    bank.charge = async () => ({ status: 'failed', reason: 'card_declined' })
    const of = await renewed()
    await run()
    expect(await subscriptionOf(of)).toMatchObject({ status: 'past_due' })
    bank.charge = charge
    await freehold.advance(days(2))
    await run()
    expect(await subscriptionOf(of)).toMatchObject({ status: 'active', access: 'full' })
    expect(await attemptsOf(of)).toMatchObject([{ status: 'failed' }, { status: 'succeeded' }])
    expect(await remindersOf(of)).toHaveLength(1)
  })

  test('of which the charge takes its time is not overdue meanwhile', async () => {
    bank.charge = async () => ({ status: 'pending' })
    bank.lookUp = async () => ({ status: 'pending' })
    const of = await renewed()
    for (let day = 0; day < 4; day += 1) {
      await run()
      await freehold.advance(days(1))
    }
    expect(await attemptsOf(of)).toMatchObject([{ status: 'unknown' }])
    expect(await subscriptionOf(of)).toMatchObject({ status: 'active' })
    bank.lookUp = async () => ({ status: 'succeeded', reference: 'debit 1' })
    await run()
    expect(await invoicesOf(of)).toMatchObject([{ status: 'paid' }])
  })
})

describe('a business that is closed', () => {
  test('is charged nothing from then on; what was asked of the provider before is still followed up', async () => {
    const of = await renewed()
    await chaseOverdue(freehold.ctx)
    const { token } = freehold.ok(await freehold.api.post('/v1/login', { email: of.email, password }))
    freehold.ok(await freehold.api.delete(`/v1/businesses/${of.id}`, { token }))
    for (let day = 0; day < 4; day += 1) {
      await run()
      await freehold.advance(days(1))
    }
    expect(bank.asked).toEqual([])
    expect(await attemptsOf(of)).toMatchObject([{ status: 'failed', failure: 'superseded' }])
    expect(await invoicesOf(of)).toMatchObject([{ status: 'open', amountDue: 4900 }])

    const other = await renewed()
    bank.charge = async (charge) => {
      take(charge)
      throw new Error('the connection is gone')
    }
    await run()
    const login = freehold.ok(await freehold.api.post('/v1/login', { email: other.email, password }))
    freehold.ok(await freehold.api.delete(`/v1/businesses/${other.id}`, { token: login.token }))
    await freehold.advance(180)
    await run()
    expect(bank.asked).toHaveLength(1)
    expect(await invoicesOf(other)).toMatchObject([{ status: 'paid' }])
  })
})

describe('a charge takes money once', () => {
  test('when many workers are at it', async () => {
    const of = await renewed()
    await chaseOverdue(freehold.ctx)
    // All of them have seen it before the first may claim it.
    const workers = await freehold.ctx.db.across.transaction().execute(async (tx) => {
      await tx.selectFrom('chargeAttempts').select('id').where('businessId', '=', of.id).forUpdate().execute()
      const started = Array.from({ length: 5 }, () => chargeRequested(freehold.ctx))
      await freehold.eventually(async () => {
        const waiting = `select from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock' and query like '%charge_attempts%'`
        return (await freehold.sql(waiting)).length === started.length
      }, 'five workers at one charge')
      return started
    })
    await Promise.all(workers)
    expect(bank.asked).toHaveLength(1)
    expect(await invoicesOf(of)).toMatchObject([{ status: 'paid', amountPaid: 4900 }])
  })

  test('when its answer is lost: it is looked up, not charged anew', async () => {
    bank.charge = async (charge) => {
      take(charge)
      throw new Error('the connection is gone')
    }
    const of = await renewed()
    await run()
    expect(await attemptsOf(of)).toMatchObject([{ status: 'unknown' }])
    expect(await invoicesOf(of)).toMatchObject([{ status: 'open' }])
    await freehold.advance(180)
    await run()
    expect(bank.asked).toHaveLength(1)
    expect(await invoicesOf(of)).toMatchObject([{ status: 'paid' }])
  })

  test('when it never arrived: the same one is sent again', async () => {
    const { charge } = bank
    bank.charge = async () => {
      throw new Error('no connection')
    }
    const of = await renewed()
    await run()
    bank.charge = charge
    await freehold.advance(180)
    await run()
    const [attempt] = await freehold.sql('select id from freehold.charge_attempts where business_id = $1', [of.id])
    expect(bank.asked).toEqual([attempt.id])
    expect(await invoicesOf(of)).toMatchObject([{ status: 'paid' }])
  })

  test('when the invoice was paid otherwise while it was under way: the money is in hand', async () => {
    const of = await renewed()
    const [invoice] = await invoicesOf(of)
    bank.charge = async (charge) => {
      const path = `/v1/staff/businesses/${of.id}/invoices/${invoice.id}/payments`
      freehold.ok(await freehold.api.post(path, { amount: 4000, reference: 'transfer 1' }, staff.admin))
      return take(charge)
    }
    await run()
    expect(await invoicesOf(of)).toMatchObject([{ status: 'paid', amountPaid: 4900 }])
    const { balances } = freehold.ok(await freehold.api.get(`/v1/staff/businesses/${of.id}/credits`, staff.admin))
    expect(balances).toContainEqual({ currency: 'USD', balance: 4000 })
    expect(await whatDoesNotAddUp(freehold)).toEqual([])
  })

  test('when whoever had it was thought dead, and it was voided meanwhile: the money is in hand', async () => {
    const slow = await renewed()
    const of = await renewed()
    await chaseOverdue(freehold.ctx)
    const [invoice] = await invoicesOf(of)
    const patch = `/v1/staff/businesses/${of.id}/invoices/${invoice.id}`
    let first = true
    const inFlight = Promise.withResolvers<void>()
    const goesOn = Promise.withResolvers<void>()
    bank.charge = async (charge) => {
      if (charge.businessId === slow.id && first) {
        first = false
        // So slow that all it had claimed is somebody else's by now; they send it, and wait for the answer.
        await freehold.advance(180)
        bank.lookUp = async () => ({ status: 'pending' })
        void chargeRequested(freehold.ctx)
        await inFlight.promise
        return { status: 'pending' }
      }
      if (charge.businessId !== of.id) return { status: 'pending' }
      freehold.ok(await freehold.api.patch(patch, { status: 'void', reason: 'a mistake' }, staff.admin))
      inFlight.resolve()
      await goesOn.promise
      return take(charge)
    }
    await chargeRequested(freehold.ctx)
    goesOn.resolve()
    await freehold.eventually(async () => {
      const { balances } = freehold.ok(await freehold.api.get(`/v1/staff/businesses/${of.id}/credits`, staff.admin))
      return balances.some(
        ({ currency, balance }: { currency: string; balance: number }) => currency === 'USD' && balance === 4900,
      )
    }, 'the money that was taken')
  })

  test('for the rest, when a part was paid before it was sent', async () => {
    const of = await renewed()
    await chaseOverdue(freehold.ctx)
    const [invoice] = await invoicesOf(of)
    const path = `/v1/staff/businesses/${of.id}/invoices/${invoice.id}/payments`
    freehold.ok(await freehold.api.post(path, { amount: 1000, reference: 'cash' }, staff.admin))
    await chargeRequested(freehold.ctx)
    expect([...bank.taken.values()]).toMatchObject([{ amount: 3900 }])
    expect(await invoicesOf(of)).toMatchObject([{ status: 'paid', amountPaid: 4900 }])
    expect(await subscriptionOf(of)).toMatchObject({ status: 'active' })
    expect(await remindersOf(of)).toEqual([])
  })

  test('not at all when the invoice was settled before it was sent', async () => {
    const of = await renewed()
    await chaseOverdue(freehold.ctx)
    const [invoice] = await invoicesOf(of)
    const path = `/v1/staff/businesses/${of.id}/invoices/${invoice.id}/payments`
    freehold.ok(await freehold.api.post(path, { amount: 4900, reference: 'transfer 1' }, staff.admin))
    await chargeRequested(freehold.ctx)
    expect(bank.asked).toEqual([])
    expect(await attemptsOf(of)).toMatchObject([{ status: 'failed', failure: 'superseded' }])
    expect(await subscriptionOf(of)).toMatchObject({ status: 'active' })
  })
})

describe('a change that is paid first', () => {
  /** Growth for a year costs more than what is had by the month. */
  async function upgrading() {
    const of = await renewed()
    await run()
    await choose(of, 'growth', 'yearly')
    return of
  }

  test('takes effect once it is charged', async () => {
    const of = await upgrading()
    expect(await subscriptionOf(of)).toMatchObject({ price: { name: 'monthly' } })
    await run()
    expect(await subscriptionOf(of)).toMatchObject({ price: { name: 'yearly' }, status: 'active' })
    expect(await whatDoesNotAddUp(freehold)).toEqual([])
  })

  test('that cannot be charged does not happen, and can be asked for again', async () => {
    const { charge } = bank
    const of = await renewed()
    await run()
    bank.charge = async () => ({ status: 'failed', reason: 'card_declined' })
    await choose(of, 'growth', 'yearly')
    await run()
    expect(await subscriptionOf(of)).toMatchObject({ price: { name: 'monthly' }, status: 'active' })
    expect((await invoicesOf(of))[0]).toMatchObject({
      status: 'void',
      statusReason: 'The payment failed: card_declined',
    })
    const failed = await freehold.sql(
      `select data from freehold.events where business_id = $1 and type = 'subscription.change_failed'`,
      [of.id],
    )
    expect(failed).toMatchObject([{ data: { reason: 'payment_failed' } }])
    bank.charge = charge
    await choose(of, 'growth', 'yearly')
    await run()
    expect(await subscriptionOf(of)).toMatchObject({ price: { name: 'yearly' } })
  })
})
