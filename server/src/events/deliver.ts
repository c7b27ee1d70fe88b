import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import type { TObject, TSchema } from 'typebox'
import { realTime } from '../clock.ts'
import type { Context } from '../context.ts'
import { eventCatalogue, isEventType, type FreeholdEvent } from './catalogue.ts'

/**
 * Hands events over: to each its handler, one after the other within a business, several businesses at a time. Whichever
 * worker holds a business has it to itself; the hold is renewed while it works and runs out when it dies, so that another
 * begins where it stopped. Holds and pauses are on real time, as all of the queue is.
 */
export type Delivery = {
  /** Takes on what waits, as far as there is room. What has been taken on goes on after this has returned. */
  look: () => Promise<void>
  /** Takes on nothing more, and waits for the handlers that run. */
  stop: () => Promise<void>
}

export type HandleEvent = (event: FreeholdEvent) => Promise<void> | void

/** How many businesses one worker has in hand at a time. */
const places = 8
const holdMilliseconds = 15_000
const renewMilliseconds = 5_000
/** After this a handler counts as failed; what it still does meanwhile is nobody's any more. */
const handlerMilliseconds = 60_000
const longestPauseMilliseconds = 3_600_000
/** Others have a turn after so many. */
const eventsInTurn = 100
const passMilliseconds = 1_000
const passedOverAtOnce = 5_000

/** `again` is called when there may be more to take on. */
export function openDelivery(
  ctx: Context,
  types: string[],
  { handle, again }: { handle: HandleEvent; again: () => void },
): Delivery {
  const db = ctx.db.across
  const workerId = ctx.newId('worker')
  const inHand = new Map<string, Promise<void>>()
  let lastClaimed = ''
  let lastPassed = 0
  let stopping = false
  let looking = Promise.resolve()

  const takeOn = async () => {
    if (stopping) return
    if (realTime() - lastPassed >= passMilliseconds) {
      lastPassed = realTime()
      await passOver(ctx, types)
    }
    const free = places - inHand.size
    if (free <= 0 || types.length === 0) return
    const claimed = await claim(free)
    for (const businessId of claimed) {
      // A turn may be at its very end, or have outlived its hold while this process stood still: the next one waits for it.
      const before = inHand.get(businessId) ?? Promise.resolve()
      const turn = before
        .then(() => takeTurn(businessId))
        .catch((error: unknown) => ctx.log.warn({ err: error, businessId }, 'events could not be handed over'))
        .finally(() => {
          if (inHand.get(businessId) === turn) inHand.delete(businessId)
          // Several at a time: looking costs as much for one as for many.
          if (inHand.size <= places / 2) again()
        })
      inHand.set(businessId, turn)
    }
  }

  /** Businesses in turn, so that busy ones do not keep the others waiting. */
  const claim = async (free: number): Promise<string[]> => {
    const from = async (after: string, count: number) => {
      const now = realTime()
      const { rows } = await sql<{ businessId: string }>`
        insert into freehold.event_holds as hold (business_id, held_until, worker_id)
        select business_id, ${new Date(now + holdMilliseconds)}, ${workerId}
        from (
          select waiting.business_id
          from freehold.events waiting
          where waiting.delivered_at is null
            and waiting.type = any(${types}::text[])
            and waiting.business_id > ${after}
            and not exists (
              select from freehold.event_holds held
              where held.business_id = waiting.business_id
                and held.held_until > ${new Date(now)}
            )
          group by waiting.business_id
          order by waiting.business_id
          limit ${count}
        ) waiting
        order by business_id
        -- Somebody else was first: then the hold is theirs.
        on conflict (business_id) do update set held_until = excluded.held_until, worker_id = excluded.worker_id
          where hold.held_until <= ${new Date(now)}
        returning business_id as "businessId"`.execute(db)
      return rows.map(({ businessId }) => businessId)
    }
    const claimed = await from(lastClaimed, free)
    if (claimed.length < free && lastClaimed !== '') claimed.push(...(await from('', free - claimed.length)))
    lastClaimed = claimed.length < free ? '' : (claimed.at(-1) ?? '')
    return claimed
  }

  const takeTurn = async (businessId: string) => {
    for (let count = 0; count < eventsInTurn && !stopping; count += 1) {
      const found = await next(businessId)
      if (!found) break
      const failure = await attempt(found.event)
      if (failure !== undefined) return fail(found.event, failure)
      if (!(await markDelivered(found.event))) return
      if (!found.isFollowed) break
    }
    await db.deleteFrom('eventHolds').where('businessId', '=', businessId).where('workerId', '=', workerId).execute()
  }

  /** The next event of a business that is still held, and one attempt more for it. */
  const next = async (businessId: string): Promise<{ event: FreeholdEvent; isFollowed: boolean } | undefined> => {
    const { rows } = await sql<Row & { isFollowed: boolean }>`
      update freehold.events event
      set attempts = attempts + 1
      where business_id = ${businessId}
        and sequence = (
          select min(sequence)
          from freehold.events
          where business_id = ${businessId} and delivered_at is null and type = any(${types}::text[])
        )
        and exists (
          select from freehold.event_holds
          where business_id = ${businessId} and worker_id = ${workerId} and held_until > ${new Date(realTime())}
        )
      returning id, business_id as "businessId", sequence, type, data, at, attempts as attempt,
        exists (
          select from freehold.events later
          where later.business_id = ${businessId}
            and later.sequence > event.sequence
            and later.delivered_at is null
            and later.type = any(${types}::text[])
        ) as "isFollowed"`.execute(db)
    const [row] = rows
    if (!row) return undefined
    const { isFollowed, ...rest } = row
    const event = fromRow(rest)
    return event && { event, isFollowed }
  }

  const attempt = async (event: FreeholdEvent): Promise<unknown> => {
    const handled = new AbortController()
    try {
      await Promise.race([handle(event), tooLate(handled.signal), keepHold(event.businessId, handled.signal)])
      return undefined
    } catch (error) {
      return error ?? new Error('the handler threw nothing')
    } finally {
      handled.abort()
    }
  }

  const keepHold = async (businessId: string, signal: AbortSignal): Promise<never> => {
    for (;;) {
      await delay(renewMilliseconds, undefined, { signal })
      await hold(businessId, holdMilliseconds, workerId).catch((error: unknown) =>
        ctx.log.warn({ err: error, businessId }, 'a hold on events could not be renewed'),
      )
    }
  }

  const hold = (businessId: string, milliseconds: number, holder: string | null) =>
    db
      .updateTable('eventHolds')
      .set({ heldUntil: new Date(realTime() + milliseconds), workerId: holder })
      .where('businessId', '=', businessId)
      .where('workerId', '=', workerId)
      .execute()

  /** False when another worker has taken over meanwhile: the event is theirs then, a second time. */
  const markDelivered = async ({ businessId, id }: FreeholdEvent): Promise<boolean> => {
    const { numUpdatedRows } = await db
      .updateTable('events')
      .set({ deliveredAt: ctx.now(), error: null })
      .where('businessId', '=', businessId)
      .where('id', '=', id)
      .where(({ exists, selectFrom }) =>
        exists(
          selectFrom('eventHolds')
            .select('businessId')
            .where('businessId', '=', businessId)
            .where('workerId', '=', workerId),
        ),
      )
      .executeTakeFirst()
    return numUpdatedRows > 0n
  }

  /** The business's events wait for this one, longer each time. */
  const fail = async ({ businessId, id, type, attempt: number }: FreeholdEvent, failure: unknown) => {
    ctx.log.error({ err: failure, event: id, type, businessId, attempt: number }, 'an event handler failed')
    const { numUpdatedRows } = await db
      .updateTable('events')
      .set({ error: (failure instanceof Error ? failure.message : String(failure)).slice(0, 500) })
      .where('businessId', '=', businessId)
      .where('id', '=', id)
      .where('deliveredAt', 'is', null)
      .executeTakeFirst()
    // What was skipped meanwhile is waited for no longer.
    const isSkipped = numUpdatedRows === 0n
    await hold(businessId, isSkipped ? 0 : Math.min(1000 * 2 ** (number - 1), longestPauseMilliseconds), null)
  }

  return {
    look: () => (looking = takeOn()),
    stop: async () => {
      stopping = true
      await looking.catch(() => {})
      await Promise.all(inHand.values())
    },
  }
}

type Row = Omit<FreeholdEvent, 'data' | 'type'> & { type: string; data: Record<string, unknown> }

/** Times were text in the table. */
function fromRow({ type, data, ...row }: Row): FreeholdEvent | undefined {
  if (!isEventType(type)) return undefined
  const { properties } = eventCatalogue[type] as TObject
  const revived = Object.entries(data).map(([name, value]) => [
    name,
    typeof value === 'string' && isTime(properties[name]) ? new Date(value) : value,
  ])
  return { ...row, type, data: Object.fromEntries(revived) } as FreeholdEvent
}

const isTime = (schema: TSchema | undefined) =>
  schema !== undefined && 'format' in schema && schema.format === 'date-time'

async function tooLate(signal: AbortSignal): Promise<never> {
  await delay(handlerMilliseconds, undefined, { signal })
  throw new Error(`it took longer than ${handlerMilliseconds / 1000} seconds`)
}

// One worker at a time does it; the others need not wait.
const passingLock = 7_305_808_869

/** Events that nothing handles are done with, many at once. */
async function passOver(ctx: Context, types: string[]): Promise<void> {
  for (;;) {
    const { numAffectedRows = 0n } = await sql`
      with turn as (select pg_try_advisory_xact_lock(${passingLock}) as ours)
      update freehold.events
      set delivered_at = ${ctx.now()}
      where delivered_at is null
        and (select ours from turn)
        and (business_id, id) in (
          select business_id, id
          from freehold.events
          where delivered_at is null and type <> all(${types}::text[])
          limit ${passedOverAtOnce}
        )`.execute(ctx.db.across)
    if (numAffectedRows < passedOverAtOnce) return
  }
}
