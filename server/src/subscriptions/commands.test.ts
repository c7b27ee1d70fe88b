import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { PlanVersion } from '../plans/plans.ts'
import {
  cancel,
  changePlan,
  convertTrial,
  creditOfRest,
  end,
  extend,
  fallBehind,
  net,
  pause,
  recover,
  takeEffect,
  undoCancel,
  undoPause,
  type Decision,
  type PlanChange,
  type Refusal,
} from './commands.ts'
import { boundaryAfter } from './cycle.ts'
import { project, type Subscription, type Terms } from './lifecycle.ts'

const at = (text: string) => new Date(text.includes('T') ? `${text}Z` : `${text}T00:00:00Z`)

const priced = (key: string, monthly: number, yearly = monthly * 10, trialDays = 0): PlanVersion => ({
  id: `plv_${key}`,
  planKey: key,
  planName: key,
  version: 1,
  prices: {
    monthly: { amount: monthly, currency: 'USD', interval: { unit: 'month', count: 1 } },
    yearly: { amount: yearly, currency: 'USD', interval: { unit: 'year', count: 1 } },
  },
  trialDays,
  onTrialEnd: 'end',
  includes: {},
  onEnd: 'renew',
  fallbackPlan: null,
})
const on = (amount: number, price = 'monthly', yearly?: number): Terms => ({
  plan: priced(`p${amount}`, amount, yearly),
  price,
})

const active = (terms: Terms, start: string, overrides: Partial<Subscription> = {}): Subscription => {
  const { amount, interval } = terms.plan.prices[terms.price] ?? { amount: 0, interval: { unit: 'month', count: 1 } }
  return {
    id: 'sub_1',
    businessId: 'biz_1',
    ...terms,
    status: 'active',
    anchor: at(start),
    zone: 'UTC',
    cycleNumber: 1,
    cycleStart: at(start),
    cycleEnd: boundaryAfter(at(start), interval, 'UTC', at(start)),
    trialEnd: null,
    pendingChange: null,
    cancelAtCycleEnd: false,
    pauseAtCycleEnd: false,
    billed: amount,
    awaiting: null,
    graceEnd: null,
    endReason: null,
    endedAt: null,
    version: 1,
    ...overrides,
  }
}

const owed: PlanChange = { when: 'now', charge: 'invoice', replace: false }
const chosen: PlanChange = { when: 'byPrice', charge: 'first', replace: false }

function done(decision: Decision | Refusal) {
  if ('refused' in decision || decision.kind === 'nothing') throw new Error(JSON.stringify(decision))
  return decision
}
const amounts = (decision: Decision | Refusal) => done(decision).lines.map(({ amount }) => amount)

describe('a change of plan costs', () => {
  test.each([
    ['half of April', 3000, 9000, '2026-04-01', '2026-04-16', [-1500, 4500]],
    ['a second of March', 2900, 4900, '2026-03-01', '2026-03-10T12:34:56', [-2009, 3395]],
    ['the last second of April', 1000, 99_900, '2026-04-01', '2026-04-30T23:59:59', []],
    ['nothing to give back', 0, 3000, '2026-04-01', '2026-04-16', [1500]],
  ])('for %s', (_, from, to, start, now, lines) => {
    expect(amounts(changePlan(active(on(from), start), on(to), owed, at(now)))).toEqual(lines)
  })

  test('each time by what the cycle was billed then', () => {
    const first = done(changePlan(active(on(1000), '2026-04-01'), on(2500), owed, at('2026-04-11')))
    expect(first.lines.map(({ amount }) => amount)).toEqual([-667, 1667])
    expect(amounts(changePlan(first.after, on(7000), owed, at('2026-04-21')))).toEqual([-833, 2333])
  })

  test('the whole of another interval, which begins now', () => {
    const monthly = active(on(2900), '2026-01-31')
    const { lines, after } = done(changePlan(monthly, on(2900, 'yearly', 29_000), owed, at('2026-02-10')))
    expect(lines.map(({ amount }) => amount)).toEqual([-1864, 29_000])
    expect(after).toMatchObject({
      anchor: at('2026-02-10'),
      cycleEnd: at('2027-02-10'),
      cycleNumber: 2,
      billed: 29_000,
    })
  })

  test('nothing where it is waived, and what was waived is given back to nobody', () => {
    const waived = done(
      changePlan(active(on(1000), '2026-04-01'), on(9000), { ...owed, charge: 'waive' }, at('2026-04-11')),
    )
    expect(waived.lines).toEqual([])
    expect(amounts(changePlan(waived.after, on(0), owed, at('2026-04-16')))).toEqual([-500])
  })

  test('at a clock that went back, no more than the whole cycle', () => {
    const state = active(on(1000), '2026-04-01')
    expect(amounts(changePlan(state, on(3000), owed, at('2026-03-20')))).toEqual([-1000, 3000])
    expect(done(changePlan(state, on(3000, 'yearly'), owed, at('2026-03-20'))).after.cycleStart).toEqual(
      at('2026-04-01T00:00:01'),
    )
  })

  test('in the first second of a cycle leaves it that second, and its money whole', () => {
    const state = active(on(1000), '2026-04-01')
    const { after, lines } = done(changePlan(state, on(3000, 'yearly'), owed, at('2026-04-01T00:00:00.400')))
    expect(lines.map(({ amount }) => amount)).toEqual([-1000, 30_000])
    const begun = at('2026-04-01T00:00:01')
    expect(after).toMatchObject({
      cycleNumber: 2,
      cycleStart: begun,
      anchor: begun,
      cycleEnd: at('2027-04-01T00:00:01'),
    })
    const again = done(changePlan(after, on(3000), owed, at('2026-04-01T00:00:00.900'))).after
    expect(again).toMatchObject({ cycleNumber: 3, cycleStart: at('2026-04-01T00:00:02') })
    const ended = done(cancel(state, 'now', at('2026-04-01T00:00:00.400'))).after
    expect(ended).toMatchObject({ cycleEnd: begun })
    const anew = done(changePlan(ended, on(3000), owed, at('2026-04-01T00:00:00.800'))).after
    expect(anew).toMatchObject({ cycleStart: begun })
  })
})

test('what is left of a year cancelled on 2 July is credited', () => {
  const year = active(on(1000, 'yearly', 12_000), '2026-01-01')
  expect(creditOfRest(year, at('2026-07-02')).map(({ amount }) => amount)).toEqual([-6016])
})

describe('a customer', () => {
  test('pays first for what costs more, and waits for what costs less', () => {
    const state = active(on(3000), '2026-04-01')
    expect(changePlan(state, on(9000), chosen, at('2026-04-16'))).toMatchObject({ awaits: 'change' })
    expect(changePlan(state, on(1000), chosen, at('2026-04-16'))).toMatchObject({
      kind: 'change_scheduled',
      effectiveAt: at('2026-05-01'),
      lines: [],
    })
    const free = active(on(0), '2026-04-01')
    expect(changePlan(free, on(1000, 'yearly'), chosen, at('2026-04-16'))).toMatchObject({ awaits: 'start' })
  })

  test('who pays late gets the rest of the cycle, and it is reckoned anew', () => {
    const state = active(on(3000), '2026-04-01')
    const awaiting = { ...on(9000), kind: 'change' as const, invoiceId: 'ivc_1' }
    const { lines, after } = done(takeEffect({ ...state, awaiting }, at('2026-04-21')))
    expect(net(lines)).toBe(2000)
    expect(after).toMatchObject({ ...on(9000), cycleEnd: at('2026-05-01'), billed: 9000, awaiting: null })
  })
})

test('staff who say again on which plan a trial is leave the way back open', () => {
  const tried = { plan: priced('tried', 5000, 50_000, 14), price: 'monthly' }
  const trial = { when: 'byPrice', charge: 'first', replace: false, trial: 'available' } as const
  const { after } = done(changePlan(active(on(0), '2026-01-31'), tried, trial, at('2026-02-01')))
  const moved = done(changePlan(after, on(3000), { ...owed, replace: true }, at('2026-02-02'))).after
  expect(moved).toMatchObject({ ...on(3000), status: 'trialing', pendingChange: on(0) })
  expect(changePlan(moved, on(3000), { ...owed, replace: true }, at('2026-02-03'))).toEqual({ kind: 'nothing' })
})

describe('whatever is done, in whatever order', () => {
  const plans = [
    on(0),
    on(1000),
    on(3000),
    on(3000, 'yearly'),
    { plan: priced('tried', 5000, 50_000, 14), price: 'monthly' },
  ]
  type Command = { name: string; run: (state: Subscription, now: Date) => Decision | Refusal }
  const commands: fc.Arbitrary<Command> = fc.oneof(
    fc
      .record({
        terms: fc.constantFrom(...plans),
        replace: fc.boolean(),
        trial: fc.constantFrom(undefined, 'available' as const),
      })
      .map(({ terms, replace, trial }): Command => ({
        name: `choose ${terms.plan.planKey} ${terms.price} ${replace} ${trial}`,
        run: (state, now) => changePlan(state, terms, { ...chosen, replace, trial }, now),
      })),
    fc
      .record({
        terms: fc.constantFrom(...plans),
        when: fc.constantFrom('now' as const, 'cycleEnd' as const),
        charge: fc.constantFrom('invoice' as const, 'waive' as const),
      })
      .map(({ terms, when, charge }): Command => ({
        name: `staff ${terms.plan.planKey} ${terms.price} ${when} ${charge}`,
        run: (state, now) => changePlan(state, terms, { when, charge, replace: true }, now),
      })),
    fc.constantFrom<Command>(
      { name: 'cancel', run: (state, now) => cancel(state, 'cycleEnd', now) },
      { name: 'cancel now', run: (state, now) => cancel(state, 'now', now) },
      { name: 'undo cancel', run: undoCancel },
      { name: 'pause', run: (state) => pause(state) },
      { name: 'undo pause', run: undoPause },
      { name: 'extend', run: (state) => extend(state, new Date(state.cycleEnd.getTime() + 86_400_000)) },
      { name: 'convert', run: (state, now) => convertTrial(state, 'invoice', now) },
      { name: 'fall behind', run: (state, now) => fallBehind(state, now, now) },
      { name: 'recover', run: recover },
      { name: 'pay', run: takeEffect },
    ),
  )
  const histories = fc.array(fc.record({ command: commands, days: fc.integer({ min: 0, max: 40 }) }), { maxLength: 25 })

  /** What the shell makes of a decision: what is paid first waits. */
  const settle = (before: Subscription, decision: Decision | Refusal): Subscription => {
    if ('refused' in decision || decision.kind === 'nothing') return before
    const { after, awaits } = decision
    if (!awaits) return after
    const awaiting = { kind: awaits, plan: after.plan, price: after.price, invoiceId: 'ivc_1' }
    return { ...before, awaiting, version: before.version + 1 }
  }

  test('a subscription stays one that can be', () => {
    fc.assert(
      fc.property(histories, (history) => {
        let state = active(on(0), '2026-01-31')
        let now = at('2026-01-31')
        for (const { command, days } of history) {
          now = new Date(now.getTime() + days * 86_400_000)
          const before = project(state, now)
          const decision = command.run(before, now)
          const after = settle(before, decision)
          expect(after.cycleEnd > after.cycleStart).toBe(true)
          expect((after.status === 'ended') === (after.endedAt !== null)).toBe(true)
          expect(after === before || after.version > before.version).toBe(true)
          expect(after.billed).toBeGreaterThanOrEqual(0)
          // Periods follow one another: a new one begins no earlier than the one before it.
          expect(after.cycleStart >= before.cycleStart).toBe(true)
          if (after.cycleNumber > before.cycleNumber) expect(after.cycleNumber).toBe(before.cycleNumber + 1)
          state = after
        }
      }),
    )
  })

  test('nobody has a better plan that they have not paid for', () => {
    fc.assert(
      fc.property(histories, (history) => {
        let state = active(on(0), '2026-01-31')
        let now = at('2026-01-31')
        for (const { command, days } of history) {
          if (command.name.startsWith('staff') || ['pay', 'convert', 'undo pause'].includes(command.name)) continue
          now = new Date(now.getTime() + days * 86_400_000)
          state = settle(project(state, now), command.run(project(state, now), now))
          const { plan, price, status } = state
          if (status === 'active') expect(plan.prices[price]?.amount).toBe(0)
        }
      }),
    )
  })

  test('the same asked again changes nothing', () => {
    fc.assert(
      fc.property(histories, (history) => {
        let state = active(on(1000), '2026-01-31')
        let now = at('2026-01-31')
        for (const { command, days } of history) {
          now = new Date(now.getTime() + days * 86_400_000)
          const once = settle(project(state, now), command.run(project(state, now), now))
          const again = settle(once, command.run(once, now))
          // Going on with an extension is another extension; a plan given anew after an end is another subscription.
          const repeats = command.name === 'extend' || once.status === 'ended' || command.name.includes('available')
          if (!repeats) expect(again).toEqual(once)
          state = once
        }
      }),
    )
  })

  test('a cancellation that is undone has never been', () => {
    fc.assert(
      fc.property(histories, (history) => {
        let state = active(on(1000), '2026-01-31')
        let now = at('2026-01-31')
        for (const { command, days } of history) {
          now = new Date(now.getTime() + days * 86_400_000)
          state = settle(project(state, now), command.run(project(state, now), now))
        }
        const decision = cancel(state, 'cycleEnd', now)
        if ('refused' in decision || decision.kind === 'nothing' || state.pauseAtCycleEnd) return
        const { version: _, ...undone } = done(undoCancel(decision.after, now)).after
        const { version: _version, ...before } = state
        expect(undone).toEqual(before)
      }),
    )
  })

  test('what has ended takes no command but a plan', () => {
    const ended = done(end(active(on(1000), '2026-01-31'), 'cancelled', at('2026-02-10'))).after
    for (const run of [
      () => cancel(ended, 'now', at('2026-03-01')),
      () => cancel(ended, 'cycleEnd', at('2026-03-01')),
      () => undoCancel(ended, at('2026-03-01')),
      () => pause(ended),
      () => undoPause(ended, at('2026-03-01')),
      () => extend(ended, at('2027-03-01')),
      () => convertTrial(ended, 'waive', at('2026-03-01')),
      () => fallBehind(ended, at('2026-03-01'), at('2026-03-01')),
    ]) {
      expect(run()).toEqual({ refused: 'subscription_ended' })
    }
    expect(recover(ended, at('2026-03-01'))).toEqual({ kind: 'nothing' })
  })
})
