import type { Context } from '../context.ts'
import { acrossBusinesses, waitAtMost } from '../db/transactions.ts'
import { FreeholdError } from '../errors.ts'
import { isLockTimeout } from './meter.ts'
import { expiredReservations, releaseReservation } from './reservations.ts'

const batchSize = 500
const lockMilliseconds = 100

/**
 * Gives back what was reserved and never confirmed. One transaction each: a counter that somebody holds is left for the
 * next run, and stopping anywhere loses nothing.
 */
export async function expireReservations(ctx: Context): Promise<void> {
  let released = 0
  let behind = 0
  let last: Awaited<ReturnType<typeof expiredReservations>>[number] | undefined
  for (;;) {
    const expired = await expiredReservations(ctx.db.across, ctx, batchSize, last)
    last = expired.at(-1)
    if (!last) break
    for (const { businessId, id } of expired) {
      try {
        await acrossBusinesses(ctx.db, async (tx) => {
          await waitAtMost(tx, lockMilliseconds)
          await releaseReservation(tx, ctx, { businessId, id, credentialId: undefined })
        })
        released += 1
      } catch (error) {
        if (isLockTimeout(error)) behind += 1
        // Confirmed by a process whose clock was a moment behind: then it counts.
        else if (!(error instanceof FreeholdError && error.code === 'reservation_closed')) throw error
      }
    }
  }
  if (released + behind > 0) ctx.log.info({ released, behind }, 'reservations expired')
}
