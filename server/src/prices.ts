import type { Interval } from './subscriptions/cycle.ts'

/** What things cost, and how often: the words of a product definition. */

/** Money in minor units (cents) of an ISO 4217 currency. */
export type Money = { amount: number; currency: string }
export type Price = Money & { interval: Interval }

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
