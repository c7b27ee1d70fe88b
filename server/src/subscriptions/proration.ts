/** What one period costs: `amount` in minor units of its currency, over [start, end). */
export type PricedPeriod = { amount: number; start: Date; end: Date }

/**
 * The part of a period's amount that is used up at `t`: half-up(amount × (t − start) / (end − start)), in minor units.
 *
 * Always a share of the whole period, never of what was left after an earlier change: the parts between any cuts then
 * sum to the amount exactly. Counted in whole seconds, so that a day of 23 hours weighs what it lasted.
 *
 * @param amount minor units from 0. For a credit this is what was billed net, never the list price.
 * @throws RangeError when the amount is negative or no safe integer, the period is empty, or `t` is outside
 *   [start, end].
 */
export function usedPart(amount: number, start: Date, end: Date, t: Date): number {
  if (!Number.isSafeInteger(amount) || amount < 0) {
    throw new RangeError(`amount ${amount} is not a whole number of minor units from 0`)
  }
  const startSeconds = epochSeconds(start)
  const length = epochSeconds(end) - startSeconds
  const elapsed = epochSeconds(t) - startSeconds
  if (length <= 0n) throw new RangeError('the period is empty')
  if (elapsed < 0n || elapsed > length) throw new RangeError('the instant is outside the period')

  // BigInt, because a yearly period (31,536,000 s) leaves a double only 285 million minor units before it rounds.
  return Number((2n * BigInt(amount) * elapsed + length) / (2n * length))
}

/** The rest at `t`, in minor units: amount − used. Never rounded by itself, so used and unused sum to the amount. */
export function unusedTail(amount: number, start: Date, end: Date, t: Date): number {
  return amount - usedPart(amount, start, end, t)
}

/**
 * The signed lines, in minor units, of a change at `t`: minus the unused tail of what was billed, plus the tail of what
 * replaces it. A line of zero is left out. Where the change closes the cycle, the new period starts at `t` and is charged
 * in full. A negative sum is a credit.
 */
export function changeLines(billed: PricedPeriod, replacement: PricedPeriod, t: Date): number[] {
  const credit = -unusedTail(billed.amount, billed.start, billed.end, t)
  const charge = unusedTail(replacement.amount, replacement.start, replacement.end, t)
  return [credit, charge].filter((line) => line !== 0)
}

/** Rounded down, so that an instant with a fraction counts as the second it falls in. */
function epochSeconds(instant: Date): bigint {
  return BigInt(Math.floor(instant.getTime() / 1000))
}
