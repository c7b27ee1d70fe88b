import pg from 'pg'
import { openSecrets } from '../server/src/secrets.ts'

/** The key of the n-th business, as its hash stands in the database. */
export const keyOf = (n: number) => `sk_${idOf(n)}${'0'.repeat(24)}${String(n).padStart(8, '0')}`
export const businessOf = (n: number) => `biz_${idOf(n)}`
const idOf = (n: number) => `00bench${'0'.repeat(9)}${String(n).padStart(10, '0')}`

/** Businesses with an unlimited plan, an owner-less server key each, in a few set-based statements. */
export async function seedBusinesses(databaseUrl: string, count: number): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  const now = new Date()
  const end = new Date(now.getTime() + 30 * 86_400_000)
  const { rows } = await client.query<{ id: string }>(
    "select id from freehold.plan_versions where plan_key = 'unlimited' order by version desc limit 1",
  )
  const plan = rows[0]?.id
  const ids = `
    select '00bench' || repeat('0', 9) || lpad(n::text, 10, '0') as id, n
    from generate_series(1, ${count}) n
    where not exists (
      select from freehold.businesses where id = 'biz_00bench' || repeat('0', 9) || lpad(n::text, 10, '0'))`
  // All rows of a business are found through the first insert, so a second run only adds what is missing.
  await client.query(
    `with fresh as materialized (${ids}),
     made as (
       insert into freehold.businesses (id, name, created_at) select 'biz_' || id, 'Bench ' || n, $1 from fresh),
     subscribed as (
       insert into freehold.subscriptions
         (business_id, id, plan_version_id, price, status, anchor, cycle_start, cycle_end, created_at)
       select 'biz_' || id, 'sub_' || id, $2, 'default', 'active', $1, $1, $3, $1 from fresh)
     insert into freehold.api_keys (business_id, id, type, name, hash, hint, lineage_id, created_at)
     select 'biz_' || id, 'key_' || id, 'server', 'bench',
       sha256(convert_to('sk_' || id || repeat('0', 24) || lpad(n::text, 8, '0'), 'UTF8')), 'sk_…', 'key_' || id, $1
     from fresh`,
    [now, plan, end],
  )
  // Many businesses are measured warm: with the counters open that their first consumption would open.
  if (count > 1000) {
    await client.query(
      `insert into freehold.usage_counters (business_id, feature, period_start, period_end, valid_until)
       select business_id, 'recordings', cycle_start, cycle_end, cycle_end from freehold.subscriptions
       on conflict do nothing`,
    )
  }
  await client.query('vacuum analyze')
  await client.end()
}

/** A person who is signed in and owns the first businesses: the bearer of their session. */
export async function seedSession(databaseUrl: string, count: number, secret: string): Promise<string> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  const now = new Date()
  const [user, token] = ['usr_bench', 'bench-session']
  await client.query(
    `insert into freehold.users (id, email, name, created_at, updated_at) values ($1, 'owner@bench.test', 'Owner', $2, $2)`,
    [user, now],
  )
  await client.query(
    `insert into freehold.sessions (id, user_id, token, expires_at, last_used_at, created_at, updated_at)
     values ('ses_bench', $1, $2, $4, $3, $3, $3)`,
    [user, token, now, new Date(now.getTime() + 86_400_000)],
  )
  await client.query(
    `insert into freehold.members (business_id, id, user_id, role, created_at)
     select id, 'mem' || substr(id, 4), $1, 'owner', $2 from freehold.businesses order by id limit $3`,
    [user, now, count],
  )
  await client.end()
  return openSecrets(secret).signSession(token)
}
