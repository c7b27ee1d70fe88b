import { audit } from '../audit/audit.ts'
import { lockBusiness } from '../businesses/businesses.ts'
import type { Actor, Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { invalid } from '../errors.ts'
import { accessOf } from '../subscriptions/lifecycle.ts'
import { lockSubscription } from '../subscriptions/subscriptions.ts'
import { noSuch } from '../suggest.ts'
import { noticeLimits } from './alerts.ts'
import { burnOrder, planPriority } from './attribution.ts'
import { featureNamed, periodOf, refreshCounter, type Counter } from './counters.ts'

export type Correction = {
  feature: string
  /** Above zero adds to what was counted, below takes from it. */
  amount: number
  reason: string
  /** When it should have been counted, or not: in the current period or the one before. Now, when left out. */
  at?: Date | undefined
}

/**
 * Sets a count right. Nothing is rewritten: the correction is an entry of its own, and moves the counter with it. What it
 * takes from the count returns to where it came from, what came last first. The truth may be above the limit.
 */
export async function correctUsage(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  businessId: string,
  { feature, amount, reason, at: asked }: Correction,
): Promise<Counter> {
  checkMetered(ctx, feature)
  const now = ctx.now()
  const at = asked ?? now
  if (at > now) throw invalid('body/at', 'must not be in the future')
  const business = await lockBusiness(tx, businessId)
  const subscription = await lockSubscription(tx, ctx, businessId)
  const standing = { businessId, subscription, access: accessOf(subscription, business.status === 'active', now) }
  // Locks the feature's counters and grants, and attributes what was counted so far.
  await refreshCounter(tx, ctx, standing, feature)
  const currentStart = periodOf(featureNamed(ctx, feature), subscription, now).start
  const counter = await counterAt(tx, businessId, feature, at, currentStart)

  const used = counter.used + amount
  if (used < 0) throw invalid('body/amount', `takes away more than was counted: ${counter.used} are left`)
  if (used < counter.attributed) await returnDraws(tx, counter, counter.attributed - used)
  await setCounter(tx, counter, { used, late: counter.overages !== null })
  // What returned to a grant may be used again now, whichever period it had been drawn in.
  const current = await refreshCounter(tx, ctx, standing, feature)
  const after = isSame(current, counter) ? current : { ...counter, used }

  await tx
    .insertInto('usageEntries')
    .values({
      businessId,
      id: ctx.newId('usageEntry'),
      feature,
      periodStart: counter.periodStart,
      kind: 'correction',
      amount,
      usedAfter: used,
      heldAfter: after.held,
      ceiling: after.softLimit ?? after.ceiling,
      reason,
      at,
    })
    .execute()
  // A period that is over comes near nothing any more.
  if (amount > 0 && isSame(current, counter)) await noticeLimits(tx, ctx, { ...after, counted: amount })
  const { periodStart } = counter
  await audit(tx, ctx, actor, businessId, {
    action: 'usage.corrected',
    target: { kind: 'counter', id: feature },
    before: { periodStart, used: counter.used },
    after: { periodStart, used, amount, reason },
  })
  return after
}

async function counterAt(tx: Tx, businessId: string, feature: string, at: Date, currentStart: Date): Promise<Counter> {
  const counters = await tx
    .selectFrom('usageCounters')
    .selectAll()
    .where('businessId', '=', businessId)
    .where('feature', '=', feature)
    .where('periodStart', '<=', currentStart)
    .orderBy('periodStart', 'desc')
    .limit(2)
    .execute()
  // A period that was cut short still says when it would have ended: the later one counts.
  const open = counters.filter(({ periodEnd }) => periodEnd >= currentStart)
  const found = open.find(({ periodStart, periodEnd }) => periodStart <= at && at < periodEnd)
  if (found) return found
  const periods = open.map(({ periodStart, periodEnd }) => `${periodStart.toISOString()} to ${periodEnd.toISOString()}`)
  throw invalid('body/at', `must be in the current period or the one before: ${periods.join(', or ')}`)
}

/** Undoes draws of a period, the last in burn order first. What grants do not take is the plan's again. */
async function returnDraws(tx: Tx, counter: Counter, units: number): Promise<void> {
  const { businessId, periodStart, attributed } = counter
  const draws = await tx
    .selectFrom('grantDraws as d')
    .innerJoin('grants as g', (join) => join.onRef('g.businessId', '=', 'd.businessId').onRef('g.id', '=', 'd.grantId'))
    .select(['g.id', 'g.priority', 'g.effectiveAt', 'g.expiresAt', 'd.amount'])
    .where('d.businessId', '=', businessId)
    .where('d.feature', '=', counter.feature)
    .where('d.periodStart', '=', periodStart)
    .execute()
  const plans = attributed - draws.reduce((sum, { amount }) => sum + amount, 0)
  const plan = { id: '', priority: planPriority, effectiveAt: periodStart, expiresAt: counter.periodEnd, amount: plans }
  let left = units
  for (const { id, amount } of [...draws, plan].toSorted(burnOrder).toReversed()) {
    const returned = Math.min(left, amount)
    left -= returned
    if (id === plan.id || returned === 0) continue
    await tx
      .updateTable('grantDraws')
      .set((set) => ({ amount: set('amount', '-', returned) }))
      .where('businessId', '=', businessId)
      .where('grantId', '=', id)
      .where('periodStart', '=', periodStart)
      .execute()
    await tx
      .updateTable('grants')
      .set((set) => ({ drawn: set('drawn', '-', returned) }))
      .where('businessId', '=', businessId)
      .where('id', '=', id)
      .execute()
  }
  await setCounter(tx, counter, { attributed: attributed - units })
}

async function setCounter(
  tx: Tx,
  { businessId, feature, periodStart }: Counter,
  state: { used: number; late: boolean } | { attributed: number },
) {
  await tx
    .updateTable('usageCounters')
    .set(state)
    .where('businessId', '=', businessId)
    .where('feature', '=', feature)
    .where('periodStart', '=', periodStart)
    .execute()
}

const isSame = (one: Counter, other: Counter) => one.periodStart.getTime() === other.periodStart.getTime()

function checkMetered(ctx: Context, name: string): void {
  const kind = Object.hasOwn(ctx.product.features, name) ? ctx.product.features[name]?.kind : undefined
  if (kind === 'metered') return
  // What is held item by item is as many as there are items.
  throw invalid(
    'body/feature',
    kind === undefined ? noSuch('feature', name, ctx.product.features) : 'only metered features are corrected',
  )
}
