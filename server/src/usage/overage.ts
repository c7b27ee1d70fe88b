import type { IncludedValue, Overage } from '../product.ts'
import { attribute, unpaidUnits, type CountedPeriod, type Grant } from './attribution.ts'
import { overageIn } from './entitlements.ts'

/**
 * What is used beyond a soft limit, and what it costs. Pure. Overage is what neither the plan's allowance nor a grant has
 * paid for. It is charged by the exact share of the price, half up to a minor unit, never unit by unit.
 */

/** In minor units of the price's currency. */
export function overageCost(units: number, { price, unitsPerPrice = 1 }: Overage): number {
  const per = BigInt(unitsPerPrice)
  return Number((2n * BigInt(price.amount) * BigInt(units) + per) / (2n * per))
}

/** How many units the spend cap pays for: the most that cost no more than it. null is any number. */
export function unitsWithinCap({ price, unitsPerPrice = 1, spendCap }: Overage): number | null {
  if (spendCap === undefined || price.amount === 0) return null
  const twicePrice = 2n * BigInt(price.amount)
  const below = (2n * BigInt(spendCap.amount) + 1n) * BigInt(unitsPerPrice)
  const units = (below + twicePrice - 1n) / twicePrice - 1n
  return units > BigInt(Number.MAX_SAFE_INTEGER) ? null : Number(units)
}

/** The two limits of a counter: the ceiling decides, the soft limit is what people are told where counting goes beyond. */
export function limitsOf(limit: number | null, overage: Overage | null) {
  if (limit === null || overage === null) return { ceiling: limit, softLimit: null }
  const beyond = unitsWithinCap(overage)
  return { ceiling: beyond === null ? null : limit + beyond, softLimit: limit }
}

/** A cycle that is over: what it was sold as, and when it was. */
export type ClosedCycle = {
  includes: Record<string, IncludedValue>
  planKey: string
  price: string
  cycleStart: Date
  cycleEnd: Date
}

/** A line of an invoice. */
export type OverageLine = {
  kind: 'overage'
  description: string
  /** Minor units. */
  amount: number
  periodStart: Date
  periodEnd: Date
  plan: string
  price: string
  feature: string
}

/** The features of a plan version that may be used beyond their limit. */
export const featuresWithOverage = (includes: Record<string, IncludedValue>): string[] =>
  Object.keys(includes).filter((feature) => overageIn(includes[feature]) !== null)

/**
 * The lines for what was used beyond the limits in a cycle that is over, one for each feature and period of it; they
 * belong on the next cycle's invoice. `accounts` is what `loadAccounts` answers, of `featuresWithOverage`.
 */
export function overageLines(
  { includes, planKey, price, cycleStart, cycleEnd }: ClosedCycle,
  accounts: (feature: string) => { periods: CountedPeriod[]; grants: Grant[] },
): OverageLine[] {
  return featuresWithOverage(includes).flatMap((feature) => {
    const overage = overageIn(includes[feature])
    const { periods, grants } = accounts(feature)
    const draws = attribute(periods, grants, cycleEnd)
    return periods
      .filter(({ periodStart }) => periodStart >= cycleStart && periodStart < cycleEnd)
      .flatMap((period): OverageLine[] => {
        const { periodStart, periodEnd } = period
        const units = unpaidUnits(period, draws)
        if (overage === null || units === 0) return []
        // A count that was set right later may be above the cap; nobody pays more than it says.
        const amount = Math.min(overageCost(units, overage), overage.spendCap?.amount ?? Infinity)
        const description = `${feature}: ${units} beyond the limit`
        return [{ kind: 'overage', description, amount, periodStart, periodEnd, plan: planKey, price, feature }]
      })
  })
}
