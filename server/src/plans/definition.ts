import { isDeepStrictEqual } from 'node:util'
import { auditSystem } from '../audit/audit.ts'
import type { Actor, Context } from '../context.ts'
import type { Queryable, Tx } from '../db/open.ts'
import type { IncludedValue, ProductPlan } from '../product.ts'
import { isCounted } from '../usage/entitlements.ts'
import { exceeding, type Exceeding } from '../usage/exceeding.ts'
import { catalogue, type CataloguePlan } from './catalogue.ts'
import { changePlan, publishVersion } from './changes.ts'
import { createMissingPlans } from './plans.ts'

/**
 * The plans of the definition against those in the database. A changed definition changes nothing by itself, so that
 * somebody can look first: at what would change, for whom, and who would not fit.
 */
export type PlanComparison = {
  plan: string
  /** `not_defined`: in the database only, from an earlier definition; left alone. */
  state: 'new' | 'changed' | 'same' | 'not_defined'
  /** The current version in the database, and how many businesses are on it: they keep it. */
  version: number | null
  subscriptions: number
  changes: PlanChange[]
  /** Businesses on the current version whose usage is above what the definition allows. */
  exceeding: Exceeding[]
}

/** `includes.recordings`, `prices.monthly`; undefined on one side where it is not there. */
export type PlanChange = { field: string; from: unknown; to: unknown }

export async function comparePlans(db: Queryable, ctx: Context): Promise<PlanComparison[]> {
  const stored = new Map((await catalogue(db)).map((plan) => [plan.key, plan]))
  const comparisons: PlanComparison[] = []
  for (const [key, defined] of Object.entries(ctx.product.plans)) {
    const plan = stored.get(key)
    comparisons.push(plan ? await compare(db, ctx, plan, defined) : newPlan(key, defined))
  }
  for (const { key, current } of stored.values()) {
    if (!(key in ctx.product.plans)) {
      comparisons.push({ ...unchanged(key, current.version, current.subscriptions), state: 'not_defined' })
    }
  }
  return comparisons
}

/** Makes the database as defined: new plans, and new versions of those that changed. Answers what there was to do. */
export async function pushPlans(tx: Tx, ctx: Context, actor: Actor): Promise<PlanComparison[]> {
  // Two at once, or staff meanwhile: the second sees what the first has written.
  await tx.selectFrom('plans').select('key').orderBy('key').forNoKeyUpdate().execute()
  const comparisons = await comparePlans(tx, ctx)
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
      await publishVersion(tx, ctx, actor, plan, version)
    }
  }
  return comparisons
}

// How a plan is offered belongs to the plan; what it sells, to its versions.
const isOffer = (field: string) => field === 'name' || field === 'hidden' || field.startsWith('fields.')

async function compare(
  db: Queryable,
  ctx: Context,
  { key, name, hidden, fields, current }: CataloguePlan,
  defined: ProductPlan,
): Promise<PlanComparison> {
  const comparison = unchanged(key, current.version, current.subscriptions)
  const changes = differences(fieldsOf({ ...current, name, hidden, fields }), fieldsOf(defined))
  if (changes.length === 0) return comparison
  const limits = loweredLimits(ctx, current.includes, defined.includes)
  return { ...comparison, state: 'changed', changes, exceeding: await exceeding(db, ctx, current.id, limits) }
}

const newPlan = (key: string, defined: ProductPlan): PlanComparison => ({
  ...unchanged(key, null, 0),
  state: 'new',
  changes: differences({}, fieldsOf(defined)),
})

const unchanged = (plan: string, version: number | null, subscriptions: number): PlanComparison => ({
  plan,
  state: 'same',
  version,
  subscriptions,
  changes: [],
  exceeding: [],
})

/** A plan field by field, in the order in which people read it. */
function fieldsOf(plan: ProductPlan): Record<string, unknown> {
  const { name, hidden, prices, trialDays, includes, onEnd, fallbackPlan, fields = {} } = plan
  const under = (path: string, values: Record<string, unknown>) =>
    Object.entries(values).map(([key, value]) => [`${path}.${key}`, value])
  return Object.fromEntries([
    ['name', name],
    ['hidden', hidden],
    ...under('fields', fields),
    ...under('prices', prices),
    // The first price is the one a subscription gets when none is named.
    ['firstPrice', Object.keys(prices)[0]],
    ['trialDays', trialDays],
    ...under('includes', includes),
    ['onEnd', onEnd],
    ['fallbackPlan', fallbackPlan],
  ])
}

const differences = (before: Record<string, unknown>, after: Record<string, unknown>): PlanChange[] =>
  [...new Set([...Object.keys(after), ...Object.keys(before)])]
    .filter((field) => !isDeepStrictEqual(before[field], after[field]))
    .map((field) => ({ field, from: before[field], to: after[field] }))

/** The counted features of which there is less now; one that is left out is none. */
function loweredLimits(
  ctx: Context,
  before: Record<string, IncludedValue>,
  after: Record<string, IncludedValue>,
): Record<string, number> {
  const ceiling = (includes: Record<string, IncludedValue>, feature: string) => {
    const value = includes[feature]
    return value === null ? Infinity : Number(value ?? 0)
  }
  return Object.fromEntries(
    Object.entries(ctx.product.features)
      .filter(([name, feature]) => isCounted(feature) && ceiling(after, name) < ceiling(before, name))
      .map(([name]) => [name, ceiling(after, name)]),
  )
}
