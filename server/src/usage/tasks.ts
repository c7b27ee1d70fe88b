import type { Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { FreeholdError } from '../errors.ts'
import { oneByOne } from '../jobs/one-by-one.ts'
import { expiredReservations, releaseReservation } from './reservations.ts'

const batchSize = 500

/** Gives back what was reserved and never confirmed. */
export async function expireReservations(ctx: Context): Promise<void> {
  const result = await oneByOne(ctx, {
    read: (last: Expired | undefined) => expiredReservations(ctx.db.across, ctx, batchSize, last),
    each: (tx, { businessId, id }) => expire(tx, ctx, { businessId, id }),
    failure: 'a reservation could not be given back',
  })
  if (result.done + result.behind + result.failed > 0) ctx.log.info(result, 'reservations expired')
}

type Expired = Awaited<ReturnType<typeof expiredReservations>>[number]

async function expire(tx: Tx, ctx: Context, reservation: { businessId: string; id: string }): Promise<void> {
  try {
    await releaseReservation(tx, ctx, { ...reservation, credentialId: undefined })
  } catch (error) {
    // Confirmed by a process whose clock was a moment behind: then it counts.
    if (!(error instanceof FreeholdError && error.code === 'reservation_closed')) throw error
  }
}
