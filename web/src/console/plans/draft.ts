import type { Schemas } from '../../api.ts'
import { product } from '../../ui/page.ts'
import { majorOf, minorOf } from '../money/money-input.tsx'

/** A version while it is being written: what stands in the fields, and what the API takes of it. */

type Version = Schemas['PlanVersion']
type Includes = Version['includes']
type Unit = Version['prices'][string]['interval']['unit']
type Amount = number | string

export type PriceDraft = { key: string; name: string; amount: Amount; currency: string; count: Amount; unit: Unit }
export type IncludedDraft = {
  mode: 'none' | 'limit' | 'unlimited' | 'beyond' | 'on' | 'off'
  limit: Amount
  amount: Amount
  units: Amount
  cap: Amount
}
export type Draft = {
  prices: PriceDraft[]
  trialDays: Amount
  onTrialEnd: Version['onTrialEnd']
  onEnd: Version['onEnd']
  fallbackPlan: string
  includes: Record<string, IncludedDraft>
}

export const units = ['day', 'week', 'month', 'year'] as const

export function draftOf({ prices, trialDays, onTrialEnd, includes, onEnd, fallbackPlan }: Version): Draft {
  return {
    prices: Object.entries(prices).map(([name, { amount, currency, interval }]) => ({
      key: name,
      name,
      amount: majorOf(amount, currency),
      currency,
      ...interval,
    })),
    trialDays,
    onTrialEnd,
    onEnd,
    fallbackPlan: fallbackPlan ?? '',
    includes: Object.fromEntries(Object.keys(product.features).map((name) => [name, includedDraft(includes[name])])),
  }
}

function includedDraft(included: Includes[string] | undefined): IncludedDraft {
  const empty = { limit: 0, amount: 0, units: 1, cap: '' }
  if (included === undefined) return { ...empty, mode: 'none' }
  if (included === null) return { ...empty, mode: 'unlimited' }
  if (typeof included === 'boolean') return { ...empty, mode: included ? 'on' : 'off' }
  if (typeof included === 'number') return { ...empty, mode: 'limit', limit: included }
  const { limit, overage } = included
  const { price, unitsPerPrice = 1, spendCap } = overage
  return {
    mode: 'beyond',
    limit,
    amount: majorOf(price.amount, price.currency),
    units: unitsPerPrice,
    cap: spendCap ? majorOf(spendCap.amount, spendCap.currency) : '',
  }
}

/** Every price of a plan with a price beyond a limit is in one currency: that of the first. */
export const currencyOf = ({ prices }: Draft) => prices[0]?.currency.trim().toUpperCase() ?? 'USD'

export const versionOf = (draft: Draft) => ({
  prices: Object.fromEntries(
    draft.prices.map(({ name, amount, currency, count, unit }) => [
      name.trim(),
      { ...moneyOf(amount, currency.trim().toUpperCase()), interval: { unit, count: Number(count) } },
    ]),
  ),
  trialDays: Number(draft.trialDays),
  onTrialEnd: draft.onTrialEnd,
  onEnd: draft.onEnd,
  fallbackPlan: draft.onEnd === 'fallback' ? draft.fallbackPlan : null,
  includes: Object.fromEntries(
    Object.entries(draft.includes).flatMap(([name, each]) => {
      const included = includedOf(each, currencyOf(draft))
      return included === undefined ? [] : [[name, included]]
    }),
  ),
})

function includedOf(
  { mode, limit, amount, units, cap }: IncludedDraft,
  currency: string,
): Includes[string] | undefined {
  switch (mode) {
    case 'none':
      return undefined
    case 'unlimited':
      return null
    case 'on':
    case 'off':
      return mode === 'on'
    case 'limit':
      return Number(limit)
    case 'beyond':
      return {
        limit: Number(limit),
        overage: {
          price: moneyOf(amount, currency),
          ...(Number(units) === 1 ? {} : { unitsPerPrice: Number(units) }),
          ...(cap === '' ? {} : { spendCap: moneyOf(cap, currency) }),
        },
      }
  }
}

const moneyOf = (amount: Amount, currency: string) => ({ amount: minorOf(amount, currency), currency })

/** Two of one name would be one to the API: the fields of those that are named like one before, or not at all. */
export function namelessPrices({ prices }: Draft): string[] {
  const names = prices.map(({ name }) => name.trim())
  return names.flatMap((name, index) => (name === '' || names.indexOf(name) < index ? [`prices/${index}/name`] : []))
}
