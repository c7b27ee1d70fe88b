import { sql, type RawBuilder } from 'kysely'
import type { Queryable } from '../db/open.ts'
import { invalid } from '../errors.ts'
import { jobsSchema } from '../jobs/jobs.ts'

/**
 * Everything that has happened to a business in one list: what was done, what came of it, what was mailed, owed and paid,
 * and what does not work. Each kind is cut to the page where it is stored, so a page costs the same however long it goes
 * back.
 */

export const timelineKinds = ['audit', 'event', 'mail', 'invoice', 'payment', 'credit', 'job'] as const
export type TimelineKind = (typeof timelineKinds)[number]

export type TimelineRow = {
  at: Date
  id: string
  kind: TimelineKind
  /** An action, an event's type, a mail's template, an invoice's status, a task. */
  name: string
  /** How it stands now, where it can still change. */
  status: string | null
  why: string | null
  actor: { kind: string; id: string | null; name: string | null; email: string | null } | null
  onBehalfOf: { kind: string; id: string; name: string } | null
  target: { kind: string; id: string; name?: string | null } | null
  amount: number | null
  currency: string | null
}

export type TimelineQuery = {
  limit: number
  cursor?: string | undefined
  from?: Date | undefined
  kind?: TimelineKind | undefined
}

/** Newest first, one more than `limit` when there are more. */
export async function timeline(
  db: Queryable,
  businessId: string,
  { limit, cursor, from, kind }: TimelineQuery,
): Promise<TimelineRow[]> {
  const before = cursor === undefined ? undefined : position(cursor)
  const sources = timelineKinds
    .filter((each) => kind === undefined || each === kind)
    .map((each) => {
      const older = before ? sql`and (at, id) < (${before.at}::timestamptz, ${before.id}::text collate "C")` : sql``
      const newer = from ? sql`and at >= ${from}::timestamptz` : sql``
      return sql`(
        select each.*
        from (${selects[each](businessId)}) as each
        where true ${older} ${newer}
        order by at desc, id desc
        limit ${limit + 1}
      )`
    })
  const { rows } = await sql<TimelineRow>`
    select at, id, kind, name, status, why, actor, on_behalf_of as "onBehalfOf", target, amount, currency
    from (${sql.join(sources, sql` union all `)}) as every (
      at, id, kind, name, status, why, actor, on_behalf_of, target, amount, currency
    )
    order by at desc, id desc
    limit ${limit + 1}`.execute(db)
  return rows
}

/** Where a page ends: what comes from different tables is ordered by time first. */
export const cursorOf = ({ at, id }: Pick<TimelineRow, 'at' | 'id'>): string => `${at.toISOString()}~${id}`

export function position(cursor: string): { at: Date; id: string } {
  const [time = '', id = ''] = cursor.split('~')
  const at = new Date(time)
  // A Date may be of a year that PostgreSQL does not know.
  if (!/^\d{4}-/.test(time) || Number.isNaN(at.getTime()) || !/^[0-9a-z_-]+$/.test(id))
    throw invalid('querystring/cursor', 'is none of this list')
  return { at, id }
}

// Columns in the order of the list: at, id, kind, name, status, why, actor, on_behalf_of, target, amount, currency.
const selects: Record<TimelineKind, (businessId: string) => RawBuilder<unknown>> = {
  audit: (businessId) => sql`
    select at, id, 'audit', action, null, after ->> 'reason',
      jsonb_build_object('kind', actor_kind, 'id', actor_id, 'name', actor_name, 'email', actor_email),
      on_behalf_of, target, null::bigint, null
    from freehold.audit_entries
    where business_id = ${businessId}`,
  event: (businessId) => sql`
    select at, id, 'event', type,
      case
        when delivered_at is null then case when error is null then 'waiting' else 'failing' end
        when attempts = 0 then 'not_handled'
        else 'handled'
      end,
      coalesce(error || ' (attempt ' || attempts || ')', data ->> 'reason'),
      null::jsonb, null::jsonb, jsonb_build_object('kind', 'event', 'id', id), null::bigint, null
    from freehold.events
    where business_id = ${businessId}`,
  mail: (businessId) => sql`
    select created_at as at, id, 'mail', template,
      case when sent_at is not null then 'sent' when failed_at is not null then 'failed' else 'queued' end,
      error, null::jsonb, null::jsonb, jsonb_build_object('kind', 'mail', 'id', id, 'name', recipient), null::bigint, null
    from freehold.mails
    where business_id = ${businessId}`,
  invoice: (businessId) => sql`
    select coalesce(opened_at, created_at) as at, id, 'invoice', cause, status, status_reason,
      null::jsonb, null::jsonb, jsonb_build_object('kind', 'invoice', 'id', id, 'name', number), total, currency
    from freehold.invoices
    where business_id = ${businessId}`,
  payment: (businessId) => sql`
    select created_at as at, id, 'payment', provider, null, null,
      null::jsonb, null::jsonb, jsonb_build_object('kind', 'invoice', 'id', invoice_id), amount, currency
    from freehold.payments
    where business_id = ${businessId}`,
  credit: (businessId) => sql`
    select created_at as at, id, 'credit', null, null, reason,
      null::jsonb, null::jsonb,
      case when invoice_id is not null then jsonb_build_object('kind', 'invoice', 'id', invoice_id) end,
      amount, currency
    from freehold.credit_entries
    where business_id = ${businessId}`,
  // Jobs know no business. Those that do not work are few, and a mail's names the mail.
  job: (businessId) => sql`
    select date_trunc('milliseconds', coalesce(job.completed_on, job.started_on, job.created_on)) as at,
      job.id::text as id, 'job', coalesce(job.data ->> 'task', job.name),
      case job.state when 'failed' then 'failed' else 'retrying' end,
      left(job.output ->> 'message', 500) || ' (attempt ' || job.retry_count + 1 || ')',
      null::jsonb, null::jsonb,
      jsonb_build_object('kind', case when mail.id is null then 'job' else 'mail' end, 'id', coalesce(mail.id, job.id::text)),
      null::bigint, null
    from ${sql.table(`${jobsSchema}.job`)} as job
    left join freehold.mails mail on mail.id = job.data ->> 'mailId' and mail.business_id = ${businessId}
    where job.name in ('mails', 'tasks')
      and job.state in ('retry', 'failed')
      and (mail.id is not null or job.data ->> 'businessId' = ${businessId})`,
}
