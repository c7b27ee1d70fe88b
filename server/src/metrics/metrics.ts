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

/** A price as what a month of it comes to, with an average month of days. Nothing while nothing is paid for. */
const monthly = (status: RawBuilder<unknown>, price: RawBuilder<unknown>) => sql`
  case when ${status} in ('active', 'past_due') then
    (${price} ->> 'amount')::float8 / (${price} -> 'interval' ->> 'count')::float8
      * case ${price} -> 'interval' ->> 'unit'
          when 'year' then 1 / 12.0 when 'month' then 1 when 'week' then 365.25 / 12 / 7 else 365.25 / 12
        end
  else 0 end`

async function currentRevenue(db: Queryable): Promise<(Level & { currency: string })[]> {
  const { rows } = await sql<Level & { currency: string }>`
    select currency, sum(amount)::float8 as amount, count(*) as businesses
    from (
      select v.prices -> s.price ->> 'currency' as currency, ${monthly(sql`s.status`, sql`(v.prices -> s.price)`)} as amount
      from freehold.subscriptions s
      join freehold.plan_versions v on v.id = s.plan_version_id
      where s.business_id is not null and s.status in ('active', 'past_due')
    ) as paid
    where amount > 0
    group by currency`.execute(db)
  return rows.map((row) => ({ ...row, businesses: Number(row.businesses) }))
}

const terms = (side: 'before' | 'after', of = 'e') => {
  const terms = sql.ref(`${of}.${side}`)
  return sql`(${terms} ->> 'plan', ${terms} ->> 'planVersion', ${terms} ->> 'price', ${terms} ->> 'status')`
}
/** As the index has it. */
const termsChanged = (of = 'e') =>
  sql`${sql.ref(`${of}.action`)} like 'subscription.%' and ${terms('before', of)} is distinct from ${terms('after', of)}`

/**
 * What moved the revenue of a month since then. From nothing it is new, or a reactivation where something was paid
 * before; to nothing it is churn. What changes its currency goes and comes.
 */
async function movements(db: Queryable, since: Date): Promise<(Movement & { currency: string })[]> {
  const price = (side: string) => sql`(${sql.ref(`${side}_version.prices`)} -> (${sql.ref(`e.${side}`)} ->> 'price'))`
  const version = (side: string) => sql`
    left join freehold.plan_versions as ${sql.ref(`${side}_version`)}
      on ${sql.ref(`${side}_version.plan_key`)} = ${sql.ref(`e.${side}`)} ->> 'plan'
      and ${sql.ref(`${side}_version.version`)} = (${sql.ref(`e.${side}`)} ->> 'planVersion')::int`
  const amount = (side: string) => sql`coalesce(${monthly(sql`${sql.ref(`e.${side}`)} ->> 'status'`, price(side))}, 0)`
  const { rows } = await sql<Movement & { currency: string }>`
    with change as (
      select e.business_id, e.id, e.at, ${amount('before')} as was, ${amount('after')} as becomes,
        ${price('before')} ->> 'currency' as old_currency, ${price('after')} ->> 'currency' as new_currency
      from freehold.audit_entries e ${version('before')} ${version('after')}
      where ${termsChanged()} and e.at >= ${since}::timestamptz
    ),
    movement as (
      select change.business_id, change.id, change.at, side.currency, side.was, side.becomes
      from change
      cross join lateral (
        select new_currency as currency, was, becomes
        where old_currency = new_currency or was = 0
        union all
        select old_currency, was, 0 where becomes = 0 and old_currency is distinct from new_currency and was > 0
        union all
        select each.currency, each.was, each.becomes
        from (values (old_currency, was, 0::float8), (new_currency, 0::float8, becomes)) as each (currency, was, becomes)
        where old_currency is distinct from new_currency and was > 0 and becomes > 0
      ) as side
      where side.was <> side.becomes
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
          ${version('before')}
          where e.business_id = m.business_id and e.id < m.id and ${termsChanged()} and ${amount('before')} > 0
        ) then 'reactivation'
        else 'new'
      end as kind
    ) as named
    group by 1, 2, 3`.execute(db)
  return rows.map((row) => ({ ...row, businesses: Number(row.businesses) }))
}
