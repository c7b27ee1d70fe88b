import type { Context } from '../context.ts'

/** What a provider is asked to take. */
export type Charge = {
  /** Names this one charge for ever: the same id never takes money twice. It is the provider's idempotency key. */
  id: string
  businessId: string
  invoiceId: string
  invoiceNumber: string
  /** Minor units. */
  amount: number
  currency: string
  /** Ends a call that takes too long. */
  signal: AbortSignal
}

/**
 * What became of a charge. `reference` is the provider's own name for the payment. `pending`: it may succeed still, and is
 * looked up later.
 */
export type ChargeResult =
  | { status: 'succeeded'; reference: string }
  | { status: 'failed'; reason: string }
  | { status: 'pending' }

/**
 * Moves money, and nothing else: what is owed, when, and what it is worth is Freehold's. It finds the business's payment
 * method by itself, so it can keep what it needs to (a customer, a set-up, a method) wherever it likes.
 */
export type PaymentProvider = {
  /** Kept with every payment it brings. */
  name: string
  /** Takes money of its own accord; without it money comes in as people send it, and is recorded. */
  charging?: {
    charge: (charge: Charge) => Promise<ChargeResult>
    /** What became of a charge whose answer was lost; undefined when it never arrived. */
    lookUp: (id: string, signal: AbortSignal) => Promise<ChargeResult | undefined>
  }
}

/** People pay as they like, and staff or the product's own books record what has come in. */
export const manual: PaymentProvider = { name: 'manual' }

const providers = new WeakMap<Context, PaymentProvider>()

export const useProvider = (ctx: Context, provider: PaymentProvider) => void providers.set(ctx, provider)

export const providerOf = (ctx: Context): PaymentProvider => providers.get(ctx) ?? manual
