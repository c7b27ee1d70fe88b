import { sql, type RawBuilder } from 'kysely'
import type { Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { acrossBusinesses, isLockTimeout, waitAtMost } from '../db/transactions.ts'

/** What becomes of each. */
type Work<Item> = {
  /** The next of those that wait, in the order of what tells them apart; `last` is the last of those before. */
  read: (last: Item | undefined) => Promise<Item[]>
  /** In a transaction of its own. */
  each: (tx: Tx, item: Item) => Promise<unknown>
  /** How the log says that one failed. */
  failure: string
  /** How long each waits for a row that somebody holds; a task that is back in a minute need not wait for long. */
  waitMilliseconds?: number
}

/** `behind`: what somebody held, for the next run. */
export type Done = { done: number; behind: number; failed: number }

const batchSize = 500

/**
 * Goes through what waits for a task, so that one thing that is held or cannot be done keeps nobody else from theirs.
 * What failed is logged and tried again by the next run, as is everything where a run was cut short.
 */
export async function oneByOne<Item extends { businessId: string }>(
  ctx: Context,
  { read, each, failure, waitMilliseconds = 100 }: Work<Item>,
): Promise<Done> {
  const result: Done = { done: 0, behind: 0, failed: 0 }
  for (let items = await read(undefined); items.length > 0; items = await read(items.at(-1))) {
    for (const item of items) {
      try {
        await acrossBusinesses(ctx.db, async (tx) => {
          await waitAtMost(tx, waitMilliseconds)
          await each(tx, item)
        })
        result.done += 1
      } catch (error) {
        if (isLockTimeout(error)) result.behind += 1
        else {
          result.failed += 1
          ctx.log.error({ err: error, businessId: item.businessId }, failure)
        }
      }
    }
  }
  return result
}

/** Reads the businesses of which there is a row like that, in key order. */
export const businessesWith = (ctx: Context, table: string, waiting: RawBuilder<unknown>) =>
  async function read(last = { businessId: '' }): Promise<{ businessId: string }[]> {
    const { rows } = await sql<{ businessId: string }>`
      select distinct business_id
      from ${sql.table(`freehold.${table}`)}
      where ${waiting}
        and business_id > ${last.businessId}
      order by business_id
      limit ${batchSize}`.execute(ctx.db.across)
    return rows
  }
