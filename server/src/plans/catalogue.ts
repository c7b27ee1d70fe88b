import type { Queryable } from '../db/open.ts'
import { FreeholdError } from '../errors.ts'
import type { PlanVersion } from './plans.ts'

/** A version with how many businesses are on it. */
export type CatalogueVersion = PlanVersion & { createdAt: Date; subscriptions: number }

export type CataloguePlan = {
  key: string
  name: string
  hidden: boolean
  archivedAt: Date | null
  fields: Record<string, unknown>
  createdAt: Date
  current: CatalogueVersion
  /** Newest first. */
  versions: CatalogueVersion[]
}

/** What anybody may buy, in the order of the definition. Everybody reads it, so nothing is counted for it. */
export async function publicCatalogue(db: Queryable): Promise<CataloguePlan[]> {
  const plans = await load(db, undefined, new Map())
  return plans.filter(({ hidden, archivedAt }) => !hidden && archivedAt === null)
}

/** Every plan with every version: there are few, and staff look at all of them. */
export async function catalogue(db: Queryable): Promise<CataloguePlan[]> {
  return load(db, undefined, await countSubscriptions(db))
}

export async function cataloguePlan(db: Queryable, key: string): Promise<CataloguePlan> {
  const [plan] = await load(db, key, await countSubscriptions(db))
  if (!plan) throw new FreeholdError('not_found', `There is no plan ${key}`)
  return plan
}

async function load(
  db: Queryable,
  key: string | undefined,
  subscriptions: Map<string, number>,
): Promise<CataloguePlan[]> {
  const plansQuery = db.selectFrom('plans').selectAll().orderBy('position').orderBy('key')
  const versionsQuery = db.selectFrom('planVersions').selectAll().orderBy('version', 'desc')
  const plans = await (key === undefined ? plansQuery : plansQuery.where('key', '=', key)).execute()
  const rows = await (key === undefined ? versionsQuery : versionsQuery.where('planKey', '=', key)).execute()
  return plans.flatMap((plan) => {
    const versions = rows
      .filter(({ planKey }) => planKey === plan.key)
      .map(({ onEnd, onTrialEnd, ...row }) => ({
        ...row,
        planName: plan.name,
        onTrialEnd: onTrialEnd as PlanVersion['onTrialEnd'],
        onEnd: onEnd as PlanVersion['onEnd'],
        subscriptions: subscriptions.get(row.id) ?? 0,
      }))
    const [current] = versions
    return current ? [{ ...plan, current, versions }] : []
  })
}

// A business has one current subscription at most, so businesses are counted.
async function countSubscriptions(db: Queryable): Promise<Map<string, number>> {
  const rows = await db
    .selectFrom('subscriptions')
    .select(['planVersionId', ({ fn }) => fn.count<number>('businessId').as('businesses')])
    .where('status', '<>', 'ended')
    .groupBy('planVersionId')
    .execute()
  return new Map(rows.map(({ planVersionId, businesses }) => [planVersionId, businesses]))
}
