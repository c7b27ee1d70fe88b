import type { Context } from '../context.ts'
import { FreeholdError, invalid } from '../errors.ts'
import { sameTerms, type Subscription, type Terms } from './lifecycle.ts'

/**
 * What a preview promised. It travels sealed in its own id, so that nothing is stored until somebody decides: which
 * subscription in which version, to which terms, reckoned at which instant, until when.
 */
export type Quote = {
  subscriptionId: string
  version: number
  planVersionId: string
  price: string
  trial: boolean
  reckonedAt: Date
  expiresAt: Date
}

const minutes = 10

export function newQuote(
  ctx: Context,
  { id, version, status, cycleEnd }: Subscription,
  { plan, price }: Terms,
  trial: boolean,
): { quoteId: string; expiresAt: Date } {
  const now = ctx.now()
  const latest = new Date(now.getTime() + minutes * 60_000)
  // What is reckoned for the rest of a cycle is not so after it.
  const expiresAt = status !== 'ended' && status !== 'paused' && cycleEnd < latest ? cycleEnd : latest
  const quote: Quote = {
    subscriptionId: id,
    version,
    planVersionId: plan.id,
    price,
    trial,
    reckonedAt: now,
    expiresAt,
  }
  return { quoteId: ctx.secrets.seal('quote', JSON.stringify(quote)).toString('base64url'), expiresAt }
}

export function openQuote(ctx: Context, quoteId: string): Quote {
  try {
    const quote = JSON.parse(ctx.secrets.open('quote', Buffer.from(quoteId, 'base64url'))) as Quote
    return { ...quote, reckonedAt: new Date(quote.reckonedAt), expiresAt: new Date(quote.expiresAt) }
  } catch {
    throw invalid('body/quoteId', 'is no quote of ours')
  }
}

/** The instant a quote reckoned with, as long as all is as it was quoted. */
export function reckonedAt(ctx: Context, quote: Quote, state: Subscription, wanted: Terms, trial: boolean): Date {
  const stands =
    quote.subscriptionId === state.id &&
    quote.version === state.version &&
    quote.trial === trial &&
    sameTerms({ plan: { ...wanted.plan, id: quote.planVersionId }, price: quote.price }, wanted)
  if (!stands) throw new FreeholdError('stale_subscription', 'What was quoted is not so any more: ask for a new quote')
  if (quote.expiresAt <= ctx.now()) throw new FreeholdError('stale_subscription', 'The quote has expired')
  return quote.reckonedAt
}
