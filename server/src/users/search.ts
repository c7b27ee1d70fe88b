import { sql } from 'kysely'
import type { Queryable } from '../db/open.ts'

export type FoundUser = {
  id: string
  name: string
  email: string
  disabledAt: Date | null
  createdAt: Date
  memberships: { business: { id: string; name: string }; memberId: string; role: string; suspended: boolean }[]
}

/** Of somebody in very many businesses, the last ones they joined. */
const membershipsShown = 10

/** People by a part of their e-mail or name, whatever the case, or by their id; the newest first, one more than asked for. */
export async function searchUsers(
  db: Queryable,
  { search, limit, cursor }: { search: string; limit: number; cursor?: string | undefined },
): Promise<FoundUser[]> {
  const text = search.trim().toLowerCase()
  // What was typed is matched as it is: % and _ are letters like any other.
  const literal = `%${text.replace(/[\\%_]/g, String.raw`\$&`)}%`
  const { rows } = await sql<FoundUser>`
    select u.id, u.name, u.email, u.disabled_at as "disabledAt", u.created_at as "createdAt", joined.memberships
    from (
      select *
      from freehold.users
      where (email like ${literal} or name ilike ${literal} or id = ${text})
        ${cursor === undefined ? sql`` : sql`and id < ${cursor}::text collate "C"`}
      order by id desc
      limit ${limit + 1}
    ) as u
    cross join lateral (
      select coalesce(json_agg(json_build_object(
        'business', json_build_object('id', m.business_id, 'name', b.name),
        'memberId', m.id, 'role', m.role, 'suspended', m.suspended_at is not null
      ) order by m.id desc), '[]') as memberships
      from (
        select * from freehold.members where user_id = u.id order by id desc limit ${membershipsShown}
      ) as m
      join freehold.businesses b on b.id = m.business_id
    ) as joined
    order by u.id desc`.execute(db)
  return rows
}
