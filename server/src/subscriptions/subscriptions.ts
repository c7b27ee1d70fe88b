import type { Selectable } from 'kysely'
import { audit } from '../audit/audit.ts'
import { systemActor, type Context } from '../context.ts'
import type { Queryable, Tx } from '../db/open.ts'
import type { SubscriptionsTable } from '../db/tables.ts'
import { FreeholdError } from '../errors.ts'
import { currentPlanVersion, planVersion, priceNamed, type PlanVersion } from '../plans/plans.ts'
import { invalidateCounters } from '../usage/counters.ts'
import { advance, firstCycle, isDue, project, type Subscription } from './lifecycle.ts'

type Row = Selectable<SubscriptionsTable>

/** The business's subscription as stored: the current one, else the last that ended. */
export async function storedSubscription(
  db: Queryable,
  businessId: string,
  lock: 'lock' | 'read' = 'read',
): Promise<Subscription | undefined> {
  // Byte-ordered ids ascend in time and an ended one is never revived, so the newest is the current one.
  let query = db
    .selectFrom('subscriptions')
    .selectAll()
    .where('businessId', '=', businessId)
    .orderBy('id', 'desc')
    .limit(1)
  if (lock === 'lock') query = query.forNoKeyUpdate()
  const row = await query.executeTakeFirst()
  return row && fromRow(db, row)
}

/** The subscription as it is now, even when no worker has run: nothing is written. */
export async function currentSubscription(
  db: Queryable,
  ctx: Context,
  businessId: string,
): Promise<Subscription | undefined> {
  const stored = await storedSubscription(db, businessId)
  if (!stored) return undefined
  const now = ctx.now()
  let state = stored
  for (const { subscription, step } of advance(stored, now)) {
    state = subscription
    if (step.kind === 'ended' && step.fallbackPlan !== null) {
      const plan = await currentPlanVersion(db, step.fallbackPlan)
      return project(fallen(state, plan), now)
    }
  }
  return state
}

export async function fromRow(db: Queryable, row: Row): Promise<Subscription> {
  const plan = await planVersion(db, row.planVersionId)
  return withPlans(row, plan, row.pendingChange ? await planVersion(db, row.pendingChange.planVersionId) : plan)
}

/** A row with the plan versions it names. */
export function withPlans(row: Row, plan: PlanVersion, pendingPlan: PlanVersion): Subscription {
  const { pendingChange } = row
  return {
    ...row,
    plan,
    status: row.status as Subscription['status'],
    endReason: row.endReason as Subscription['endReason'],
    pendingChange: pendingChange && { ...pendingChange, plan: pendingPlan },
  }
}

/** Starts a business's subscription, with the plan's trial when it has one. The business must have no current one. */
export async function startSubscription(
  tx: Tx,
  ctx: Context,
  {
    businessId,
    plan,
    price,
    start,
    zone = 'UTC',
    trial,
  }: { businessId: string; plan: PlanVersion; price: string; start: Date; zone?: string; trial: boolean },
): Promise<Subscription> {
  const cycle = firstCycle(plan, price, zone, start, trial && plan.trialDays > 0)
  const subscription: Subscription = {
    id: ctx.newId('subscription'),
    businessId,
    plan,
    price,
    zone,
    ...cycle,
    cycleNumber: 1,
    pendingChange: null,
    cancelAtCycleEnd: false,
    pauseAtCycleEnd: false,
    graceEnd: null,
    endReason: null,
    endedAt: null,
    version: 1,
  }
  await tx
    .insertInto('subscriptions')
    .values({ ...columns(subscription), createdAt: ctx.now() })
    .execute()
  await recordCycle(tx, ctx, subscription)
  return subscription
}

/**
 * Locks the business's subscription and brings it up to now: what every write to it does first. Missed boundaries are
 * taken one by one, each with its cycle row and its audit entry.
 */
export async function lockSubscription(tx: Tx, ctx: Context, businessId: string): Promise<Subscription> {
  const stored = await storedSubscription(tx, businessId, 'lock')
  if (!stored) throw new FreeholdError('not_found', 'The business has no subscription')
  return isDue(stored, ctx.now()) ? advanceLocked(tx, ctx, stored) : stored
}

export async function advanceLocked(tx: Tx, ctx: Context, locked: Subscription): Promise<Subscription> {
  const now = ctx.now()
  const { businessId } = locked
  let state = locked
  for (const { subscription, step } of advance(locked, now)) {
    if (subscription.cycleNumber > state.cycleNumber) await recordCycle(tx, ctx, subscription)
    await audit(tx, ctx, systemActor('renewal'), businessId, {
      action: `subscription.${step.kind}`,
      target: { kind: 'subscription', id: subscription.id },
      before: summary(state),
      after: summary(subscription),
    })
    state = subscription
    if (step.kind === 'ended' && step.fallbackPlan !== null) {
      await save(tx, state)
      const plan = await currentPlanVersion(tx, step.fallbackPlan)
      const { name: price } = priceNamed(plan)
      const next = await startSubscription(tx, ctx, {
        businessId,
        plan,
        price,
        start: step.at,
        zone: state.zone,
        trial: false,
      })
      await invalidateCounters(tx, businessId)
      return isDue(next, now) ? advanceLocked(tx, ctx, next) : next
    }
  }
  await save(tx, state)
  await invalidateCounters(tx, businessId)
  return state
}

/** Stores a subscription that this transaction has locked. */
export async function save(tx: Tx, subscription: Subscription): Promise<void> {
  const { businessId, id, ...changed } = columns(subscription)
  await tx.updateTable('subscriptions').set(changed).where('businessId', '=', businessId).where('id', '=', id).execute()
}

/** A further cycle in the history, which is only ever added to. */
export async function recordCycle(tx: Tx, ctx: Context, subscription: Subscription): Promise<void> {
  await tx
    .insertInto('subscriptionCycles')
    .values({
      businessId: subscription.businessId,
      subscriptionId: subscription.id,
      number: subscription.cycleNumber,
      cycleStart: subscription.cycleStart,
      cycleEnd: subscription.cycleEnd,
      planVersionId: subscription.plan.id,
      price: subscription.price,
      createdAt: ctx.now(),
    })
    .execute()
}

export const summary = (subscription: Subscription) => ({
  plan: subscription.plan.planKey,
  planVersion: subscription.plan.version,
  status: subscription.status,
  cycleStart: subscription.cycleStart,
  cycleEnd: subscription.cycleEnd,
})

function columns(subscription: Subscription) {
  const { plan, pendingChange, ...rest } = subscription
  return {
    businessId: rest.businessId,
    id: rest.id,
    planVersionId: plan.id,
    price: rest.price,
    status: rest.status,
    anchor: rest.anchor,
    zone: rest.zone,
    cycleNumber: rest.cycleNumber,
    cycleStart: rest.cycleStart,
    cycleEnd: rest.cycleEnd,
    trialEnd: rest.trialEnd,
    pendingChange:
      pendingChange === null
        ? null
        : JSON.stringify({
            planVersionId: pendingChange.plan.id,
            price: pendingChange.price,
            reason: pendingChange.reason,
          }),
    cancelAtCycleEnd: rest.cancelAtCycleEnd,
    pauseAtCycleEnd: rest.pauseAtCycleEnd,
    graceEnd: rest.graceEnd,
    endReason: rest.endReason,
    endedAt: rest.endedAt,
    version: rest.version,
  }
}

// What the fallback will look like; it gets an id when it is written.
function fallen(ended: Subscription, plan: PlanVersion): Subscription {
  const { name: price } = priceNamed(plan)
  return {
    ...ended,
    plan,
    price,
    ...firstCycle(plan, price, ended.zone, ended.endedAt ?? ended.cycleEnd, false),
    cycleNumber: 1,
    endReason: null,
    endedAt: null,
  }
}
