import { isDeepStrictEqual } from 'node:util'
import { auditSystem } from '../audit/audit.ts'
import type { Actor, Context } from '../context.ts'
import type { Queryable, Tx } from '../db/open.ts'
import { FreeholdError } from '../errors.ts'
import type { ProductPlan } from '../product.ts'
import { catalogue, type CataloguePlan } from './catalogue.ts'
import { changePlan, publishVersion } from './changes.ts'
import { differences, fieldsOf, impactOf, type Impact } from './impact.ts'
import type { Existing } from './moves.ts'
import { createMissingPlans } from './plans.ts'

/**
 * The plans of the definition against those in the database. A changed definition changes nothing by itself, so that
 * somebody can look first: at what would change, for whom, and who would not fit.
 */
export type PlanComparison = Impact & {
  plan: string
  /** `not_defined`: in the database only, from an earlier definition; left alone. */
  state: 'new' | 'changed' | 'same' | 'not_defined'
  /** The current version in the database. */
  version: number | null
}

export async function comparePlans(db: Queryable, ctx: Context): Promise<PlanComparison[]> {
  const stored = new Map((await catalogue(db)).map((plan) => [plan.key, plan]))
  const comparisons: PlanComparison[] = []
  for (const [key, defined] of Object.entries(ctx.product.plans)) {
    const plan = stored.get(key)
    comparisons.push(plan ? await compare(db, ctx, plan, defined) : newPlan(key, defined))
  }
  for (const { key, current, versions } of stored.values()) {
    if (key in ctx.product.plans) continue
    const subscriptions = versions.reduce((sum, version) => sum + version.subscriptions, 0)
    comparisons.push({ ...blank, plan: key, state: 'not_defined', version: current.version, subscriptions })
  }
  return comparisons
}

/**
 * Makes the database as defined: new plans, and new versions of those that changed; `existing` says what becomes of the
 * subscriptions there are. Answers what there was to do; what somebody has agreed to is done as it was shown, or not.
 */
export async function pushPlans(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  existing: Existing = 'keep',
  shown?: PlanComparison[],
): Promise<PlanComparison[]> {
  // Two at once, or staff meanwhile: the second sees what the first has written.
  await tx.selectFrom('plans').select('key').orderBy('key').forNoKeyUpdate().execute()
  const comparisons = await comparePlans(tx, ctx)
  if (shown && !isDeepStrictEqual(comparisons.map(toWrite), shown.map(toWrite))) {
    throw new FreeholdError('conflict', 'The plans have changed since they were shown. Nothing is written: look again')
  }
  for (const key of await createMissingPlans(tx, ctx)) {
    const target = { kind: 'plan', id: key, name: ctx.product.plans[key]?.name ?? key }
    await auditSystem(tx, ctx, actor, { action: 'plan.created', target, after: { ...ctx.product.plans[key] } })
  }
  for (const { plan, state, changes } of comparisons) {
    const defined = ctx.product.plans[plan]
    if (state !== 'changed' || !defined) continue
    const { name, hidden, fields = {}, ...version } = defined
    if (changes.some(({ field }) => isOffer(field))) await changePlan(tx, ctx, actor, plan, { name, hidden, fields })
    if (changes.some(({ field }) => !isOffer(field))) {
      await publishVersion(tx, ctx, actor, plan, version, { existing })
    }
  }
  return comparisons
}

// Whom it concerns goes on changing while one looks.
const toWrite = ({ plan, state, version, changes }: PlanComparison) => ({ plan, state, version, changes })

// How a plan is offered belongs to the plan; what it sells, to its versions.
const isOffer = (field: string) => field === 'name' || field === 'hidden' || field.startsWith('fields.')

async function compare(
  db: Queryable,
  ctx: Context,
  plan: CataloguePlan,
  defined: ProductPlan,
): Promise<PlanComparison> {
  const impact = await impactOf(db, ctx, plan, defined)
  const state = impact.changes.length === 0 ? 'same' : 'changed'
  return { plan: plan.key, state, version: plan.current.version, ...impact }
}

const newPlan = (key: string, defined: ProductPlan): PlanComparison => ({
  ...blank,
  plan: key,
  state: 'new',
  version: null,
  changes: differences({}, fieldsOf(defined)),
})

const blank: Impact = { subscriptions: 0, changes: [], exceeding: [] }
