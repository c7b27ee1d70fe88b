import type { TestFreehold } from '../harness.ts'
import { whatDoesNotAddUp } from '../invoices.ts'

/**
 * What has to be true of everything that is stored, at any time and whatever was done. Each statement finds what
 * contradicts its sentence.
 */
const contradictions: Record<string, string> = {
  '[1] a business has at most one current subscription': `
    select business_id from freehold.subscriptions where status <> 'ended' group by business_id having count(*) > 1`,

  '[2] cycles follow one another without gap or overlap, but for the time of a pause': `
    select * from (
      select c.*, lag(cycle_end) over (partition by business_id, subscription_id order by number) as before
      from freehold.subscription_cycles c
    ) c
    where cycle_end <= cycle_start
      or cycle_start < before
      or (cycle_start > before and not exists (
        select from freehold.events e
        where e.business_id = c.business_id
          and e.type = 'subscription.paused'
          and e.data ->> 'subscriptionId' = c.subscription_id))`,

  '[2] the last cycle in the history is the current one': `
    select s.id, s.status, s.cycle_number, s.cycle_start, s.cycle_end, c.*
    from freehold.subscriptions s
    left join freehold.subscription_cycles c
      on c.business_id = s.business_id and c.subscription_id = s.id and c.number = s.cycle_number
    where s.cycle_number > 0
      and (c.cycle_start is distinct from s.cycle_start or c.cycle_end is distinct from s.cycle_end)`,

  '[2] a subscription begins after the end of the one before it, and after the last of its cycles': `
    select * from (
      select s.id, s.business_id, c.begun,
        lag(greatest(date_trunc('second', s.ended_at), c.over)) over (partition by s.business_id order by c.begun, s.id)
          as over
      from freehold.subscriptions s
      join (
        select business_id, subscription_id, min(cycle_start) as begun, max(cycle_end) as over
        from freehold.subscription_cycles
        group by 1, 2
      ) c on c.business_id = s.business_id and c.subscription_id = s.id
    ) s
    where begun < over`,

  '[3] cycles are numbered from 1 without a hole': `
    select subscription_id from freehold.subscription_cycles
    group by business_id, subscription_id
    having min(number) <> 1 or max(number) <> count(*)`,

  '[6] a cycle has at most one invoice': `
    select subscription_id, cycle_number from freehold.invoices
    where cause = 'cycle'
    group by business_id, subscription_id, cycle_number having count(*) > 1`,

  '[11] a counter says what the ledger and the open reservations add up to': `
    select c.business_id, c.feature, c.period_start, c.used, c.held
    from freehold.usage_counters c
    where used <> (select coalesce(sum(amount), 0) from freehold.usage_entries e
                   where e.business_id = c.business_id and e.feature = c.feature and e.period_start = c.period_start)
      or held <> (select coalesce(sum(amount), 0) from freehold.reservations r
                  where r.business_id = c.business_id and r.feature = c.feature and r.period_start = c.period_start
                    and r.confirmed_at is null and r.released_at is null)`,

  '[12] nothing was ever counted beyond the limit': `
    select id from freehold.usage_entries
    where kind in ('consume', 'allocate') and used_after + held_after > ceiling
    union all
    select id from freehold.reservations where used_after + held_after > ceiling`,

  '[13] a key counts once': `
    select idempotency_key from freehold.usage_entries
    where idempotency_key is not null
    group by business_id, idempotency_key having count(*) > 1`,

  '[15] what was drawn from a grant is what its draws say, and no more than it held': `
    select id from freehold.grants g
    where drawn not between 0 and amount
      or drawn <> (select coalesce(sum(d.amount), 0) from freehold.grant_draws d
                   where d.business_id = g.business_id and d.grant_id = g.id)`,

  '[15] no more was attributed than was used, and no more drawn than attributed': `
    select c.* from freehold.usage_counters c
    where attributed > used
      or attributed < (select coalesce(sum(d.amount), 0) from freehold.grant_draws d
                       where d.business_id = c.business_id and d.feature = c.feature and d.period_start = c.period_start)
      or exists (select from freehold.grant_draws d where d.business_id = c.business_id and d.amount < 0)`,

  '[15] what was billed beyond a limit is what the counter keeps of it, and nothing else pays for it': `
    select c.* from freehold.usage_counters c
    where billed <> (select coalesce(sum((each->>'units')::bigint), 0) from jsonb_array_elements(overages) each)
      or (attributed + billed > used and not late)`,

  '[17] a cycle is given what the one before left once, and no more than the cap': `
    select business_id from freehold.grants
    where created_by = 'renewal'
    group by business_id, feature, effective_at
    having count(*) > 1 or max(amount) > 20`,

  '[18] as many items are counted as are held and not frozen': `
    select business_id, used from freehold.usage_counters c
    where feature in ('items', 'boards')
      and used <> (select count(*) from freehold.allocations a
                   where a.business_id = c.business_id and a.feature = c.feature and a.frozen_at is null)`,

  '[18] nothing is frozen while there is room, and never is more used than fits': `
    select c.business_id, c.used, c.ceiling, c.valid_until from freehold.usage_counters c
    where feature = 'boards'
      and (used > ceiling
        or used is distinct from ceiling
          and exists (select from freehold.allocations a
                      where a.business_id = c.business_id and a.feature = c.feature and a.frozen_at is not null))`,

  '[18] the newest are frozen, and only where the product says so': `
    select f.* from freehold.allocations f
    where f.frozen_at is not null
      and (f.feature <> 'boards'
        or exists (select from freehold.allocations a
                   where a.business_id = f.business_id and a.feature = f.feature and a.frozen_at is null
                     and (a.created_at, a.item_id) > (f.created_at, f.item_id)))`,

  '[23] of an invoice at most one charge is under way': `
    select invoice_id from freehold.charge_attempts
    where status in ('requested', 'unknown')
    group by business_id, invoice_id having count(*) > 1`,

  '[25] a transition has one entry in the log and one event': `
    with told as (
      select business_id, replace(type, 'trial_expired', 'ended') as kind, count(*) as events
      from freehold.events where type like 'subscription.%' group by 1, 2
    ), logged as (
      select business_id, action as kind, count(*) as entries
      from freehold.audit_entries where action like 'subscription.%' group by 1, 2
    )
    select * from told full join logged using (business_id, kind)
    where events is distinct from entries
      and kind not in ('subscription.created', 'subscription.change_failed', 'subscription.trial_ending',
        'subscription.payment_awaited', 'subscription.pause_scheduled', 'subscription.pause_undone',
        -- The log says it of the business.
        'subscription.suspended')`,

  '[25] every subscription, and every invoice that was opened, was told once to have begun': `
    select s.id from freehold.subscriptions s
    where cycle_number > 0
      and not exists (select from freehold.events e
                      where e.business_id = s.business_id and e.type = 'subscription.created'
                        and e.data ->> 'subscriptionId' = s.id)
    union all
    select i.id from freehold.invoices i
    where number is not null
      and 1 <> (select count(*) from freehold.events e
                where e.business_id = i.business_id and e.type = 'invoice.opened' and e.data ->> 'invoiceId' = i.id)
    union all
    select i.id from freehold.invoices i
    where (status = 'paid')::int <> (select count(*) from freehold.events e
                where e.business_id = i.business_id and e.type = 'invoice.paid' and e.data ->> 'invoiceId' = i.id)`,

  '[25] events are numbered from 1 without a hole': `
    select business_id from freehold.events e
    group by business_id
    having min(sequence) <> 1 or max(sequence) <> count(*)
      or max(sequence) <> (select last_sequence from freehold.event_streams s where s.business_id = e.business_id)`,

  '[26] a limit is noticed once for each counter and ceiling, and only when it is near': `
    select business_id from freehold.usage_alerts
    where used * 100 < ceiling * threshold
    union all
    select business_id from freehold.usage_alerts
    group by business_id, feature, period_start, threshold, ceiling having count(*) > 1`,
}

/** [20], [21] and [23] are what has to be true of invoices; the rest stands above. Answers what is not. */
export async function whatIsWrong(freehold: TestFreehold): Promise<string[]> {
  const wrong = await whatDoesNotAddUp(freehold)
  for (const [rule, statement] of Object.entries(contradictions)) {
    const rows = await freehold.sql(statement)
    if (rows.length > 0) wrong.push(`${rule}: ${JSON.stringify(rows.slice(0, 3))}`)
  }
  return wrong
}
