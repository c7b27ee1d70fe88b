import { sql, type Selectable } from 'kysely'
import { announceChange, announceChanges } from '../changes.ts'
import type { Context } from '../context.ts'
import { arrayText } from '../db/arrays.ts'
import type { Queryable, Tx } from '../db/open.ts'
import type { UsageCountersTable } from '../db/tables.ts'
import type { Feature } from '../product.ts'
import { boundaryAfter, boundaryAtOrBefore } from '../subscriptions/cycle.ts'
import type { Subscription, SubscriptionAccess } from '../subscriptions/lifecycle.ts'
import { attribute, limitWith, unpaidUnits, type Draw } from './attribution.ts'
import { entitlementOf, type Entitlement, type Override } from './entitlements.ts'
import { limitsOf } from './overage.ts'

/**
 * Counters carry what the consuming statement needs to decide alone: how much is used and held, the ceiling, and until
 * when that is right. Whoever changes a plan, an override, a grant or a business's status closes them; the next to use
 * one finds none open, takes the subscription's lock and writes it anew. At most one counter of a feature is open at a
 * time, that of the period which began last: the clock may go back, but nothing is counted in a period that is over.
 */

export type Counter = Selectable<UsageCountersTable>

/** Where a business stands: its subscription brought up to now, and what that lets it do. */
export type Standing = { businessId: string; subscription: Subscription; access: SubscriptionAccess }

/** The one period of what is held item by item. */
const always = { start: new Date(0), end: new Date('9999-01-01T00:00:00Z') }

/** The period a feature counts in at `now`: the cycle, or a month of it counted from the cycle's start. */
export function periodOf(feature: Feature, { cycleStart, cycleEnd, zone }: Subscription, now: Date) {
  if (feature.kind !== 'metered') return always
  if (feature.resets === 'cycle') return { start: cycleStart, end: cycleEnd }
  const month = { unit: 'month', count: 1 } as const
  const start = boundaryAtOrBefore(cycleStart, month, zone, now) ?? cycleStart
  const end = boundaryAfter(cycleStart, month, zone, start)
  return { start, end: end < cycleEnd ? end : cycleEnd }
}

/** Closes a business's counters, so that none of them can decide by what was true before. */
export async function invalidateCounters(tx: Tx, businessId: string, feature?: string): Promise<void> {
  let query = tx
    .updateTable('usageCounters')
    .set({ validUntil: sql<Date>`'-infinity'` })
    .where('businessId', '=', businessId)
    .where('validUntil', '>', sql<Date>`'-infinity'`)
  if (feature !== undefined) query = query.where('feature', '=', feature)
  await query.execute()
  await announceChange(tx, businessId)
}

/** The same for many businesses at once; sent in key order, which is the order in which the rows are locked. */
export async function invalidateCountersOfEach(tx: Tx, businessIds: string[]): Promise<void> {
  await sql`
    update freehold.usage_counters c
    set valid_until = '-infinity'
    from unnest(${arrayText(businessIds)}::text[]) as closing(business_id)
    where c.business_id = closing.business_id
      and c.valid_until > '-infinity'`.execute(tx)
  await announceChanges(tx, businessIds)
}

/** What a business has of a feature now, and how much of it is taken. */
export type Usage = Entitlement & {
  /** Where counting stops, with grants; null is unlimited. */
  ceiling: number | null
  /** Where counting may go on for a price, the limit that people are told. */
  softLimit: number | null
  /** Used in this period beyond what the plan and grants have paid for, and not billed yet. */
  unpaid: number
  used: number
  held: number
  /** Items that are kept and not to be used; null where nothing can be frozen. */
  frozen: number | null
  resetsAt: Date | null
}

/** Reads only, and right even when nobody has written since the cycle ended. */
export async function readUsage(
  db: Queryable,
  ctx: Context,
  { businessId, subscription }: Standing,
  names: string[],
): Promise<Record<string, Usage>> {
  const now = ctx.now()
  const overrides = await loadOverrides(db, businessId)
  const accounts = await loadAccounts(db, businessId, names)
  const seats = names.includes('members') ? await seatsTaken(db, ctx, businessId) : 0
  const freezing = names.filter((name) => featureNamed(ctx, name).onDowngrade === 'freeze_newest')
  const items = freezing.length > 0 ? await countItems(db, businessId, freezing) : new Map<string, number>()
  return Object.fromEntries(
    names.map((name) => {
      const feature = featureNamed(ctx, name)
      const entitlement = entitlementOf(feature, name, subscription.plan.includes, overrides, now)
      const period = periodOf(feature, subscription, now)
      const { periods, grants } = accounts(name)
      const draws = attribute(periods, grants, now)
      const current = periods.find(({ periodStart }) => periodStart.getTime() === period.start.getTime())
      const limits = limitsOf(limitWith(entitlement.limit, current, grants, draws, now), entitlement.overage)
      const counted = name === 'members' ? seats : (current?.used ?? 0)
      // What does not fit is frozen, also where nobody has written that yet.
      const all = freezing.includes(name) ? (items.get(name) ?? 0) : null
      const used = all === null ? counted : Math.min(all, limits.ceiling ?? Infinity)
      const usage: Usage = {
        ...entitlement,
        ...limits,
        unpaid: current ? Math.max(0, unpaidUnits(current, draws)) : 0,
        used,
        held: current?.held ?? 0,
        frozen: all === null ? null : all - used,
        resetsAt: feature.kind === 'metered' ? period.end : null,
      }
      return [name, usage]
    }),
  )
}

/**
 * Opens the counter of the current period, or brings it up to date. The caller holds the subscription's lock, so plan
 * changes and renewals wait. Attribution is made good first, while the old rules still stand in the rows.
 */
export async function refreshCounter(tx: Tx, ctx: Context, standing: Standing, name: string): Promise<Counter> {
  const now = ctx.now()
  const { businessId, subscription, access } = standing
  const feature = featureNamed(ctx, name)
  const period = periodOf(feature, subscription, now)
  const overrides = await loadOverrides(tx, businessId)
  const entitlement = entitlementOf(feature, name, subscription.plan.includes, overrides, now)

  const { periods, grants, draws } = await attributeUsage(tx, ctx, businessId, name)
  const current = periods.find(({ periodStart }) => periodStart.getTime() === period.start.getTime())

  const nextChange = [
    period.end,
    // What is held item by item has one period for ever, and another limit after a boundary that brings another plan.
    subscription.cycleEnd,
    subscription.graceEnd,
    ...overrides.filter((each) => each.feature === name).map((each) => each.expiresAt),
    ...grants.flatMap((grant) => [grant.effectiveAt, grant.expiresAt]),
  ].flatMap((at) => (at !== null && at > now ? at.getTime() : []))
  const usable = access === 'full' && entitlement.source !== 'none'
  await tx
    .updateTable('usageCounters')
    .set({ validUntil: sql<Date>`'-infinity'` })
    .where('businessId', '=', businessId)
    .where('feature', '=', name)
    .where('periodStart', '<>', period.start)
    .where('validUntil', '>', sql<Date>`'-infinity'`)
    .execute()
  const state = {
    periodEnd: period.end,
    ...limitsOf(limitWith(entitlement.limit, current, grants, draws, now), entitlement.overage),
    allowance: entitlement.limit,
    openedAt: now,
    validUntil: usable ? new Date(Math.min(...nextChange)) : sql<Date>`'-infinity'`,
  }
  return tx
    .insertInto('usageCounters')
    .values({ businessId, feature: name, periodStart: period.start, ...state })
    .onConflict((conflict) => conflict.columns(['businessId', 'feature', 'periodStart']).doUpdateSet(state))
    .returningAll()
    .executeTakeFirstOrThrow()
}

/** Locks a feature's counters and grants, and stores what has paid for what was counted so far. */
export async function attributeUsage(tx: Tx, ctx: Context, businessId: string, name: string) {
  const { periods, grants } = (await loadAccounts(tx, businessId, [name], 'lock'))(name)
  const draws = attribute(periods, grants, ctx.now())
  await storeDraws(tx, businessId, name, draws)
  return { periods, grants, draws }
}

async function countItems(db: Queryable, businessId: string, features: string[]): Promise<Map<string, number>> {
  const rows = await db
    .selectFrom('allocations')
    .select(['feature', ({ fn }) => fn.countAll<number>().as('items')])
    .where('businessId', '=', businessId)
    .where('feature', 'in', features)
    .groupBy('feature')
    .execute()
  return new Map(rows.map(({ feature, items }) => [feature, Number(items)]))
}

/** Members and pending invitations, without counting an e-mail twice. Suspended members keep their seat. */
export async function seatsTaken(db: Queryable, ctx: Context, businessId: string): Promise<number> {
  const { rows } = await sql<{ seats: number }>`
    select count(*) as seats
    from (
      select u.email
      from freehold.members m
      join freehold.users u on u.id = m.user_id
      where m.business_id = ${businessId}
      union
      select i.email
      from freehold.invitations i
      where i.business_id = ${businessId}
        and i.accepted_at is null
        and i.revoked_at is null
        and i.expires_at > ${ctx.now()}
    ) taken`.execute(db)
  return rows[0]?.seats ?? 0
}

export function featureNamed(ctx: Context, name: string): Feature {
  const feature = ctx.product.features[name]
  if (!feature) throw new Error(`The product defines no feature ${name}`)
  return feature
}

/** Counters with what they drew, and the grants, of some features. Lock order: counters, then grants. */
export async function loadAccounts(db: Queryable, businessId: string, names: string[], lock?: 'lock') {
  const countersQuery = db
    .selectFrom('usageCounters')
    .selectAll()
    .where('businessId', '=', businessId)
    .where('feature', 'in', names)
    .orderBy('feature')
    .orderBy('periodStart')
  const grantsQuery = db
    .selectFrom('grants')
    .selectAll()
    .where('businessId', '=', businessId)
    .where('feature', 'in', names)
    .orderBy('id')
  const counters = await (lock ? countersQuery.forNoKeyUpdate() : countersQuery).execute()
  const grants = await (lock ? grantsQuery.forNoKeyUpdate() : grantsQuery).execute()
  const draws =
    grants.length === 0
      ? []
      : await db
          .selectFrom('grantDraws')
          .selectAll()
          .where('businessId', '=', businessId)
          .where('feature', 'in', names)
          .execute()
  const drawnBy = (counter: Counter) =>
    draws
      .filter(
        (draw) => draw.feature === counter.feature && draw.periodStart.getTime() === counter.periodStart.getTime(),
      )
      .reduce((sum, draw) => sum + draw.amount, 0)

  return (name: string) => ({
    periods: counters
      .filter((counter) => counter.feature === name)
      .map((counter) => ({ ...counter, drawn: drawnBy(counter) })),
    grants: grants.filter((grant) => grant.feature === name),
  })
}

async function storeDraws(tx: Tx, businessId: string, feature: string, draws: Draw[]): Promise<void> {
  for (const { periodStart, grantId, amount } of draws) {
    await tx
      .updateTable('usageCounters')
      .set((set) => ({ attributed: set('attributed', '+', amount) }))
      .where('businessId', '=', businessId)
      .where('feature', '=', feature)
      .where('periodStart', '=', periodStart)
      .execute()
    if (grantId === null) continue
    await tx
      .updateTable('grants')
      .set((set) => ({ drawn: set('drawn', '+', amount) }))
      .where('businessId', '=', businessId)
      .where('id', '=', grantId)
      .execute()
    await tx
      .insertInto('grantDraws')
      .values({ businessId, grantId, feature, periodStart, amount })
      .onConflict((conflict) =>
        conflict.columns(['businessId', 'grantId', 'periodStart']).doUpdateSet((set) => ({
          amount: set('grantDraws.amount', '+', set.ref('excluded.amount')),
        })),
      )
      .execute()
  }
}

export async function loadOverrides(db: Queryable, businessId: string): Promise<Override[]> {
  return (await overridesOfEach(db, [businessId]))(businessId)
}

/** The same of many businesses at once. */
export async function overridesOfEach(
  db: Queryable,
  businessIds: string[],
): Promise<(businessId: string) => Override[]> {
  const rows = await db
    .selectFrom('limitOverrides')
    .select(['businessId', 'feature', 'value', 'expiresAt'])
    .where('businessId', '=', sql<string>`any(${arrayText(businessIds)}::text[])`)
    .execute()
  const overrides = Map.groupBy(rows, ({ businessId }) => businessId)
  return (businessId) => overrides.get(businessId) ?? []
}
