import type { Interval } from './subscriptions/cycle.ts'

/** What things cost, and how often: the words of a product definition. */

/** Money in minor units (cents) of an ISO 4217 currency. */
export type Money = { amount: number; currency: string }
export type Price = Money & { interval: Interval }

/** A limit of a metered feature beyond which counting goes on, for a price. */
export type SoftLimit = { limit: number; overage: Overage }

/** What goes beyond a soft limit costs. */
export type Overage = {
  /** Of one unit, or of `unitsPerPrice` of them. */
  price: Money
  unitsPerPrice?: number
  /** Counting stops where what is beyond the limit would cost more than this in one period. */
  spendCap?: Money
}

/** US dollars, in cents: `usd(49_00)`. */
export const usd = (amount: number): Money => ({ amount, currency: 'USD' })
/** Euros, in cents. */
export const eur = (amount: number): Money => ({ amount, currency: 'EUR' })
/** A cycle or trial of so many days. */
export const days = (count: number): Interval & { unit: 'day' } => ({ unit: 'day', count })
/** A cycle of so many weeks. */
export const weeks = (count: number): Interval => ({ unit: 'week', count })
/** A cycle of so many months; a day that a month lacks is its last. */
export const months = (count: number): Interval => ({ unit: 'month', count })
/** A cycle of so many years. */
export const years = (count: number): Interval => ({ unit: 'year', count })

export const isWhole = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0

/** What is wrong with what goes beyond a limit of a plan that has these prices. */
export function overageProblems(path: string, { limit, overage }: SoftLimit, prices: Price[]): string[] {
  const problems: string[] = []
  const expect = (holds: boolean, at: string, message: string) => {
    if (!holds) problems.push(`${path}.${at}: ${message}`)
  }
  expect(isWhole(limit), 'limit', 'must be a whole number; beyond unlimited there is nothing')
  const { price, unitsPerPrice = 1, spendCap } = overage
  expect(isWhole(price.amount), 'overage.price', 'amount must be whole minor units, 0 or more')
  expect(
    spendCap === undefined || isWhole(spendCap.amount),
    'overage.spendCap',
    'amount must be whole minor units, 0 or more',
  )
  expect(isWhole(unitsPerPrice) && unitsPerPrice > 0, 'overage.unitsPerPrice', 'must be a whole number from 1')
  for (const [at, money] of Object.entries({ price, spendCap })) {
    // One invoice has one currency.
    const isSold = money === undefined || prices.every(({ currency }) => currency === money.currency)
    expect(isSold, `overage.${at}`, 'must be in the currency of every price of the plan')
  }
  return [...new Set(problems)]
}
