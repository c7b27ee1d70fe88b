import { sql } from 'kysely'
import type { Database, Tx } from './db/open.ts'
import { FreeholdError } from './errors.ts'

/**
 * The domain's time: real time plus an offset that is kept in one row, so that development and tests can move every
 * process forward at once. Queues, retries, rate limits, one-time codes and locks stay on real time. In production the
 * offset is not even read.
 */
export type Clock = {
  now: () => Date
  /** Reads the offset again; notifications and jobs call it. */
  refresh: () => Promise<void>
}

export const clockChannel = 'freehold_clock'

/** Real time, for what must not follow the domain's clock. */
export const realTime = (): number => Date.now()

export async function openClock(db: Database, movable: boolean): Promise<Clock> {
  let offset = 0
  const refresh = async () => {
    if (!movable) return
    const row = await db.across.selectFrom('clockOffset').select('milliseconds').executeTakeFirstOrThrow()
    offset = Number(row.milliseconds)
  }
  await refresh()
  return { now: () => new Date(realTime() + offset), refresh }
}

/** Moves the domain's clock forward in every process. Backwards is refused: what has happened is not undone. */
export async function moveClock(tx: Tx, now: Date, to: Date): Promise<void> {
  if (to < now) throw new FreeholdError('invalid_request', 'The clock only moves forward')
  await tx
    .updateTable('clockOffset')
    .set({ milliseconds: to.getTime() - realTime(), movedFrom: now })
    .execute()
  await sql`select pg_notify(${clockChannel}, '')`.execute(tx)
}
