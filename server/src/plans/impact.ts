import { isDeepStrictEqual } from 'node:util'
import type { Context } from '../context.ts'
import type { Queryable } from '../db/open.ts'
import type { IncludedValue, ProductPlan } from '../product.ts'
import { isCounted, limitIn } from '../usage/entitlements.ts'
import { exceeding, type Exceeding } from '../usage/exceeding.ts'
import type { CataloguePlan } from './catalogue.ts'

/** What a plan sold on other terms would mean. */
export type Impact = {
  changes: FieldChange[]
  /** Businesses on any version of the plan. */
  subscriptions: number
  /** Those of them that have more in use than the new terms allow. */
  exceeding: Exceeding[]
}

/** `includes.recordings`, `prices.monthly`; undefined on one side where it is not there. */
export type FieldChange = { field: string; from: unknown; to: unknown }

export async function impactOf(db: Queryable, ctx: Context, plan: CataloguePlan, wanted: ProductPlan): Promise<Impact> {
  const { name, hidden, fields, current, versions } = plan
  const changes = differences(fieldsOf({ ...current, name, hidden, fields }), fieldsOf(wanted))
  const found: Exceeding[] = []
  for (const { id, includes, subscriptions } of versions) {
    if (subscriptions === 0 || changes.length === 0) continue
    found.push(...(await exceeding(db, ctx, id, loweredLimits(ctx, includes, wanted.includes))))
  }
  return {
    changes,
    subscriptions: versions.reduce((sum, { subscriptions }) => sum + subscriptions, 0),
    exceeding: found.toSorted((a, b) => b.used - b.limit - (a.used - a.limit)),
  }
}

/** A plan field by field, in the order in which people read it. */
export function fieldsOf(plan: ProductPlan): Record<string, unknown> {
  const { name, hidden, prices, trialDays, onTrialEnd, includes, onEnd, fallbackPlan, fields = {} } = plan
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
    ['onTrialEnd', onTrialEnd],
    ...under('includes', includes),
    ['onEnd', onEnd],
    ['fallbackPlan', fallbackPlan],
  ])
}

export const differences = (before: Record<string, unknown>, after: Record<string, unknown>): FieldChange[] =>
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
    return value === undefined ? 0 : (limitIn(value) ?? Infinity)
  }
  return Object.fromEntries(
    Object.entries(ctx.product.features)
      .filter(([name, feature]) => isCounted(feature) && ceiling(after, name) < ceiling(before, name))
      .map(([name]) => [name, ceiling(after, name)]),
  )
}
