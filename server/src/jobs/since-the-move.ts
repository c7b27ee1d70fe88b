import { sql } from 'kysely'
import type { Queryable } from '../db/open.ts'

export type Happening = {
  kind: 'event' | 'mail'
  id: string
  at: Date
  /** An event's type, a mail's subject. */
  name: string
  business: { id: string; name: string } | null
  /** Of a mail. */
  to: string | null
}

/** What the domain's clock was moved from the last time, and the newest of what has happened since; for development. */
export async function sinceTheMove(db: Queryable): Promise<{ from: Date | null; items: Happening[] }> {
  const { movedFrom } = await db.selectFrom('clockOffset').select('movedFrom').executeTakeFirstOrThrow()
  if (movedFrom === null) return { from: null, items: [] }
  const { rows } = await sql<Happening>`
    select h.kind, h.id, h.at, h.name, h.recipient as to,
      case when b.id is not null then jsonb_build_object('id', b.id, 'name', b.name) end as business
    from (
      select 'event' as kind, id, at, type as name, business_id, null as recipient
      from freehold.events
      where business_id is not null and at >= ${movedFrom}::timestamptz
      union all
      select 'mail', id, created_at, subject, business_id, recipient
      from freehold.mails
      where created_at >= ${movedFrom}::timestamptz
      order by at desc, id desc
      limit 100
    ) as h
    left join freehold.businesses b on b.id = h.business_id
    order by h.at desc, h.id desc`.execute(db)
  return { from: movedFrom, items: rows }
}
