import { Temporal } from '@js-temporal/polyfill'
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { boundary, boundaryAfter, boundaryAtOrBefore, elapsedCycles, type Interval } from './cycle.ts'

const DAY_MS = 86_400_000
const MONTHLY: Interval = { unit: 'month', count: 1 }
const DAILY: Interval = { unit: 'day', count: 1 }

const at = (text: string) => new Date(text.includes('T') ? `${text}Z` : `${text}T00:00Z`)
const shown = (date: Date | null) => date?.toISOString().slice(0, 16)
const periodsOf = (...args: Parameters<typeof elapsedCycles>) => [...elapsedCycles(...args)]
const days = (date: Date) => date.toISOString().slice(0, 10)

describe('the n-th boundary', () => {
  type Vector = [anchor: string, count: number, unit: Interval['unit'], zone: string, expected: Record<number, string>]
  const vectors: Vector[] = [
    [
      '2026-01-31T10:00',
      1,
      'month',
      'UTC',
      {
        1: '2026-02-28T10:00',
        2: '2026-03-31T10:00',
        3: '2026-04-30T10:00',
        13: '2027-02-28T10:00',
        25: '2028-02-29T10:00',
      },
    ],
    ['2024-01-31', 1, 'month', 'UTC', { 1: '2024-02-29', 2: '2024-03-31', 3: '2024-04-30' }],
    ['2026-01-30', 1, 'month', 'UTC', { 1: '2026-02-28', 2: '2026-03-30', 3: '2026-04-30' }],
    ['2024-02-29', 1, 'year', 'UTC', { 1: '2025-02-28', 2: '2026-02-28', 3: '2027-02-28', 4: '2028-02-29' }],
    ['2024-02-29', 1, 'month', 'UTC', { 1: '2024-03-29', 12: '2025-02-28', 48: '2028-02-29' }],
    ['2096-02-29', 4, 'year', 'UTC', { 1: '2100-02-28', 2: '2104-02-29' }],
    ['2025-11-30', 3, 'month', 'UTC', { 1: '2026-02-28', 2: '2026-05-30', 3: '2026-08-30' }],
    ['2026-08-31', 6, 'month', 'UTC', { 1: '2027-02-28', 2: '2027-08-31', 3: '2028-02-29' }],
    ['2026-01-01', 15, 'day', 'UTC', { 1: '2026-01-16', 2: '2026-01-31', 4: '2026-03-02' }],
    ['2026-01-31', 30, 'day', 'UTC', { 1: '2026-03-02', 2: '2026-04-01', 3: '2026-05-01' }],
    ['2026-02-19', 2, 'week', 'UTC', { 1: '2026-03-05', 2: '2026-03-19' }],
    ['2026-02-08T07:30', 1, 'month', 'America/New_York', { 1: '2026-03-08T07:30', 2: '2026-04-08T06:30' }],
    ['2026-10-01T05:30', 1, 'month', 'America/New_York', { 1: '2026-11-01T05:30', 2: '2026-12-01T06:30' }],
    ['2026-03-07T17:00', 1, 'day', 'America/New_York', { 1: '2026-03-08T16:00' }],
    ['2026-01-31T23:30', 1, 'month', 'Europe/Paris', { 1: '2026-02-28T23:30', 2: '2026-03-31T22:30' }],
    ['2026-01-31T23:30', 1, 'month', 'UTC', { 1: '2026-02-28T23:30', 2: '2026-03-31T23:30' }],
    ['2026-01-17', 14, 'day', 'UTC', { 1: '2026-01-31' }],
    ['2026-01-31', 1, 'month', 'UTC', { 1: '2026-02-28', 2: '2026-03-31' }],
  ]
  const cases = vectors.flatMap(([anchor, count, unit, zone, expected]) =>
    Object.entries(expected).map(([n, result]) => ({ anchor, count, unit, zone, n: Number(n), result })),
  )

  test.each(cases)('$anchor + $n × $count $unit in $zone is $result', ({ anchor, count, unit, zone, n, result }) => {
    expect(shown(boundary(at(anchor), { unit, count }, zone, n))).toBe(shown(at(result)))
  })

  it('is the anchor for 0, even in the second pass of a repeated hour', () => {
    const anchor = at('2026-11-01T06:30')
    expect(boundary(anchor, MONTHLY, 'America/New_York', 0)).toEqual(anchor)
    expect(shown(boundary(anchor, MONTHLY, 'America/New_York', 1))).toBe('2026-12-01T06:30')
  })

  it.each([
    ['an unknown zone', () => boundary(at('2026-01-01'), MONTHLY, 'Mars/Olympus', 1)],
    ['a count of zero', () => boundary(at('2026-01-01'), { unit: 'month', count: 0 }, 'UTC', 1)],
    ['a count with a fraction', () => boundary(at('2026-01-01'), { unit: 'month', count: 1.5 }, 'UTC', 1)],
    ['a negative number', () => boundary(at('2026-01-01'), MONTHLY, 'UTC', -1)],
    ['a boundary past the last date', () => boundary(at('2026-01-01'), MONTHLY, 'UTC', 4_000_000)],
    ['an anchor that is no date', () => boundary(new Date(Number.NaN), MONTHLY, 'UTC', 1)],
    ['an instant that is no date', () => boundaryAfter(at('2026-01-01'), MONTHLY, 'UTC', new Date(Number.NaN))],
  ])('refuses %s', (_, call) => {
    expect(call).toThrow(RangeError)
  })
})

describe('the boundaries around an instant', () => {
  const anchor = at('2026-01-31T10:00')

  it('belong to the period that contains it', () => {
    expect(shown(boundaryAtOrBefore(anchor, MONTHLY, 'UTC', at('2026-03-15')))).toBe('2026-02-28T10:00')
    expect(shown(boundaryAfter(anchor, MONTHLY, 'UTC', at('2026-03-15')))).toBe('2026-03-31T10:00')
  })

  it('give an instant on a boundary to the period that starts there', () => {
    const onBoundary = at('2026-02-28T10:00')
    expect(boundaryAtOrBefore(anchor, MONTHLY, 'UTC', onBoundary)).toEqual(onBoundary)
    expect(shown(boundaryAfter(anchor, MONTHLY, 'UTC', onBoundary))).toBe('2026-03-31T10:00')
  })

  it('give the second before a boundary to the period that ends there', () => {
    const justBefore = at('2026-02-28T09:59:59')
    expect(boundaryAtOrBefore(anchor, MONTHLY, 'UTC', justBefore)).toEqual(anchor)
    expect(shown(boundaryAfter(anchor, MONTHLY, 'UTC', justBefore))).toBe('2026-02-28T10:00')
  })

  it('start with the anchor', () => {
    const before = at('2026-01-31T09:59:59')
    expect(boundaryAtOrBefore(anchor, MONTHLY, 'UTC', before)).toBeNull()
    expect(boundaryAfter(anchor, MONTHLY, 'UTC', before)).toEqual(anchor)
  })
})

describe('elapsed cycles', () => {
  const anchor = at('2026-01-31')

  it('are every period a worker missed while it was down, and the one it wakes up in', () => {
    const periods = periodsOf(anchor, MONTHLY, 'UTC', at('2026-02-28'), at('2026-05-10'))
    expect(periods.map(({ start, end }) => [days(start), days(end)])).toEqual([
      ['2026-02-28', '2026-03-31'],
      ['2026-03-31', '2026-04-30'],
      ['2026-04-30', '2026-05-31'],
    ])
  })

  it('open the next period at the boundary itself and not a second earlier', () => {
    expect(periodsOf(anchor, MONTHLY, 'UTC', at('2026-02-28'), at('2026-02-27T23:59:59'))).toEqual([])
    expect(periodsOf(anchor, MONTHLY, 'UTC', at('2026-02-28'), at('2026-02-28'))).toHaveLength(1)
    expect(periodsOf(anchor, MONTHLY, 'UTC', at('2026-02-28'), at('2026-03-31'))).toHaveLength(2)
  })

  it('open with the shorter period when the start is no boundary', () => {
    const [first] = periodsOf(anchor, MONTHLY, 'UTC', at('2026-03-15'), at('2026-03-20'))
    expect(first).toEqual({ start: at('2026-03-15'), end: at('2026-03-31') })
    const [beforeAnchor] = periodsOf(anchor, MONTHLY, 'UTC', at('2026-01-17'), at('2026-01-20'))
    expect(beforeAnchor).toEqual({ start: at('2026-01-17'), end: anchor })
  })

  it.each(['UTC', 'America/New_York'])('hold for ten years of days in %s', (zone) => {
    const start = at('2026-01-01T12:00')
    const now = at('2036-01-01T12:00')
    const periods = periodsOf(start, DAILY, zone, start, now)
    expect(periods).toHaveLength(3653)
    expect(periods.every(({ end }, i) => end.getTime() === boundary(start, DAILY, zone, i + 1).getTime())).toBe(true)
    expect(periods.at(-1)?.start).toEqual(now)
  })

  it('have no empty period where a zone skipped a whole day', () => {
    const start = at('2011-12-29T22:00')
    const periods = periodsOf(start, DAILY, 'Pacific/Apia', start, at('2012-01-01T00:00'))
    expect(boundary(start, DAILY, 'Pacific/Apia', 2)).toEqual(boundary(start, DAILY, 'Pacific/Apia', 1))
    expect(periods.map((period) => [shown(period.start), shown(period.end)])).toEqual([
      ['2011-12-29T22:00', '2011-12-30T22:00'],
      ['2011-12-30T22:00', '2011-12-31T22:00'],
      ['2011-12-31T22:00', '2012-01-01T22:00'],
    ])
  })
})

describe('for any anchor, interval and zone', () => {
  const seconds = (from: string, to: string) =>
    fc.integer({ min: at(from).getTime() / 1000, max: at(to).getTime() / 1000 }).map((s) => new Date(s * 1000))
  const anchors = fc.oneof(
    seconds('2015-01-01', '2100-01-01'),
    // Month ends and the hours in which offsets change, which a uniform draw seldom meets.
    fc
      .tuple(fc.integer({ min: 2020, max: 2040 }), fc.integer({ min: 1, max: 12 }), fc.integer({ min: -3, max: 1 }))
      .chain(([year, month, day]) =>
        fc.integer({ min: 0, max: 86_399 }).map((second) => new Date(Date.UTC(year, month, day, 0, 0, second))),
      ),
  )
  const intervals: fc.Arbitrary<Interval> = fc.record({
    unit: fc.constantFrom('day', 'week', 'month', 'year'),
    count: fc.integer({ min: 1, max: 13 }),
  })
  const zones = fc.constantFrom(
    'UTC',
    'America/New_York',
    'America/St_Johns',
    'America/Santiago',
    'Africa/Casablanca',
    'Asia/Kathmandu',
    'Australia/Lord_Howe',
    'Europe/Paris',
    'Pacific/Apia',
    'Pacific/Chatham',
  )
  const numbers = fc.integer({ min: 0, max: 300 })

  it('boundaries strictly increase', () => {
    fc.assert(
      fc.property(anchors, intervals, zones, numbers, (anchor, interval, zone, n) => {
        expect(boundary(anchor, interval, zone, n + 1).getTime()).toBeGreaterThan(
          boundary(anchor, interval, zone, n).getTime(),
        )
      }),
    )
  })

  it('the boundaries around an instant are those whose numbers enclose it', () => {
    fc.assert(
      fc.property(anchors, intervals, zones, numbers, fc.double({ min: 0, max: 1, noNaN: true }), (...drawn) => {
        const [anchor, interval, zone, n, share] = drawn
        const start = boundary(anchor, interval, zone, n)
        const end = boundary(anchor, interval, zone, n + 1)
        const lastMs = end.getTime() - start.getTime() - 1
        for (const offsetMs of [0, Math.floor(lastMs * share), lastMs]) {
          const inside = new Date(start.getTime() + offsetMs)
          expect(boundaryAtOrBefore(anchor, interval, zone, inside)).toEqual(start)
          expect(boundaryAfter(anchor, interval, zone, inside)).toEqual(end)
        }
      }),
    )
  })

  it('elapsed cycles are contiguous, are the boundaries, and end with the period that contains now', () => {
    fc.assert(
      fc.property(anchors, intervals, zones, numbers, fc.integer({ min: 0, max: 400 * DAY_MS }), (...drawn) => {
        const [anchor, interval, zone, n, laterMs] = drawn
        const start = boundary(anchor, interval, zone, n)
        const now = new Date(start.getTime() + laterMs)
        const periods = periodsOf(anchor, interval, zone, start, now)
        expect(periods.map((period) => period.start)).toEqual(
          periods.map((_, i) => boundary(anchor, interval, zone, n + i)),
        )
        expect(periods.slice(1).map((period) => period.start)).toEqual(periods.slice(0, -1).map((period) => period.end))
        expect(periods.at(-1)?.start.getTime()).toBeLessThanOrEqual(now.getTime())
        expect(periods.at(-1)?.end.getTime()).toBeGreaterThan(now.getTime())
      }),
    )
  })

  it('the path for UTC is what Temporal says, written out and through another name of the zone', () => {
    fc.assert(
      fc.property(anchors, intervals, numbers, (anchor, interval, n) => {
        const fast = boundary(anchor, interval, 'UTC', n)
        const expected = Temporal.Instant.fromEpochMilliseconds(anchor.getTime())
          .toZonedDateTimeISO('UTC')
          .add({ [`${interval.unit}s`]: n * interval.count })
        expect(fast.getTime()).toBe(expected.epochMilliseconds)
        expect(fast).toEqual(boundary(anchor, interval, 'Etc/UTC', n))
      }),
      { numRuns: 2000 },
    )
  })
})
