import { setTimeout as delay } from 'node:timers/promises'
import type { Context } from '../context.ts'
import type { Queryable } from '../db/open.ts'
import { acrossBusinesses } from '../db/transactions.ts'
import { FreeholdError, invalid, type ErrorCode } from '../errors.ts'
import { lockBusiness } from '../businesses/businesses.ts'
import type { FeatureKind } from '../product.ts'
import { accessOf } from '../subscriptions/lifecycle.ts'
import { currentSubscription, lockSubscription } from '../subscriptions/subscriptions.ts'
import { allocateItem, releaseItem } from '../usage/allocations.ts'
import { readUsage, refreshCounter, type Standing } from '../usage/counters.ts'
import { isAvailable, isCounted } from '../usage/entitlements.ts'
import {
  consume,
  isLockTimeout,
  isRepeat,
  repeatOf,
  type Consumption,
  type Counted,
  type NotCounted,
  type Port,
} from '../usage/meter.ts'
import { reserveUnits } from '../usage/reservations.ts'

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
}

export type Ask = { permission?: string | undefined; feature?: string | undefined; amount?: number; requestId: string }

/** How long a request waits for a counter that somebody else holds before it is told `busy`. */
const patienceMilliseconds = 1000

/** Could it be done now? Never writes. */
export async function check(ctx: Context, subject: Subject, ask: Ask): Promise<GateAnswer> {
  const { feature, amount = 1 } = ask
  if (feature !== undefined) knownFeature(ctx, feature)
  const denied = deniedPermission(ctx, subject, ask)
  if (denied) return denied
  const standing = await standingOf(ctx.db.across, ctx, subject.businessId)
  if ('code' in standing) return denial(standing.code, ask)
  if (feature === undefined) return permitted(ask)

  const usage = (await readUsage(ctx.db.across, ctx, standing, [feature]))[feature]
  if (!usage || !isAvailable(usage)) return denial('feature_unavailable', ask)
  if (!isCounted(usage)) return permitted(ask)
  const fits = usage.ceiling === null || usage.used + usage.held + amount <= usage.ceiling
  return answer(fits ? null : 'limit_reached', { ...usage, limit: usage.ceiling }, ask)
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
    at: backdated(ctx, ask.at),
  }
  const port = ctx.db.gatePool as Port
  return gated(ctx, subject, ask, 'metered', {
    attempt: () => consume(port, ctx, consumption),
    repeat: () => repeatOf(port, consumption),
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
      acrossBusinesses(ctx.db, (tx) =>
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
  const denied = deniedPermission(ctx, subject, ask)
  if (denied) return denied
  const counted = await acrossBusinesses(ctx.db, (tx) =>
    releaseItem(tx, ctx, { ...subject, feature: ask.feature, itemId: ask.itemId, requestId: ask.requestId }),
  )
  return answer(null, { ...counted, resetsAt: null }, ask)
}

/** Holds units for a while; confirming turns them into used ones. */
export async function reserve(
  ctx: Context,
  subject: Subject,
  ask: Ask & { feature: string; amount: number; ttlSeconds: number },
): Promise<GateAnswer & { id: string | null }> {
  let id: string | null = null
  const gateAnswer = await gated(ctx, subject, ask, 'metered', {
    attempt: () =>
      acrossBusinesses(ctx.db, async (tx) => {
        const reserved = await reserveUnits(tx, ctx, {
          ...subject,
          feature: ask.feature,
          amount: ask.amount,
          ttlSeconds: ask.ttlSeconds,
        })
        if (reserved.outcome === 'counted') id = reserved.id
        return reserved
      }),
  })
  return { ...gateAnswer, id: gateAnswer.allowed ? id : null }
}

type Counting = {
  attempt: () => Promise<Counted | NotCounted>
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
  const denied = deniedPermission(ctx, subject, ask)
  if (denied) return denied

  const started = performance.now()
  for (let opened = 0; ;) {
    let result: Counted | NotCounted | undefined
    try {
      result = await attempt()
    } catch (error) {
      if (isRepeat(error)) result = await repeat?.()
      else if (!isLockTimeout(error)) throw error
      if (result === undefined) {
        if (performance.now() - started > patienceMilliseconds) {
          throw new FreeholdError('busy', 'Another transaction holds the counter', { retryAfterSeconds: 1 })
        }
        await delay(5 + 20 * Math.min(1, (performance.now() - started) / 200))
        continue
      }
    }
    if (result.outcome === 'counted') {
      return answer(
        null,
        { ...result, resetsAt: kind === 'metered' ? result.periodEnd : null },
        { ...ask, requestId: result.requestId ?? ask.requestId },
      )
    }
    if (result.outcome === 'revoked') throw new FreeholdError('unauthenticated', 'The key is revoked')
    const before = await repeat?.()
    if (before)
      return answer(
        null,
        { ...before, resetsAt: before.periodEnd },
        { ...ask, requestId: before.requestId ?? ask.requestId },
      )
    if (result.outcome === 'full') {
      return answer('limit_reached', { ...result, resetsAt: kind === 'metered' ? result.periodEnd : null }, ask)
    }
    if (opened++ >= 3) throw new FreeholdError('busy', 'The subscription is changing', { retryAfterSeconds: 1 })
    const refusal = await openCounter(ctx, subject.businessId, ask.feature)
    if (refusal) return denial(refusal, ask)
  }
}

/** Brings the business up to now and its counter with it, or says why nothing can be counted. */
async function openCounter(ctx: Context, businessId: string, feature: string): Promise<ErrorCode | undefined> {
  return acrossBusinesses(ctx.db, async (tx) => {
    const business = await lockBusiness(tx, businessId)
    if (business.status !== 'active') return 'business_not_open'
    const subscription = await lockSubscription(tx, ctx, businessId)
    const access = accessOf(subscription, true, ctx.now())
    if (access !== 'full') return 'subscription_inactive'
    const standing: Standing = { businessId, subscription, access }
    const usage = (await readUsage(tx, ctx, standing, [feature]))[feature]
    if (!usage || !isAvailable(usage)) return 'feature_unavailable'
    await refreshCounter(tx, ctx, standing, feature)
    return undefined
  })
}

/** Where a business stands now, or the reason why it may do nothing. Reads only. */
export async function standingOf(
  db: Queryable,
  ctx: Context,
  businessId: string,
): Promise<Standing | { code: ErrorCode }> {
  const business = await db.selectFrom('businesses').select('status').where('id', '=', businessId).executeTakeFirst()
  if (!business) throw new FreeholdError('not_found')
  if (business.status !== 'active') return { code: 'business_not_open' }
  const subscription = await currentSubscription(db, ctx, businessId)
  const access = accessOf(subscription, true, ctx.now())
  if (!subscription || access !== 'full') return { code: 'subscription_inactive' }
  return { businessId, subscription, access }
}

function deniedPermission(ctx: Context, { permissions }: Subject, ask: Ask): GateAnswer | undefined {
  const { permission } = ask
  if (permission === undefined) return undefined
  if (!(permission in ctx.permissions.kinds)) throw invalid('body/permission', `there is no permission ${permission}`)
  return permissions === undefined || permissions.has(permission) ? undefined : denial('permission_denied', ask)
}

function knownFeature(ctx: Context, name: string, kind?: FeatureKind): void {
  const feature = ctx.product.features[name]
  if (!feature) throw invalid('body/feature', `there is no feature ${name}`)
  if (kind !== undefined && feature.kind !== kind) {
    throw invalid('body/feature', `${name} is ${feature.kind}, this is for ${kind} features`)
  }
  if (kind === 'allocated' && name === 'members') {
    throw invalid('body/feature', 'members are counted from invitations and members themselves')
  }
}

const dayMilliseconds = 86_400_000

function backdated(ctx: Context, at: Date | undefined): Date | undefined {
  if (at === undefined) return undefined
  const age = ctx.now().getTime() - at.getTime()
  if (age > dayMilliseconds) throw new FreeholdError('usage_too_old', 'Usage can be reported for 24 hours')
  if (age < -300_000) throw new FreeholdError('usage_in_future', 'Usage can be reported up to 5 minutes ahead')
  return at
}

function answer(
  code: ErrorCode | null,
  { limit, used, held, resetsAt }: { limit: number | null; used: number; held: number; resetsAt: Date | null },
  { requestId }: Ask,
): GateAnswer {
  const remaining = limit === null ? null : Math.max(0, limit - used - held)
  return { allowed: code === null, code, limit, used, remaining, resetsAt, requestId }
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
