import type { Actor, Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { acrossBusinesses, isLockTimeout, waitAtMost } from '../db/transactions.ts'
import { FreeholdError, invalid, type ErrorCode } from '../errors.ts'
import type { FeatureKind } from '../product-names.ts'
import { noSuch } from '../suggest.ts'
import { allocateItem, releaseItem } from '../usage/allocations.ts'
import { readUsage } from '../usage/counters.ts'
import { isAvailable, isCounted } from '../usage/entitlements.ts'
import type { Subscription } from '../subscriptions/lifecycle.ts'
import { freezes } from '../usage/frozen-items.ts'
import { groupCommit } from '../usage/group-commit.ts'
import { giveBackLapsed, lapsedUnits } from '../usage/lapsed-reservations.ts'
import { findItem } from '../usage/items.ts'
import type { Consumption, Counted, NotCounted } from '../usage/meter.ts'
import { openCounter as lookAtCounter, type OpenCounter } from '../usage/open-counters.ts'
import { findRepeat } from '../usage/repeats.ts'
import {
  confirmReservation,
  isReservedTwice,
  reservedFeature,
  reserveUnits,
  type Settling,
} from '../usage/reservations.ts'
import { openCounter } from './opening.ts'
import { standingFor } from './standings.ts'

/**
 * The gate: credential → actor → permission → subscription → limit. One guarded statement decides and counts; every
 * other reason to deny is checked before anything is consumed.
 */

/** For whom the gate is asked, once the credential has been understood. */
export type Subject = {
  businessId: string
  /** What the caller may do there; undefined for the product's own backend, which decides that itself. */
  permissions: ReadonlySet<string> | undefined
  credentialId: string
  /** Whose credential it is. */
  actor: Actor
  /** A person's, in that business. */
  role?: string | undefined
}

export type GateAnswer = {
  allowed: boolean
  /** null when allowed, otherwise why not. */
  code: ErrorCode | null
  limit: number | null
  used: number | null
  remaining: number | null
  resetsAt: Date | null
  requestId: string
  /** Reserved, of what is counted: for explanations, and not in the answer's body. */
  held?: number
  /** Of an item that is held and frozen: since when. */
  frozenAt?: Date
  /** Of what is released: the frozen items that may be used now. */
  thawed?: string[]
}

export type Ask = {
  permission?: string | undefined
  feature?: string | undefined
  amount?: number | undefined
  itemId?: string | undefined
  requestId: string
}

/** How long a request waits for a counter that somebody else holds before it is told `busy`. */
const patienceMilliseconds = 1000

/** Could it be done now? Never writes. */
export async function check(ctx: Context, subject: Subject, ask: Ask): Promise<GateAnswer> {
  const { feature, amount = 1, itemId } = ask
  if (feature !== undefined) knownFeature(ctx, feature, itemId === undefined ? undefined : 'allocated')
  if (itemId !== undefined && amount !== 1) throw invalid('body/amount', 'is 1 of an item')
  const denied = deniedPermission(ctx, subject, ask)
  if (denied) return denied
  const standing = await standingFor(ctx, subject.businessId, readsOnly(ctx, ask) ? 'read' : 'write')
  if ('code' in standing) return denial(standing.code, ask)
  if (feature === undefined) return permitted(ask)

  const { businessId } = subject
  const counter = feature === 'members' ? undefined : await lookAtCounter(ctx)({ businessId, feature })
  if (counter) {
    const { ceiling, softLimit, used, periodEnd } = counter
    const held = await stillHeld(ctx, { businessId, feature }, amount, counter)
    const fits = ceiling === null || used + held + amount <= ceiling
    const resetsAt = ctx.product.features[feature]?.kind === 'metered' ? periodEnd : null
    const seen = answer(fits ? null : 'limit_reached', { limit: softLimit ?? ceiling, used, held, resetsAt }, ask)
    return itemId === undefined ? seen : ofItem(ctx, standing.subscription, { feature, itemId, ceiling }, seen)
  }
  const usage = (await readUsage(ctx.db.across, ctx, standing, [feature]))[feature]
  if (!usage || !isAvailable(usage)) return denial('feature_unavailable', ask)
  if (!isCounted(usage)) return permitted(ask)
  const fits = usage.ceiling === null || usage.used + usage.held + amount <= usage.ceiling
  const seen = answer(fits ? null : 'limit_reached', { ...usage, limit: usage.softLimit ?? usage.ceiling }, ask)
  if (itemId === undefined) return seen
  return ofItem(ctx, standing.subscription, { feature, itemId, ceiling: usage.ceiling }, seen)
}

/** Whether it is asked for a permission to read, and for nothing that is counted. */
function readsOnly(ctx: Context, { permission, feature }: Ask): boolean {
  const kind = feature === undefined ? undefined : ctx.product.features[feature]?.kind
  const isCountedKind = kind === 'metered' || kind === 'allocated'
  return permission !== undefined && ctx.permissions.kinds[permission] === 'read' && !isCountedKind
}

/** One that is held may be used, unless it is frozen; of any other it is asked whether it would fit. */
async function ofItem(
  ctx: Context,
  subscription: Subscription,
  wanted: { feature: string; itemId: string; ceiling: number | null },
  seen: GateAnswer,
): Promise<GateAnswer> {
  const item = await findItem(ctx.db.across, ctx, subscription, wanted)
  if (!item) return seen
  const { frozenAt } = item
  return frozenAt
    ? { ...seen, allowed: false, code: 'limit_reached', frozenAt }
    : { ...seen, allowed: true, code: null }
}

/** What is held, without what has run out where that would refuse somebody. */
async function stillHeld(
  ctx: Context,
  holding: { businessId: string; feature: string },
  amount: number,
  { ceiling, used, held, periodStart }: OpenCounter,
): Promise<number> {
  if (held === 0 || ceiling === null || used + held + amount <= ceiling) return held
  const lapsed = await lapsedUnits(ctx.db.across, ctx.now(), holding)
  const units = lapsed.find((each) => each.periodStart.getTime() === periodStart.getTime())?.units ?? 0
  return Math.max(0, held - units)
}

/** May it be done now? Counted when allowed. Metered features. */
export function consumeUnits(
  ctx: Context,
  subject: Subject,
  ask: Ask & { feature: string; amount: number; idempotencyKey?: string | undefined; at?: Date | undefined },
): Promise<GateAnswer> {
  const consumption: Consumption = {
    businessId: subject.businessId,
    feature: ask.feature,
    amount: ask.amount,
    credentialId: subject.credentialId,
    requestId: ask.requestId,
    idempotencyKey: ask.idempotencyKey,
    at: ask.at,
  }
  return gated(ctx, subject, ask, 'metered', {
    attempt: () => tooLate(ctx, ask.at) ?? groupCommit(ctx)(consumption),
    repeat: () => findRepeat(ctx)(consumption),
  })
}

/** Takes an item of an allocated feature, once however often it is asked. */
export function allocate(
  ctx: Context,
  subject: Subject,
  ask: Ask & { feature: string; itemId: string },
): Promise<GateAnswer> {
  return gated(ctx, subject, ask, 'allocated', {
    attempt: () =>
      boundedly(ctx, (tx) =>
        allocateItem(tx, ctx, { ...subject, feature: ask.feature, itemId: ask.itemId, requestId: ask.requestId }),
      ),
  })
}

/** Gives an item back. Always possible, whatever the subscription's state. */
export async function release(
  ctx: Context,
  subject: Subject,
  ask: Ask & { feature: string; itemId: string },
): Promise<GateAnswer> {
  knownFeature(ctx, ask.feature, 'allocated')
  const denied = deniedPermission(ctx, subject, ask) ?? deniedChange(subject, ask)
  if (denied) return denied
  const released = await boundedly(ctx, (tx) =>
    releaseItem(tx, ctx, { ...subject, feature: ask.feature, itemId: ask.itemId, requestId: ask.requestId }),
  )
  const { thawed, ...left } = released
  return { ...answer(null, { ...left, resetsAt: null }, ask), ...(freezes(ctx, ask.feature) ? { thawed } : {}) }
}

/** Holds units for a while; confirming turns them into used ones. */
export async function reserve(
  ctx: Context,
  subject: Subject,
  ask: Ask & { feature: string; amount: number; ttlSeconds: number; idempotencyKey?: string | undefined },
): Promise<GateAnswer & { id: string | null }> {
  let id: string | null = null
  const attempt = () =>
    boundedly(ctx, async (tx) => {
      const { feature, amount, ttlSeconds, idempotencyKey, requestId } = ask
      const reserving = { ...subject, feature, amount, ttlSeconds, idempotencyKey, requestId }
      const reserved = await reserveUnits(tx, ctx, reserving)
      if (reserved.outcome === 'counted') id = reserved.id
      return reserved
    })
  const gateAnswer = await gated(ctx, subject, ask, 'metered', {
    attempt: () =>
      attempt().catch((error: unknown) => {
        if (isReservedTwice(error)) return attempt()
        throw error
      }),
  })
  return { ...gateAnswer, id: gateAnswer.allowed ? id : null }
}

/** Turns held units into used ones. What is wanted beyond them is consumed, like any other units. */
export async function confirm(
  ctx: Context,
  subject: Subject,
  settling: Settling,
  ask: { requestId: string; amount?: number | undefined },
): Promise<GateAnswer> {
  const feature = await reservedFeature(ctx.db.across, settling)
  const { requestId, amount } = ask
  const asked = { amount, requestId, credentialId: subject.credentialId }
  const attempt = () => boundedly(ctx, (tx) => confirmReservation(tx, ctx, settling, asked))
  return gated(ctx, subject, { ...ask, feature }, 'metered', { attempt })
}

type Counting = {
  attempt: () => Promise<Counted | NotCounted> | NotCounted
  /** The first answer to the same idempotency key, where the operation has one. */
  repeat?: () => Promise<Counted | undefined>
}

async function gated(
  ctx: Context,
  subject: Subject,
  ask: Ask & { feature: string },
  kind: FeatureKind,
  { attempt, repeat }: Counting,
): Promise<GateAnswer> {
  knownFeature(ctx, ask.feature, kind)
  const denied = deniedPermission(ctx, subject, ask) ?? deniedChange(subject, ask)
  if (denied) return denied

  for (let opened = 0; ; opened += 1) {
    const result = await attempt()
    const resetsAt = 'periodEnd' in result && kind === 'metered' ? result.periodEnd : null
    if (result.outcome === 'counted') return counted(result, resetsAt, ask)
    if (result.outcome === 'revoked') throw new FreeholdError('unauthenticated', 'The key is revoked')
    const before = await repeat?.()
    if (before) return counted(before, before.periodEnd, ask)
    if (result.outcome === 'too_old') throw tooOld(result.since)
    if (result.outcome === 'full') {
      if (opened === 0 && result.held > 0) {
        // Asked again also where somebody else has given it back meanwhile.
        await giveBackLapsed(ctx, { businessId: subject.businessId, feature: ask.feature })
        continue
      }
      const { frozenAt } = result
      return { ...answer('limit_reached', { ...result, resetsAt }, ask), ...(frozenAt ? { frozenAt } : {}) }
    }
    // Closed again and again means that somebody keeps changing the business; that is no reason to wait for ever.
    if (opened >= 3) throw new FreeholdError('busy', 'The subscription is changing', { retryAfterSeconds: 1 })
    const refusal = await openCounter(ctx, subject.businessId, ask.feature)
    if (refusal) return denial(refusal, ask)
  }
}

/** A transaction that waits for a counter somebody else holds no longer than the patience of a request. */
async function boundedly<Result>(ctx: Context, work: (tx: Tx) => Promise<Result>): Promise<Result> {
  try {
    return await acrossBusinesses(ctx.db, async (tx) => {
      await waitAtMost(tx, patienceMilliseconds)
      return work(tx)
    })
  } catch (error) {
    if (!isLockTimeout(error)) throw error
    throw new FreeholdError('busy', 'Another transaction holds the counter', { retryAfterSeconds: 1, cause: error })
  }
}

function deniedPermission(ctx: Context, { permissions }: Subject, ask: Ask): GateAnswer | undefined {
  const { permission } = ask
  if (permission === undefined) return undefined
  if (!Object.hasOwn(ctx.permissions.kinds, permission))
    throw invalid('body/permission', noSuch('permission', permission, ctx.permissions.kinds))
  return permissions === undefined || permissions.has(permission) ? undefined : denial('permission_denied', ask)
}

/** Who only looks into an account counts nothing in it, whatever they name. */
export const onlyLooks = ({ actor }: Pick<Subject, 'actor'>): boolean =>
  actor.kind === 'staff' && actor.supportSession.access === 'read'

const deniedChange = (subject: Subject, ask: Ask): GateAnswer | undefined =>
  onlyLooks(subject) ? denial('permission_denied', ask) : undefined

export function knownFeature(ctx: Context, name: string, kind?: FeatureKind): void {
  const feature = Object.hasOwn(ctx.product.features, name) ? ctx.product.features[name] : undefined
  if (!feature) throw invalid('body/feature', noSuch('feature', name, ctx.product.features))
  if (kind !== undefined && feature.kind !== kind) {
    throw invalid('body/feature', `${name} is ${feature.kind}, this is for ${kind} features`)
  }
  if (kind === 'allocated' && name === 'members') {
    throw invalid('body/feature', 'members are counted from invitations and members themselves')
  }
}

const dayMilliseconds = 86_400_000

/** Whether usage is reported too late to be counted; only its repeat is still answered. */
export function tooLate(ctx: Context, at: Date | undefined): NotCounted | undefined {
  if (at === undefined) return undefined
  const since = new Date(ctx.now().getTime() - dayMilliseconds)
  if (at.getTime() > ctx.now().getTime() + 300_000) {
    throw new FreeholdError('usage_in_future', 'Usage can be reported up to 5 minutes ahead')
  }
  return at < since ? { outcome: 'too_old', since } : undefined
}

/** What happened in a period that is over is not counted in the one that is open. */
export const tooOld = (since: Date) =>
  new FreeholdError(
    'usage_too_old',
    `Only what happened since ${since.toISOString()} is counted: 24 hours, in the open period`,
  )

const counted = (result: Counted, resetsAt: Date | null, ask: Ask): GateAnswer =>
  answer(null, { ...result, resetsAt }, { ...ask, requestId: result.requestId ?? ask.requestId })

function answer(
  code: ErrorCode | null,
  { limit, used, held, resetsAt }: { limit: number | null; used: number; held: number; resetsAt: Date | null },
  { requestId }: Ask,
): GateAnswer {
  const remaining = limit === null ? null : Math.max(0, limit - used - held)
  return { allowed: code === null, code, limit, used, remaining, resetsAt, requestId, held }
}

const denial = (code: ErrorCode, ask: Ask): GateAnswer => uncounted(code, ask)
const permitted = (ask: Ask): GateAnswer => uncounted(null, ask)

const uncounted = (code: ErrorCode | null, { requestId }: Ask): GateAnswer => ({
  allowed: code === null,
  code,
  limit: null,
  used: null,
  remaining: null,
  resetsAt: null,
  requestId,
})
