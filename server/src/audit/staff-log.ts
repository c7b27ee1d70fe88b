import { sql, type Selectable } from 'kysely'
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
 * Each of the two logs is cut to the page for each kind of actor on its own index before they are put together.
 */
export async function staffLog(
  db: Queryable,
  { limit, cursor, actorKind, actor, action, businessId, from, to }: StaffLogQuery,
): Promise<StaffLogRow[]> {
  const filter = sql`
    ${cursor === undefined ? sql`` : sql`and id < ${cursor}::text collate "C"`}
    ${actor === undefined ? sql`` : sql`and (actor_id = ${actor} or actor_email = ${actor.toLowerCase()})`}
    ${action === undefined ? sql`` : sql`and (action = ${action} or split_part(action, '.', 1) = ${action})`}
    ${from === undefined ? sql`` : sql`and at >= ${from}::timestamptz`}
    ${to === undefined ? sql`` : sql`and at < ${to}::timestamptz`}
    order by id desc
    limit ${limit + 1}`
  const columns = sql`id, at, actor_kind, actor_id, actor_name, actor_email`
  // Written out, as an index of some kinds is for no other.
  const inBusinesses = (kind: string) => sql`(
    select business_id, ${columns}, on_behalf_of, action, target, before, after
    from freehold.audit_entries
    where actor_kind = ${sql.lit(kind)} ${businessId === undefined ? sql`` : sql`and business_id = ${businessId}`} ${filter}
  )`
  const elsewhere = (kind: string) => sql`(
    select null, ${columns}, null::jsonb, action, target, before, after
    from freehold.system_audit_entries
    where actor_kind = ${sql.lit(kind)} ${filter}
  )`
  const kinds = actorKind === undefined ? ['staff', 'app'] : [actorKind]
  const logs = [...kinds.map(inBusinesses), ...(businessId === undefined ? kinds.map(elsewhere) : [])]
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
