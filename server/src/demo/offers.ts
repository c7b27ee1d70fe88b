import type { Feature, IncludedValue, Product } from '../product.ts'
import { limitIn } from '../usage/entitlements.ts'

/** What a product sells, from the least to the most expensive, as far as somebody who plays its customers has to know. */

export type Offer = { plan: string; price: string; amount: number; currency: string; trial: boolean; cycleDays: number }

const daysOf = { day: 1, week: 7, month: 30.4, year: 365.25 }

export function offersOf(product: Product): { start: Offer; paid: Offer[]; yearly: Offer[]; hidden: Offer[] } {
  const all = Object.entries(product.plans).flatMap(([plan, { prices, trialDays, hidden }]) =>
    Object.entries(prices).map(([price, { amount, currency, interval }]) => {
      const cycleDays = daysOf[interval.unit] * interval.count
      return { plan, price, amount, currency, trial: trialDays > 0, cycleDays, hidden }
    }),
  )
  const visible = all
    .filter(({ hidden, plan }) => !hidden || plan === product.signup.plan)
    .toSorted((left, right) => left.amount / left.cycleDays - right.amount / right.cycleDays)
  const start = visible.find(({ plan }) => plan === product.signup.plan)
  if (!start) throw new Error('a product has a plan to sign up on')
  const isYear = ({ cycleDays }: Offer) => cycleDays > 300
  const paid = visible.filter((offer) => offer.amount > 0)
  return {
    start,
    paid: paid.filter((offer) => !isYear(offer)),
    yearly: paid.filter(isYear),
    hidden: all.filter(({ hidden, plan }) => hidden && plan !== product.signup.plan),
  }
}

export const featuresOf = (product: Product, kind: Feature['kind']): string[] =>
  Object.entries(product.features).flatMap(([name, feature]) =>
    feature.kind === kind && name !== 'members' ? name : [],
  )

const plenty = 500

/** What a plan includes of a feature; of what is unlimited, what a busy business gets by with. */
export function included(product: Product, plan: string, feature: string): number {
  const value: IncludedValue | undefined = product.plans[plan]?.includes[feature]
  const limit = value === undefined || value === false ? 0 : limitIn(value)
  if (limit !== null) return Number(limit)
  const finite = Object.values(product.plans).map(({ includes }) => Number(limitIn(includes[feature] ?? 0)))
  return Math.max(plenty, ...finite)
}
