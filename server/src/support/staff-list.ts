import { sql, type RawBuilder } from 'kysely'
import type { Queryable } from '../db/open.ts'
import { requestMilliseconds, type SupportSession } from './support.ts'

export const listedStates = ['active', 'requested', 'over'] as const

/** Sessions in every business, newest first, one more than asked for. */
export async function sessionsOfAll(
  db: Queryable,
  now: Date,
  { status, limit, cursor }: { status?: (typeof listedStates)[number]; limit: number; cursor?: string },
): Promise<(SupportSession & { businessName: string })[]> {
  const isActive = sql<boolean>`s.started_at is not null and s.ended_at is null and s.expires_at > ${now}::timestamptz`
  const isRequested = sql<boolean>`
    s.started_at is null and s.refused_at is null and s.ended_at is null
    and s.requested_at > ${new Date(now.getTime() - requestMilliseconds)}::timestamptz`
  const conditions: Record<(typeof listedStates)[number], RawBuilder<boolean>> = {
    active: isActive,
    requested: isRequested,
    over: sql<boolean>`not coalesce(${isActive}, false) and not (${isRequested})`,
  }
  const { rows } = await sql<SupportSession & { businessName: string }>`
    select s.business_id as "businessId", s.id, s.staff_id as "staffId", s.staff_name as "staffName",
      s.staff_email as "staffEmail", s.reason, s.access, s.minutes, s.requested_at as "requestedAt",
      s.answered_at as "answeredAt", s.answered_by as "answeredBy", s.refused_at as "refusedAt",
      s.started_at as "startedAt", s.expires_at as "expiresAt", s.ended_at as "endedAt", s.ended_by as "endedBy",
      b.name as "businessName"
    from freehold.support_sessions s
    join freehold.businesses b on b.id = s.business_id
    where true
      ${status === undefined ? sql`` : sql`and ${conditions[status]}`}
      ${cursor === undefined ? sql`` : sql`and s.id < ${cursor}::text collate "C"`}
    order by s.id desc
    limit ${limit + 1}`.execute(db)
  return rows
}
