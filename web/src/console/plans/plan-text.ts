import type { Schemas } from '../../api.ts'
import { text } from '../../text/console-plans.ts'
import { text as shared } from '../../text/shared.ts'
import { capital, count, list, money, words } from '../../ui/words.ts'
import { priceText } from '../business/subscription-facts.tsx'

type Version = Pick<Schemas['PlanVersion'], 'prices' | 'includes'>
type Included = Version['includes'][string]

export const pricesText = (prices: Version['prices']) => Object.values(prices).map(priceText).join(', ')

/** The limit of what a plan includes, also where counting may go beyond it. */
export const limitIn = (included: Included): number | boolean | null =>
  typeof included === 'object' && included !== null ? included.limit : included

export const includesText = (includes: Version['includes']) =>
  list(Object.entries(includes).map(([name, included]) => `${capital(words(name))}: ${includedText(included)}`))

export function includedText(included: Included): string {
  const limit = limitIn(included)
  if (typeof limit === 'boolean') return limit ? text.on : text.off
  const said = limit === null ? shared.unlimited : count(limit)
  if (typeof included !== 'object' || included === null) return said
  const { price, unitsPerPrice = 1 } = included.overage
  return text.withOverage(said, money(price.amount, price.currency), unitsPerPrice === 1 ? '' : count(unitsPerPrice))
}
