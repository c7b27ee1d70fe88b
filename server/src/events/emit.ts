import { sql } from 'kysely'
import type { Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { ownersAreMailed, type EventData, type EventType } from './catalogue.ts'

/** An event to be: `emit` gives it its id, its time and its number among those of its business. */
export type NewEvent = { [Type in EventType]: { businessId: string; type: Type; data: EventData<Type> } }[EventType]

/** Tells workers that something waits to be handed over. */
export const eventsChannel = 'freehold_events'

/**
 * Writes an event in the transaction that makes it true: it exists when, and only when, that commits. The last thing a
 * transaction does where it can be, because whoever else emits for the same business waits until the commit.
 */
export const emit = (tx: Tx, ctx: Context, event: NewEvent): Promise<void> => emitAll(tx, ctx, [event])

/** The same for many events, of many businesses, in one statement; those of one business keep the order they come in. */
export async function emitAll(tx: Tx, ctx: Context, events: NewEvent[]): Promise<void> {
  if (events.length === 0) return
  const now = ctx.now()
  const given = events.map(({ businessId, type, data }) => ({
    business_id: businessId,
    id: ctx.newId('event'),
    type,
    data,
  }))
  await sql`
    with given as (
      select *
      from json_to_recordset(${JSON.stringify(given)}::json) as each (business_id text, id text, type text, data jsonb)
    ),
    -- Streams are locked in one order, whatever order the events come in.
    numbered as (
      insert into freehold.event_streams as stream (business_id, last_sequence)
      select business_id, count(*)
      from given
      group by business_id
      order by business_id
      on conflict (business_id) do update set last_sequence = stream.last_sequence + excluded.last_sequence
      returning business_id, last_sequence
    )
    insert into freehold.events (business_id, id, sequence, type, data, at, to_mail)
    select given.business_id, given.id,
      numbered.last_sequence + 1 - row_number() over (partition by given.business_id order by given.id desc),
      given.type, given.data, ${now}, given.type = any(${ownersAreMailed}::text[])
    from given
    join numbered on numbered.business_id = given.business_id`.execute(tx)
  // One a transaction, whatever it emits: PostgreSQL sends equal notifications once.
  if (events.some(({ type }) => ctx.product.on[type])) await sql`select pg_notify(${eventsChannel}, '')`.execute(tx)
}
