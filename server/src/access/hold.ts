import type { Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { acrossBusinesses, isLockTimeout, waitAtMost } from '../db/transactions.ts'
import { FreeholdError } from '../errors.ts'
import { unfinished } from '../unfinished.ts'
import { confirmReservation, releaseReservation } from '../usage/reservations.ts'
import { consumeUnits, reserve, type Subject } from './gate.ts'
import { limitReached } from './own-transaction.ts'

/** Longer than a request takes; a process that dies in between gives the units back after it. */
const holdSeconds = 60
const patienceMilliseconds = 1000

/** What is needed of Node's response. */
export type HeldResponse = {
  statusCode: number
  headersSent: boolean
  end(...chunk: unknown[]): unknown
  destroy(error?: Error): unknown
  once(event: 'close', listener: () => void): unknown
}

type Units = { feature: string; amount: number; requestId: string }

/** Holds units until the response is complete: then they are counted when it is 2xx, and given back otherwise. */
export async function hold(ctx: Context, subject: Subject, response: HeldResponse, units: Units): Promise<void> {
  const { feature } = units
  const { allowed, code, id, ...tally } = await reserve(ctx, subject, { ...units, ttlSeconds: holdSeconds })
  if (!allowed || id === null) {
    throw code === 'limit_reached' && tally.used !== null
      ? limitReached(feature, { ...tally, used: tally.used })
      : new FreeholdError(code ?? 'busy', undefined, { extensions: { feature } })
  }
  // The answer stands. What cannot be settled is given back when the hold ends.
  const report = (error: unknown) =>
    ctx.log.error({ err: error, businessId: subject.businessId, feature, reservation: id }, 'a hold was not settled')
  const settlePatiently = async (succeeded: boolean) => {
    try {
      await settle(ctx, subject, id, units, succeeded, patienceMilliseconds)
    } catch (error) {
      if (!isLockTimeout(error)) return report(error)
      // Whoever holds the counter must not hold the answer, too.
      void unfinished(ctx)
        .add(settle(ctx, subject, id, units, succeeded))
        .catch(report)
    }
  }
  settleWith(response, (succeeded) => unfinished(ctx).add(settlePatiently(succeeded)))
}

async function settle(
  ctx: Context,
  subject: Subject,
  id: string,
  units: Units,
  succeeded: boolean,
  patience?: number,
): Promise<void> {
  const own = { businessId: subject.businessId, id, credentialId: undefined }
  const patiently = (work: (tx: Tx) => Promise<unknown>) =>
    acrossBusinesses(ctx.db, async (tx) => {
      if (patience !== undefined) await waitAtMost(tx, patience)
      await work(tx)
    })
  const giveBack = () => patiently((tx) => releaseReservation(tx, ctx, own))
  if (!succeeded) return giveBack()
  try {
    await patiently((tx) => confirmReservation(tx, ctx, own))
  } catch (error) {
    if (!(error instanceof FreeholdError && error.code === 'reservation_closed')) throw error
    // The work took longer than the hold, and is done: it is counted if there is still room for it.
    await giveBack()
    await consumeUnits(ctx, subject, units)
  }
}

/**
 * Settles as the very last thing before an answer is complete: after every hook of the application's, whatever their
 * order, and before the client can know of it. A response that breaks off after its head counts when it was the client
 * who left: else whoever hangs up before the last byte has the work for nothing. What the application breaks off itself,
 * because its source failed, is given back.
 */
function settleWith(response: HeldResponse, settle: (succeeded: boolean) => Promise<void>): void {
  let settled: Promise<void> | undefined
  let brokenOff = false
  const end = response.end.bind(response)
  const destroy = response.destroy.bind(response)
  const succeeded = () => response.statusCode >= 200 && response.statusCode < 300
  response.end = (...chunk) => {
    settled ??= settle(succeeded())
    void settled.then(() => end(...chunk))
    return response
  }
  response.destroy = (error) => {
    brokenOff = true
    return destroy(error)
  }
  // When the client leaves before there is an answer, the handler still runs and will end.
  response.once('close', () => {
    if (response.headersSent) settled ??= settle(!brokenOff && succeeded())
  })
}
