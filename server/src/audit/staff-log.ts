import { sql, type RawBuilder, type Selectable } from 'kysely'
import type { Queryable } from '../db/open.ts'
import type { AuditEntriesTable } from '../db/tables.ts'

export type StaffLogRow = Omit<Selectable<AuditEntriesTable>, 'businessId'> & {
  businessId: string | null
  businessName: string | null
}

/** Who is not a customer: people, the back office's app keys, and Freehold itself with its command line. */
export const staffLogKinds = ['staff', 'app', 'system'] as const

export type StaffLogQuery = {
  limit: number
  cursor?: string | undefined
  /** Staff and app keys when nothing is said. */
  actorKind?: (typeof staffLogKinds)[number] | undefined
  /** An id or an e-mail. */
  actor?: string | undefined
  action?: string | undefined
  businessId?: string | undefined
  from?: Date | undefined
  to?: Date | undefined
}

/**
 * What was done by others than customers, in every business and outside of them, newest first, one more than asked for.
 * Each of the two logs is cut to the page for each kind of actor, and there for each of its few actions, on its own
 * index before they are put together: what was done once is found among everything that is done all the time.
 */
export async function staffLog(
  db: Queryable,
  { limit, cursor, actorKind, actor, action, businessId, from, to }: StaffLogQuery,
): Promise<StaffLogRow[]> {
  const filter = sql`
    ${cursor === undefined ? sql`` : sql`and id < ${cursor}::text collate "C"`}
    ${actor === undefined ? sql`` : sql`and (actor_id = ${actor} or actor_email = ${actor.toLowerCase()})`}
    ${from === undefined ? sql`` : sql`and at >= ${from}::timestamptz`}
    ${to === undefined ? sql`` : sql`and at < ${to}::timestamptz`}`
  const isAsked = (column: string) =>
    action === undefined
      ? sql`true`
      : sql`(${sql.ref(column)} = ${action} or split_part(${sql.ref(column)}, '.', 1) = ${action})`
  const newest = sql`order by id desc limit ${limit + 1}`
  const columns = sql`id, at, actor_kind, actor_id, actor_name, actor_email`
  const inBusinesses = sql`business_id, ${columns}, on_behalf_of, action, target, before, after`
  const elsewhere = sql`null, ${columns}, null::jsonb, action, target, before, after`
  // Its whole log is in the primary key's order, and no longer than one business makes it.
  const inOne = (kind: string) => sql`(
    select ${inBusinesses}
    from freehold.audit_entries
    where business_id = ${businessId} and actor_kind = ${kind} and ${isAsked('action')} ${filter}
    ${newest}
  )`
  // From one action to the next on the index. Kinds are written out, as an index of some kinds is for no other.
  const inEvery = (table: string, of: RawBuilder<unknown>, kind: string) => sql`(
    with recursive actions (done) as (
      select min(action) from ${sql.table(table)} where actor_kind = ${sql.lit(kind)}
      union all
      select (select min(action) from ${sql.table(table)} where actor_kind = ${sql.lit(kind)} and action > done)
      from actions
      where done is not null
    )
    select page.*
    from actions
    cross join lateral (
      select ${of}
      from ${sql.table(table)}
      where actor_kind = ${sql.lit(kind)} and action = done ${filter}
      ${newest}
    ) as page
    where done is not null and ${isAsked('done')}
    ${newest}
  )`
  const kinds = actorKind === undefined ? ['staff', 'app'] : [actorKind]
  const logs = kinds.flatMap((kind) =>
    businessId === undefined
      ? [
          inEvery('freehold.audit_entries', inBusinesses, kind),
          inEvery('freehold.system_audit_entries', elsewhere, kind),
        ]
      : [inOne(kind)],
  )
  const { rows } = await sql<StaffLogRow>`
    select e.id, e.at, e.business_id as "businessId", b.name as "businessName", e.actor_kind as "actorKind",
      e.actor_id as "actorId", e.actor_name as "actorName", e.actor_email as "actorEmail",
      e.on_behalf_of as "onBehalfOf", e.action, e.target, e.before, e.after
    from (
      select *
      from (${sql.join(logs, sql` union all `)}) as every (
        business_id, id, at, actor_kind, actor_id, actor_name, actor_email, on_behalf_of, action, target, before, after
      )
      order by id desc
      limit ${limit + 1}
    ) as e
    left join freehold.businesses b on b.id = e.business_id
    order by e.id desc`.execute(db)
  return rows
}
