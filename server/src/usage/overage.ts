import type { Overage } from '../prices.ts'
import type { IncludedValue } from '../product.ts'
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

/** What was billed of a period on the same terms. */
export type BilledOverage = {
  subscriptionId: string
  cycleNumber: number
  /** The plan's key and the name of its price. */
  plan: string
  price: string
  terms: Overage
  units: number
  /** Minor units. */
  amount: number
  /** What of it has been given back in credit, in minor units. */
  credited: number
  /** Whether the period was over: what comes late is billed on these terms. */
  isOver: boolean
}

type OpenPeriod = CountedPeriod & { overages: BilledOverage[] | null }

/** What a period comes to beyond its limit, by terms. */
export type PeriodOverage = { feature: string; period: OpenPeriod; overage: Overage; units: number; amount: number }

type Accounts = (feature: string) => { periods: OpenPeriod[]; grants: Grant[] }

/**
 * What was used beyond the limits in a cycle up to `at`, and has not been billed: for each feature that may be, and each
 * period of it. `accounts` is what `loadAccounts` answers, of `featuresWithOverage`.
 */
export function periodOverages(
  { includes, cycleStart, cycleEnd }: Pick<ClosedCycle, 'includes' | 'cycleStart' | 'cycleEnd'>,
  accounts: Accounts,
  at = cycleEnd,
): PeriodOverage[] {
  return featuresWithOverage(includes).flatMap((feature) => {
    const overage = overageIn(includes[feature])
    const { periods, grants } = accounts(feature)
    const draws = attribute(periods, grants, at)
    return periods
      .filter(({ periodStart }) => periodStart >= cycleStart && periodStart < cycleEnd)
      .filter(({ overages }) => !isSettled(overages))
      .flatMap((period): PeriodOverage[] => {
        const units = Math.max(0, unpaidUnits(period, draws))
        return overage === null ? [] : [{ feature, period, overage, units, amount: cappedCost(units, overage) }]
      })
  })
}

export const isSettled = (overages: BilledOverage[] | null): boolean => overages?.at(-1)?.isOver === true

/**
 * What was billed of a period as it should be, when so many more units are beyond its limit than that, or fewer, below
 * zero: more is billed on the last terms once they are over, less is given back from the last to the first.
 */
export function resettled(overages: BilledOverage[], unpaid: number): BilledOverage[] {
  let left = isSettled(overages) ? unpaid : Math.min(0, unpaid)
  return overages
    .toReversed()
    .map((each) => {
      const units = Math.max(0, each.units + left)
      left -= units - each.units
      return { ...each, units, amount: cappedCost(units, each.terms) }
    })
    .toReversed()
}

/** A count that was set right later may be above the cap; nobody pays more than it says. */
export const cappedCost = (units: number, overage: Overage): number =>
  Math.min(overageCost(units, overage), overage.spendCap?.amount ?? Infinity)

/** The lines, one for each of them that comes to something; they belong on the next cycle's invoice. */
export const overageLines = ({ planKey, price }: ClosedCycle, overages: PeriodOverage[]): OverageLine[] =>
  overages.flatMap(({ feature, period: { periodStart, periodEnd }, units, amount }) => {
    if (units === 0) return []
    const description = `${feature}: ${units} beyond the limit`
    return [{ kind: 'overage', description, amount, periodStart, periodEnd, plan: planKey, price, feature }]
  })
