import { sql } from 'kysely'
import type { Context } from '../context.ts'
import type { Queryable, Tx } from '../db/open.ts'
import { FreeholdError, invalid } from '../errors.ts'
import type { Counted, NotCounted } from './meter.ts'

/**
 * Units held for work that may fail: they count against the limit at once, become used when confirmed, and return when
 * released or expired. They are charged to the period they were reserved in.
 */
export type Reserving = {
  businessId: string
  feature: string
  amount: number
  ttlSeconds: number
  credentialId: string
}

export async function reserveUnits(
  tx: Tx,
  ctx: Context,
  { businessId, feature, amount, ttlSeconds, credentialId }: Reserving,
): Promise<(Counted & { id: string }) | NotCounted> {
  const now = ctx.now()
  const counter = await tx
    .selectFrom('usageCounters')
    .selectAll()
    .where('businessId', '=', businessId)
    .where('feature', '=', feature)
    .where('periodStart', '<=', now)
    .where('validUntil', '>', now)
    .forNoKeyUpdate()
    .executeTakeFirst()
  if (!counter) return { outcome: 'closed' }
  const { ceiling: limit, used, periodEnd, periodStart } = counter
  const revoked = await tx
    .selectFrom('recentRevocations')
    .select('credentialId')
    .where('credentialId', '=', credentialId)
    .executeTakeFirst()
  if (revoked) return { outcome: 'revoked' }
  if (limit !== null && used + counter.held + amount > limit)
    return { outcome: 'full', limit, used, held: counter.held, periodEnd }

  const id = ctx.newId('reservation')
  await tx
    .insertInto('reservations')
    .values({
      businessId,
      id,
      feature,
      periodStart,
      amount,
      credentialId,
      expiresAt: new Date(now.getTime() + ttlSeconds * 1000),
      createdAt: now,
    })
    .execute()
  const held = counter.held + amount
  await setCounter(tx, { businessId, feature, periodStart }, { held })
  return { outcome: 'counted', id, limit, used, held, periodEnd, requestId: null }
}

/**
 * Turns held units into used ones: all of them, or fewer. Confirming again changes nothing; after a release or an
 * expiry it is refused.
 */
export async function confirmReservation(tx: Tx, ctx: Context, businessId: string, id: string, amount?: number) {
  const { counter, reservation } = await lockReservation(tx, businessId, id)
  const units = amount ?? reservation.amount
  if (reservation.confirmedAt) {
    if (amount !== undefined && amount !== reservation.confirmedAmount)
      throw new FreeholdError('reservation_closed', 'It was confirmed with another amount')
    return counter
  }
  if (reservation.releasedAt || reservation.expiresAt <= ctx.now()) {
    throw new FreeholdError('reservation_closed', 'The reservation was released or has expired')
  }
  if (units > reservation.amount) {
    throw invalid('body/amount', `only ${reservation.amount} are reserved; consume the rest`)
  }
  const used = counter.used + units
  const held = counter.held - reservation.amount
  await tx
    .updateTable('reservations')
    .set({ confirmedAt: ctx.now(), confirmedAmount: units })
    .where('businessId', '=', businessId)
    .where('id', '=', id)
    .execute()
  await setCounter(tx, counter, { used, held })
  await tx
    .insertInto('usageEntries')
    .values({
      businessId,
      id: ctx.newId('usageEntry'),
      feature: counter.feature,
      periodStart: counter.periodStart,
      kind: 'reservation',
      amount: units,
      usedAfter: used,
      ceiling: counter.ceiling,
      credentialId: reservation.credentialId,
      at: ctx.now(),
    })
    .execute()
  return { ...counter, used, held }
}

/** Gives held units back. Releasing again changes nothing; what was confirmed stays used. */
export async function releaseReservation(tx: Tx, ctx: Context, businessId: string, id: string) {
  const { counter, reservation } = await lockReservation(tx, businessId, id)
  if (reservation.confirmedAt) throw new FreeholdError('reservation_closed', 'The reservation was confirmed')
  if (reservation.releasedAt) return
  await tx
    .updateTable('reservations')
    .set({ releasedAt: ctx.now() })
    .where('businessId', '=', businessId)
    .where('id', '=', id)
    .execute()
  await setCounter(tx, counter, { held: counter.held - reservation.amount })
}

/** The next reservations whose time has run out, after `last`. */
export function expiredReservations(
  db: Queryable,
  ctx: Context,
  limit: number,
  last?: { expiresAt: Date; businessId: string; id: string },
) {
  const query = db
    .selectFrom('reservations')
    .select(['businessId', 'id', 'expiresAt'])
    .where('confirmedAt', 'is', null)
    .where('releasedAt', 'is', null)
    .where('expiresAt', '<=', ctx.now())
    .orderBy('expiresAt')
    .orderBy('businessId')
    .orderBy('id')
    .limit(limit)
  if (!last) return query.execute()
  const position = sql<boolean>`(expires_at, business_id, id) > (${last.expiresAt}, ${last.businessId}, ${last.id})`
  return query.where(position).execute()
}

// The counter first, then the reservation: the order in which everybody locks.
async function lockReservation(tx: Tx, businessId: string, id: string) {
  const find = () => tx.selectFrom('reservations').selectAll().where('businessId', '=', businessId).where('id', '=', id)
  const seen = await find().executeTakeFirst()
  if (!seen) throw new FreeholdError('not_found')
  const counter = await tx
    .selectFrom('usageCounters')
    .selectAll()
    .where('businessId', '=', businessId)
    .where('feature', '=', seen.feature)
    .where('periodStart', '=', seen.periodStart)
    .forNoKeyUpdate()
    .executeTakeFirstOrThrow()
  return { counter, reservation: await find().forNoKeyUpdate().executeTakeFirstOrThrow() }
}

async function setCounter(
  tx: Tx,
  { businessId, feature, periodStart }: { businessId: string; feature: string; periodStart: Date },
  state: { used?: number; held?: number },
): Promise<void> {
  await tx
    .updateTable('usageCounters')
    .set(state)
    .where('businessId', '=', businessId)
    .where('feature', '=', feature)
    .where('periodStart', '=', periodStart)
    .execute()
}
