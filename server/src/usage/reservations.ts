import { sql, type Selectable } from 'kysely'
import type { Context } from '../context.ts'
import type { Queryable, Tx } from '../db/open.ts'
import type { ReservationsTable } from '../db/tables.ts'
import { FreeholdError } from '../errors.ts'
import { violates } from '../db/transactions.ts'
import { noticeLimits } from './alerts.ts'
import type { Counter } from './counters.ts'
import { consume, type Counted, type NotCounted } from './meter.ts'
import { fromKysely } from './ports.ts'

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
  requestId?: string | undefined
  /** Unique among the business's reservations; a repeat gets the first one's answer. */
  idempotencyKey?: string | undefined
}

export async function reserveUnits(
  tx: Tx,
  ctx: Context,
  { businessId, feature, amount, ttlSeconds, credentialId, requestId, idempotencyKey }: Reserving,
): Promise<(Counted & { id: string }) | NotCounted> {
  const now = ctx.now()
  const counter = await tx
    .selectFrom('usageCounters')
    .selectAll()
    .where('businessId', '=', businessId)
    .where('feature', '=', feature)
    .where('validUntil', '>', now)
    .forNoKeyUpdate()
    .executeTakeFirst()
  // Behind the lock, so that a repeat waits for the first; and first of all, so that it is answered whatever came since.
  const before = idempotencyKey === undefined ? undefined : await reservedBefore(tx, businessId, idempotencyKey)
  if (before) {
    const isSame = before.feature === feature && before.amount === amount && before.ttlSeconds === ttlSeconds
    if (!isSame) throw new FreeholdError('idempotency_key_reused')
    return before.answer
  }
  if (!counter) return { outcome: 'closed' }
  const { ceiling, softLimit, used, periodEnd, periodStart } = counter
  const limit = softLimit ?? ceiling
  const revoked = await tx
    .selectFrom('recentRevocations')
    .select('credentialId')
    .where('credentialId', '=', credentialId)
    .executeTakeFirst()
  if (revoked) return { outcome: 'revoked' }
  if (ceiling !== null && used + counter.held + amount > ceiling)
    return { outcome: 'full', limit, used, held: counter.held, periodEnd }

  const id = ctx.newId('reservation')
  const held = counter.held + amount
  await tx
    .insertInto('reservations')
    .values({
      businessId,
      id,
      feature,
      periodStart,
      amount,
      credentialId,
      idempotencyKey: idempotencyKey ?? null,
      requestId: requestId ?? null,
      usedAfter: used,
      heldAfter: held,
      ceiling: limit,
      expiresAt: new Date(now.getTime() + ttlSeconds * 1000),
      createdAt: now,
    })
    .execute()
  await setCounter(tx, { businessId, feature, periodStart }, { held })
  return { outcome: 'counted', id, limit, used, held, periodEnd, requestId: requestId ?? null }
}

async function reservedBefore(tx: Tx, businessId: string, idempotencyKey: string) {
  const row = await tx
    .selectFrom('reservations as r')
    .innerJoin('usageCounters as c', (join) =>
      join
        .onRef('c.businessId', '=', 'r.businessId')
        .onRef('c.feature', '=', 'r.feature')
        .onRef('c.periodStart', '=', 'r.periodStart'),
    )
    .select(['r.id', 'r.feature', 'r.amount', 'r.requestId', 'r.usedAfter', 'r.heldAfter', 'r.ceiling', 'c.periodEnd'])
    .select(['r.createdAt', 'r.expiresAt'])
    .where('r.businessId', '=', businessId)
    .where('r.idempotencyKey', '=', idempotencyKey)
    .executeTakeFirst()
  if (!row) return undefined
  const { id, feature, amount, requestId, usedAfter: used, heldAfter: held, ceiling: limit, periodEnd } = row
  const ttlSeconds = Math.round((row.expiresAt.getTime() - row.createdAt.getTime()) / 1000)
  return {
    feature,
    amount,
    ttlSeconds,
    answer: { outcome: 'counted' as const, id, limit, used, held, periodEnd, requestId },
  }
}

/** Two at once with one key that did not wait for the same counter: of different features, or over a period's end. */
export const isReservedTwice = (error: unknown): boolean => violates(error, 'reservations_idempotency')

/** Which reservation is settled, and by whose credential; undefined where whoever holds it does not matter. */
export type Settling = { businessId: string; id: string; credentialId: string | undefined }

type Reservation = Selectable<ReservationsTable>

/** Of what a reservation is; another business's is not found. */
export async function reservedFeature(db: Queryable, { businessId, id }: Pick<Settling, 'businessId' | 'id'>) {
  const reservation = await db
    .selectFrom('reservations')
    .select('feature')
    .where('businessId', '=', businessId)
    .where('id', '=', id)
    .executeTakeFirst()
  if (!reservation) throw new FreeholdError('not_found')
  return reservation.feature
}

/**
 * Turns held units into used ones: all of them, or fewer. What is wanted beyond them is consumed in the same
 * transaction, within the limit and in the period that is open; where it does not fit, nothing is confirmed. Confirming
 * again changes nothing; after a release or an expiry it is refused.
 */
export async function confirmReservation(
  tx: Tx,
  ctx: Context,
  settling: Settling,
  { amount, ...asked }: { amount?: number | undefined; credentialId?: string; requestId?: string } = {},
): Promise<Counted | NotCounted> {
  const { counter, reservation } = await lockReservation(tx, settling)
  if (reservation.confirmedAt) {
    if (amount !== undefined && amount !== reservation.confirmedAmount)
      throw new FreeholdError('reservation_closed', 'It was confirmed with another amount')
    return countedOn(counter)
  }
  if (reservation.releasedAt || reservation.expiresAt <= ctx.now()) {
    throw new FreeholdError('reservation_closed', 'The reservation was released or has expired')
  }
  const beyond = Math.max(0, (amount ?? reservation.amount) - reservation.amount)
  if (beyond === 0) return countedOn(await settle(tx, ctx, counter, reservation, amount))
  const { businessId, feature } = reservation
  const consumed = await consume(fromKysely(tx), ctx, { ...asked, businessId, feature, amount: beyond })
  if (consumed.outcome !== 'counted') return consumed
  // Counted on the same row, where its period is still open.
  const { counter: now } = await lockReservation(tx, settling)
  const settled = await settle(tx, ctx, now, reservation, amount)
  return settled.periodEnd.getTime() === consumed.periodEnd.getTime() ? countedOn(settled) : consumed
}

const countedOn = ({ ceiling, softLimit, used, held, periodEnd }: Counter): Counted => ({
  outcome: 'counted',
  limit: softLimit ?? ceiling,
  used,
  held,
  periodEnd,
  requestId: null,
})

/** Counts what was held, or as much of it as was needed. */
async function settle(
  tx: Tx,
  ctx: Context,
  counter: Counter,
  reservation: Reservation,
  amount = reservation.amount,
): Promise<Counter> {
  const { businessId, id } = reservation
  const units = Math.min(amount, reservation.amount)
  const used = counter.used + units
  const held = counter.held - reservation.amount
  await tx
    .updateTable('reservations')
    .set({ confirmedAt: ctx.now(), confirmedAmount: amount })
    .where('businessId', '=', businessId)
    .where('id', '=', id)
    .execute()
  await setCounter(tx, counter, { used, held, late: counter.overages !== null })
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
      heldAfter: held,
      ceiling: counter.softLimit ?? counter.ceiling,
      credentialId: reservation.credentialId,
      at: ctx.now(),
    })
    .execute()
  await noticeLimits(tx, ctx, { ...counter, counted: units })
  return { ...counter, used, held }
}

/** Gives held units back. Releasing again changes nothing; what was confirmed stays used. */
export async function releaseReservation(tx: Tx, ctx: Context, settling: Settling) {
  const { businessId, id } = settling
  const { counter, reservation } = await lockReservation(tx, settling)
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
async function lockReservation(tx: Tx, { businessId, id, credentialId }: Settling) {
  const find = () => tx.selectFrom('reservations').selectAll().where('businessId', '=', businessId).where('id', '=', id)
  const seen = await find().executeTakeFirst()
  if (!seen) throw new FreeholdError('not_found')
  if (credentialId !== undefined && !(await isHeldBy(tx, seen, credentialId))) throw new FreeholdError('not_found')
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

/** A publishable key is everybody's, and an id is no secret: whoever else knows it settles nothing. */
async function isHeldBy(
  tx: Tx,
  { businessId, credentialId: holder }: { businessId: string; credentialId: string | null },
  credentialId: string,
): Promise<boolean> {
  if (holder === null) return false
  if (holder === credentialId) return true
  // A key that takes another's place goes on with its work.
  const same = await tx
    .selectFrom('apiKeys as holding')
    .innerJoin('apiKeys as settling', (join) =>
      join
        .onRef('settling.businessId', '=', 'holding.businessId')
        .onRef('settling.lineageId', '=', 'holding.lineageId'),
    )
    .select('holding.id')
    .where('holding.businessId', '=', businessId)
    .where('settling.businessId', '=', businessId)
    .where('holding.id', '=', holder)
    .where('settling.id', '=', credentialId)
    .executeTakeFirst()
  return same !== undefined
}

async function setCounter(
  tx: Tx,
  { businessId, feature, periodStart }: { businessId: string; feature: string; periodStart: Date },
  state: { used?: number; held?: number; late?: boolean },
): Promise<void> {
  await tx
    .updateTable('usageCounters')
    .set(state)
    .where('businessId', '=', businessId)
    .where('feature', '=', feature)
    .where('periodStart', '=', periodStart)
    .execute()
}
