import type { Schemas } from '../../api.ts'
import { text } from '../../text/plan.ts'
import { text as shared } from '../../text/shared.ts'
import { product } from '../../ui/page.ts'
import { capital, count, money, plural, words } from '../../ui/words.ts'
import type { Plan } from './data.ts'

type Included = Plan['includes'][string]
type Price = Plan['prices'][string]

/** `$49 a month`. */
export function priceText({ amount, currency, interval }: { amount: number; currency: string; interval: Interval }) {
  return amount === 0 ? text.free : text.every(money(amount, currency), text.interval(interval.unit, interval.count))
}
type Interval = Pick<Price['interval'], 'count'> & { unit: string }

/** `recordings`: the things that are counted, or what the feature is called. */
export function thingsOf(feature: string, amount?: number | null): string {
  const unit = product.features[feature]?.unit
  if (unit === null || unit === undefined) return words(feature)
  return amount === 1 ? unit : plural(unit)
}

/** The limit of what a plan includes, also where counting may go beyond it. */
export const limitIn = (included: Included | undefined): number | boolean | null => {
  if (included === undefined) return 0
  return typeof included === 'object' && included !== null ? included.limit : included
}

/** `10,000 recordings, then $0.10 each`. */
export function includedText(feature: string, included: Included): string {
  const limit = limitIn(included)
  if (limit === true) return capital(words(feature))
  if (limit === false) return text.included.not(words(feature))
  if (product.features[feature]?.kind === 'value')
    return text.included.value(capital(words(feature)), amountText(limit))
  if (limit === null) return text.included.unlimited(thingsOf(feature))
  const said = text.included.amount(count(limit), thingsOf(feature, limit))
  if (typeof included !== 'object' || included === null) return said
  const { price, unitsPerPrice = 1 } = included.overage
  return text.included.beyond(said, money(price.amount, price.currency), unitsPerPrice, count(unitsPerPrice))
}

export const amountText = (limit: number | boolean | null) =>
  limit === null ? shared.unlimited : typeof limit === 'number' ? count(limit) : shared[limit ? 'yes' : 'no']

/** Whether there is anything of it at all. */
export const isIncluded = (included: Included) => limitIn(included) !== false && limitIn(included) !== 0

export type Difference = { feature: string; before: number | boolean | null; after: number | boolean | null }

/** What one has more and less of. Where the limit is overridden the plan does not decide. */
export function differences(
  entitlements: Record<string, Schemas['Entitlement']>,
  before: Plan | undefined,
  after: Plan,
) {
  const all = Object.entries(entitlements).flatMap(([feature, entitlement]): Difference[] => {
    if (entitlement.source === 'override') return []
    const said = (included: Included | undefined) =>
      entitlement.kind === 'switch' ? limitIn(included) === true : limitIn(included)
    const from = before ? said(before.includes[feature]) : limitNow(entitlement)
    const to = said(after.includes[feature])
    return size(from) === size(to) ? [] : [{ feature, before: from, after: to }]
  })
  return {
    gained: all.filter((each) => size(each.after) > size(each.before)),
    lost: all.filter((each) => size(each.after) < size(each.before)),
  }
}

const limitNow = ({ kind, enabled, value, limit }: Schemas['Entitlement']) =>
  kind === 'switch' ? (enabled ?? false) : kind === 'value' ? (value ?? 0) : limit
const size = (limit: number | boolean | null) => (limit === null ? Infinity : Number(limit))
