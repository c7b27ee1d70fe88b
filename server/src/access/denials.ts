import type { Selectable } from 'kysely'
import { perContext, type Actor, type Context } from '../context.ts'
import type { Queryable } from '../db/open.ts'
import type { DenialsTable } from '../db/tables.ts'
import { createReader, explainIfPossible } from './explain.ts'
import type { GateAnswer } from './gate.ts'
import { isDenial, type Asked, type Explanation } from './steps.ts'

/**
 * Denials are kept for a day, so that a request id can be explained. They are noted in memory and written together,
 * soon after: whoever is denied does not wait for it, and a flood of denials writes no more than a few. What decided is
 * noted at once; what stands behind it is read when they are written. A process that dies loses its last quarter of a
 * second, and a crash of the database all of them: that is the price of an unlogged table.
 */

const keptMilliseconds = 24 * 3_600_000
const gatherMilliseconds = 250
const rowsPerStatement = 100

/** How many are kept in a minute, by one process: of one business, and of all. The others can be asked with `explain`. */
export const mostPerMinute = { business: 60, process: 600 }

/** Whose denials are of no business: those of a credential that is nobody's. No business has such an id. */
export const nobody = '-'

type Noted = { asked: Asked; answer: GateAnswer; bearer: string | undefined; explanation: Explanation | undefined }

export type Denials = {
  /** Takes a denial to be written. Costs next to nothing, and never waits. */
  note: (denial: Noted) => void
  /** Once everything noted so far is written. */
  written: () => Promise<void>
}

export const denials = perContext((ctx): Denials => {
  const fits = createAllowance(ctx)
  let waiting: Noted[] = []
  let timer: NodeJS.Timeout | undefined
  let underway = Promise.resolve()

  const written = () => {
    clearTimeout(timer)
    timer = undefined
    const batch = waiting
    waiting = []
    if (batch.length > 0) {
      underway = underway
        .then(() => write(ctx, batch))
        .catch((error: unknown) => ctx.log.warn({ err: error, denials: batch.length }, 'denials were not kept'))
    }
    return underway
  }
  return {
    note: (denial) => {
      if (!isDenial(denial.answer.code) || !fits(denial.asked.subject?.businessId ?? nobody)) return
      waiting.push(denial)
      timer ??= setTimeout(() => void written(), gatherMilliseconds).unref()
    },
    written,
  }
})

/** On real time, as all rates are. */
function createAllowance(ctx: Context): (businessId: string) => boolean {
  let since = performance.now()
  let counts = new Map<string, number>()
  let kept = 0
  let dropped = 0
  return (businessId) => {
    const now = performance.now()
    if (now - since >= 60_000) {
      if (dropped > 0) ctx.log.info({ kept, dropped }, 'of many denials some were not kept')
      since = now
      counts = new Map()
      kept = 0
      dropped = 0
    }
    const count = counts.get(businessId) ?? 0
    if (count >= mostPerMinute.business || kept >= mostPerMinute.process) {
      dropped += 1
      return false
    }
    counts.set(businessId, count + 1)
    kept += 1
    return true
  }
}

async function write(ctx: Context, batch: Noted[]): Promise<void> {
  const reader = createReader(ctx)
  for (let first = 0; first < batch.length; first += rowsPerStatement) {
    const rows = []
    for (const denial of batch.slice(first, first + rowsPerStatement)) {
      const { asked, answer, bearer } = denial
      const explanation = denial.explanation ?? (await explainIfPossible(ctx, asked, answer, bearer, reader))
      // It takes none of the others with it.
      if (!explanation) continue
      const { requestId, at, route, subject, permission, feature, amount, itemId } = asked
      rows.push({
        businessId: subject?.businessId ?? businessOf(explanation) ?? nobody,
        requestId,
        at,
        route,
        code: answer.code ?? '',
        asked: JSON.stringify({ permission, feature, ...(itemId === undefined ? { amount } : { itemId }) }),
        explanation: JSON.stringify(explanation),
      })
    }
    if (rows.length === 0) continue
    // Of several denials under one request id, the first.
    await ctx.db.across
      .insertInto('denials')
      .values(rows)
      .onConflict((conflict) => conflict.columns(['businessId', 'requestId']).doNothing())
      .execute()
  }
}

/** A key that is revoked or has expired still says whose it was. */
function businessOf({ steps }: Explanation): string | undefined {
  const businessId = steps[0]?.saw['businessId']
  return typeof businessId === 'string' ? businessId : undefined
}

export type Denial = Selectable<DenialsTable>

/**
 * The latest denial under a request id, of any business or of those that `reader` has to do with. An application that has
 * Freehold in it numbers requests itself, and what it numbers from 1 in every process many businesses have.
 */
export async function findDenial(
  db: Queryable,
  ctx: Context,
  requestId: string,
  reader?: Actor,
): Promise<Denial | undefined> {
  let query = db
    .selectFrom('denials')
    .select(['businessId', 'requestId', 'at', 'route', 'code', 'asked', 'explanation'])
    .where('requestId', '=', requestId)
    .where('at', '>', oldest(ctx))
  if (reader?.kind === 'user') {
    const own = db.selectFrom('members').select('businessId').where('userId', '=', reader.id)
    query = query.where('businessId', 'in', own)
  } else if (reader?.kind === 'key' || reader?.kind === 'staff') {
    const { businessId } = reader.kind === 'key' ? reader : reader.supportSession
    query = query.where('businessId', '=', businessId)
  }
  return query.orderBy('at', 'desc').orderBy('businessId').limit(1).executeTakeFirst()
}

/** Deletes what is too old to be read. */
export async function forgetDenials(ctx: Context): Promise<void> {
  await ctx.db.across
    .deleteFrom('denials')
    // Every business's.
    .where('businessId', 'is not', null)
    .where('at', '<=', oldest(ctx))
    .execute()
}

const oldest = (ctx: Context) => new Date(ctx.now().getTime() - keptMilliseconds)
