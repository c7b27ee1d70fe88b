import type { Actor, Context } from '../context.ts'
import type { ErrorCode } from '../errors.ts'
import type { IncludedValue } from '../product.ts'
import type { Subscription, SubscriptionAccess } from '../subscriptions/lifecycle.ts'
import type { GateAnswer, Subject } from './gate.ts'

/** The steps of the gate, in its order. Those that a question does not touch are left out of its explanation. */
export const stepNames = [
  'credential',
  'permission',
  'business',
  'subscription',
  'plan',
  'feature',
  'override',
  'grants',
  'counter',
] as const
export type StepName = (typeof stepNames)[number]

/** What would mend a denial: a sentence, and where. `staff` is what only the people who run the product can do. */
export type Remedy = {
  text: string
  /** A page of the portal. */
  page?: string
  /** A route of the API. */
  call?: string
  staff?: { page: string; call: string }
}

/** `passed` is null where the gate never came to; then it saw nothing. */
export type Step = { name: StepName; passed: boolean | null; saw: Record<string, unknown>; remedy?: Remedy }

/** Why the gate answered what it did: every step with what it saw, and the one that failed with what would mend it. */
export type Explanation = { steps: Step[]; failed: StepName | null }

/** What the gate was asked. */
export type Asked = {
  requestId: string
  at: Date
  /** `/v1/consume`. */
  route: string
  /** Undefined when the subject's credential is no good. */
  subject: Subject | undefined
  permission: string | undefined
  feature: string | undefined
  amount: number
  itemId: string | undefined
}

/** What stands behind an answer and is not in it. Nothing is known of a business whose credential is no good. */
export type Surroundings = {
  credential: SeenCredential
  business?: { status: string; reason: string | null } | undefined
  subscription?: Subscription | undefined
  access?: SubscriptionAccess
  override?: { value: IncludedValue; reason: string; expiresAt: Date | null } | undefined
  grants?: SeenGrant[]
  counter?: { held: number; periodStart: Date; periodEnd: Date; validUntil: Date | null } | undefined
}

export type SeenCredential = {
  kind: Actor['kind'] | 'unknown'
  state: 'valid' | 'revoked' | 'expired' | 'ended' | 'disabled' | 'unknown'
  id?: string
  /** Of an API key. */
  type?: string
  [detail: string]: unknown
}

export type SeenGrant = {
  id: string
  state: 'in effect' | 'not yet' | 'expired'
  amount: number
  left: number
  effectiveAt: Date
  expiresAt: Date | null
  reason: string
}

/** What there is to say about one step. */
export type Found = { ctx: Pick<Context, 'product' | 'permissions' | 'now'>; asked: Asked; answer: GateAnswer } & {
  around: Surroundings
}

/** The step that says no with a code. */
export const stepOf: Partial<Record<ErrorCode, StepName>> = {
  unauthenticated: 'credential',
  permission_denied: 'permission',
  business_not_open: 'business',
  subscription_inactive: 'subscription',
  feature_unavailable: 'feature',
  limit_reached: 'counter',
}

/** Whether a code is a denial of the gate's, and not a mistake in the request. */
export const isDenial = (code: ErrorCode | null): boolean => code !== null && stepOf[code] !== undefined

/** The override that counts now, if there is one. */
export function overrideInEffect({ asked, around }: Pick<Found, 'asked' | 'around'>) {
  const { override } = around
  return override && (override.expiresAt === null || override.expiresAt > asked.at) ? override : undefined
}

/** The roles and key types that hold a permission. */
export function holdersOf({ permissions, product }: Found['ctx'], permission: string) {
  const holding = (named: [string, { has: (permission: string) => boolean }][]) =>
    named.flatMap(([name, held]) => (held.has(permission) ? name : []))
  return {
    roles: holding(Object.entries(permissions.roles)),
    keyTypes: holding(Object.entries(product.keys).map(([type, { permissions }]) => [type, new Set(permissions)])),
  }
}
