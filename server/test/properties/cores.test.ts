import { Temporal } from '@js-temporal/polyfill'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { PlanVersion } from '../../src/plans/plans.ts'
import type { Overage } from '../../src/prices.ts'
import * as commands from '../../src/subscriptions/commands.ts'
import type { Interval } from '../../src/subscriptions/cycle.ts'
import {
  accessOf,
  advance,
  firstCycle,
  project,
  sameTerms,
  type Subscription,
  type Terms,
} from '../../src/subscriptions/lifecycle.ts'
import { unusedTail, usedPart } from '../../src/subscriptions/proration.ts'
import { attribute, burnOrder, limitWith, planPriority, type CountedPeriod } from '../../src/usage/attribution.ts'
import { entitlementOf } from '../../src/usage/entitlements.ts'
import { cappedCost, limitsOf, overageCost, resettled, unitsWithinCap } from '../../src/usage/overage.ts'
import { runs } from './runs.ts'

/**
 * What has to be true of the pure cores, whatever is done to a subscription and whenever somebody looks: arbitrary
 * commands between arbitrary instants. No database.
 */

const day = 86_400_000
const month: Interval = { unit: 'month', count: 1 }
const year: Interval = { unit: 'year', count: 1 }

function plan(
  planKey: string,
  amounts: { month: number; year?: number },
  more: Partial<PlanVersion> = {},
): PlanVersion {
  const price = (amount: number, interval: Interval) => ({ amount, currency: 'USD', interval })
  const prices = { monthly: price(amounts.month, month), yearly: price(amounts.year ?? amounts.month * 10, year) }
  const rest = { trialDays: 0, onTrialEnd: 'end', includes: {}, onEnd: 'renew', fallbackPlan: null } as const
  return { id: `plv_${planKey}`, planKey, planName: planKey, version: 1, prices, ...rest, ...more }
}

const plans = [
  plan('free', { month: 0 }),
  plan('basic', { month: 2900 }),
  plan('growth', { month: 9900 }, { trialDays: 14 }),
  plan('patient', { month: 4900 }, { trialDays: 14, onTrialEnd: 'pause' }),
  plan('pass', { month: 500 }, { onEnd: 'end' }),
  plan('promo', { month: 100 }, { onEnd: 'fallback', fallbackPlan: 'free' }),
]
const zones = ['UTC', 'Europe/Paris', 'America/New_York', 'Australia/Lord_Howe', 'Pacific/Apia']
const terms: fc.Arbitrary<Terms> = fc.record({
  plan: fc.constantFrom(...plans),
  price: fc.constantFrom('monthly', 'yearly'),
})

const starts = fc
  .date({ min: new Date('2023-01-01'), max: new Date('2029-01-01'), noInvalidDate: true })
  .map((date) => new Date(Math.floor(date.getTime() / 1000) * 1000))

const begun = (wanted: Terms, zone: string, start: Date): Subscription => {
  const cycle = firstCycle(wanted.plan, wanted.price, zone, start, wanted.plan.trialDays > 0)
  const billed = cycle.status === 'trialing' ? 0 : (wanted.plan.prices[wanted.price]?.amount ?? 0)
  const quiet = { pendingChange: null, awaiting: null, cancelAtCycleEnd: false, pauseAtCycleEnd: false }
  const ids = { id: 'sub_1', businessId: 'biz_1', cycleNumber: 1, version: 1 }
  return { ...wanted, ...cycle, ...quiet, ...ids, zone, billed, graceEnd: null, endReason: null, endedAt: null }
}
const subscriptions = fc.tuple(terms, fc.constantFrom(...zones), starts).map((each) => begun(...each))

/** A command, or nothing but somebody looking, some time after the one before. */
type Event = { after: number } & (
  | { kind: 'look' | 'undoCancel' | 'pause' | 'undoPause' | 'recover' | 'paid' }
  | { kind: 'cancel'; when: 'now' | 'cycleEnd' }
  | ({ kind: 'change'; when: 'now' | 'cycleEnd' | 'byPrice'; charge: 'first' | 'invoice' | 'waive' } & Terms)
  | { kind: 'extend' | 'fallBehind'; days: number }
  | { kind: 'convert'; charge: 'invoice' | 'waive' }
)
const after = fc.oneof(
  fc.integer({ min: 0, max: 3 * 86_400 }).map((seconds) => seconds * 1000),
  fc.integer({ min: 0, max: 70 * day }),
)
const days = fc.integer({ min: 1, max: 40 })
const events: fc.Arbitrary<Event> = fc.oneof(
  fc.record({ after, kind: fc.constantFrom('look', 'undoCancel', 'pause', 'undoPause', 'recover', 'paid') }),
  fc.record({ after, kind: fc.constant('cancel'), when: fc.constantFrom('cycleEnd', 'cycleEnd', 'now') }),
  fc.tuple(terms, after).chain(([wanted, later]) =>
    fc.record({
      after: fc.constant(later),
      kind: fc.constant('change'),
      plan: fc.constant(wanted.plan),
      price: fc.constant(wanted.price),
      when: fc.constantFrom('now', 'cycleEnd', 'byPrice'),
      charge: fc.constantFrom('first', 'invoice', 'waive'),
    }),
  ),
  fc.record({ after, kind: fc.constantFrom('extend', 'fallBehind'), days }),
  fc.record({ after, kind: fc.constant('convert'), charge: fc.constantFrom('invoice', 'waive') }),
)
const stories = fc.array(events, { maxLength: 20 })

function decide(state: Subscription, event: Event, now: Date): commands.Decision | commands.Refusal {
  const later = (count: number) => new Date(state.cycleEnd.getTime() + count * day)
  switch (event.kind) {
    case 'look':
      return { kind: 'nothing' }
    case 'undoCancel':
      return commands.undoCancel(state, now)
    case 'pause':
      return commands.pause(state)
    case 'undoPause':
      return commands.undoPause(state, now)
    case 'recover':
      return commands.recover(state, now)
    case 'paid':
      return commands.takeEffect(state, now)
    case 'cancel':
      return commands.cancel(state, event.when, now)
    case 'change': {
      const wanted = { plan: event.plan, price: event.price }
      return commands.changePlan(state, wanted, { when: event.when, charge: event.charge, replace: true }, now)
    }
    case 'extend':
      return commands.extend(state, later(event.days))
    case 'fallBehind':
      return commands.fallBehind(state, new Date(now.getTime() + event.days * day), now)
    case 'convert':
      return commands.convertTrial(state, event.charge, now)
  }
}

type Row = { number: number; start: Date; end: Date; pausedBefore: boolean }

/** Lives a story, and keeps the history of cycles as it is written: a row for each, the last cut or lengthened. */
function live(first: Subscription, story: Event[]) {
  const rows: Row[] = []
  const note = (before: Subscription, state: Subscription) => {
    const last = rows.at(-1)
    if (last && before.status !== 'paused') {
      last.end = state.cycleNumber > before.cycleNumber ? state.cycleStart : state.cycleEnd
    }
    if (last && state.cycleNumber === before.cycleNumber) return
    rows.push({
      number: state.cycleNumber,
      start: state.cycleStart,
      end: state.cycleEnd,
      pausedBefore: before.status === 'paused',
    })
  }
  note(first, first)
  let state = first
  let now = first.cycleStart
  for (const event of story) {
    now = new Date(now.getTime() + event.after)
    for (const { subscription } of advance(state, now)) {
      note(state, subscription)
      state = subscription
    }
    // What begins after an end is another subscription.
    if (state.status === 'ended') break
    const decision = decide(state, event, now)
    if ('refused' in decision || decision.kind === 'nothing') continue
    const next: Subscription = decision.awaits
      ? { ...state, awaiting: { ...termsOf(decision.after), kind: decision.awaits, invoiceId: 'ivc_1' } }
      : decision.after
    note(state, next)
    state = next
  }
  return { state, rows, now }
}
const termsOf = ({ plan: version, price }: Terms): Terms => ({ plan: version, price })

/** B(n), worked out by the calendar's own arithmetic on the time of the zone. */
function nth(anchor: Date, interval: Interval, zone: string, n: number): number {
  const local = Temporal.Instant.fromEpochMilliseconds(anchor.getTime()).toZonedDateTimeISO(zone)
  return local.add({ [`${interval.unit}s`]: interval.count * n }, { overflow: 'constrain' }).epochMilliseconds
}

describe('cycles, whatever people do and whenever somebody looks', () => {
  test('[2] follow one another without gap or overlap, but for the time of a pause', () => {
    fc.assert(
      fc.property(subscriptions, stories, (first, story) => {
        const { rows, state } = live(first, story)
        expect(rows[0]?.start).toEqual(first.cycleStart)
        rows.forEach(({ start, end, pausedBefore }, index) => {
          // One that is changed in the second in which it began is empty.
          expect(end >= start).toBe(true)
          const before = rows[index - 1]
          if (before && pausedBefore) expect(start >= before.end).toBe(true)
          else if (before) expect(start).toEqual(before.end)
        })
        expect(rows.at(-1)?.end).toEqual(state.cycleEnd)
      }),
      runs(400),
    )
  })

  test('[3] are numbered from 1 without a hole', () => {
    fc.assert(
      fc.property(subscriptions, stories, (first, story) => {
        const { rows, state } = live(first, story)
        expect(rows.map(({ number }) => number)).toEqual(rows.map((_, index) => index + 1))
        expect(state.cycleNumber).toBe(rows.length)
      }),
      runs(400),
    )
  })

  test('[4] end at the boundaries counted from the anchor, whenever they are processed', () => {
    const looks = fc.array(fc.integer({ min: 0, max: 500 * day }), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(subscriptions, looks, (first, waits) => {
        const renewing = { ...first, plan: { ...first.plan, onEnd: 'renew' as const, trialDays: 0 } }
        let state = begun(renewing, first.zone, first.cycleStart)
        let now = state.cycleStart.getTime()
        for (const wait of waits) {
          now += wait
          for (const { subscription } of advance(state, new Date(now))) {
            const { anchor, zone, cycleNumber, price } = subscription
            const interval = price === 'yearly' ? year : month
            expect(subscription.cycleEnd.getTime()).toBe(nth(anchor, interval, zone, cycleNumber))
            expect(subscription.cycleStart.getTime()).toBe(nth(anchor, interval, zone, cycleNumber - 1))
            state = subscription
          }
        }
        expect(state.anchor).toEqual(first.cycleStart)
      }),
      runs(150),
    )
  })
})

describe('time', () => {
  const instants = fc.tuple(after, after)

  test('[5] taken in two steps comes to the same as in one, after any story', () => {
    fc.assert(
      fc.property(subscriptions, stories, instants, (first, story, [one, two]) => {
        const { state, now } = live(first, story)
        const middle = new Date(now.getTime() + one)
        const end = new Date(middle.getTime() + two)
        expect(project(project(state, middle), end)).toEqual(project(state, end))
      }),
      runs(400),
    )
  })

  test('[7] that goes back changes nothing, and no command begins a cycle before the last', () => {
    fc.assert(
      fc.property(subscriptions, stories, events, fc.integer({ min: 1, max: 90 * day }), (first, story, next, back) => {
        const { state, now } = live(first, story)
        const earlier = new Date(now.getTime() - back)
        expect([...advance(state, earlier)].filter(({ step }) => step.at > now)).toEqual([])
        const settled = project(state, now)
        expect(project(settled, earlier)).toEqual(settled)
        const decision = decide(settled, next, earlier)
        if ('refused' in decision || decision.kind === 'nothing' || settled.status === 'ended') return
        expect(decision.after.cycleStart >= settled.cycleStart).toBe(true)
        expect(decision.after.cycleEnd > decision.after.cycleStart).toBe(true)
        expect(decision.after.cycleNumber - settled.cycleNumber).toBeOneOf([0, 1])
      }),
      runs(400),
    )
  })

  test('[8] gives whoever only reads the same access as whoever writes', () => {
    fc.assert(
      fc.property(subscriptions, stories, instants, fc.boolean(), (first, story, [one, two], isOpen) => {
        const { state, now } = live(first, story)
        const middle = new Date(now.getTime() + one)
        const end = new Date(middle.getTime() + two)
        const written = [...advance(project(state, middle), end)].at(-1)?.subscription ?? project(state, middle)
        expect(accessOf(project(state, end), isOpen, end)).toBe(accessOf(written, isOpen, end))
      }),
      runs(300),
    )
  })
})

describe('what people do', () => {
  test('[9] does nothing to an ended subscription but to begin another', () => {
    fc.assert(
      fc.property(
        subscriptions,
        stories,
        events,
        fc.integer({ min: 0, max: 900 * day }),
        (first, story, next, wait) => {
          const { state, now } = live(first, story)
          const later = new Date(now.getTime() + wait)
          const current = project(state, now)
          const ended = current.status === 'ended' ? current : decided(commands.end(current, 'cancelled', now))
          expect([...advance(ended, later)]).toEqual([])
          const decision = decide(ended, next, later)
          if ('refused' in decision || decision.kind === 'nothing') return
          expect(decision.kind).toBe('created')
          expect(decision.after.cycleStart >= ended.cycleStart).toBe(true)
        },
      ),
      runs(400),
    )
  })

  test('[10] a cancellation that is taken back leaves all as it was, a scheduled pause too', () => {
    fc.assert(
      fc.property(subscriptions, stories, fc.integer({ min: 0, max: 20 * day }), (first, story, wait) => {
        const { state, now } = live(first, story)
        const before = project(state, now)
        fc.pre(before.status !== 'ended' && before.status !== 'paused' && !before.cancelAtCycleEnd)
        const later = new Date(now.getTime() + wait)
        const cancelled = decided(commands.cancel(before, 'cycleEnd', now))
        const isOver = project(cancelled, later).status === 'ended'
        expect(isOver).toBe(later >= before.cycleEnd)
        if (isOver) return
        const restored = decided(commands.undoCancel(project(cancelled, later), later))
        expect(restored).toEqual({ ...before, version: before.version + 2 })
      }),
      runs(400),
    )
  })
})

function decided(decision: commands.Decision | commands.Refusal): Subscription {
  if ('refused' in decision || decision.kind === 'nothing') throw new Error(`It was to happen: ${decision}`)
  return decision.after
}

describe('money', () => {
  const amounts = fc.integer({ min: 0, max: 10_000_000_000 })
  const seconds = fc.integer({ min: 1, max: 4 * 366 * 86_400 })

  test('[19] the parts of a period, cut anywhere, sum to its price', () => {
    fc.assert(
      fc.property(
        amounts,
        starts,
        seconds,
        fc.array(fc.double({ min: 0, max: 1, noNaN: true })),
        (amount, start, length, cuts) => {
          const end = new Date(start.getTime() + length * 1000)
          const at = (part: number) => new Date(start.getTime() + Math.floor(part * length) * 1000)
          const instants = [start, ...cuts.toSorted((left, right) => left - right).map(at), end]
          const used = instants.map((instant) => usedPart(amount, start, end, instant))
          const parts = used.slice(1).map((part, index) => part - (used[index] ?? 0))
          expect(parts.reduce((sum, part) => sum + part, 0)).toBe(amount)
          expect(parts.every((part) => part >= 0)).toBe(true)
          for (const instant of instants) {
            expect(usedPart(amount, start, end, instant) + unusedTail(amount, start, end, instant)).toBe(amount)
          }
        },
      ),
      runs(300),
    )
  })

  test('[19] a cycle on many plans costs exactly what of each was had, whenever one is followed by the next', () => {
    const changes = fc.array(
      fc.record({ price: amounts.filter((amount) => amount > 0), at: fc.integer({ min: 0, max: 27 * 86_400 }) }),
      { minLength: 1, maxLength: 6 },
    )
    fc.assert(
      fc.property(amounts, starts, changes, (amount, start, list) => {
        const at = list.map((change) => change.at).toSorted((left, right) => left - right)
        let state = begun({ plan: plan('p0', { month: amount }), price: 'monthly' }, 'UTC', start)
        let charged = state.billed
        let had = 0
        let from = state.cycleStart
        const partOf = (until: Date) =>
          usedPart(state.billed, state.cycleStart, state.cycleEnd, until) -
          usedPart(state.billed, state.cycleStart, state.cycleEnd, from)
        list.forEach(({ price }, index) => {
          const now = new Date(state.cycleStart.getTime() + (at[index] ?? 0) * 1000)
          const wanted = { plan: plan(`p${index + 1}`, { month: price }), price: 'monthly' }
          const change = { when: 'now', charge: 'invoice', replace: true } as const
          const decision = commands.changePlan(state, wanted, change, now)
          had += partOf(now)
          from = now
          charged += 'lines' in decision ? commands.net(decision.lines) : 0
          state = decided(decision)
        })
        expect(charged).toBe(had + partOf(state.cycleEnd))
      }),
      runs(300),
    )
  })

  const overages: fc.Arbitrary<Overage> = fc
    .record({
      amount: fc.integer({ min: 0, max: 1_000_000 }),
      unitsPerPrice: fc.integer({ min: 1, max: 100_000 }),
      cap: fc.option(fc.integer({ min: 0, max: 100_000_000 })),
    })
    .map(({ amount, unitsPerPrice, cap }) => {
      const price = { amount, currency: 'USD' }
      return { price, unitsPerPrice, ...(cap === null ? {} : { spendCap: { amount: cap, currency: 'USD' } }) }
    })

  test('what was billed beyond a limit follows the count, never below nothing, and says what it costs', () => {
    const sold = { subscriptionId: 'sub', cycleNumber: 1, plan: 'paid', price: 'default', credited: 0 }
    const billed = fc.array(fc.record({ terms: overages, units: fc.integer({ min: 0, max: 1000 }) }), { minLength: 1 })
    fc.assert(
      fc.property(billed, fc.boolean(), fc.integer({ min: -5000, max: 5000 }), (terms, isOver, unpaid) => {
        const before = terms.map((each, index) => ({
          ...sold,
          ...each,
          amount: cappedCost(each.units, each.terms),
          isOver: isOver && index === terms.length - 1,
        }))
        const units = (of: { units: number }[]) => of.reduce((sum, each) => sum + each.units, 0)
        const after = resettled(before, unpaid)
        expect(units(after)).toBe(Math.max(0, units(before) + (isOver ? unpaid : Math.min(0, unpaid))))
        for (const each of after) expect(each.units).toBeGreaterThanOrEqual(0)
        for (const each of after) expect(each.amount).toBe(cappedCost(each.units, each.terms))
        expect(resettled(after, 0)).toEqual(after)
        if (isOver && unpaid > 0) expect(resettled(after, -unpaid)).toEqual(before)
      }),
    )
  })

  test('overage costs its share of the price, to half a minor unit, and more for more', () => {
    fc.assert(
      fc.property(overages, fc.integer({ min: 0, max: 1_000_000 }), (overage, units) => {
        const { price, unitsPerPrice = 1 } = overage
        const cost = overageCost(units, overage)
        const off = 2n * (BigInt(cost) * BigInt(unitsPerPrice) - BigInt(price.amount) * BigInt(units))
        expect(off <= BigInt(unitsPerPrice) && off > -BigInt(unitsPerPrice)).toBe(true)
        expect(overageCost(units + 1, overage)).toBeGreaterThanOrEqual(cost)
      }),
      runs(500),
    )
  })

  test('a spend cap lets count what it pays for, and not one unit more', () => {
    fc.assert(
      fc.property(overages, fc.integer({ min: 0, max: 10_000 }), (overage, limit) => {
        const units = unitsWithinCap(overage)
        const { ceiling, softLimit } = limitsOf(limit, overage)
        expect(softLimit).toBe(limit)
        expect(ceiling).toBe(units === null ? null : limit + units)
        if (units === null || !overage.spendCap) return
        expect(overageCost(units, overage)).toBeLessThanOrEqual(overage.spendCap.amount)
        expect(overageCost(units + 1, overage)).toBeGreaterThan(overage.spendCap.amount)
      }),
      runs(500),
    )
  })
})

describe('what may be used', () => {
  const now = new Date('2026-06-01')
  const value = fc.option(fc.integer({ min: 0, max: 100 }))
  const expiry = fc.option(fc.integer({ min: -10, max: 10 }).map((each) => new Date(now.getTime() + each)))

  test('is the override while it lasts, else what the plan includes; null stays unlimited', () => {
    const given = fc.record({
      included: fc.option(value, { nil: undefined }),
      override: fc.option(fc.tuple(value, expiry)),
    })
    fc.assert(
      fc.property(given, ({ included, override }) => {
        const metered = {
          kind: 'metered',
          unit: undefined,
          resets: 'cycle',
          onDowngrade: 'block',
          rollover: 0,
        } as const
        const overrides = override ? [{ feature: 'units', value: override[0], expiresAt: override[1] }] : []
        const found = entitlementOf(metered, 'units', included === undefined ? {} : { units: included }, overrides, now)
        const counts = override !== null && (override[1] === null || override[1] > now)
        expect(found.limit).toBe(counts ? override[0] : included === undefined ? 0 : included)
        expect(found.source).toBe(counts ? 'override' : included === undefined ? 'none' : 'plan')
      }),
      runs(500),
    )
  })

  const openedAt = new Date('2026-05-10')
  const grants = fc
    .array(
      fc.record({
        amount: fc.integer({ min: 1, max: 30 }),
        spent: fc.integer({ min: 0, max: 30 }),
        priority: fc.constantFrom(10, planPriority, 100),
        begins: fc.integer({ min: -20, max: 20 }),
        lasts: fc.option(fc.integer({ min: 1, max: 60 })),
      }),
      { maxLength: 6 },
    )
    .map((list) =>
      list.map(({ amount, spent, priority, begins, lasts }, index) => {
        const effectiveAt = new Date(openedAt.getTime() + begins * day)
        const expiresAt = lasts === null ? null : new Date(effectiveAt.getTime() + lasts * day)
        return { id: `grt_${index}`, amount, drawn: Math.min(spent, amount), priority, effectiveAt, expiresAt }
      }),
    )
  const period = (used: number, allowance: number | null): CountedPeriod => {
    const span = { periodStart: new Date('2026-05-01'), periodEnd: new Date('2026-06-30'), openedAt }
    return { ...span, allowance, used, attributed: 0, billed: 0, drawn: 0 }
  }
  const allowances = fc.option(fc.integer({ min: 0, max: 60 }))

  test('[15] no grant pays more than it holds, and together sources pay what was counted or all they have', () => {
    fc.assert(
      fc.property(grants, allowances, fc.integer({ min: 0, max: 200 }), (list, allowance, used) => {
        const draws = attribute([period(used, allowance)], list, now)
        const paidBy = (id: string | null) =>
          draws.filter(({ grantId }) => grantId === id).reduce((sum, { amount }) => sum + amount, 0)
        for (const { id, amount, drawn } of list) expect(paidBy(id)).toBeLessThanOrEqual(amount - drawn)
        if (allowance !== null) expect(paidBy(null)).toBeLessThanOrEqual(allowance)
        const there = list.filter(({ effectiveAt, expiresAt }) => canPay(effectiveAt, expiresAt))
        const most = there.reduce((sum, { amount, drawn }) => sum + amount - drawn, allowance ?? Infinity)
        const paid = draws.reduce((sum, { amount }) => sum + amount, 0)
        expect(paid).toBe(Math.min(used, most))
      }),
      runs(500),
    )
  })
  const canPay = (effectiveAt: Date, expiresAt: Date | null) =>
    effectiveAt > openedAt ? effectiveAt <= now : expiresAt === null || expiresAt > openedAt

  test('[16] nothing is drawn from a source while one before it in burn order still holds something', () => {
    fc.assert(
      fc.property(grants, allowances, fc.integer({ min: 0, max: 200 }), (list, allowance, used) => {
        const counted = period(used, allowance)
        const draws = attribute([counted], list, now)
        const { periodStart: effectiveAt, periodEnd: expiresAt } = counted
        const own = { id: '', priority: planPriority, effectiveAt, expiresAt, amount: allowance ?? Infinity, drawn: 0 }
        const there = list.filter((each) => each.effectiveAt <= openedAt && canPay(each.effectiveAt, each.expiresAt))
        let untouched = false
        for (const source of [own, ...there].toSorted(burnOrder)) {
          const holds = source.amount - source.drawn
          const paid = draws.find(({ grantId }) => (grantId ?? '') === source.id)?.amount ?? 0
          if (untouched) expect(paid).toBe(0)
          untouched ||= paid < holds
        }
      }),
      runs(500),
    )
  })

  test('[12] a limit with grants is what the sources that still hold something, and those spent here, add up to', () => {
    fc.assert(
      fc.property(grants, allowances, fc.integer({ min: 0, max: 200 }), (list, allowance, used) => {
        const counted = period(used, allowance)
        const draws = attribute([counted], list, now)
        const limit = limitWith(allowance, counted, list, draws, now)
        if (allowance === null) {
          expect(limit).toBeNull()
          return
        }
        const paidBy = (id: string) =>
          draws.filter(({ grantId }) => grantId === id).reduce((sum, { amount }) => sum + amount, 0)
        const inEffect = list.filter((each) => each.effectiveAt <= now && (each.expiresAt ?? Infinity) > now)
        const gone = list.filter((each) => !inEffect.includes(each)).reduce((sum, { id }) => sum + paidBy(id), 0)
        expect(limit).toBe(inEffect.reduce((sum, { amount, drawn }) => sum + amount - drawn, allowance + gone))
      }),
      runs(500),
    )
  })
})

test('a change to the terms that are had already, and to none that are pending, is nothing', () => {
  fc.assert(
    fc.property(subscriptions, stories, fc.constantFrom('invoice', 'waive'), (first, story, charge) => {
      const { state, now } = live(first, story)
      const current = project(state, now)
      fc.pre(current.status !== 'ended' && current.pendingChange === null && current.awaiting === null)
      const change = { when: 'now', charge: charge as 'invoice', replace: false } as const
      expect(sameTerms(current, termsOf(current))).toBe(true)
      expect(commands.changePlan(current, termsOf(current), change, now)).toEqual({ kind: 'nothing' })
    }),
    runs(300),
  )
})
