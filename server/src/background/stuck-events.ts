import { sql } from 'kysely'
import { audit } from '../audit/audit.ts'
import type { Actor, Context } from '../context.ts'
import type { Queryable, Tx } from '../db/open.ts'
import { FreeholdError } from '../errors.ts'

/** An event whose handler has failed, and which the later ones of its business wait for. */
export type StuckEvent = {
  id: string
  businessId: string
  sequence: number
  type: string
  at: Date
  attempts: number
  error: string | null
}

/** Of each business the one, the longest waiting first. */
export function stuckEvents(db: Queryable, limit: number): Promise<StuckEvent[]> {
  return db
    .selectFrom('events')
    .select(['id', 'businessId', 'sequence', 'type', 'at', 'attempts', 'error'])
    .where('deliveredAt', 'is', null)
    .where('error', 'is not', null)
    .orderBy('at')
    .orderBy('businessId')
    .limit(limit)
    .execute()
}

/**
 * Ticks an event off that its handler can never handle, so that the business's later ones go on. Only one that has failed:
 * nobody skips what has not been tried. An attempt that runs meanwhile ends, and changes nothing.
 */
export async function skipEvent(tx: Tx, ctx: Context, actor: Actor, id: string, reason: string): Promise<StuckEvent> {
  const skipped = await tx
    .updateTable('events')
    .set({ deliveredAt: ctx.now() })
    .where('id', '=', id)
    .where('deliveredAt', 'is', null)
    .where('error', 'is not', null)
    .returning(['id', 'businessId', 'sequence', 'type', 'at', 'attempts', 'error'])
    .executeTakeFirst()
  if (!skipped) throw new FreeholdError('not_found', `No event ${id} has failed and waits`)
  const { businessId, sequence, type, attempts, error } = skipped
  // The pause was for this one. A worker that is at it keeps its hold.
  await sql`
    delete from freehold.event_holds
    where business_id = ${businessId} and worker_id is null`.execute(tx)
  await audit(tx, ctx, actor, businessId, {
    action: 'event.skipped',
    target: { kind: 'event', id },
    before: { type, sequence, attempts, error },
    after: { reason },
  })
  return skipped
}
