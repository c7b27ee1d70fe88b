import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { allocate, consumeUnits, release, reserve, type Subject } from '../../src/access/gate.ts'
import { foundBusiness } from '../../src/businesses/founding.ts'
import type { Actor } from '../../src/context.ts'
import type { Tx } from '../../src/db/open.ts'
import { acrossBusinesses } from '../../src/db/transactions.ts'
import { FreeholdError } from '../../src/errors.ts'
import { addCredit } from '../../src/invoices/credit.ts'
import { days, usd } from '../../src/prices.ts'
import { defineProduct } from '../../src/product.ts'
import { chaseOverdue } from '../../src/subscriptions/dunning.ts'
import { settleLateOverages } from '../../src/subscriptions/late-overages.ts'
import { renewDue } from '../../src/subscriptions/renewal.ts'
import { changePlanByStaff } from '../../src/subscriptions/staff-changes.ts'
import { lockSubscription } from '../../src/subscriptions/subscriptions.ts'
import { correctUsage } from '../../src/usage/corrections.ts'
import { createGrant } from '../../src/usage/grants.ts'
import { overrideLimit } from '../../src/usage/overrides.ts'
import { confirmReservation } from '../../src/usage/reservations.ts'
import { createTestFreehold, type TestFreehold } from '../harness.ts'
import { whatDoesNotAddUp } from '../invoices.ts'
import { patience, runs } from './runs.ts'

/**
 * The same is done to two businesses at the same moments; then the sweep renews one of them, with many others and with
 * one statement for each table, and the other is brought up to now by itself. Whatever is stored must be the same.
 */

const soft = (limit: number, price: number, terms = {}) => ({ limit, overage: { price: usd(price), ...terms } })
const product = defineProduct({
  name: 'Test',
  permissions: { 'calls:create': 'write' },
  keys: { sdk: { prefix: 'pk', permissions: ['calls:create'] } },
  features: {
    calls: { kind: 'metered' },
    exports: { kind: 'metered', resets: 'month' },
    minutes: { kind: 'metered', rollover: 30 },
    words: { kind: 'metered', rollover: 500 },
    sites: { kind: 'allocated', onDowngrade: 'freeze_newest' },
  },
  plans: {
    free: {
      name: 'Free',
      cycle: days(10),
      price: usd(0),
      includes: {
        calls: soft(20, 10, { unitsPerPrice: 3 }),
        exports: soft(5, 100),
        minutes: 40,
        words: null,
        sites: 3,
      },
    },
    paid: {
      name: 'Paid',
      prices: { monthly: usd(30_00), yearly: usd(300_00) },
      includes: {
        calls: soft(50, 7, { spendCap: usd(150) }),
        exports: soft(10, 33),
        minutes: 60,
        words: 100,
        sites: null,
      },
    },
    hard: {
      name: 'Hard',
      prices: { monthly: usd(20_00), yearly: usd(200_00) },
      includes: { calls: 30, exports: 30, minutes: soft(10, 5), words: 60, sites: 1 },
    },
  },
  signup: { plan: 'free', keys: ['sdk'] },
})

let freehold: TestFreehold
beforeAll(async () => {
  freehold = await createTestFreehold({ product })
})
afterAll(() => freehold.close())

const day = 86_400
const feature = fc.constantFrom('calls', 'exports', 'minutes', 'words')
const amount = fc.integer({ min: 1, max: 60 })
const some = fc.option(fc.integer({ min: 1, max: 40 }), { nil: undefined })
const of = <Kind extends string>(kind: Kind) => fc.constant(kind)

const terms = {
  plan: fc.constantFrom('free', 'paid', 'paid', 'hard'),
  price: fc.constantFrom('monthly', 'monthly', 'yearly'),
}

type Of<Source> = Source extends fc.Arbitrary<infer Value> ? Value : never
type Deed = Of<typeof deeds>
const deeds = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: of('consume'), feature, amount }) },
  { weight: 3, arbitrary: fc.record({ kind: of('reserve'), feature, amount: fc.integer({ min: 1, max: 8 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: of('confirm'), part: fc.constantFrom(1, 0.5) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: of('grant'), feature, amount, priority: fc.constantFrom(10, 50, 100), days: some }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: of('override'), feature, limit: fc.constantFrom(null, 5, 80), days: some }),
  },
  { weight: 1, arbitrary: fc.record({ kind: of('correct'), feature, amount: fc.integer({ min: -9, max: 9 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: of('credit'), amount: fc.constantFrom(100, 5000) }) },
  { weight: 1, arbitrary: fc.record({ kind: of('suspend'), suspended: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: of('chase') }) },
  { weight: 3, arbitrary: fc.record({ kind: of('allocate'), item: fc.integer({ min: 1, max: 9 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: of('release'), item: fc.integer({ min: 1, max: 9 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: of('schedule'), ...terms, charge: fc.constantFrom('invoice', 'waive') }),
  },
)

const histories = fc.record({
  ...terms,
  deeds: fc.array(fc.tuple(fc.integer({ min: 1, max: 2 * day }), deeds), { minLength: 4, maxLength: 12 }),
})
/** Mostly one boundary late. */
const late = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 9 * day, max: 32 * day }) },
  { weight: 1, arbitrary: fc.integer({ min: 40 * day, max: 400 * day }) },
)
const stories = fc.record({
  /** Each for two businesses, and of each another part before another boundary. */
  pairs: fc.array(fc.tuple(histories, histories), { minLength: 3, maxLength: 3 }),
  lates: fc.tuple(late, late),
})

const app: Actor = { kind: 'app', id: 'app_properties', name: 'Properties', scope: 'admin' }
const reason = 'agreed'
const count = 12
let people = 0

test(
  'a sweep of many renews as each of them would have been renewed by itself, with overage, rollover and another plan',
  { timeout: patience(count, 20_000) },
  () => fc.assert(fc.asyncProperty(stories, tell), { ...runs(count), endOnFailure: true }),
)

async function tell({ pairs, lates }: Of<typeof stories>) {
  const { ctx, sql } = freehold
  let now = new Date('2027-01-15T10:00:00Z')
  ctx.now = () => now
  await sql(`update freehold.subscriptions set status = 'paused' where status <> 'ended'`)
  const twins: { asked: string; swept: string; held: Map<string, string[]> }[] = []
  for (const [{ plan, price }] of pairs) {
    const [asked, swept] = [await found(), await found()]
    for (const businessId of [asked, swept]) {
      if (plan === 'free') continue
      const wanted = { plan, price, when: 'now', charge: 'invoice', replace: false, reason } as const
      await transact((tx) => changePlanByStaff(tx, ctx, app, businessId, wanted))
    }
    twins.push({ asked, swept, held: new Map([asked, swept].map((id) => [id, []])) })
  }
  for (const [round, pause] of lates.entries()) {
    const done = pairs.flatMap((pair, index) => {
      let at = 0
      return pair[round === 0 ? 0 : 1].deeds.map(([wait, deed]) => ({ at: (at += wait), deed, index }))
    })
    const start = now.getTime()
    for (const { at, deed, index } of done.toSorted((left, right) => left.at - right.at)) {
      now = new Date(start + at * 1000)
      const twin = twins[index]
      if (!twin) continue
      if (deed.kind === 'chase') await chaseOverdue(ctx)
      else for (const id of [twin.asked, twin.swept]) await perform(id, twin.held.get(id) ?? [], deed, now)
    }
    now = new Date(now.getTime() + pause * 1000)
    for (const { asked } of twins) await transact((tx) => lockSubscription(tx, ctx, asked))
    const run = await renewDue(ctx)
    expect(run).toMatchObject({ alone: 0, failed: 0, behind: 0 })
    await same(twins)
    await settleLateOverages(ctx)
  }
  expect(await whatDoesNotAddUp(freehold)).toEqual([])
}

async function same(twins: { asked: string; swept: string }[]): Promise<void> {
  for (const { asked, swept } of twins) {
    const [byItself, together] = [await stored(asked), await stored(swept)]
    expect(together).toEqual(byItself)
  }
}

const tables = {
  subscriptions: '',
  subscription_cycles: '',
  usage_counters: '',
  usage_entries: '',
  usage_alerts: '',
  allocations: '',
  grants: '',
  grant_draws: '',
  reservations: '',
  invoices: '',
  invoice_lines:
    '(select i.cycle_number from freehold.invoices i where i.business_id = t.business_id and i.id = t.invoice_id)',
  credit_entries: '',
  credit_balances: '',
  events: '',
  event_streams: '',
  audit_entries: '',
}

/** Every row of a business, without what names it: ids, and the numbers of invoices that everybody's count in. */
async function stored(businessId: string): Promise<Record<string, string[]>> {
  const rows: Record<string, string[]> = {}
  for (const [table, more] of Object.entries(tables)) {
    const found = await freehold.sql<{ row: string }>(
      `select (to_jsonb(t) || jsonb_build_object('more', ${more || 'null'}))::text as row from freehold.${table} t where business_id = $1`,
      [businessId],
    )
    rows[table] = found
      .map(({ row }) => row.replaceAll(/\b([a-z]{2,3})_[0-9a-z]{26}\b/g, '$1').replaceAll(/INV-\d+/g, 'INV'))
      .map((row) => row.replaceAll(/(Business|owner)\d+/g, '$1').replaceAll(/pk…\w+/g, 'pk'))
      .toSorted()
  }
  return rows
}

async function found(): Promise<string> {
  const { ctx, sql } = freehold
  people += 1
  const person = { id: ctx.newId('user'), name: 'Pat Person', email: `owner${people}@example.test` }
  const owner: Actor = { kind: 'user', ...person, sessionId: 'ses_properties', emailVerified: true, staff: false }
  await sql('insert into freehold.users (id, email, name, created_at, updated_at) values ($1, $2, $3, $4, $4)', [
    owner.id,
    owner.email,
    owner.name,
    ctx.now(),
  ])
  const name = `Business${people}`
  const { business } = await acrossBusinesses(ctx.db, (tx) => foundBusiness(tx, ctx, owner, { name }))
  return business.id
}

async function perform(businessId: string, held: string[], deed: Deed, now: Date): Promise<void> {
  const { ctx, sql } = freehold
  const subject: Subject = { businessId, permissions: undefined, credentialId: app.id, actor: app }
  const ask = { requestId: 'req_properties' }
  const until = (count: number | undefined) =>
    count === undefined ? undefined : new Date(now.getTime() + count * day * 1000)
  switch (deed.kind) {
    case 'consume':
      await consumeUnits(ctx, subject, { ...ask, feature: deed.feature, amount: deed.amount }).catch(refusal)
      return
    case 'reserve': {
      const wanted = { ...ask, feature: deed.feature, amount: deed.amount, ttlSeconds: day }
      const answer = await reserve(ctx, subject, wanted).catch(refusal)
      if (answer?.allowed && answer.id !== null) held.push(answer.id)
      return
    }
    case 'confirm': {
      const id = held.pop()
      if (id === undefined) return
      const rows = await sql<{ amount: string }>('select amount from freehold.reservations where id = $1', [id])
      const units = Math.ceil(Number(rows[0]?.amount) * deed.part)
      await transact((tx) =>
        confirmReservation(tx, ctx, { businessId, id, credentialId: undefined }, { amount: units }),
      )
      return
    }
    case 'grant': {
      const { feature: name, amount: units, priority } = deed
      const grant = { feature: name, amount: units, priority, reason, expiresAt: until(deed.days) }
      await transact((tx) => createGrant(tx, ctx, app, businessId, grant))
      return
    }
    case 'override': {
      const override = { limit: deed.limit, reason, expiresAt: until(deed.days) }
      await transact((tx) => overrideLimit(tx, ctx, app, businessId, deed.feature, override))
      return
    }
    case 'correct':
      if (deed.amount === 0) return
      await transact((tx) =>
        correctUsage(tx, ctx, app, businessId, { feature: deed.feature, amount: deed.amount, reason }),
      )
      return
    case 'credit':
      await transact((tx) => addCredit(tx, ctx, app, { businessId, currency: 'USD', amount: deed.amount, reason }))
      return
    case 'allocate':
      await allocate(ctx, subject, { ...ask, feature: 'sites', itemId: `site ${deed.item}` }).catch(refusal)
      return
    case 'release':
      await release(ctx, subject, { ...ask, feature: 'sites', itemId: `site ${deed.item}` }).catch(refusal)
      return
    case 'schedule': {
      const { plan, charge } = deed
      const price = plan === 'free' ? 'default' : deed.price
      const wanted = { plan, price, when: 'cycleEnd', charge, replace: true, reason } as const
      await transact((tx) => changePlanByStaff(tx, ctx, app, businessId, wanted))
      return
    }
    case 'suspend':
      await sql('update freehold.businesses set status = $2 where id = $1', [
        businessId,
        deed.suspended ? 'suspended' : 'active',
      ])
  }
}

const transact = (work: (tx: Tx) => Promise<unknown>) => acrossBusinesses(freehold.ctx.db, work).catch(refusal)

function refusal(error: unknown): undefined {
  if (!(error instanceof FreeholdError) || error.status >= 500) throw error
}
