import { sql } from 'kysely'
import type { Tx } from '../db/open.ts'

/** Whoever holds the series commits soon: waiting for it is never giving up on a row that somebody keeps. */
const waitMilliseconds = 10_000

/**
 * The next numbers, for invoices that become final in this transaction. A rollback gives them back, so that those which
 * were given are 1…k without gaps (a sequence has gaps). The last lock a transaction takes: everybody who finalises
 * waits for it.
 */
export async function takeNumbers(tx: Tx, count: number): Promise<string[]> {
  if (count === 0) return []
  const { rows: settings } = await sql<{ before: string }>`
    select current_setting('lock_timeout') as before, set_config('lock_timeout', ${`${waitMilliseconds}ms`}, true)
  `.execute(tx)
  const { lastNumber } = await tx
    .updateTable('invoiceSeries')
    .set((each) => ({ lastNumber: each('lastNumber', '+', count) }))
    .returning('lastNumber')
    .executeTakeFirstOrThrow()
  await sql`select set_config('lock_timeout', ${settings[0]?.before}, true)`.execute(tx)
  const first = lastNumber - count + 1
  return Array.from({ length: count }, (_, index) => formatNumber(first + index))
}

const formatNumber = (number: number) => `INV-${String(number).padStart(6, '0')}`
