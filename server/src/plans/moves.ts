import { auditSystem } from '../audit/audit.ts'
import type { Actor, Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { acrossBusinesses } from '../db/transactions.ts'
import { FreeholdError } from '../errors.ts'
import { lockOpen } from '../subscriptions/apply.ts'
import { sameInterval, type Subscription } from '../subscriptions/lifecycle.ts'
import { changePlanByStaff } from '../subscriptions/staff-changes.ts'
import { catalogue, type CataloguePlan } from './catalogue.ts'

/** What becomes of existing subscriptions when a version is published. */
export const existingChoices = ['keep', 'atRenewal', 'now'] as const
export type Existing = (typeof existingChoices)[number]

/** Moving a plan's subscriptions to its newest version: a job, because there may be many. */
export type Move = { plan: string; version: number; existing: Exclude<Existing, 'keep'>; reason: string; actor: Actor }

/** How many stay as they are, by why. */
type Left = Record<string, number>

export const moveTask = 'move-subscriptions'

/** Sent with the version, so that either both are there or neither. */
export const sendMove = (tx: Tx, ctx: Context, move: Move): Promise<void> =>
  ctx.enqueue(tx, 'tasks', { task: moveTask, ...move })

const batchSize = 200
/** A run ends before the queue gives it up; another goes on. */
const runMilliseconds = 240_000

/**
 * Moves one business after the other, each in a transaction of its own with its log entry and event, so that nobody is
 * kept waiting and a run that is cut short has only moved fewer. Whoever is there already is not looked at again.
 */
export async function moveSubscriptions(ctx: Context, data: Record<string, unknown>): Promise<void> {
  const move = data as Move
  const until = performance.now() + runMilliseconds
  let moved = 0
  const left: Left = {}
  let failure: unknown
  let after = ''
  for (;;) {
    // A newer version has a choice of its own.
    const plan = await newest(ctx, move)
    if (!plan) break
    const batch = await candidates(ctx, move, after)
    after = batch.at(-1) ?? ''
    for (const businessId of batch) {
      try {
        const refusal = await moveOne(ctx, move, plan, businessId)
        if (refusal === undefined) moved += 1
        else if (refusal !== 'there_already') left[refusal] = (left[refusal] ?? 0) + 1
      } catch (error) {
        failure = error
        ctx.log.error({ err: error, businessId }, 'a subscription could not be moved')
      }
    }
    if (batch.length < batchSize) break
    if (performance.now() > until) {
      await acrossBusinesses(ctx.db, (tx) => sendMove(tx, ctx, move))
      break
    }
  }
  await note(ctx, move, moved, left)
  // The queue tries again, and finds those that were moved no more.
  if (failure !== undefined) throw failure
}

async function newest(ctx: Context, { plan: key, version }: Move): Promise<CataloguePlan | undefined> {
  const plan = (await catalogue(ctx.db.across)).find((each) => each.key === key)
  return plan?.current.version === version ? plan : undefined
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
async function moveOne(ctx: Context, move: Move, plan: CataloguePlan, businessId: string): Promise<string | undefined> {
  const { plan: key, reason, actor } = move
  try {
    return await acrossBusinesses(ctx.db, async (tx) => {
      const subscription = await lockOpen(tx, ctx, businessId)
      const when = whenToMove(move, plan, subscription)
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
  { key, current }: Pick<CataloguePlan, 'key' | 'current'>,
  subscription: Pick<Subscription, 'plan' | 'price' | 'status' | 'pendingChange' | 'awaiting' | 'cancelAtCycleEnd'>,
): 'now' | 'cycleEnd' | 'there_already' | 'pending_change_exists' | 'price_not_offered' | 'ends_with_cycle' {
  const { plan, price, status, pendingChange, awaiting, cancelAtCycleEnd } = subscription
  const isElsewhere = plan.planKey !== key || plan.version >= current.version || status === 'ended'
  if (isElsewhere) return 'there_already'
  if (awaiting) return 'pending_change_exists'
  if (pendingChange && (pendingChange.plan.planKey !== key || pendingChange.price !== price)) {
    return 'pending_change_exists'
  }
  if (!Object.hasOwn(current.prices, price)) return 'price_not_offered'
  if (status === 'trialing' || status === 'paused') return 'now'
  if (existing === 'now' && sameInterval({ plan, price }, { plan: current, price })) return 'now'
  if (pendingChange?.plan.version === current.version) return 'there_already'
  return cancelAtCycleEnd ? 'ends_with_cycle' : 'cycleEnd'
}

async function note(ctx: Context, { plan, version, existing, reason, actor }: Move, moved: number, left: Left) {
  await acrossBusinesses(ctx.db, (tx) =>
    auditSystem(tx, ctx, actor, {
      action: 'plan.subscriptions_moved',
      target: { kind: 'plan', id: plan },
      after: { version, existing, reason, moved, left },
    }),
  )
}
