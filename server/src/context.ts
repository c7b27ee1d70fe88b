import type { Logger } from 'pino'
import type { Changes } from './changes.ts'
import type { Database, Tx } from './db/open.ts'
import type { IdKind } from './ids.ts'
import type { PermissionTable } from './permissions.ts'
import type { Product } from './product.ts'
import type { Secrets } from './secrets.ts'
import type { SocialSignIn } from './social-providers.ts'

/** What every feature function is given beside its transaction. Time and ids come from here alone. */
export type Context = {
  product: Product
  permissions: PermissionTable
  db: Database
  now: () => Date
  /** Reads the clock's offset again, after it has been moved. */
  refreshClock: () => Promise<void>
  newId: (kind: IdKind) => string
  log: Logger
  secrets: Secrets
  /** Sends a job inside the transaction that needs it: it exists when, and only when, that commits. */
  enqueue: (tx: Tx, queue: 'mails' | 'tasks', data: Record<string, unknown>) => Promise<void>
  /** What was changed elsewhere, for whoever remembers something. */
  changes: Changes
  settings: Settings
}

export type Settings = {
  production: boolean
  /** Where links in mails lead, without a slash at the end. */
  publicUrl: string
  rateLimits: boolean
  socialSignIn: SocialSignIn
}

/** Who does something. Everything that changes data records it. */
export type Actor =
  | { kind: 'user'; id: string; name: string; email: string; sessionId: string; emailVerified: boolean; staff: boolean }
  | { kind: 'staff'; id: string; name: string; email: string; supportSession: SupportSessionActor }
  | { kind: 'key'; id: string; name: string; type: string; businessId: string }
  | { kind: 'app'; id: string; name: string; scope: 'meter' | 'admin' }
  | { kind: 'system'; id: string; name: string }

export type SupportSessionActor = { id: string; businessId: string; businessName: string; access: 'read' | 'write' }

/** Freehold itself: renewals, expiries, the command line. */
export const systemActor = (name: string): Actor => ({ kind: 'system', id: name, name })

/** Something there is one of for each context, made when first asked for: caches, queues, the login library. */
export function perContext<Made>(create: (ctx: Context) => Made): (ctx: Context) => Made {
  const made = new WeakMap<Context, Made>()
  return (ctx) => {
    const known = made.get(ctx)
    if (known !== undefined) return known
    const fresh = create(ctx)
    made.set(ctx, fresh)
    return fresh
  }
}
