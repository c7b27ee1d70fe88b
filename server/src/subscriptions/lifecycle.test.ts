import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { PlanVersion } from '../plans/plans.ts'
import { boundary, type Interval } from './cycle.ts'
import { accessOf, advance, firstCycle, isDue, project, type Subscription } from './lifecycle.ts'

const at = (text: string) => new Date(text.includes('T') ? text : `${text}T00:00:00Z`)
const monthly: Interval = { unit: 'month', count: 1 }
const yearly: Interval = { unit: 'year', count: 1 }

function plan(key: string, overrides: Partial<PlanVersion> = {}): PlanVersion {
  return {
    id: `plv_${key}`,
    planKey: key,
    planName: key,
    version: 1,
    prices: {
      monthly: { amount: 4900, currency: 'USD', interval: monthly },
      yearly: { amount: 49_000, currency: 'USD', interval: yearly },
    },
    trialDays: 0,
    onTrialEnd: 'end',
    includes: {},
    onEnd: 'renew',
    fallbackPlan: null,
    ...overrides,
  }
}

const growth = plan('growth')
const free = plan('free', { prices: { monthly: { amount: 0, currency: 'USD', interval: monthly } } })
const ending = plan('ending', { onEnd: 'end' })
const falling = plan('falling', { onEnd: 'fallback', fallbackPlan: 'free' })

/** In its first cycle, [2026-01-31, 2026-02-28). */
function subscription(overrides: Partial<Subscription> = {}): Subscription {
  return {
    id: 'sub_1',
    businessId: 'biz_1',
    plan: growth,
    price: 'monthly',
    status: 'active',
    anchor: at('2026-01-31'),
    zone: 'UTC',
    cycleNumber: 1,
    cycleStart: at('2026-01-31'),
    cycleEnd: at('2026-02-28'),
    trialEnd: null,
    pendingChange: null,
    cancelAtCycleEnd: false,
    pauseAtCycleEnd: false,
    graceEnd: null,
    endReason: null,
    endedAt: null,
    billed: 0,
    awaiting: null,
    version: 1,
    ...overrides,
  }
}

const stepsOf = (from: Subscription, now: string) => [...advance(from, at(now))].map(({ step }) => step)
const trial = (overrides: Partial<Subscription> = {}) =>
  subscription({ status: 'trialing', trialEnd: at('2026-02-28'), ...overrides })

describe('a cycle', () => {
  test('belongs to its end no more: nothing is due a millisecond before, and everything at it', () => {
    expect(isDue(subscription(), at('2026-02-27T23:59:59.999Z'))).toBe(false)
    expect(stepsOf(subscription(), '2026-02-27T23:59:59.999Z')).toEqual([])
    expect(stepsOf(subscription(), '2026-02-28')).toEqual([{ kind: 'renewed', at: at('2026-02-28') }])
  })

  test('is followed by the next one, counted from the anchor', () => {
    expect(project(subscription(), at('2026-03-30'))).toMatchObject({
      status: 'active',
      cycleNumber: 2,
      cycleStart: at('2026-02-28'),
      cycleEnd: at('2026-03-31'),
      anchor: at('2026-01-31'),
      version: 2,
    })
  })

  test('is caught up boundary by boundary, oldest first, when nobody looked for months', () => {
    const taken = [...advance(subscription(), at('2026-05-10'))]
    expect(taken.map(({ step }) => step.at)).toEqual(['2026-02-28', '2026-03-31', '2026-04-30'].map(at))
    expect(taken.map(({ subscription: each }) => each.cycleNumber)).toEqual([2, 3, 4])
    expect(taken.at(-1)?.subscription.cycleEnd).toEqual(at('2026-05-31'))
  })

  test('follows the local time of its zone across a change of the clocks', () => {
    const paris = subscription({
      zone: 'Europe/Paris',
      anchor: at('2026-01-31T23:30Z'),
      cycleEnd: at('2026-02-28T23:30Z'),
    })
    expect(project(paris, at('2026-03-01')).cycleEnd).toEqual(at('2026-03-31T22:30Z'))
  })

  test('that is overdue for payment stays so when it renews', () => {
    const overdue = subscription({ status: 'past_due', graceEnd: at('2026-02-10') })
    expect(project(overdue, at('2026-02-28'))).toMatchObject({ status: 'past_due', graceEnd: at('2026-02-10') })
  })
})

describe('at a boundary', () => {
  const pendingChange = { plan: free, price: 'monthly' }

  test('a cancellation comes before everything else', () => {
    const everything = trial({ cancelAtCycleEnd: true, pauseAtCycleEnd: true, pendingChange, plan: falling })
    expect(stepsOf(everything, '2026-06-01')).toEqual([
      { kind: 'ended', at: at('2026-02-28'), reason: 'cancelled', fallbackPlan: null },
    ])
  })

  test('then a pause', () => {
    const rest = trial({ pauseAtCycleEnd: true, pendingChange, plan: falling })
    expect(stepsOf(rest, '2026-06-01')).toEqual([{ kind: 'paused', at: at('2026-02-28') }])
  })

  test('then a pending change', () => {
    expect(stepsOf(trial({ pendingChange, plan: falling }), '2026-02-28')).toEqual([
      { kind: 'plan_changed', at: at('2026-02-28') },
    ])
  })

  test("then the trial's end", () => {
    expect(stepsOf(trial({ plan: ending }), '2026-02-28')).toMatchObject([{ kind: 'ended', reason: 'trial_expired' }])
  })

  test("then the plan's own rule", () => {
    expect(stepsOf(subscription({ plan: ending }), '2026-06-01')).toEqual([
      { kind: 'ended', at: at('2026-02-28'), reason: 'plan_ended', fallbackPlan: null },
    ])
    expect(stepsOf(subscription({ plan: falling }), '2026-06-01')).toEqual([
      { kind: 'ended', at: at('2026-02-28'), reason: 'fell_back', fallbackPlan: 'free' },
    ])
  })

  test('and renewal when there is nothing else', () => {
    expect(stepsOf(subscription(), '2026-02-28')).toEqual([{ kind: 'renewed', at: at('2026-02-28') }])
  })
})

describe('a cancelled subscription', () => {
  test('ends at the boundary, not when somebody looks', () => {
    expect(project(subscription({ cancelAtCycleEnd: true }), at('2026-05-10'))).toMatchObject({
      status: 'ended',
      endReason: 'cancelled',
      endedAt: at('2026-02-28'),
      cycleNumber: 1,
      cancelAtCycleEnd: false,
    })
  })
})

describe('a paused subscription', () => {
  test('stands still however much time passes', () => {
    const paused = project(subscription({ pauseAtCycleEnd: true }), at('2026-02-28'))
    expect(paused).toMatchObject({ status: 'paused', pauseAtCycleEnd: false, cycleNumber: 1 })
    expect(project(paused, at('2036-01-01'))).toEqual(paused)
  })
})

describe('a pending change', () => {
  test('keeps the anchor when the interval stays the same', () => {
    const changed = project(subscription({ pendingChange: { plan: free, price: 'monthly' } }), at('2026-02-28'))
    expect(changed).toMatchObject({ plan: free, pendingChange: null, anchor: at('2026-01-31') })
    expect(changed.cycleEnd).toEqual(at('2026-03-31'))
  })

  test('counts from the boundary when the interval is another', () => {
    const changed = project(subscription({ pendingChange: { plan: growth, price: 'yearly' } }), at('2026-02-28'))
    expect(changed).toMatchObject({ price: 'yearly', anchor: at('2026-02-28'), cycleEnd: at('2027-02-28') })
  })

  test('does not settle what is overdue', () => {
    const overdue = subscription({ status: 'past_due', pendingChange: { plan: free, price: 'monthly' } })
    expect(project(overdue, at('2026-02-28'))).toMatchObject({ status: 'past_due', plan: free })
  })

  test('happens once: the boundaries after it renew', () => {
    const kinds = stepsOf(subscription({ pendingChange: { plan: free, price: 'monthly' } }), '2026-05-10')
    expect(kinds.map(({ kind }) => kind)).toEqual(['plan_changed', 'renewed', 'renewed'])
  })
})

describe('a trial', () => {
  test('becomes a subscription when the price is 0, counted from its end', () => {
    const converted = project(trial({ plan: free, anchor: at('2026-02-14') }), at('2026-02-28'))
    expect(converted).toMatchObject({
      status: 'active',
      anchor: at('2026-02-28'),
      cycleStart: at('2026-02-28'),
      cycleEnd: at('2026-03-28'),
    })
  })

  test('expires when there is something to pay', () => {
    expect(project(trial(), at('2026-03-15'))).toMatchObject({
      status: 'ended',
      endReason: 'trial_expired',
      endedAt: at('2026-02-28'),
    })
  })

  test('expires onto the fallback plan when the plan has one', () => {
    expect(stepsOf(trial({ plan: falling }), '2026-02-28')).toEqual([
      { kind: 'ended', at: at('2026-02-28'), reason: 'trial_expired', fallbackPlan: 'free' },
    ])
  })

  test('pauses where the plan says so, also where there is a plan to fall back to; what is free goes on', () => {
    const waiting = plan('waiting', { onTrialEnd: 'pause', fallbackPlan: 'free' })
    const step = { kind: 'trial_expired', at: at('2026-02-28') }
    expect(stepsOf(trial({ plan: waiting }), '2026-06-01')).toEqual([step])
    const awaiting = { kind: 'start', plan: waiting, price: 'monthly', invoiceId: 'inv_1' } as const
    expect(project(trial({ plan: waiting, awaiting }), at('2026-06-01'))).toMatchObject({
      status: 'paused',
      cycleNumber: 1,
      cycleEnd: at('2026-02-28'),
      endedAt: null,
      awaiting,
    })
    const gift = plan('gift', { onTrialEnd: 'pause', prices: free.prices })
    expect(project(trial({ plan: gift }), at('2026-02-28'))).toMatchObject({ status: 'active' })
    expect(project(subscription({ plan: waiting }), at('2026-02-28'))).toMatchObject({ status: 'active' })
  })

  test('is the first cycle when the plan has one, in whole seconds', () => {
    const trying = plan('trying', { trialDays: 14 })
    expect(firstCycle(trying, 'monthly', 'UTC', at('2026-01-17T10:00:00.900Z'), true)).toEqual({
      status: 'trialing',
      anchor: at('2026-01-17T10:00:00Z'),
      cycleStart: at('2026-01-17T10:00:00Z'),
      cycleEnd: at('2026-01-31T10:00:00Z'),
      trialEnd: at('2026-01-31T10:00:00Z'),
    })
    expect(firstCycle(trying, 'yearly', 'UTC', at('2026-01-17'), false)).toMatchObject({
      status: 'active',
      cycleEnd: at('2027-01-17'),
      trialEnd: null,
    })
  })
})

describe('whatever happened before', () => {
  const instants = fc.date({ min: at('2026-01-31'), max: at('2033-01-01'), noInvalidDate: true })
  const plans = fc.constantFrom(growth, free, ending, falling)
  const subscriptions = fc
    .record({
      plan: plans,
      status: fc.constantFrom('trialing' as const, 'active' as const, 'past_due' as const),
      flag: fc.constantFrom('none', 'cancel', 'pause'),
      change: fc.option(plans),
      zone: fc.constantFrom('UTC', 'Europe/Paris', 'America/New_York', 'Pacific/Apia'),
      day: fc.integer({ min: 0, max: 364 }),
    })
    .map(({ plan: version, status, flag, change, zone, day }) => {
      const anchor = new Date(Date.UTC(2025, 1, day, 10))
      return subscription({
        plan: version,
        status,
        zone,
        anchor,
        cycleStart: anchor,
        cycleEnd: boundary(anchor, monthly, zone, 1),
        trialEnd: status === 'trialing' ? boundary(anchor, monthly, zone, 1) : null,
        cancelAtCycleEnd: flag === 'cancel',
        pauseAtCycleEnd: flag === 'pause',
        pendingChange: change && { plan: change, price: 'monthly' },
      })
    })

  test('advancing in two steps comes to the same as advancing in one', () => {
    fc.assert(
      fc.property(subscriptions, instants, instants, (from, one, other) => {
        const [earlier, later] = one < other ? [one, other] : [other, one]
        expect(project(project(from, earlier), later)).toEqual(project(from, later))
      }),
    )
  })

  test('advancing again, or with a clock that went back, changes nothing', () => {
    fc.assert(
      fc.property(subscriptions, instants, instants, (from, one, other) => {
        const [earlier, now] = one < other ? [one, other] : [other, one]
        const state = project(from, now)
        expect(project(state, now)).toEqual(state)
        expect(project(state, earlier)).toEqual(state)
      }),
    )
  })

  test('cycles follow one another without gap or overlap, numbered without a hole', () => {
    fc.assert(
      fc.property(subscriptions, instants, (from, now) => {
        let before = from
        for (const { subscription: after, step } of advance(from, now)) {
          expect(step.at).toEqual(before.cycleEnd)
          expect(after.version).toBe(before.version + 1)
          const moved = after.cycleNumber - before.cycleNumber
          expect(moved).toBe(['renewed', 'plan_changed', 'trial_converted'].includes(step.kind) ? 1 : 0)
          expect(after.cycleStart).toEqual(moved === 1 ? before.cycleEnd : before.cycleStart)
          expect(after.cycleEnd > after.cycleStart).toBe(true)
          before = after
        }
        expect(isDue(before, now)).toBe(false)
      }),
    )
  })

  test('while it only renews, the n-th cycle ends at the n-th boundary', () => {
    fc.assert(
      fc.property(subscriptions, instants, (from, now) => {
        const plain = { ...from, plan: growth, status: 'active' as const, pendingChange: null }
        const { cycleNumber, cycleEnd, anchor, zone } = project(
          { ...plain, cancelAtCycleEnd: false, pauseAtCycleEnd: false },
          now,
        )
        expect(cycleEnd).toEqual(boundary(anchor, monthly, zone, cycleNumber))
      }),
    )
  })

  test('an ended subscription stays as it ended', () => {
    fc.assert(
      fc.property(subscriptions, instants, (from, now) => {
        const ended = project({ ...from, cancelAtCycleEnd: true }, at('2033-01-01'))
        expect(ended.status).toBe('ended')
        expect([...advance(ended, now)]).toEqual([])
      }),
    )
  })
})

describe('access', () => {
  const now = at('2026-02-10')

  test.each([
    ['full', subscription(), true],
    ['full', trial(), true],
    ['none', subscription(), false],
    ['none', undefined, true],
    ['none', subscription({ status: 'paused' }), true],
    ['none', subscription({ status: 'ended' }), true],
    ['full', subscription({ status: 'past_due', graceEnd: at('2026-02-10T00:00:01Z') }), true],
    ['read_only', subscription({ status: 'past_due', graceEnd: now }), true],
  ])('is %s for %o', (expected, state, open) => {
    expect(accessOf(state, open, now)).toBe(expected)
  })

  test('stays full when only our own renewal is late', () => {
    expect(accessOf(subscription(), true, at('2026-04-01'))).toBe('full')
  })
})
