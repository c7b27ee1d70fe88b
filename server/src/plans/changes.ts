import { auditSystem } from '../audit/audit.ts'
import type { Actor, Context } from '../context.ts'
import type { Queryable, Tx } from '../db/open.ts'
import { FreeholdError, invalid } from '../errors.ts'
import { planProblems, type ProductPlan } from '../product.ts'
import { cataloguePlan, type CataloguePlan, type CatalogueVersion } from './catalogue.ts'
import { impactOf, type Impact } from './impact.ts'
import { sendMove, type Existing } from './moves.ts'
import { addVersion } from './plans.ts'

export type NewVersion = Omit<ProductPlan, 'name' | 'hidden' | 'fields'>

/**
 * Publishes a version: new subscriptions get it, and it is never changed afterwards. Existing ones keep theirs, unless
 * they are to move at their renewal or now.
 */
export async function publishVersion(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  key: string,
  version: NewVersion,
  { existing = 'keep', reason }: { existing?: Existing; reason?: string | undefined } = {},
): Promise<CatalogueVersion> {
  const before = await lockPlan(tx, key)
  await checkVersion(tx, ctx, before, version)
  const number = before.current.version + 1
  await addVersion(tx, ctx, key, version, number)
  await auditSystem(tx, ctx, actor, {
    action: 'plan.version_published',
    target: target(before),
    before: terms(before.current),
    after: { version: number, ...version, existing, ...(reason === undefined ? {} : { reason }) },
  })
  if (existing !== 'keep') {
    const why = reason ?? `Version ${number} of ${before.name}`
    await sendMove(tx, ctx, { plan: key, version: number, existing, reason: why, actor })
  }
  return (await cataloguePlan(tx, key)).current
}

/** What publishing it would mean. Changes nothing, and refuses what publishing would. */
export async function previewVersion(db: Queryable, ctx: Context, key: string, version: NewVersion): Promise<Impact> {
  const plan = await cataloguePlan(db, key)
  await checkVersion(db, ctx, plan, version)
  const { name, hidden, fields } = plan
  return impactOf(db, ctx, plan, { ...version, name, hidden, fields })
}

export type PlanChange = { name?: string; hidden?: boolean; archived?: boolean; fields?: Record<string, unknown> }

/** Changes how a plan is offered. Subscriptions on an archived plan go on renewing; it takes no new ones. */
export async function changePlan(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  key: string,
  { name, hidden, archived, fields }: PlanChange,
  reason?: string,
): Promise<CataloguePlan> {
  const before = await lockPlan(tx, key)
  if (archived === true && before.archivedAt === null) await checkNotNeeded(tx, ctx, key)
  const archivedAt = archived === undefined ? before.archivedAt : archived ? (before.archivedAt ?? ctx.now()) : null
  await tx
    .updateTable('plans')
    .set({
      name: name?.trim() ?? before.name,
      hidden: hidden ?? before.hidden,
      fields: JSON.stringify(fields ?? before.fields),
      archivedAt,
    })
    .where('key', '=', key)
    .execute()
  const after = await cataloguePlan(tx, key)
  if (JSON.stringify(offer(before)) === JSON.stringify(offer(after))) return after
  await auditSystem(tx, ctx, actor, {
    action: 'plan.changed',
    target: target(after),
    before: offer(before),
    after: { ...offer(after), ...(reason === undefined ? {} : { reason }) },
  })
  return after
}

async function lockPlan(tx: Tx, key: string): Promise<CataloguePlan> {
  const plan = await tx.selectFrom('plans').select('key').where('key', '=', key).forNoKeyUpdate().executeTakeFirst()
  if (!plan) throw new FreeholdError('not_found', `There is no plan ${key}`)
  return cataloguePlan(tx, key)
}

async function checkVersion(
  db: Queryable,
  ctx: Context,
  { name, hidden }: CataloguePlan,
  version: NewVersion,
): Promise<void> {
  const problems = planProblems(ctx.product, 'body', { name, hidden, ...version })
  if ((version.onEnd === 'fallback') !== (version.fallbackPlan !== null)) {
    problems.push('body.fallbackPlan: names a plan when onEnd is fallback, and only then')
  }
  if (problems.length === 0) return version.fallbackPlan === null ? undefined : checkFallback(db, version.fallbackPlan)
  const errors = problems.map((problem) => {
    const [at = 'body', ...message] = problem.split(': ')
    return { path: at.replaceAll('.', '/'), message: message.join(': ') }
  })
  throw new FreeholdError('invalid_request', 'The version cannot be published', { errors })
}

async function checkFallback(db: Queryable, key: string): Promise<void> {
  const plan = await db.selectFrom('plans').select('archivedAt').where('key', '=', key).executeTakeFirst()
  if (!plan) throw invalid('body/fallbackPlan', `there is no plan ${key}`)
  if (plan.archivedAt !== null) throw new FreeholdError('plan_archived', `The plan ${key} is archived`)
}

// Archived, neither could take what comes to it by itself: sign-ups would fail, and cycles that end in a fallback.
async function checkNotNeeded(tx: Tx, ctx: Context, key: string): Promise<void> {
  if (key === ctx.product.signup.plan) {
    throw new FreeholdError('conflict', 'New businesses start on this plan: change signup.plan first')
  }
  const versions = await tx
    .selectFrom('planVersions')
    .select(['planKey', 'version'])
    .where('fallbackPlan', '=', key)
    .where((where) =>
      where.or([
        where.exists(
          where
            .selectFrom('subscriptions')
            .select('subscriptions.businessId')
            .whereRef('subscriptions.planVersionId', '=', 'planVersions.id')
            .where('status', '<>', 'ended'),
        ),
        where.not(
          where.exists(
            where
              .selectFrom('planVersions as newer')
              .select('newer.id')
              .whereRef('newer.planKey', '=', 'planVersions.planKey')
              .whereRef('newer.version', '>', 'planVersions.version'),
          ),
        ),
      ]),
    )
    .execute()
  const [needed] = versions
  if (needed) {
    throw new FreeholdError('conflict', `Version ${needed.version} of ${needed.planKey} falls back to this plan`)
  }
}

const offer = ({ name, hidden, archivedAt, fields }: CataloguePlan) => ({
  name,
  hidden,
  archived: archivedAt !== null,
  fields,
})

const terms = ({ version, prices, trialDays, onTrialEnd, includes, onEnd, fallbackPlan }: CatalogueVersion) => ({
  version,
  prices,
  trialDays,
  onTrialEnd,
  includes,
  onEnd,
  fallbackPlan,
})

const target = ({ key, name }: CataloguePlan) => ({ kind: 'plan', id: key, name })
