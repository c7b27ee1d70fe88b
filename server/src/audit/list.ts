import { sql } from 'kysely'
import type { Queryable } from '../db/open.ts'

export type AuditFilters = { actor?: string | undefined; action?: string | undefined; from?: Date | undefined }

/** Newest first. `actor` is an id, a kind or an e-mail; `action` a whole one, or its noun for all of that. */
export function listAudit(
  db: Queryable,
  businessId: string,
  { actor, action, from }: AuditFilters,
  limit: number,
  cursor?: string,
) {
  let query = db.selectFrom('auditEntries').selectAll().where('businessId', '=', businessId)
  if (cursor) query = query.where('id', '<', cursor)
  if (from) query = query.where('at', '>=', from)
  if (action) {
    query = query.where((where) =>
      where.or([where('action', '=', action), where(sql<string>`split_part(action, '.', 1)`, '=', action)]),
    )
  }
  if (actor) {
    query = query.where((where) =>
      where.or([
        where('actorId', '=', actor),
        where('actorKind', '=', actor),
        where('actorEmail', '=', actor.toLowerCase()),
      ]),
    )
  }
  return query.orderBy('id', 'desc').limit(limit).execute()
}
