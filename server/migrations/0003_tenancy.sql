-- One role sees one business at a time. It owns nothing and bypasses nothing: with app.business_id unset it sees no row.
-- Connections of the tenant pool carry it from the start; see db/open.ts.

grant usage on schema freehold to freehold_tenant;

do $$
declare
  tenant_table text;
begin
  foreach tenant_table in array array[
    'members', 'invitations', 'api_keys', 'subscriptions', 'subscription_cycles', 'limit_overrides', 'grants',
    'usage_counters', 'usage_entries', 'usage_alerts', 'grant_draws', 'allocations', 'reservations', 'denials', 'support_sessions', 'audit_entries', 'event_streams', 'events', 'event_holds',
    'invoices', 'invoice_lines', 'payments', 'credit_balances', 'credit_entries', 'charge_attempts'
  ] loop
    execute format('alter table freehold.%I enable row level security', tenant_table);
    execute format(
      'create policy own_business on freehold.%I to freehold_tenant
         using (business_id = current_setting(''app.business_id'', true))
         with check (business_id = current_setting(''app.business_id'', true))', tenant_table);
    execute format('grant select, insert, update, delete on freehold.%I to freehold_tenant', tenant_table);
  end loop;
end $$;

-- History is written, never rewritten.
revoke update, delete on freehold.audit_entries, freehold.subscription_cycles from freehold_tenant;
-- But for the end of a cycle that is cut off or made longer.
grant update (cycle_end) on freehold.subscription_cycles to freehold_tenant;
revoke insert, update, delete on freehold.denials from freehold_tenant;
revoke update, delete on freehold.events from freehold_tenant;
revoke delete on freehold.event_streams from freehold_tenant;
revoke insert, update, delete on freehold.event_holds from freehold_tenant;

-- An invoice says for ever what it said when it got its number; what is paid comes from outside the business.
revoke update, delete on freehold.invoices, freehold.invoice_lines, freehold.credit_entries from freehold_tenant;
revoke insert, update, delete on freehold.payments from freehold_tenant;
revoke update, delete on freehold.charge_attempts from freehold_tenant;
revoke delete on freehold.credit_balances from freehold_tenant;
grant update (status, held, number, billed_by, billed_to, credit_applied, status_reason, due_at, opened_at, paid_at, closed_at)
  on freehold.invoices to freehold_tenant;
grant select, update on freehold.invoice_series to freehold_tenant;

alter table freehold.businesses enable row level security;
create policy own_business on freehold.businesses to freehold_tenant
  using (id = current_setting('app.business_id', true))
  with check (id = current_setting('app.business_id', true));
grant select, update on freehold.businesses to freehold_tenant;

-- Global tables: only what a business's own screens show of them.
grant select (id, email, name, first_name, last_name) on freehold.users to freehold_tenant;
grant select on freehold.plans, freehold.plan_versions to freehold_tenant;
grant insert on freehold.mails, freehold.recent_revocations to freehold_tenant;
grant select (credential_id), update on freehold.recent_revocations to freehold_tenant;
grant select, insert, update on freehold.idempotency_keys to freehold_tenant;

-- Sending a job inside the transaction that needs it, which answers its id; never reading other businesses' jobs.
grant usage on schema freehold_jobs to freehold_tenant;
grant select on freehold_jobs.queue to freehold_tenant;
grant insert, select (id) on freehold_jobs.job_common to freehold_tenant;

-- The queues. A task that fails is tried again; a mail for about a day, so that a dead mail server only delays it. The
-- heartbeat tells which jobs died with their process: those are started anew within a minute.
select freehold_jobs.create_queue('tasks', '{"policy": "standard", "retryLimit": 3, "retryDelay": 5, "retryBackoff": true, "expireInSeconds": 600, "heartbeatSeconds": 20}');
select freehold_jobs.create_queue('mails', '{"policy": "standard", "retryLimit": 16, "retryDelay": 5, "retryBackoff": true, "retryDelayMax": 7200, "expireInSeconds": 120, "heartbeatSeconds": 20}');
