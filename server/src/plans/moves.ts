import { auditSystem } from '../audit/audit.ts'
import type { Actor, Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { acrossBusinesses } from '../db/transactions.ts'
import { FreeholdError } from '../errors.ts'
import { lockOpen } from '../subscriptions/apply.ts'
import { sameInterval, type Subscription } from '../subscriptions/lifecycle.ts'
import { changePlanByStaff } from '../subscriptions/staff-changes.ts'
import { currentPlanVersion, type PlanVersion } from './plans.ts'

/** What becomes of existing subscriptions when a version is published. */
export const existingChoices = ['keep', 'atRenewal', 'now'] as const
export type Existing = (typeof existingChoices)[number]

/** Moving a plan's subscriptions to its newest version: a job, because there may be many. */
export type Move = { plan: string; version: number; existing: Exclude<Existing, 'keep'>; reason: string; actor: Actor }

/**
 * How far it has come: the business that was looked at last, how many were moved, how many stay by why, and which could
 * not be moved and are tried again at the end.
 */
type Progress = { after: string; moved: number; left: Record<string, number>; failed: string[] }

export const moveTask = 'move-subscriptions'

/** Sent with the version, so that either both are there or neither. */
export const sendMove = (tx: Tx, ctx: Context, move: Move & Partial<Progress>): Promise<void> =>
  ctx.enqueue(tx, 'tasks', { task: moveTask, ...move })

const batchSize = 200
/** Each waits for the disk, and not for the others. */
const lanes = 4
/** A run ends before the queue gives it up; another goes on where it stood. */
const runMilliseconds = 240_000
const tellMilliseconds = 5000
/** More than these have no fault of their own: the whole is tried again later. */
const mostFailures = 100

/**
 * Moves each business in a transaction of its own with its log entry and event, so that nobody is kept waiting and a run
 * that is cut short has only moved fewer. Whoever is there already is left alone.
 */
export async function moveSubscriptions(
  ctx: Context,
  data: Record<string, unknown>,
  milliseconds = runMilliseconds,
): Promise<void> {
  const { after = '', moved = 0, left = {}, failed = [], ...move } = data as Move & Partial<Progress>
  const progress: Progress = { after, moved, left: { ...left }, failed: [...failed] }
  const until = performance.now() + milliseconds
  let toldAt = performance.now()
  for (;;) {
    // A newer version has a choice of its own, and an archived plan takes nobody.
    const wanted = await newest(ctx, move)
    if (!wanted) break
    const batch = await candidates(ctx, move, progress.after)
    await moveEach(ctx, move, wanted, batch, progress)
    if (progress.failed.length > mostFailures) throw couldNot(progress)
    if (batch.length < batchSize) break
    progress.after = batch.at(-1) ?? ''
    if (performance.now() > until) {
      return acrossBusinesses(ctx.db, (tx) => sendMove(tx, ctx, { ...move, ...progress }))
    }
    if (performance.now() - toldAt < tellMilliseconds) continue
    toldAt = performance.now()
    const { plan, version } = move
    ctx.log.info({ plan, version, ...progress, failed: progress.failed.length }, 'moving subscriptions to a version')
  }
  const wanted = await newest(ctx, move)
  if (wanted) await moveEach(ctx, move, wanted, progress.failed.splice(0), progress)
  await note(ctx, move, progress)
  // The queue tries again, and finds those that were moved no more.
  if (progress.failed.length > 0) throw couldNot(progress)
}

const couldNot = ({ failed }: Progress) => new Error(`Subscriptions that could not be moved: ${failed.length}`)

/** Some at once. */
async function moveEach(
  ctx: Context,
  move: Move,
  wanted: PlanVersion,
  businessIds: string[],
  progress: Progress,
): Promise<void> {
  const waiting = businessIds.values()
  const lane = async () => {
    for (const businessId of waiting) {
      try {
        const refusal = await moveOne(ctx, move, wanted, businessId)
        if (refusal === undefined) progress.moved += 1
        else if (refusal !== 'there_already') progress.left[refusal] = (progress.left[refusal] ?? 0) + 1
      } catch (error) {
        progress.failed.push(businessId)
        ctx.log.error({ err: error, businessId }, 'a subscription could not be moved')
      }
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
}

async function newest(ctx: Context, { plan, version }: Move): Promise<PlanVersion | undefined> {
  try {
    const current = await currentPlanVersion(ctx.db.across, plan)
    return current.version === version ? current : undefined
  } catch (error) {
    if (error instanceof FreeholdError && error.code === 'plan_archived') return undefined
    throw error
  }
}

/** The businesses on an older version, in key order. */
async function candidates(ctx: Context, { plan, version }: Move, after: string): Promise<string[]> {
  const rows = await ctx.db.across
    .selectFrom('subscriptions')
    .innerJoin('planVersions', 'planVersions.id', 'subscriptions.planVersionId')
    .select('subscriptions.businessId')
    .where('planVersions.planKey', '=', plan)
    .where('planVersions.version', '<', version)
    .where('subscriptions.status', '<>', 'ended')
    .where('subscriptions.businessId', '>', after)
    .orderBy('subscriptions.businessId')
    .limit(batchSize)
    .execute()
  return rows.map(({ businessId }) => businessId)
}

/** Decided under the lock. Answers why a subscription stays as it is; undefined when it was moved. */
async function moveOne(ctx: Context, move: Move, wanted: PlanVersion, businessId: string): Promise<string | undefined> {
  const { plan: key, reason, actor } = move
  try {
    return await acrossBusinesses(ctx.db, async (tx) => {
      const subscription = await lockOpen(tx, ctx, businessId)
      const when = whenToMove(move, wanted, subscription)
      if (when !== 'now' && when !== 'cycleEnd') return when
      // What is left of this cycle is waived either way; the next one costs what the version says.
      const charge = when === 'now' ? 'waive' : 'invoice'
      const replace = subscription.pendingChange !== null
      const { price } = subscription
      await changePlanByStaff(tx, ctx, actor, businessId, { plan: key, price, reason, when, charge, replace })
      return undefined
    })
  } catch (error) {
    if (error instanceof FreeholdError) return error.code
    throw error
  }
}

/**
 * Who has asked for another plan or price has decided already; who was on the way to a version in between has not. A
 * cycle that is paid is never cut short. In a trial or a pause nothing is paid, so there is nothing to wait for.
 */
export function whenToMove(
  { existing }: Pick<Move, 'existing'>,
  wanted: PlanVersion,
  subscription: Pick<Subscription, 'plan' | 'price' | 'status' | 'pendingChange' | 'awaiting' | 'cancelAtCycleEnd'>,
): 'now' | 'cycleEnd' | 'there_already' | 'pending_change_exists' | 'price_not_offered' | 'ends_with_cycle' {
  const { plan, price, status, pendingChange, awaiting, cancelAtCycleEnd } = subscription
  const isElsewhere = plan.planKey !== wanted.planKey || plan.version >= wanted.version || status === 'ended'
  if (isElsewhere) return 'there_already'
  if (awaiting) return 'pending_change_exists'
  if (pendingChange && (pendingChange.plan.planKey !== wanted.planKey || pendingChange.price !== price)) {
    return 'pending_change_exists'
  }
  if (!Object.hasOwn(wanted.prices, price)) return 'price_not_offered'
  if (status === 'trialing' || status === 'paused') return 'now'
  if (existing === 'now' && sameInterval({ plan, price }, { plan: wanted, price })) return 'now'
  if (pendingChange?.plan.version === wanted.version) return 'there_already'
  return cancelAtCycleEnd ? 'ends_with_cycle' : 'cycleEnd'
}

async function note(ctx: Context, { plan, version, existing, reason, actor }: Move, progress: Progress) {
  const { moved, left, failed } = progress
  await acrossBusinesses(ctx.db, (tx) =>
    auditSystem(tx, ctx, actor, {
      action: 'plan.subscriptions_moved',
      target: { kind: 'plan', id: plan },
      after: { version, existing, reason, moved, left, ...(failed.length > 0 && { failed: failed.length }) },
    }),
  )
}
