import type { Selectable } from 'kysely'
import type { Context } from '../context.ts'
import type { Queryable, Tx } from '../db/open.ts'
import type { PlanVersionsTable } from '../db/tables.ts'
import { FreeholdError } from '../errors.ts'
import type { Price } from '../prices.ts'
import type { IncludedValue, ProductPlan } from '../product.ts'

/** An immutable version of a plan; subscriptions are pinned to one. */
export type PlanVersion = {
  id: string
  planKey: string
  planName: string
  version: number
  prices: Record<string, Price>
  trialDays: number
  onTrialEnd: 'end' | 'pause'
  includes: Record<string, IncludedValue>
  onEnd: 'renew' | 'end' | 'fallback'
  fallbackPlan: string | null
}

type Row = Selectable<PlanVersionsTable> & { planName: string }

const select = (db: Queryable) =>
  db
    .selectFrom('planVersions')
    .innerJoin('plans', 'plans.key', 'planVersions.planKey')
    .selectAll('planVersions')
    .select('plans.name as planName')

const fromRow = ({ onEnd, onTrialEnd, createdAt: _, ...row }: Row): PlanVersion => ({
  ...row,
  onTrialEnd: onTrialEnd as PlanVersion['onTrialEnd'],
  onEnd: onEnd as PlanVersion['onEnd'],
})

export async function planVersion(db: Queryable, id: string): Promise<PlanVersion> {
  return fromRow(await select(db).where('planVersions.id', '=', id).executeTakeFirstOrThrow())
}

/** The version a new subscription gets. Archived plans take none; who is on one (`own`) stays on the version they have. */
export async function currentPlanVersion(db: Queryable, planKey: string, own?: PlanVersion): Promise<PlanVersion> {
  const row = await select(db)
    .select('plans.archivedAt')
    .where('planKey', '=', planKey)
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst()
  if (!row) {
    throw new FreeholdError('unknown_plan', `There is no plan ${planKey}`, {
      errors: [{ path: 'body/plan', message: `there is no plan ${planKey}` }],
    })
  }
  if (row.archivedAt && own?.planKey === planKey) return own
  if (row.archivedAt) throw new FreeholdError('plan_archived', `The plan ${planKey} is archived`)
  const { archivedAt: _, ...version } = row
  return fromRow(version)
}

/** Whether customers do not see the plan in the catalogue. */
export async function isHidden(db: Queryable, planKey: string): Promise<boolean> {
  const plan = await db.selectFrom('plans').select('hidden').where('key', '=', planKey).executeTakeFirst()
  return plan?.hidden !== false
}

/** Every version there is, by id, and the newest of each plan by key: few rows, read once per renewal batch. */
export async function planCatalogue(db: Queryable) {
  const rows = await select(db).orderBy('planKey').orderBy('version').execute()
  const byId = new Map(rows.map((row) => [row.id, fromRow(row)]))
  const current = new Map(rows.map((row) => [row.planKey, fromRow(row)]))
  return { byId, current }
}

/** The price a subscription gets when none is named: the plan's first. */
export function priceNamed(version: PlanVersion, name?: string): { name: string; price: Price } {
  const chosen = name ?? Object.keys(version.prices)[0] ?? ''
  const price = Object.hasOwn(version.prices, chosen) ? version.prices[chosen] : undefined
  if (!price) {
    const known = Object.keys(version.prices).join(', ')
    throw new FreeholdError('invalid_request', `The plan ${version.planKey} has no price ${chosen}`, {
      errors: [{ path: 'body/price', message: `must be one of ${known}` }],
    })
  }
  return { name: chosen, price }
}

/**
 * Plans of the definition that the database does not know yet are created; what exists is left alone. Answers the keys
 * of those it has created: of several processes that start at once, each plan is one's.
 */
export async function createMissingPlans(tx: Tx, ctx: Context): Promise<string[]> {
  const existing = new Set((await tx.selectFrom('plans').select('key').execute()).map(({ key }) => key))
  const missing = Object.entries(ctx.product.plans).filter(([key]) => !existing.has(key))
  const created: string[] = []
  for (const [key, plan] of missing) {
    const position = existing.size + created.length
    const inserted = await tx
      .insertInto('plans')
      .values({
        key,
        name: plan.name,
        hidden: plan.hidden,
        fields: JSON.stringify(plan.fields ?? {}),
        position,
        createdAt: ctx.now(),
      })
      .onConflict((conflict) => conflict.column('key').doNothing())
      .executeTakeFirst()
    if (inserted.numInsertedOrUpdatedRows === 1n) created.push(key)
  }
  // In a second step, because a plan may fall back to one that is defined after it.
  for (const [key, plan] of missing) if (created.includes(key)) await addVersion(tx, ctx, key, plan, 1)
  return created
}

export async function addVersion(
  tx: Tx,
  ctx: Context,
  planKey: string,
  plan: Omit<ProductPlan, 'name' | 'hidden'>,
  version: number,
): Promise<void> {
  await tx
    .insertInto('planVersions')
    .values({
      id: ctx.newId('planVersion'),
      planKey,
      version,
      prices: JSON.stringify(plan.prices),
      trialDays: plan.trialDays,
      includes: JSON.stringify(plan.includes),
      onTrialEnd: plan.onTrialEnd,
      onEnd: plan.onEnd,
      fallbackPlan: plan.fallbackPlan,
      createdAt: ctx.now(),
    })
    .onConflict((conflict) => conflict.columns(['planKey', 'version']).doNothing())
    .execute()
}
