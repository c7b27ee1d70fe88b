import type pg from 'pg'

/*
 * Businesses on the free plan with two counters each, whose cycles end together. Their ids begin with zeros, by which
 * they are told from those of seed.ts.
 */

/** Makes them; their cycles have ended within the last day. */
export async function seedDue(client: pg.Client, count: number): Promise<void> {
  const business = `'biz_' || lpad(n::text, 26, '0')`
  const numbers = `generate_series(1, ${count}) as n`
  const now = new Date()
  const start = new Date(Math.floor(now.getTime() / 1000) * 1000 - 15 * 86_400_000)
  await client.query(
    `insert into freehold.businesses (id, name, created_at) select ${business}, 'Business ' || n, $1 from ${numbers}`,
    [start],
  )
  await client.query(
    `insert into freehold.subscriptions
       (business_id, id, plan_version_id, price, status, anchor, cycle_start, cycle_end, created_at)
     select ${business}, 'sub_' || lpad(n::text, 26, '0'),
       (select id from freehold.plan_versions where plan_key = 'free'), 'default', 'active', s.start, s.start,
       s.start + interval '15 days', s.start
     from ${numbers}, lateral (select $1::timestamptz - make_interval(secs => n % 86400) as start) s`,
    [start],
  )
  await client.query(
    `insert into freehold.usage_counters
       (business_id, feature, period_start, period_end, used, allowance, ceiling, opened_at, valid_until)
     select business_id, feature, cycle_start, cycle_end, 7, 5, 100, cycle_start, $1
     from freehold.subscriptions, unnest(array['applications', 'recordings']) as feature
     where id like 'sub_0000%'`,
    [now],
  )
  await client.query('vacuum analyze')
}

/** Everything is due again: what a sweep has written is left, the cycles move back. */
export async function makeDue(client: pg.Client): Promise<void> {
  const now = new Date()
  await client.query(
    `update freehold.subscriptions
     set anchor = anchor - interval '15 days', cycle_start = cycle_start - interval '15 days',
       cycle_end = cycle_end - interval '15 days'
     where id like 'sub_0000%' and cycle_end > $1`,
    [now],
  )
  // The counters go with them, as they were before anything of them was billed.
  await client.query(`delete from freehold.grants where created_by = 'renewal'`)
  await client.query(
    `update freehold.usage_counters c
     set period_start = s.cycle_start, period_end = s.cycle_end, opened_at = s.cycle_start, valid_until = $1,
       billed = 0, overages = null
     from freehold.subscriptions s
     where s.business_id = c.business_id and s.id like 'sub_0000%'`,
    [now],
  )
  await client.query('vacuum analyze')
  await client.query('checkpoint')
}
