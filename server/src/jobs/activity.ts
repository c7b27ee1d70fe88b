import { sql } from 'kysely'
import { realTime } from '../clock.ts'
import type { Queryable } from '../db/open.ts'

/** After how many missed heartbeats the queue itself takes a process for dead. */
const missedBeats = 3

/** How many workers are at work, and when one last was. On real time, as all of the queue is. */
export async function workerActivity(db: Queryable): Promise<{ alive: number; lastSeenAt: Date | null }> {
  const { rows } = await sql<{ alive: number; lastSeenAt: Date | null }>`
    select
      count(*) filter (
        where stopped_on is null
          and heartbeat_on > ${new Date(realTime())}::timestamptz - ${missedBeats} * heartbeat_seconds * interval '1 second'
      ) as alive,
      max(coalesce(stopped_on, heartbeat_on)) as last_seen_at
    from freehold_jobs.instance
    where supervise`.execute(db)
  return rows[0] ?? { alive: 0, lastSeenAt: null }
}
