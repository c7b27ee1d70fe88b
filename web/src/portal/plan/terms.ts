import { words } from '../../ui/words.ts'
import type { Subscription } from './data.ts'

/** A plan and how often it is paid. */
type Terms = { plan: { key: string; name: string }; price: string }

export const termsOf = ({ plan, price }: Subscription): Terms => ({ plan, price: price.name })

/** The terms by the name of their plan; where the others are of the same plan, by how often it is paid too. */
export function nameOf(terms: Terms, others: Terms): string {
  const isSamePlan = terms.plan.key === others.plan.key && terms.price !== others.price
  return isSamePlan ? `${terms.plan.name} (${words(terms.price)})` : terms.plan.name
}
