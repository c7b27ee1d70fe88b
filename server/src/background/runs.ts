import { sql } from 'kysely'
import { position } from '../audit/timeline.ts'
import type { Queryable } from '../db/open.ts'
import { jobsSchema } from '../jobs/jobs.ts'

export const jobStates = ['waiting', 'running', 'retrying', 'failed', 'done'] as const
export type JobState = (typeof jobStates)[number]

/** A run of a task or the sending of a mail. What it was sent with stays out: it may name people. */
export type JobRow = {
  id: string
  at: Date
  task: string
  mailId: string | null
  state: JobState
  attempts: number
  error: string | null
  startAfter: Date
  startedAt: Date | null
  endedAt: Date | null
}

/** Newest first, one more than asked for. The queue keeps what is over for some days. */
export async function listJobs(
  db: Queryable,
  {
    limit,
    cursor,
    state,
    task,
  }: { limit: number; cursor?: string | undefined; state?: JobState | undefined; task?: string | undefined },
): Promise<JobRow[]> {
  const before = cursor === undefined ? undefined : position(cursor)
  const { rows } = await sql<JobRow>`
    select id, at, task, mail_id as "mailId", state, attempts, error, start_after as "startAfter",
      started_at as "startedAt", ended_at as "endedAt"
    from (
      select id::text as id, date_trunc('milliseconds', created_on) as at, coalesce(data ->> 'task', 'mail') as task,
        data ->> 'mailId' as mail_id,
        case state
          when 'created' then 'waiting' when 'active' then 'running' when 'retry' then 'retrying'
          when 'completed' then 'done' else 'failed'
        end as state,
        case when started_on is null then retry_count else retry_count + 1 end as attempts,
        case when state <> 'completed' then left(output ->> 'message', 500) end as error,
        start_after, started_on as started_at, completed_on as ended_at
      from ${sql.table(`${jobsSchema}.job`)}
      where name in ('tasks', 'mails')
    ) as job
    where true
      ${state === undefined ? sql`` : sql`and state = ${state}`}
      ${task === undefined ? sql`` : sql`and task = ${task}`}
      ${before ? sql`and (at, id collate "C") < (${before.at}::timestamptz, ${before.id}::text collate "C")` : sql``}
    order by at desc, id collate "C" desc
    limit ${limit + 1}`.execute(db)
  return rows
}
