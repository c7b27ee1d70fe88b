import { sql, type RawBuilder } from 'kysely'
import type { Queryable } from '../db/open.ts'
import { lastMonths, revenueOf, type Level, type Month, type Movement } from './months.ts'

/**
 * How the product does, reckoned from what is stored anyway: businesses and subscriptions, and the audit entries that
 * say how the terms of a subscription changed. Those have an index of their own, whose condition is repeated here.
 */
export async function metrics(db: Queryable, now: Date, count: number) {
  const months = lastMonths(now, count)
  const levels = await currentRevenue(db)
  const moved = await movements(db, months[0]?.start ?? now)
  const currencies = [...new Set([...levels, ...moved].map(({ currency }) => currency))].toSorted()
  return {
    months: await businessesByMonth(db, months),
    revenue: currencies.map((currency) => ({
      currency,
      months: revenueOf(
        months,
        levels.find((level) => level.currency === currency) ?? { amount: 0, businesses: 0 },
        moved.filter((movement) => movement.currency === currency),
      ),
    })),
  }
}

/** Who signed up, and who was there at the end: with a subscription that went on, and not closed. One scan of each table. */
async function businessesByMonth(db: Queryable, months: Month[]) {
  const first = months[0]?.start
  // What was before counts into every sum, so it is put into one month of its own.
  const monthOf = (time: RawBuilder<unknown>) =>
    sql`greatest(date_trunc('month', ${time}, 'UTC'), ${first}::timestamptz - interval '1 month')`
  const over = sql`least(s.ended_at, b.closed_at)`
  const { rows } = await sql<{ what: 'signedUp' | 'began' | 'over'; month: Date; amount: number }>`
    select 'signedUp' as what, date_trunc('month', created_at, 'UTC') as month, count(*) as amount
    from freehold.businesses
    where created_at >= ${first}::timestamptz
    group by 2
    union all
    select each.what, each.month, count(*)
    from freehold.subscriptions s
    join freehold.businesses b on b.id = s.business_id
    cross join lateral (
      values ('began', ${monthOf(sql`s.created_at`)}), ('over', case when ${over} is not null then ${monthOf(over)} end)
    ) as each (what, month)
    where each.month is not null
    group by 1, 2`.execute(db)
  const sum = (what: string, until: Date) =>
    rows.reduce((total, row) => (row.what === what && row.month <= until ? total + Number(row.amount) : total), 0)
  return months.map(({ start }) => ({
    month: start,
    signUps: Number(
      rows.find(({ what, month }) => what === 'signedUp' && month.getTime() === start.getTime())?.amount ?? 0,
    ),
    active: sum('began', start) - sum('over', start),
  }))
}

/**
 * Every price there ever was, as what a month of it comes to, with an average month of days. Read out of each version
 * once: for each subscription anew it would take most of the time.
 */
const sold = sql`
  sold as materialized (
    select v.id, v.plan_key, v.version, named.key as price, named.value ->> 'currency' as currency,
      (named.value ->> 'amount')::float8 / (named.value -> 'interval' ->> 'count')::float8
        * case named.value -> 'interval' ->> 'unit'
            when 'year' then 1 / 12.0 when 'month' then 1 when 'week' then 365.25 / 12 / 7 else 365.25 / 12
          end as amount
    from freehold.plan_versions v
    cross join lateral json_each(v.prices) as named
  )`

/** In other states nothing is paid. */
const paid = (status: RawBuilder<unknown>) => sql`${status} in ('active', 'past_due')`

async function currentRevenue(db: Queryable): Promise<(Level & { currency: string })[]> {
  const { rows } = await sql<Level & { currency: string }>`
    with ${sold}
    select sold.currency, sum(sold.amount)::float8 as amount, count(s.business_id) as businesses
    from freehold.subscriptions s
    join sold on sold.id = s.plan_version_id and sold.price = s.price
    where ${paid(sql`s.status`)} and sold.amount > 0
    group by sold.currency`.execute(db)
  return rows.map((row) => ({ ...row, businesses: Number(row.businesses) }))
}

type Side = 'before' | 'after'
const said = (side: Side, name: string) => sql`${sql.ref(`e.${side}`)} ->> ${sql.lit(name)}`

/** Word for word as the index has it. */
const terms = (side: Side) =>
  sql`(${said(side, 'plan')}, ${said(side, 'planVersion')}, ${said(side, 'price')}, ${said(side, 'status')})`
const termsChanged = sql`e.action like 'subscription.%' and ${terms('before')} is distinct from ${terms('after')}`

const priceOn = (side: Side, joined: string) => sql`
  ${sql.ref(`${joined}.plan_key`)} = ${said(side, 'plan')}
  and ${sql.ref(`${joined}.version`)} = (${said(side, 'planVersion')})::int
  and ${sql.ref(`${joined}.price`)} = ${said(side, 'price')}
  and ${paid(said(side, 'status'))}`

/**
 * What moved the revenue of a month since then. From nothing it is new, or a reactivation where something was paid
 * before; to nothing it is churn. What changes its currency goes in one and comes in the other.
 */
async function movements(db: Queryable, since: Date): Promise<(Movement & { currency: string })[]> {
  const { rows } = await sql<Movement & { currency: string }>`
    with ${sold},
    movement as (
      select e.business_id, e.id, e.at, side.currency, side.was, side.becomes
      from freehold.audit_entries e
      left join sold as old on ${priceOn('before', 'old')}
      left join sold as new on ${priceOn('after', 'new')}
      cross join lateral (
        select coalesce(new.currency, old.currency), coalesce(old.amount, 0), coalesce(new.amount, 0)
        where coalesce(old.currency, new.currency) = coalesce(new.currency, old.currency)
        union all
        select old.currency, old.amount, 0 where old.currency <> new.currency
        union all
        select new.currency, 0, new.amount where old.currency <> new.currency
      ) as side (currency, was, becomes)
      where ${termsChanged} and e.at >= ${since}::timestamptz and side.was <> side.becomes
    )
    select date_trunc('month', m.at, 'UTC') as month, m.currency, kind, sum(m.becomes - m.was)::float8 as amount,
      count(*) as businesses
    from movement m
    cross join lateral (
      select case
        when m.becomes = 0 then 'churn'
        when m.was > 0 then case when m.becomes > m.was then 'expansion' else 'contraction' end
        when exists (
          select from freehold.audit_entries e
          join sold on ${priceOn('before', 'sold')}
          where e.business_id = m.business_id and e.id < m.id and ${termsChanged} and sold.amount > 0
        ) then 'reactivation'
        else 'new'
      end as kind
    ) as named
    group by 1, 2, 3`.execute(db)
  return rows.map((row) => ({ ...row, businesses: Number(row.businesses) }))
}
