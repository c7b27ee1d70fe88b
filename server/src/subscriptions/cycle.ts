import { Temporal } from '@js-temporal/polyfill'

/** The length of a cycle: `count` (a whole number from 1) of a calendar unit. */
export type Interval = { unit: 'day' | 'week' | 'month' | 'year'; count: number }

/** A billing period [start, end): the end is the first instant that no longer belongs to it. */
export type Period = { start: Date; end: Date }

const DAY_MS = 86_400_000

/** Average lengths in the Gregorian calendar. They only seed the search in `indexAtOrBefore`. */
const AVERAGE_MS = { day: DAY_MS, week: 7 * DAY_MS, month: 30.436875 * DAY_MS, year: 365.2425 * DAY_MS }

/**
 * The n-th boundary: B(n) = anchor + n × interval, B(0) is the anchor itself.
 *
 * Counted on the local date and time of `zone` (an IANA name or 'UTC'), with the day clamped to the month's length, and
 * always from the anchor: counting from B(n−1) would turn the 31st into the 28th for ever after one February. A local
 * time that the zone skips moves forward by the gap, one that occurs twice is the earlier (RFC 5545 §3.3.5).
 *
 * Boundaries keep the anchor's fraction of a second, and periods are whole seconds: the caller truncates the anchor.
 *
 * @throws RangeError for an unknown zone, an interval count below 1, an `n` that is negative or not whole, or a date
 *   that cannot be represented.
 */
export function boundary(anchor: Date, interval: Interval, zone: string, n: number): Date {
  if (!Number.isSafeInteger(n) || n < 0) throw new RangeError(`boundary number ${n} is not a whole number from 0`)
  return boundariesOf(anchor, interval, zone)(n)
}

/** The first boundary strictly after the instant: the end of the period that contains it; before the anchor, the anchor. */
export function boundaryAfter(anchor: Date, interval: Interval, zone: string, instant: Date): Date {
  const boundaryAt = boundariesOf(anchor, interval, zone)
  return boundaryAt(indexAtOrBefore(boundaryAt, interval, instant) + 1)
}

/** The last boundary at or before the instant: the start of the period that contains it; null before the anchor. */
export function boundaryAtOrBefore(anchor: Date, interval: Interval, zone: string, instant: Date): Date | null {
  const boundaryAt = boundariesOf(anchor, interval, zone)
  const index = indexAtOrBefore(boundaryAt, interval, instant)
  return index < 0 ? null : boundaryAt(index)
}

/**
 * The periods that follow one another from `start` up to and including the one that contains `now`, oldest first: what a
 * late renewal has to write when `start` is the end of the last period written. None while `now` is before `start`.
 *
 * A `start` between two boundaries opens with the shorter period up to the next one. Lazy: ten years of days are 3,653
 * periods, and the caller may stop at any of them.
 */
export function* elapsedCycles(
  anchor: Date,
  interval: Interval,
  zone: string,
  start: Date,
  now: Date,
): Generator<Period, void, undefined> {
  const boundaryAt = boundariesOf(anchor, interval, zone)
  let index = indexAtOrBefore(boundaryAt, interval, start) + 1
  let from = new Date(start.getTime())
  while (from.getTime() <= now.getTime()) {
    const end = boundaryAt(index)
    index += 1
    // A zone that skips a whole day (Apia, 2011-12-30) puts two daily boundaries on one instant: no empty period.
    if (end.getTime() === from.getTime()) continue
    yield { start: from, end }
    from = new Date(end.getTime())
  }
}

/** The number of the last boundary at or before the instant, −1 before the anchor. */
function indexAtOrBefore(boundaryAt: (n: number) => Date, interval: Interval, instant: Date): number {
  const elapsedMs = instant.getTime() - boundaryAt(0).getTime()
  if (Number.isNaN(elapsedMs)) throw new RangeError('the instant is not a date')
  if (elapsedMs < 0) return -1

  // The guess is off by one or two at most (clamped days, offset changes); the two loops make it exact.
  let index = Math.floor(elapsedMs / (AVERAGE_MS[interval.unit] * interval.count))
  while (index > 0 && boundaryAt(index).getTime() > instant.getTime()) index -= 1
  while (boundaryAt(index + 1).getTime() <= instant.getTime()) index += 1
  return index
}

/** n ↦ B(n), with what depends only on the anchor worked out once. */
function boundariesOf(anchor: Date, interval: Interval, zone: string): (n: number) => Date {
  if (!Number.isSafeInteger(interval.count) || interval.count < 1) {
    throw new RangeError(`interval count ${interval.count} is not a whole number from 1`)
  }
  const following = zone === 'UTC' ? utcBoundaries(anchor, interval) : zonedBoundaries(anchor, interval, zone)
  // An anchor in the second pass of a repeated hour is not what its local time resolves to: B(0) is never resolved.
  return (n) => (n === 0 ? new Date(anchor.getTime()) : following(n * interval.count))
}

function zonedBoundaries(anchor: Date, { unit }: Interval, zone: string): (units: number) => Date {
  const local = Temporal.Instant.fromEpochMilliseconds(anchor.getTime()).toZonedDateTimeISO(zone).toPlainDateTime()
  return (units) => {
    const shifted = local.add({ [`${unit}s`]: units }, { overflow: 'constrain' })
    // 'compatible' is both rules at once: later by the gap, earlier of two.
    return new Date(shifted.toZonedDateTime(zone, { disambiguation: 'compatible' }).epochMilliseconds)
  }
}

/** The same for UTC, which has no gaps, without Temporal: a renewal sweep works out hundreds of thousands of these. */
function utcBoundaries(anchor: Date, { unit }: Interval): (units: number) => Date {
  const anchorMs = anchor.getTime()
  if (unit === 'day' || unit === 'week') {
    const unitMs = AVERAGE_MS[unit]
    return (units) => representable(anchorMs + units * unitMs)
  }
  const monthsPerUnit = unit === 'year' ? 12 : 1
  const year = anchor.getUTCFullYear()
  const month = anchor.getUTCMonth()
  const day = anchor.getUTCDate()
  const timeOfDayMs = anchorMs - Date.UTC(year, month, day)
  return (units) => {
    const targetMonth = month + units * monthsPerUnit
    const lastDayMs = Date.UTC(year, targetMonth + 1, 0)
    const sameDayMs = Date.UTC(year, targetMonth, day)
    return representable(Math.min(sameDayMs, lastDayMs) + timeOfDayMs)
  }
}

function representable(epochMs: number): Date {
  const date = new Date(epochMs)
  if (Number.isNaN(date.getTime())) throw new RangeError('the boundary is not a date that can be represented')
  return date
}
