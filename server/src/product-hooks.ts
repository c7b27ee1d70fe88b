import type { Logger } from 'pino'
import type { Tx } from './db/open.ts'
import type { EventType, FreeholdEvent } from './events/catalogue.ts'
import type { Entitlements, FeatureKinds } from './product-names.ts'

/** What code of the product's own is called with, and when. */

/**
 * A hook runs in the transaction of what it belongs to, as the user the database was opened with; throwing undoes the
 * whole, and a FreeholdError is answered as it is. For plain SQL, on the product's own rows for instance:
 * `fromKysely(tx).query('insert …', […])`.
 */
export type Hooks = {
  beforeSignup?: (tx: Tx, event: { email: string; businessName: string | undefined }) => Promise<void> | void
  afterSignup?: (tx: Tx, event: { userId: string; businessId: string; email: string }) => Promise<void> | void
  beforeInvite?: (tx: Tx, event: { businessId: string; email: string; role: string }) => Promise<void> | void
  afterJoin?: (tx: Tx, event: { businessId: string; userId: string; memberId: string }) => Promise<void> | void
}

/** Code of the product's own that runs on a schedule. */
export type ProductTask<Kinds extends FeatureKinds = FeatureKinds> = {
  /** A cron expression in UTC, read on the domain's clock: `0 3 * * *`. */
  schedule: string
  run: (context: TaskContext<Kinds>) => Promise<void>
}

/**
 * What a product does about events, each after the commit that made it true. A worker hands them over at least once, one
 * after the other within a business; a handler that throws gets the same event again, with growing pauses, and until it
 * succeeds the business's later events wait.
 */
export type EventHandlers<Kinds extends FeatureKinds = FeatureKinds> = {
  [Type in EventType]?: (event: FreeholdEvent<Type>, context: TaskContext<Kinds>) => Promise<void> | void
}

/** What a product's task or event handler works with. */
export type TaskContext<Kinds extends FeatureKinds = FeatureKinds> = {
  /** The domain's time, which development and tests can move. */
  now: () => Date
  log: Logger
  /** One transaction over all businesses. For plain SQL: `fromKysely(tx).query('delete …', […])`. */
  transaction: <T>(work: (tx: Tx) => Promise<T>) => Promise<T>
  /** What a business may use now; undefined while it may use nothing. */
  entitlements: (businessId: string) => Promise<Entitlements<Kinds> | undefined>
}
