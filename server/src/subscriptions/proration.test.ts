import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { changeLines, unusedTail, usedPart } from './proration.ts'

const at = (text: string) => new Date(text.includes('T') ? `${text}Z` : `${text}T00:00Z`)
const APRIL = { start: at('2026-04-01'), end: at('2026-05-01') }
const MARCH = { start: at('2026-03-01'), end: at('2026-04-01') }
const FIRST_CYCLE = { start: at('2026-01-31'), end: at('2026-02-28') }
const YEAR_FROM_10_FEBRUARY = { start: at('2026-02-10'), end: at('2027-02-10') }

describe('a change of price', () => {
  test.each([
    { name: 'in the middle of April', from: 3000, to: 9000, in: APRIL, t: '2026-04-16', lines: [-1500, 4500] },
    { name: 'in a second of March', from: 2900, to: 4900, in: MARCH, t: '2026-03-10T12:34:56', lines: [-2009, 3395] },
    { name: 'after a third of April', from: 1000, to: 2500, in: APRIL, t: '2026-04-11', lines: [-667, 1667] },
    { name: 'again after two thirds', from: 2500, to: 7000, in: APRIL, t: '2026-04-21', lines: [-833, 2333] },
    { name: 'in the last second of April', from: 1000, to: 99900, in: APRIL, t: '2026-04-30T23:59:59', lines: [] },
    { name: 'from a price of nothing', from: 0, to: 3000, in: APRIL, t: '2026-04-16', lines: [1500] },
  ])('$name: $from → $to gives $lines', ({ from, to, in: period, t, lines }) => {
    expect(changeLines({ amount: from, ...period }, { amount: to, ...period }, at(t))).toEqual(lines)
  })

  it('to another interval credits the old tail and charges the new period in full', () => {
    const monthly = { amount: 2900, ...FIRST_CYCLE }
    const yearly = { amount: 29_000, ...YEAR_FROM_10_FEBRUARY }
    expect(changeLines(monthly, yearly, at('2026-02-10'))).toEqual([-1864, 29_000])
  })
})

describe('the used part', () => {
  it('of three thirds of 100 comes to 33, 34 and 33', () => {
    const used = ['2026-04-01', '2026-04-11', '2026-04-21', '2026-05-01'].map((cut) =>
      usedPart(100, APRIL.start, APRIL.end, at(cut)),
    )
    expect(differences(used)).toEqual([33, 34, 33])
  })

  it('leaves 6016 of a year for 12000 cancelled on 2 July', () => {
    expect(unusedTail(12_000, at('2026-01-01'), at('2027-01-01'), at('2026-07-02'))).toBe(6016)
  })

  it('counts the hour that a New York March does not have', () => {
    const march = [at('2026-03-01T05:00'), at('2026-04-01T04:00'), at('2026-03-16T04:00')] as const
    expect(usedPart(10_000, ...march)).toBe(4832)
    expect(unusedTail(10_000, ...march)).toBe(5168)
  })

  it('rounds a half up', () => {
    expect(usedPart(1, APRIL.start, APRIL.end, at('2026-04-16'))).toBe(1)
    expect(usedPart(1, APRIL.start, APRIL.end, at('2026-04-15T23:59:59'))).toBe(0)
  })

  it('ignores a fraction of a second', () => {
    expect(usedPart(2_592_000, APRIL.start, APRIL.end, at('2026-04-01T00:00:01.999'))).toBe(1)
  })

  it('stays exact where a double would not', () => {
    const year = [at('2026-01-01'), at('2027-01-01')] as const
    expect(unusedTail(Number.MAX_SAFE_INTEGER, ...year, at('2026-12-31T23:59:59'))).toBe(285_616_415)
  })

  it.each([
    ['a negative amount', () => usedPart(-1, APRIL.start, APRIL.end, at('2026-04-16'))],
    ['a fraction of a minor unit', () => usedPart(0.5, APRIL.start, APRIL.end, at('2026-04-16'))],
    ['an amount that is not safe', () => usedPart(2 ** 53, APRIL.start, APRIL.end, at('2026-04-16'))],
    ['an empty period', () => usedPart(1, APRIL.start, APRIL.start, APRIL.start)],
    ['an instant before the period', () => usedPart(1, APRIL.start, APRIL.end, at('2026-03-31T23:59:59'))],
    ['an instant after the period', () => usedPart(1, APRIL.start, APRIL.end, at('2026-05-01T00:00:01'))],
    ['an instant that is no date', () => usedPart(1, APRIL.start, APRIL.end, new Date(Number.NaN))],
  ])('refuses %s', (_, call) => {
    expect(call).toThrow(RangeError)
  })
})

describe('for any amount and period', () => {
  const amounts = fc.oneof(fc.integer({ min: 0, max: 100_000 }), fc.maxSafeNat())
  const lengths = fc.integer({ min: 1, max: 4 * 366 * 86_400 })
  const after = (seconds: number) => new Date(APRIL.start.getTime() + seconds * 1000)

  it('the segments between any cuts sum to the amount, and none is negative', () => {
    const cutPeriods = lengths.chain((length) =>
      fc.tuple(fc.constant(length), fc.array(fc.integer({ min: 0, max: length }), { maxLength: 20 })),
    )
    fc.assert(
      fc.property(amounts, cutPeriods, (amount, [length, inner]) => {
        const cuts = [0, ...inner.toSorted((a, b) => a - b), length]
        const segments = differences(cuts.map((cut) => usedPart(amount, APRIL.start, after(length), after(cut))))
        expect(segments.every((segment) => segment >= 0)).toBe(true)
        expect(segments.reduce((sum, segment) => sum + BigInt(segment), 0n)).toBe(BigInt(amount))
      }),
    )
  })

  it('used and tail sum to the amount, and used is within half a minor unit of the exact share', () => {
    const instants = lengths.chain((length) => fc.tuple(fc.constant(length), fc.integer({ min: 0, max: length })))
    fc.assert(
      fc.property(amounts, instants, (amount, [length, elapsed]) => {
        const args = [amount, APRIL.start, after(length), after(elapsed)] as const
        expect(usedPart(...args) + unusedTail(...args)).toBe(amount)
        const twiceTheError = 2n * (BigInt(usedPart(...args)) * BigInt(length) - BigInt(amount) * BigInt(elapsed))
        expect(twiceTheError <= BigInt(length) && twiceTheError > -BigInt(length)).toBe(true)
      }),
    )
  })
})

function differences(values: number[]): number[] {
  return values.slice(1).map((value, i) => value - (values[i] ?? 0))
}
