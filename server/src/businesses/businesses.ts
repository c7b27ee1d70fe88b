import { isDeepStrictEqual } from 'node:util'
import type { Selectable } from 'kysely'
import { audit } from '../audit/audit.ts'
import type { Actor, Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import type { BusinessesTable } from '../db/tables.ts'
import { violates } from '../db/transactions.ts'
import { FreeholdError } from '../errors.ts'
import { emit, emitAll, type NewEvent } from '../events/emit.ts'
import { changedFields, checkFields } from '../http/fields.ts'
import { invalidateCounters } from '../usage/counters.ts'

/** How long its owner may take the closing of a business back. */
export const reopeningDays = 30

export type Business = Selectable<BusinessesTable>

export type NewBusiness = { name: string; externalId?: string; fields?: Record<string, unknown> }

/** Creates the bare business; its owner, subscription and keys are the caller's to add in the same transaction. */
export async function createBusiness(
  tx: Tx,
  ctx: Context,
  { name, externalId, fields }: NewBusiness,
  at: string,
): Promise<Business> {
  try {
    return await tx
      .insertInto('businesses')
      .values({
        id: ctx.newId('business'),
        name: name.trim(),
        externalId: externalId ?? null,
        fields: JSON.stringify(checkFields(ctx.product.fields.business, fields ?? {}, `${at}/fields`)),
        createdAt: ctx.now(),
      })
      .returningAll()
      .executeTakeFirstOrThrow()
  } catch (error) {
    if (violates(error, 'businesses_external_id_key')) throw new FreeholdError('external_id_taken')
    throw error
  }
}

export async function businessById(tx: Tx, businessId: string): Promise<Business> {
  const business = await tx.selectFrom('businesses').selectAll().where('id', '=', businessId).executeTakeFirst()
  if (!business) throw new FreeholdError('not_found')
  return business
}

/** The parent row of everything in a business: whoever checks before writing (seats, owners, status) locks it first. */
export async function lockBusiness(tx: Tx, businessId: string): Promise<Business> {
  const business = await tx
    .selectFrom('businesses')
    .selectAll()
    .where('id', '=', businessId)
    .forNoKeyUpdate()
    .executeTakeFirst()
  if (!business) throw new FreeholdError('not_found')
  return business
}

export type BusinessChange = { name?: string; externalId?: string | null; fields?: Record<string, unknown> }

export async function updateBusiness(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  businessId: string,
  change: BusinessChange,
): Promise<Business> {
  const before = await lockBusiness(tx, businessId)
  const fields = change.fields && changedFields(ctx.product.fields.business, before.fields, change.fields)
  try {
    const after = await tx
      .updateTable('businesses')
      .set({
        name: change.name?.trim() ?? before.name,
        externalId: change.externalId === undefined ? before.externalId : change.externalId,
        fields: JSON.stringify(fields ?? before.fields),
      })
      .where('id', '=', businessId)
      .returningAll()
      .executeTakeFirstOrThrow()
    await audit(tx, ctx, actor, businessId, {
      action: 'business.updated',
      target: { kind: 'business', id: businessId, name: after.name },
      before: { name: before.name, externalId: before.externalId, fields: before.fields },
      after: { name: after.name, externalId: after.externalId, fields: after.fields },
    })
    if (!isDeepStrictEqual(before, after)) {
      const { name, externalId } = after
      await emit(tx, ctx, { businessId, type: 'business.updated', data: { name, externalId } })
    }
    return after
  } catch (error) {
    if (violates(error, 'businesses_external_id_key')) throw new FreeholdError('external_id_taken')
    throw error
  }
}

/**
 * Closes a business: nothing in it works from now on, reading apart, and its owner may reopen it for 30 days. A
 * suspended one stays as it is: reopening would undo what staff decided.
 */
export async function closeBusiness(tx: Tx, ctx: Context, actor: Actor, businessId: string): Promise<void> {
  const before = await lockBusiness(tx, businessId)
  if (before.status === 'closed') return
  if (before.status === 'suspended') throw new FreeholdError('business_not_open', 'The business is suspended')
  await setStatus(
    tx,
    ctx,
    actor,
    before,
    { status: 'closed', statusReason: null, suspendedAt: null, closedAt: ctx.now() },
    'closed',
  )
  await emit(tx, ctx, { businessId, type: 'business.closed', data: {} })
}

export async function reopenBusiness(tx: Tx, ctx: Context, actor: Actor, businessId: string): Promise<Business> {
  const before = await lockBusiness(tx, businessId)
  if (before.status === 'suspended') throw new FreeholdError('business_not_open', 'The business is suspended')
  if (before.closedAt === null) return before
  const lastDay = new Date(before.closedAt.getTime() + reopeningDays * 86_400_000)
  if (ctx.now() > lastDay)
    throw new FreeholdError('reopening_expired', `It could be reopened until ${lastDay.toISOString()}`)
  const change = { status: 'active', statusReason: null, suspendedAt: null, closedAt: null }
  const after = await setStatus(tx, ctx, actor, before, change, 'reopened')
  await emit(tx, ctx, { businessId, type: 'business.reopened', data: {} })
  return after
}

/** Staff suspend a business or lift that again. Its subscription goes on; nothing can be used meanwhile. */
export async function suspendBusiness(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  businessId: string,
  status: 'suspended' | 'active',
  reason: string,
): Promise<Business> {
  const before = await lockBusiness(tx, businessId)
  if (before.status === 'closed') throw new FreeholdError('business_closed', 'Its owner can reopen it')
  if (before.status === status) return before
  const isSuspended = status === 'suspended'
  const change = {
    status,
    statusReason: isSuspended ? reason : null,
    suspendedAt: isSuspended ? ctx.now() : null,
    closedAt: null,
  }
  const verb = isSuspended ? 'suspended' : 'reactivated'
  const after = await setStatus(tx, ctx, actor, before, change, verb, reason)
  await emitAll(tx, ctx, [
    { businessId, type: `business.${verb}`, data: { reason } },
    ...(isSuspended ? await suspendedSubscription(tx, businessId, reason) : []),
  ])
  return after
}

async function suspendedSubscription(tx: Tx, businessId: string, reason: string): Promise<NewEvent[]> {
  const rows = await tx
    .selectFrom('subscriptions')
    .innerJoin('planVersions', 'planVersions.id', 'subscriptions.planVersionId')
    .select(['subscriptions.id as subscriptionId', 'planVersions.planKey as plan', 'planVersions.version', 'price'])
    .where('businessId', '=', businessId)
    .where('status', '<>', 'ended')
    .execute()
  return rows.map((terms) => ({ businessId, type: 'subscription.suspended', data: { ...terms, reason } }))
}

async function setStatus(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  before: Business,
  change: Pick<Business, 'status' | 'statusReason' | 'suspendedAt' | 'closedAt'>,
  verb: string,
  reason?: string,
): Promise<Business> {
  const after = await tx
    .updateTable('businesses')
    .set(change)
    .where('id', '=', before.id)
    .returningAll()
    .executeTakeFirstOrThrow()
  await invalidateCounters(tx, before.id)
  await audit(tx, ctx, actor, before.id, {
    action: `business.${verb}`,
    target: { kind: 'business', id: before.id, name: before.name },
    before: { status: before.status },
    after: { status: after.status, ...(reason === undefined ? {} : { reason }) },
  })
  return after
}
