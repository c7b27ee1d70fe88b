import { sql, type Expression, type RawBuilder } from 'kysely'
import type { Context } from '../context.ts'
import type { Queryable } from '../db/open.ts'
import { hashToken } from '../secrets.ts'
import type { Business } from './businesses.ts'

/** Of a business that is open, its subscription's; `ending` is one that ends with its cycle. */
export const searchedStatuses = [
  ...(['trialing', 'active', 'past_due', 'paused', 'ended', 'ending'] as const),
  ...(['suspended', 'closed'] as const),
]
export const searchOrders = ['newest', 'oldest', 'name', 'cycleEnd'] as const

export type BusinessSearch = {
  search?: string | undefined
  status?: (typeof searchedStatuses)[number] | undefined
  plan?: string | undefined
  sort?: (typeof searchOrders)[number] | undefined
  limit: number
  cursor?: string | undefined
}

/**
 * Businesses as staff look for them: by a part of the name or of a member's e-mail, whatever the case, by an id or its
 * beginning, or by an API key: its beginning, the hint that people see of it, or the whole. Filters go by what renewal
 * has written: whatever is due waits for it at most a minute.
 */
export async function searchBusinesses(
  db: Queryable,
  ctx: Context,
  { search = '', status, plan, sort = 'newest', limit, cursor }: BusinessSearch,
): Promise<Business[]> {
  const text = search.trim().toLowerCase()
  const { key, direction, after } = orders[sort]
  let query = db
    .selectFrom('businesses')
    .selectAll()
    .orderBy(key(sql.ref('businesses.id')), direction)
    .orderBy('id', direction)
    .limit(limit + 1)
  if (status !== undefined) query = query.where(hasStatus(status))
  if (plan !== undefined) query = query.where(isOn(plan))
  if (cursor !== undefined) {
    query = query.where(
      sql<boolean>`(${key(sql.ref('businesses.id'))}, businesses.id) ${after} (${key(sql.val(cursor))}, ${cursor})`,
    )
  }
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

type Key = (businessId: Expression<unknown>) => RawBuilder<unknown>

/** What businesses are put in order by: a function of the id, so that the id of the last one shown is cursor enough. */
const orders: Record<
  (typeof searchOrders)[number],
  { key: Key; direction: 'asc' | 'desc'; after: RawBuilder<unknown> }
> = {
  newest: { key: (id) => sql`${id}::text collate "C"`, direction: 'desc', after: sql`<` },
  oldest: { key: (id) => sql`${id}::text collate "C"`, direction: 'asc', after: sql`>` },
  name: {
    key: (id) => sql`(select lower(b.name) from freehold.businesses b where b.id = ${id})`,
    direction: 'asc',
    after: sql`>`,
  },
  // What has ended renews never.
  cycleEnd: {
    key: (id) => sql`(
        select coalesce(min(s.cycle_end), 'infinity')
        from freehold.subscriptions s
        where s.business_id = ${id} and s.status <> 'ended'
      )`,
    direction: 'asc',
    after: sql`>`,
  },
}

function hasStatus(status: (typeof searchedStatuses)[number]) {
  if (status === 'suspended' || status === 'closed') return sql<boolean>`businesses.status = ${status}`
  const isSo =
    status === 'ended'
      ? sql`not ${subscribed(sql`true`)}`
      : subscribed(status === 'ending' ? sql`s.cancel_at_cycle_end` : sql`s.status = ${status}`)
  return sql<boolean>`businesses.status = 'active' and ${isSo}`
}

const isOn = (planKey: string) =>
  subscribed(sql`s.plan_version_id in (select id from freehold.plan_versions where plan_key = ${planKey})`)

const subscribed = (condition: RawBuilder<unknown>) => sql<boolean>`exists (
  select from freehold.subscriptions s
  where s.business_id = businesses.id and s.status <> 'ended' and ${condition}
)`

/** A key begins with its business: what is left of it after the type's prefix says which, as far as it was typed. */
function businessPrefix(text: string): string {
  const rest = text.slice(text.indexOf('_') + 1)
  const isBeginning = /^[0-9a-z]{0,57}$/.test(rest)
  return isBeginning ? `biz\\_${rest.slice(0, 26)}%` : ''
}
