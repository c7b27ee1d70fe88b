import { expect } from 'vitest'
import { allocate, consumeUnits, release, reserve, type Subject } from '../../src/access/gate.ts'
import { foundBusiness } from '../../src/businesses/founding.ts'
import { lockBusiness } from '../../src/businesses/businesses.ts'
import type { Actor } from '../../src/context.ts'
import type { Tx } from '../../src/db/open.ts'
import { acrossBusinesses } from '../../src/db/transactions.ts'
import { FreeholdError } from '../../src/errors.ts'
import { markUncollectible, releaseDraft, voidInvoice } from '../../src/invoices/closing.ts'
import { listInvoices } from '../../src/invoices/invoices.ts'
import { recordPayment } from '../../src/invoices/payments.ts'
import { changePlan, publishVersion } from '../../src/plans/changes.ts'
import type { ProductPlan } from '../../src/product.ts'
import * as choices from '../../src/subscriptions/choices.ts'
import { chaseOverdue } from '../../src/subscriptions/dunning.ts'
import { accessOf, type Subscription } from '../../src/subscriptions/lifecycle.ts'
import { invoicePaid } from '../../src/subscriptions/payments.ts'
import { renewDue } from '../../src/subscriptions/renewal.ts'
import { followInvoices } from '../../src/subscriptions/settlement.ts'
import * as staff from '../../src/subscriptions/staff-changes.ts'
import { currentSubscription, lockSubscription, storedSubscription } from '../../src/subscriptions/subscriptions.ts'
import { announceTrialEndings } from '../../src/subscriptions/trial-endings.ts'
import { mailAlerts } from '../../src/usage/alerts.ts'
import { correctUsage } from '../../src/usage/corrections.ts'
import { createGrant } from '../../src/usage/grants.ts'
import { overrideLimit, restoreLimit } from '../../src/usage/overrides.ts'
import { fromKysely } from '../../src/usage/ports.ts'
import { confirmReservation, releaseReservation } from '../../src/usage/reservations.ts'
import { expireReservations } from '../../src/usage/tasks.ts'
import type { TestFreehold } from '../harness.ts'
import type { Command, Deed } from './commands.ts'

/** What the reference remembers: little, and nothing that is worked out as the product works it out. */
type Reference = {
  /** Counted and held, by the period it belongs to. */
  used: Map<string, number>
  held: Map<string, number>
  keys: Map<string, { amount: number; used: number | null }>
  reservations: { id: string; amount: number; period: string; isOpen: boolean; expiresAt: Date }[]
  items: Set<string>
  /** In the order in which they came, frozen or not. */
  boards: Set<string>
  granted: number
  /** What may never change once an invoice has its number. */
  invoices: Map<string, string>
}

class Crash extends Error {}

const app: Actor = { kind: 'app', id: 'app_properties', name: 'Properties', scope: 'admin' }
const feature = 'units'
const reason = 'agreed'
let worlds = 0

export type World = Awaited<ReturnType<typeof openWorld>>

/** A new business with its owner, and a clock that stands at `start`. */
export async function openWorld(freehold: TestFreehold, start: Date) {
  const { ctx, sql } = freehold
  const { db } = ctx
  let now = start
  ctx.now = () => now
  worlds += 1
  const owner: Actor = {
    kind: 'user',
    id: ctx.newId('user'),
    name: 'Pat Person',
    email: `owner${worlds}@example.test`,
    sessionId: 'ses_properties',
    emailVerified: true,
    staff: false,
  }
  await sql('insert into freehold.users (id, email, name, created_at, updated_at) values ($1, $2, $3, $4, $4)', [
    owner.id,
    owner.email,
    owner.name,
    start,
  ])
  await sellAnew()
  const founded = await acrossBusinesses(db, (tx) => foundBusiness(tx, ctx, owner, { name: `Business ${worlds}` }))
  const businessId = founded.business.id
  const subject: Subject = { businessId, permissions: undefined, credentialId: app.id, actor: app }
  const reference: Reference = {
    used: new Map(),
    held: new Map(),
    keys: new Map(),
    reservations: [],
    items: new Set(),
    boards: new Set(),
    granted: 0,
    invoices: new Map(),
  }
  const ask = { requestId: 'req_properties' }

  /** All that is stored about the business, in one line. */
  async function fingerprint(tables: string[]): Promise<string> {
    const each = (table: string) =>
      `select '${table}' as name, md5(coalesce(string_agg(t::text, '|' order by t::text), '')) as rows
       from freehold.${table} t where business_id = $1`
    return JSON.stringify(await sql(tables.map(each).join(' union all '), [businessId]))
  }
  const everything = [
    'subscriptions',
    'subscription_cycles',
    'usage_counters',
    'usage_entries',
    'usage_alerts',
    'grants',
    'grant_draws',
    'limit_overrides',
    'reservations',
    'allocations',
    'invoices',
    'invoice_lines',
    'payments',
    'credit_entries',
    'credit_balances',
    'events',
    'event_streams',
    'audit_entries',
  ]

  /** One transaction; what is refused in it, or dies in it, leaves no trace. Answers whether it was done. */
  async function transact<T>(crash: boolean, work: (tx: Tx) => Promise<T>): Promise<T | undefined> {
    const before = await fingerprint(everything)
    try {
      return await acrossBusinesses(db, async (tx) => {
        const result = await work(tx)
        if (crash) throw new Crash()
        return result
      })
    } catch (error) {
      const isRefusal = error instanceof FreeholdError && error.status < 500
      if (!(error instanceof Crash) && !isRefusal) throw error
      expect(await fingerprint(everything), '[25] what is rolled back leaves no trace').toBe(before)
      return undefined
    }
  }

  const subscription = async (): Promise<Subscription> => {
    const found = await currentSubscription(db.across, ctx, businessId)
    if (!found) throw new Error('There is no subscription')
    return found
  }
  const period = async () => (await subscription()).cycleStart.toISOString()
  const add = (to: Map<string, number>, key: string, amount: number) => to.set(key, (to.get(key) ?? 0) + amount)
  const invoices = (tx: Tx) => listInvoices(tx, businessId, { limit: 100 }, 'with drafts')

  async function perform(command: Command): Promise<void> {
    now = new Date(now.getTime() + command.wait * 1000 + 1)
    const { crash } = command
    switch (command.kind) {
      case 'choose':
        return choose(command)
      case 'cancel':
        await transact(crash, (tx) => choices.scheduleCancellation(tx, ctx, owner, businessId, command.when))
        return
      case 'staffCancel': {
        const wanted = { reason, when: command.when, credit: 'rest' } as const
        await transact(crash, (tx) => staff.cancelByStaff(tx, ctx, app, businessId, wanted))
        return
      }
      case 'undoCancel':
        await transact(crash, (tx) => choices.undoCancellation(tx, ctx, owner, businessId))
        return
      case 'pause':
        await transact(crash, (tx) => choices.schedulePause(tx, ctx, owner, businessId))
        return
      case 'endPause':
        await transact(crash, (tx) => choices.endPause(tx, ctx, owner, businessId))
        return
      case 'staffPlan': {
        const { plan, when, charge, replace } = command
        const wanted = { plan, when, charge, replace, reason }
        await transact(crash, (tx) => staff.changePlanByStaff(tx, ctx, app, businessId, wanted))
        return
      }
      case 'extend':
        await transact(crash, (tx) => staff.extendCycle(tx, ctx, app, businessId, { days: command.days, reason }))
        return
      case 'convert':
        await transact(crash, (tx) =>
          staff.convertByStaff(tx, ctx, app, businessId, { charge: command.charge, reason }),
        )
        return
      case 'grant':
        return grant(command)
      case 'override': {
        const override = { limit: command.limit, reason, expiresAt: inDays(command.days) }
        await transact(crash, (tx) => overrideLimit(tx, ctx, app, businessId, feature, override))
        return
      }
      case 'restore':
        await transact(crash, (tx) => restoreLimit(tx, ctx, app, businessId, feature, reason))
        return
      case 'consume':
        return crash ? consumeAndDie(command) : consume(command)
      case 'reserve':
        return hold(command)
      case 'confirm':
      case 'release':
        return settleHold(command)
      case 'allocate':
      case 'giveBack':
        return item(command)
      case 'correct': {
        const at = await period()
        const wanted = { feature, amount: command.amount, reason }
        const done = await transact(crash, (tx) => correctUsage(tx, ctx, app, businessId, wanted))
        if (done) add(reference.used, at, command.amount)
        return
      }
      case 'pay':
        return pay(command)
      case 'settle':
        return settle(command)
      case 'publish':
        return offer(crash, (tx) => publish(tx, command.plan, command.percent))
      case 'archive':
        return offer(crash, (tx) => changePlan(tx, ctx, app, command.plan, { archived: command.archived }, reason))
      case 'sweep':
        return sweep()
    }
  }
  type Of<Kind extends Deed['kind']> = Extract<Command, { kind: Kind }>

  const inDays = (count: number | undefined) =>
    count === undefined ? undefined : new Date(now.getTime() + count * 86_400_000)

  /** A preview promises: the change that follows at once costs what it said. */
  async function choose({ crash, preview, plan, price, trial, replace }: Of<'choose'>): Promise<void> {
    const choice = { plan, price, trial, replace }
    if (!preview) {
      await transact(crash, (tx) => choices.choosePlan(tx, ctx, owner, businessId, choice))
      return
    }
    const before = await fingerprint(everything)
    const quote = await choices.previewPlan(db.across, ctx, owner, businessId, choice).catch(refusal)
    expect(await fingerprint(everything), 'a preview changes nothing').toBe(before)
    if (!quote) return
    const known = new Set((await acrossBusinesses(db, invoices)).map(({ id }) => id))
    const wanted = { ...choice, quoteId: quote.quoteId }
    await transact(crash, async (tx) => {
      const { id } = await lockSubscription(tx, ctx, businessId)
      const renewed = new Set((await invoices(tx)).map((invoice) => invoice.id))
      const after = await choices.choosePlan(tx, ctx, owner, businessId, wanted)
      const opened = (await invoices(tx)).filter((invoice) => !renewed.has(invoice.id) && !known.has(invoice.id))
      const due = opened.reduce((sum, { amountDue }) => sum + amountDue, 0)
      // What was asked for before gives back first what was in hand for it.
      expect(due, 'what is due is what the preview said').toBeLessThanOrEqual(quote.dueNow)
      return { id, after }
    })
  }

  async function grant({ crash, amount, priority, days }: Of<'grant'>): Promise<void> {
    const wanted = { feature, amount, priority, reason, expiresAt: inDays(days) }
    if (await transact(crash, (tx) => createGrant(tx, ctx, app, businessId, wanted))) reference.granted += amount
  }

  /** Several callers at once, of which those with the same key are one. */
  async function consume({ amount, key, together }: Of<'consume'>): Promise<void> {
    const at = await period()
    const known = key === undefined ? undefined : reference.keys.get(key)
    const answers = await Promise.all(
      Array.from({ length: together }, () =>
        consumeUnits(ctx, subject, { ...ask, feature, amount, idempotencyKey: key }).catch(refusal),
      ),
    )
    for (const answer of answers) {
      if (known) {
        if (known.amount !== amount) expect(answer, '[13] a key that was used for something else').toBeUndefined()
        else expect(answer, '[13] the stored answer').toMatchObject({ allowed: true, used: known.used })
        continue
      }
      if (!answer?.allowed) {
        if (answer?.code === 'limit_reached') {
          const { limit, used, held = 0 } = answer
          expect((used ?? 0) + held + amount, '[12] nothing that fits is refused').toBeGreaterThan(limit ?? Infinity)
        }
        continue
      }
      const isRepeat = key !== undefined && reference.keys.has(key)
      if (!isRepeat) add(reference.used, at, amount)
      if (key !== undefined) reference.keys.set(key, { amount, used: answer.used })
      const { limit, used, held = 0 } = answer
      if (limit !== null) expect((used ?? 0) + held, '[12] used and held fit').toBeLessThanOrEqual(limit)
    }
  }

  /** In an application's own transaction, which is then lost. */
  async function consumeAndDie({ amount }: Of<'consume'>): Promise<void> {
    const before = await counted()
    const die = async (): Promise<unknown> => {
      const dying = db.across.transaction().execute(async (tx) => {
        await freehold.consume(fromKysely(tx), { businessId, feature, amount })
        throw new Crash()
      })
      return dying.catch((error: unknown) => error)
    }
    let cause = await die()
    // On a busy machine the counter may be opened too late: one is told to try again.
    if (cause instanceof FreeholdError && cause.code === 'busy') cause = await die()
    if (!(cause instanceof Crash)) refusal(cause)
    expect(await counted(), '[25] what is rolled back was not counted').toEqual(before)
  }

  /** What the ledger has, but for items: opening a counter may freeze and thaw some, and that stays. */
  const counted = async () => [
    await fingerprint(['usage_alerts']),
    await sql(
      "select * from freehold.usage_entries where business_id = $1 and kind not in ('freeze', 'thaw') order by id",
      [businessId],
    ),
  ]

  async function hold({ amount, seconds }: Of<'reserve'>): Promise<void> {
    const at = await period()
    const answer = await reserve(ctx, subject, { ...ask, feature, amount, ttlSeconds: seconds }).catch(refusal)
    await followLapsed()
    if (!answer?.allowed || answer.id === null) return
    add(reference.held, at, amount)
    expect(answer, 'what is used and held is what was counted and reserved').toMatchObject({
      used: reference.used.get(at) ?? 0,
      held: reference.held.get(at) ?? 0,
    })
    const expiresAt = new Date(now.getTime() + seconds * 1000)
    reference.reservations.push({ id: answer.id, amount, period: at, isOpen: true, expiresAt })
  }

  /** What has run out goes when somebody needs it or a worker comes by, and never before. */
  async function followLapsed(): Promise<void> {
    const open = reference.reservations.filter(({ isOpen }) => isOpen)
    const gone = await sql<{ id: string }>(
      'select id from freehold.reservations where id = any($1) and released_at is not null',
      [open.map(({ id }) => id)],
    )
    for (const held of open) {
      if (!gone.some(({ id }) => id === held.id)) continue
      expect(held.expiresAt.getTime(), '[14] what is reserved is held to its end').toBeLessThanOrEqual(now.getTime())
      held.isOpen = false
      add(reference.held, held.period, -held.amount)
    }
  }

  async function settleHold(command: Of<'confirm'> | Of<'release'>): Promise<void> {
    const wanted = reference.reservations.at(-1 - command.which)
    if (!wanted) return
    const held = { businessId, id: wanted.id, credentialId: undefined }
    const before = await fingerprint(['usage_counters', 'usage_entries', 'reservations'])
    const amount = command.kind === 'confirm' ? Math.ceil(wanted.amount * command.part) : 0
    const done = await transact(command.crash, async (tx) => {
      if (command.kind === 'confirm') await confirmReservation(tx, ctx, held, { amount })
      else await releaseReservation(tx, ctx, held)
      return true
    })
    if (!done) return
    if (!wanted.isOpen) {
      const after = await fingerprint(['usage_counters', 'usage_entries', 'reservations'])
      expect(after, '[14] what is settled stays so').toBe(before)
      return
    }
    wanted.isOpen = false
    add(reference.held, wanted.period, -wanted.amount)
    add(reference.used, wanted.period, amount)
  }

  async function item({ kind, item: itemId, of }: Of<'allocate' | 'giveBack'>): Promise<void> {
    const wanted = { ...ask, feature: of, itemId }
    if (kind === 'giveBack') {
      await release(ctx, subject, wanted)
      reference[of].delete(itemId)
      return
    }
    const held = [...reference[of]]
    const answer = await allocate(ctx, subject, wanted).catch(refusal)
    if (answer?.allowed) reference[of].add(itemId)
    if (of === 'items' || !answer || answer.limit === null) return
    const place = held.includes(itemId) ? held.indexOf(itemId) : held.length
    expect(answer.allowed, 'the oldest that fit may be used, and nothing else').toBe(place < answer.limit)
    expect(answer.frozenAt !== undefined, 'what is held and does not fit is frozen').toBe(
      held.includes(itemId) && !answer.allowed,
    )
  }

  async function pay({ crash, which, part, reference: name }: Of<'pay'>): Promise<void> {
    await transact(crash, async (tx) => {
      const due = (await invoices(tx)).filter(({ amountDue }) => amountDue > 0).at(which)
      if (!due) return
      await lockBusiness(tx, businessId)
      await lockSubscription(tx, ctx, businessId)
      const amount = Math.ceil(due.amountDue * part)
      const payment = { businessId, invoiceId: due.id, amount, reference: name, receivedAt: now }
      const { invoice, isPaid } = await recordPayment(tx, ctx, app, payment)
      if (isPaid) await invoicePaid(tx, ctx, app, invoice)
    })
  }

  async function settle({ crash, which, status }: Of<'settle'>): Promise<void> {
    const decide = { open: releaseDraft, void: voidInvoice, uncollectible: markUncollectible }[status]
    await transact(crash, async (tx) => {
      const found = (await invoices(tx)).at(which)
      if (!found) return
      await lockBusiness(tx, businessId)
      const current = await lockSubscription(tx, ctx, businessId)
      await decide(tx, ctx, app, { businessId, invoiceId: found.id, reason })
      await followInvoices(tx, ctx, app, current)
    })
  }

  /** What plans are sold for is nothing to who has one. */
  async function offer(crash: boolean, work: (tx: Tx) => Promise<unknown>): Promise<void> {
    const versions = () =>
      sql<{ id: string; content: string }>('select id, v::text as content from freehold.plan_versions v')
    const [before, known] = [await fingerprint(everything), await versions()]
    const seen = await subscription()
    await transact(crash, work)
    expect(await fingerprint(everything), '[27] no subscription changes').toBe(before)
    expect(await subscription(), '[27] nor what is read of it').toEqual(seen)
    expect(await versions(), '[22] a version stays as it is').toEqual(expect.arrayContaining(known))
  }

  async function publish(tx: Tx, key: string, percent: number): Promise<void> {
    const { name: _, hidden: _hidden, fields: _fields, ...terms } = soldAs(key)
    const prices = Object.entries(terms.prices).map(([name, price]) => [
      name,
      { ...price, amount: (price.amount * percent) / 100 },
    ])
    await publishVersion(tx, ctx, app, key, { ...terms, prices: Object.fromEntries(prices) })
  }

  function soldAs(key: string): ProductPlan {
    const plan = ctx.product.plans[key]
    if (!plan) throw new Error(`There is no plan ${key}`)
    return plan
  }

  /** As the product is sold at first, whatever became of it in another story. */
  async function sellAnew(): Promise<void> {
    for (const key of Object.keys(ctx.product.plans)) {
      await acrossBusinesses(db, async (tx) => {
        await changePlan(tx, ctx, app, key, { archived: false }, reason)
        await publish(tx, key, 100)
      })
    }
  }

  /** Two workers at once. Whoever had only read before saw what they have written. */
  async function sweep(): Promise<void> {
    const expected = await subscription()
    const access = accessOf(expected, true, now)
    const runs = await Promise.all([renewDue(ctx), renewDue(ctx)])
    expect(runs, 'all that is due is renewed').toMatchObject([{ failed: 0 }, { failed: 0 }])
    const stored = await storedSubscription(db.across, businessId)
    if (stored) {
      expect(accessOf(stored, true, now), '[8] whoever reads sees the same access').toBe(access)
      expect(shape(stored), '[8] whoever reads sees what is written').toEqual(shape(expected))
    }
    await expireReservations(ctx)
    await followLapsed()
    const over = reference.reservations.filter(({ isOpen, expiresAt }) => isOpen && expiresAt <= now)
    expect(over, '[14] a worker that came by leaves nothing that has run out').toEqual([])
    await chaseOverdue(ctx)
    await announceTrialEndings(ctx)
    await mailAlerts(ctx)
  }
  // What falls back gets its id when it is written.
  const shape = ({
    status,
    plan,
    price,
    cycleStart,
    cycleEnd,
    cycleNumber,
    anchor,
    cancelAtCycleEnd,
  }: Subscription) => {
    return { status, plan: plan.id, price, cycleStart, cycleEnd, cycleNumber, anchor, cancelAtCycleEnd }
  }

  /** What the database says is what the reference remembers. */
  async function compare(): Promise<void> {
    await followLapsed()
    const counters = await sql<{ start: Date; used: number; held: number }>(
      `select period_start as start, used::int, held::int from freehold.usage_counters
       where business_id = $1 and feature = $2 order by 1`,
      [businessId, feature],
    )
    const sum = (list: number[]) => list.reduce((left, right) => left + right, 0)
    for (const { start: at, used, held } of counters) {
      const key = at.toISOString()
      expect([key, used], 'used is what was counted').toEqual([key, reference.used.get(key) ?? 0])
      expect([key, held], 'held is what is reserved').toEqual([key, reference.held.get(key) ?? 0])
    }
    expect(sum(counters.map(({ used }) => used)), 'nothing counted is lost').toBe(sum([...reference.used.values()]))
    const held = await sql<{ feature: 'items' | 'boards'; item: string }>(
      'select feature, item_id as item from freehold.allocations where business_id = $1 order by created_at, item_id',
      [businessId],
    )
    for (const each of ['items', 'boards'] as const) {
      const items = held.flatMap(({ feature: of, item: name }) => (of === each ? name : []))
      expect(items, '[18] the items held').toEqual([...reference[each]])
    }
    const grants = await sql<{ amount: number }>(
      `select coalesce(sum(amount), 0)::int as amount from freehold.grants where business_id = $1 and created_by <> 'renewal'`,
      [businessId],
    )
    expect(grants, 'what was granted').toEqual([{ amount: reference.granted }])
    const finals = await sql<{ id: string; content: string }>(
      `select i.id, md5(row(i.number, i.total, i.currency, i.billed_by, i.billed_to, i.opened_at, i.cause, i.cycle_number,
         (select string_agg(l::text, '|' order by l.position) from freehold.invoice_lines l where l.invoice_id = i.id))::text)
         as content
       from freehold.invoices i where i.business_id = $1 and number is not null`,
      [businessId],
    )
    for (const { id, content } of finals) {
      const before = reference.invoices.get(id) ?? content
      expect(content, '[22] an invoice that has its number stays as it is').toBe(before)
      reference.invoices.set(id, content)
    }
    expect(finals.length, '[22] none of them goes').toBe(reference.invoices.size)
  }

  /** So that nothing of it is due in another story. */
  async function close(): Promise<void> {
    await sql(`update freehold.businesses set status = 'closed' where id = $1`, [businessId])
    await sql(`update freehold.subscriptions set status = 'paused' where business_id = $1 and status <> 'ended'`, [
      businessId,
    ])
  }

  return { perform, compare, close, businessId }
}

/** What the product refuses is an answer like another; anything else is a failure. */
function refusal(error: unknown): undefined {
  if (error instanceof FreeholdError && error.status < 500) return undefined
  throw error
}
