import { sql } from 'kysely'
import type { Context } from '../context.ts'
import type { Queryable } from '../db/open.ts'
import { hashToken } from '../secrets.ts'
import type { Business } from './businesses.ts'

/**
 * Businesses as staff look for them, newest first: by a part of the name or of a member's e-mail, whatever the case, by
 * an id or its beginning, or by an API key: its beginning, the hint that people see of it, or the whole.
 */
export async function searchBusinesses(
  db: Queryable,
  ctx: Context,
  { search = '', limit, cursor }: { search?: string | undefined; limit: number; cursor?: string | undefined },
): Promise<Business[]> {
  const text = search.trim().toLowerCase()
  let query = db
    .selectFrom('businesses')
    .selectAll()
    .orderBy('id', 'desc')
    .limit(limit + 1)
  if (cursor !== undefined) query = query.where('id', '<', cursor)
  if (text === '') return query.execute()

  // What was typed is matched as it is: % and _ are letters like any other.
  const literal = text.replace(/[\\%_]/g, String.raw`\$&`)
  const types = Object.entries(ctx.product.keys).flatMap(([type, { prefix }]) =>
    text.startsWith(`${prefix}_`) ? type : [],
  )
  // One set of ids, each way of finding them on an index or a scan of its own, instead of four questions a business.
  const found = sql<string>`(
    select id
    from freehold.businesses
    where name ilike ${`%${literal}%`} or id = ${text} or (${text.startsWith('biz_')} and id like ${`${literal}%`})
    union
    select m.business_id
    from freehold.members m
    join freehold.users u on u.id = m.user_id
    where u.email like ${`%${literal}%`}
    union
    select business_id
    from freehold.api_keys
    where hash = ${hashToken(text)}
      or lower(hint) = ${text.replace('...', '…')}
      or (type = any(${types}::text[]) and business_id like ${businessPrefix(text)})
  )`
  return query.where('id', 'in', found).execute()
}

/** A key begins with its business: what is left of it after the type's prefix says which, as far as it was typed. */
function businessPrefix(text: string): string {
  const rest = text.slice(text.indexOf('_') + 1)
  const isBeginning = /^[0-9a-z]{0,57}$/.test(rest)
  return isBeginning ? `biz\\_${rest.slice(0, 26)}%` : ''
}
