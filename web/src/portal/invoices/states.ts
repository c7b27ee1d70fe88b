/** The states of an invoice that a customer sees. */
export const states = ['open', 'paid', 'void', 'uncollectible'] as const
export type State = (typeof states)[number]
