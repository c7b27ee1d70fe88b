import type { Selectable } from 'kysely'
import { audit } from '../audit/audit.ts'
import { systemActor, type Context } from '../context.ts'
import type { Queryable, Tx } from '../db/open.ts'
import type { SubscriptionsTable } from '../db/tables.ts'
import { FreeholdError } from '../errors.ts'
import { emit, emitAll, type NewEvent } from '../events/emit.ts'
import { voidInvoice } from '../invoices/closing.ts'
import type { InvoiceLine } from '../invoices/invoices.ts'
import { currentPlanVersion, planVersion, priceNamed, type PlanVersion } from '../plans/plans.ts'
import { invalidateCounters } from '../usage/counters.ts'
import { fitItems } from '../usage/frozen-items.ts'
import { eventOf, eventOfStep, lapsedChange } from './announcing.ts'
import { billCycles } from './billing.ts'
import { overagesOf, oweOverages } from './overages.ts'
import { rollOver } from './rollover.ts'
import { advance, firstCycle, isDue, priceOf, project, type Subscription, type Terms } from './lifecycle.ts'

type Row = Selectable<SubscriptionsTable>

/** The business's subscription as stored: the current one, else the last that ended. */
export async function storedSubscription(
  db: Queryable,
  businessId: string,
  lock: 'lock' | 'read' = 'read',
): Promise<Subscription | undefined> {
  // At most one has not ended, and that is the current one; else the one that ended last. Ids do not tell: they ascend
  // with the clock of the process that made them, and another's may be behind.
  let query = db
    .selectFrom('subscriptions')
    .selectAll()
    .where('businessId', '=', businessId)
    .orderBy('endedAt', (order) => order.desc().nullsFirst())
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
  const { planVersionId, pendingChange, awaiting } = row
  const plan = await planVersion(db, planVersionId)
  return withPlans(row, {
    plan,
    pending: pendingChange ? await planVersion(db, pendingChange.planVersionId) : plan,
    awaited: awaiting ? await planVersion(db, awaiting.planVersionId) : plan,
  })
}

type Plans = { plan: PlanVersion; pending: PlanVersion; awaited: PlanVersion }

/** A row with the plan versions it names. */
export function withPlans(row: Row, { plan, pending, awaited }: Plans): Subscription {
  // One by one: a sweep makes hundreds of thousands, and copying what is left of a row takes far longer.
  return {
    id: row.id,
    businessId: row.businessId,
    plan,
    price: row.price,
    status: row.status as Subscription['status'],
    anchor: row.anchor,
    zone: row.zone,
    cycleNumber: row.cycleNumber,
    cycleStart: row.cycleStart,
    cycleEnd: row.cycleEnd,
    trialEnd: row.trialEnd,
    pendingChange: row.pendingChange && { ...without(row.pendingChange), plan: pending },
    cancelAtCycleEnd: row.cancelAtCycleEnd,
    pauseAtCycleEnd: row.pauseAtCycleEnd,
    billed: row.billed,
    awaiting: row.awaiting && { ...without(row.awaiting), plan: awaited },
    graceEnd: row.graceEnd,
    endReason: row.endReason as Subscription['endReason'],
    endedAt: row.endedAt,
    version: row.version,
  }
}

function without<Named extends { planVersionId: string }>({ planVersionId: _, ...rest }: Named) {
  return rest
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
  const subscription = begin(ctx, businessId, { plan, price }, { start, zone, trial })
  await insert(tx, ctx, subscription)
  await billCycles(tx, ctx, [subscription])
  await emit(tx, ctx, eventOf('created', subscription, subscription))
  return subscription
}

/** A subscription in its first cycle, not written yet. */
export function begin(
  ctx: Context,
  businessId: string,
  { plan, price }: Terms,
  { start, zone, trial }: { start: Date; zone: string; trial: boolean },
): Subscription {
  const cycle = firstCycle(plan, price, zone, start, trial && plan.trialDays > 0)
  return {
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
    billed: cycle.status === 'trialing' ? 0 : priceOf({ plan, price }).amount,
    awaiting: null,
    graceEnd: null,
    endReason: null,
    endedAt: null,
    version: 1,
  }
}

export async function insert(tx: Tx, ctx: Context, subscription: Subscription): Promise<void> {
  await tx
    .insertInto('subscriptions')
    .values({ ...columns(subscription), createdAt: ctx.now() })
    .execute()
  if (subscription.cycleNumber > 0) await recordCycle(tx, ctx, subscription)
}

/**
 * Locks the business's subscription and brings it up to now: what every write to it does first. Missed boundaries are
 * taken one by one, each with its cycle row, its audit entry, its invoice and its event.
 */
export async function lockSubscription(tx: Tx, ctx: Context, businessId: string): Promise<Subscription> {
  const stored = await storedSubscription(tx, businessId, 'lock')
  if (!stored) throw new FreeholdError('not_found', 'The business has no subscription')
  return isDue(stored, ctx.now()) ? advanceLocked(tx, ctx, stored) : stored
}

export async function advanceLocked(tx: Tx, ctx: Context, locked: Subscription): Promise<Subscription> {
  const now = ctx.now()
  const { businessId } = locked
  const events: NewEvent[] = []
  const cycles: Subscription[] = []
  const overages = new Map<Subscription, InvoiceLine[]>()
  let last: { closed: Subscription; lines: InvoiceLine[] } | undefined
  let state = locked
  let fallback: { plan: string; start: Date } | undefined
  let changedAt: Date | undefined
  // What was counted stays, also where a process whose clock is behind would count still.
  await invalidateCounters(tx, businessId)
  for (const { subscription, step } of advance(locked, now)) {
    const lines = await overagesOf(tx, state)
    if (subscription.cycleNumber === state.cycleNumber) last = { closed: state, lines }
    else if (lines.length > 0) overages.set(subscription, lines)
    if (subscription.cycleNumber > state.cycleNumber) {
      await recordCycle(tx, ctx, subscription)
      await rollOver(tx, ctx, [{ before: state, after: subscription }])
      cycles.push(subscription)
    }
    await audit(tx, ctx, systemActor('renewal'), businessId, {
      action: `subscription.${step.kind}`,
      target: { kind: 'subscription', id: subscription.id },
      before: summary(state),
      after: summary(subscription),
    })
    events.push(...lapsedChange(state, subscription), eventOfStep(state, subscription, step))
    state = subscription
    if (step.kind === 'plan_changed') changedAt = step.at
    if (step.kind === 'ended' && step.fallbackPlan !== null) fallback = { plan: step.fallbackPlan, start: step.at }
  }
  const next = fallback && (await fallenBack(tx, ctx, state, fallback))
  // What was asked for while it lasted may be paid for still.
  await save(tx, next ? { ...state, awaiting: null } : state)
  if (next) {
    await insert(tx, ctx, next)
    changedAt = next.cycleStart
    cycles.push(next)
    events.push(eventOf('created', state, next))
  }
  if (changedAt) {
    const { plan } = next ?? state
    events.push(...(await fitItems(tx, ctx, systemActor('renewal'), [{ businessId, plan, at: changedAt }])))
  }
  await billCycles(tx, ctx, cycles, overages)
  if (last) await oweOverages(tx, ctx, last.closed, last.lines)
  await voidWhatLapsed(tx, ctx, locked, next ?? state)
  await emitAll(tx, ctx, events)
  return next && isDue(next, now) ? advanceLocked(tx, ctx, next) : (next ?? state)
}

async function fallenBack(
  tx: Tx,
  ctx: Context,
  ended: Subscription,
  { plan: planKey, start }: { plan: string; start: Date },
) {
  const plan = await currentPlanVersion(tx, planKey)
  const { name: price } = priceNamed(plan)
  const next = begin(ctx, ended.businessId, { plan, price }, { start, zone: ended.zone, trial: false })
  return { ...next, awaiting: ended.awaiting }
}

async function voidWhatLapsed(tx: Tx, ctx: Context, before: Subscription, after: Subscription): Promise<void> {
  if (!before.awaiting || after.awaiting) return
  const { businessId, awaiting } = before
  const reason = 'The cycle it was for is over'
  await voidInvoice(tx, ctx, systemActor('renewal'), { businessId, invoiceId: awaiting.invoiceId, reason })
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
  price: subscription.price,
  status: subscription.status,
  cycleStart: subscription.cycleStart,
  cycleEnd: subscription.cycleEnd,
})

function columns(subscription: Subscription) {
  const { plan, pendingChange, awaiting, ...rest } = subscription
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
    pendingChange: pendingChange && storedTerms(pendingChange),
    awaiting: awaiting && storedTerms(awaiting),
    billed: rest.billed,
    cancelAtCycleEnd: rest.cancelAtCycleEnd,
    pauseAtCycleEnd: rest.pauseAtCycleEnd,
    graceEnd: rest.graceEnd,
    endReason: rest.endReason,
    endedAt: rest.endedAt,
    version: rest.version,
  }
}

/** What is to come, as its column has it. */
export const storedTerms = <Wanted extends Terms>({ plan, ...rest }: Wanted): string =>
  JSON.stringify({ ...rest, planVersionId: plan.id })

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
