-- Everything Freehold stores. Ids are prefixed, time-ordered text and compare by byte (collate "C").
-- A table that belongs to one business has business_id first in its primary key, unique constraints and foreign keys,
-- so that the same schema can be distributed by it. No statement here or elsewhere calls now(): time is a parameter.

-- People and their logins. These four and two_factors are written by better-auth; the names are ours.

create table freehold.users (
  id text collate "C" primary key,
  email text not null unique check (email = lower(email)),
  email_verified boolean not null default false,
  name text not null,
  first_name text not null default '',
  last_name text not null default '',
  image text,
  external_id text unique,
  fields jsonb not null default '{}',
  two_factor_enabled boolean not null default false,
  disabled_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null
);

create table freehold.sessions (
  id text collate "C" primary key,
  user_id text collate "C" not null references freehold.users on delete cascade,
  token text not null unique,
  ip_address text,
  user_agent text,
  expires_at timestamptz not null,
  last_used_at timestamptz not null,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index sessions_user on freehold.sessions (user_id);

create table freehold.accounts (
  id text collate "C" primary key,
  user_id text collate "C" not null references freehold.users on delete cascade,
  account_id text not null,
  provider_id text not null,
  password text,
  access_token text,
  refresh_token text,
  id_token text,
  access_token_expires_at timestamptz,
  refresh_token_expires_at timestamptz,
  scope text,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (provider_id, account_id)
);
create index accounts_user on freehold.accounts (user_id);

create table freehold.verifications (
  id text collate "C" primary key,
  identifier text not null,
  value text not null,
  expires_at timestamptz not null,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index verifications_identifier on freehold.verifications (identifier);

create table freehold.two_factors (
  id text collate "C" primary key,
  user_id text collate "C" not null unique references freehold.users on delete cascade,
  secret text not null,
  backup_codes text not null,
  verified boolean not null default false,
  failed_verification_count int not null default 0,
  locked_until timestamptz
);

-- One row a user: a newer request replaces the older link.
create table freehold.password_resets (
  user_id text collate "C" primary key references freehold.users on delete cascade,
  token_hash bytea not null unique,
  expires_at timestamptz not null
);

-- Proof of an address: of a new user's own, or of the one they want to change to.
create table freehold.email_verifications (
  user_id text collate "C" primary key references freehold.users on delete cascade,
  email text not null,
  token_hash bytea not null unique,
  expires_at timestamptz not null
);

-- Sign-ups that wait for their e-mail to be proved (signup.verifyEmail: 'before'); the content is sealed.
create table freehold.pending_signups (
  id text collate "C" primary key,
  email text not null unique,
  token_hash bytea not null unique,
  sealed bytea not null,
  expires_at timestamptz not null
);

-- People who have signed in with a provider and are nobody here yet: they finish on the sign-up page. The newest replaces
-- the one before.
create table freehold.pending_identities (
  provider text not null,
  subject text not null,
  email text not null,
  first_name text not null,
  last_name text not null,
  token_hash bytea not null unique,
  expires_at timestamptz not null,
  primary key (provider, subject)
);

create table freehold.staff (
  user_id text collate "C" primary key references freehold.users on delete cascade,
  created_at timestamptz not null
);

-- Businesses and the people in them.

create table freehold.businesses (
  id text collate "C" primary key,
  external_id text unique,
  name text not null,
  status text not null default 'active' check (status in ('active', 'suspended', 'closed')),
  status_reason text,
  support_access text not null default 'always' check (support_access in ('always', 'ask', 'never')),
  fields jsonb not null default '{}',
  created_at timestamptz not null,
  suspended_at timestamptz,
  closed_at timestamptz
);

create table freehold.members (
  business_id text collate "C" not null references freehold.businesses,
  id text collate "C" not null,
  user_id text collate "C" not null references freehold.users,
  role text not null,
  suspended_at timestamptz,
  fields jsonb not null default '{}',
  created_at timestamptz not null,
  primary key (business_id, id),
  unique (business_id, user_id)
);
create index members_user on freehold.members (user_id);

create table freehold.invitations (
  business_id text collate "C" not null references freehold.businesses,
  id text collate "C" not null,
  email text not null,
  role text not null,
  token_hash bytea not null,
  invited_by text collate "C" not null,
  expires_at timestamptz not null,
  accepted_at timestamptz,
  revoked_at timestamptz,
  created_at timestamptz not null,
  primary key (business_id, id),
  unique (business_id, token_hash)
);
create unique index invitations_pending on freehold.invitations (business_id, email)
  where accepted_at is null and revoked_at is null;
create index invitations_email on freehold.invitations (email) where accepted_at is null and revoked_at is null;

create table freehold.api_keys (
  business_id text collate "C" not null references freehold.businesses,
  id text collate "C" not null,
  type text not null,
  name text not null,
  hash bytea not null,
  hint text not null,
  publishable_key text,
  lineage_id text collate "C" not null,
  created_by text collate "C",
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz,
  created_at timestamptz not null,
  primary key (business_id, id),
  unique (business_id, hash)
);

create table freehold.app_keys (
  id text collate "C" primary key,
  name text not null,
  scope text not null check (scope in ('meter', 'admin')),
  hash bytea not null unique,
  hint text not null,
  revoked_at timestamptz,
  last_used_at timestamptz,
  created_at timestamptz not null
);

-- What stopped working lately; the consuming statement looks here, so that no cache can outlive a revocation.
create table freehold.recent_revocations (
  credential_id text collate "C" primary key,
  revoked_at timestamptz not null
);

-- Plans. A version never changes once written.

create table freehold.plans (
  key text collate "C" primary key,
  name text not null,
  position int not null,
  hidden boolean not null default false,
  fields jsonb not null default '{}',
  archived_at timestamptz,
  created_at timestamptz not null
);

create table freehold.plan_versions (
  id text collate "C" primary key,
  plan_key text collate "C" not null references freehold.plans,
  version int not null check (version > 0),
  -- json, not jsonb: the first price is the one a subscription gets when none is named, and jsonb forgets the order.
  prices json not null,
  trial_days int not null default 0 check (trial_days >= 0),
  includes jsonb not null,
  on_trial_end text not null default 'end' check (on_trial_end in ('end', 'pause')),
  on_end text not null default 'renew' check (on_end in ('renew', 'end', 'fallback')),
  fallback_plan text collate "C" references freehold.plans,
  created_at timestamptz not null,
  unique (plan_key, version),
  check ((on_end = 'fallback') = (fallback_plan is not null))
);

-- Subscriptions.

create table freehold.subscriptions (
  business_id text collate "C" not null references freehold.businesses,
  id text collate "C" not null,
  plan_version_id text collate "C" not null references freehold.plan_versions,
  price text not null,
  status text not null check (status in ('trialing', 'active', 'past_due', 'paused', 'ended')),
  anchor timestamptz not null,
  zone text not null default 'UTC',
  cycle_number int not null default 1,
  cycle_start timestamptz not null,
  cycle_end timestamptz not null check (cycle_end > cycle_start),
  trial_end timestamptz,
  pending_change jsonb,
  cancel_at_cycle_end boolean not null default false,
  pause_at_cycle_end boolean not null default false,
  -- What the cycle was billed, in minor units: the base of a credit.
  billed bigint not null default 0 check (billed >= 0),
  -- What begins when its invoice is paid.
  awaiting jsonb,
  trial_reminded_at timestamptz,
  grace_end timestamptz,
  end_reason text,
  ended_at timestamptz,
  version int not null default 1,
  created_at timestamptz not null,
  primary key (business_id, id),
  check ((status = 'ended') = (ended_at is not null))
);
create unique index subscriptions_current on freehold.subscriptions (business_id) where status <> 'ended';
create index subscriptions_due on freehold.subscriptions (cycle_end, business_id, id)
  where status in ('trialing', 'active', 'past_due');
create index subscriptions_past_due on freehold.subscriptions (business_id) where status = 'past_due';

create table freehold.subscription_cycles (
  business_id text collate "C" not null,
  subscription_id text collate "C" not null,
  number int not null,
  cycle_start timestamptz not null,
  cycle_end timestamptz not null,
  plan_version_id text collate "C" not null references freehold.plan_versions,
  price text not null,
  created_at timestamptz not null,
  primary key (business_id, subscription_id, number),
  foreign key (business_id, subscription_id) references freehold.subscriptions,
  check (cycle_end > cycle_start)
);

create table freehold.limit_overrides (
  business_id text collate "C" not null references freehold.businesses,
  feature text collate "C" not null,
  value jsonb not null,
  reason text not null,
  expires_at timestamptz,
  created_by text collate "C" not null,
  created_at timestamptz not null,
  primary key (business_id, feature)
);

create table freehold.grants (
  business_id text collate "C" not null references freehold.businesses,
  id text collate "C" not null,
  feature text collate "C" not null,
  amount bigint not null check (amount > 0),
  drawn bigint not null default 0 check (drawn between 0 and amount),
  priority int not null default 100,
  reason text not null,
  effective_at timestamptz not null,
  expires_at timestamptz,
  created_by text collate "C" not null,
  created_at timestamptz not null,
  primary key (business_id, id)
);
create index grants_feature on freehold.grants (business_id, feature);
create index grants_expiry on freehold.grants (expires_at, id) where expires_at is not null;

-- Usage. A new period is a new row, so a reset can neither happen twice nor wipe a late count.

create table freehold.usage_counters (
  business_id text collate "C" not null references freehold.businesses,
  feature text collate "C" not null,
  period_start timestamptz not null,
  period_end timestamptz not null,
  used bigint not null default 0 check (used >= 0),
  held bigint not null default 0 check (held >= 0),
  -- Counting stops here; null never stops.
  ceiling bigint,
  -- Where counting may go on for a price, the limit that is answered and comes near; null is the ceiling.
  soft_limit bigint,
  allowance bigint,
  -- Whose grants were in effect then pay for what is counted until the next opening.
  opened_at timestamptz not null default 'epoch',
  valid_until timestamptz not null,
  attributed bigint not null default 0,
  -- Units beyond the limit that have been billed, when other terms began or the cycle was over: nothing pays for them again.
  billed bigint not null default 0,
  -- On which terms, how many and for how much; null where there are none.
  overages jsonb,
  -- Whether something was counted, or set right, since then, and is to be billed or credited.
  late boolean not null default false,
  admitted int not null default 0,
  primary key (business_id, feature, period_start)
) with (fillfactor = 50);
-- Columns that counting does not touch, so that its updates stay on their page.
create index usage_counters_late on freehold.usage_counters (business_id) where late;

-- The ledger; its sum is the counter. No foreign key: the statement that counts writes both, and a check would cost it a lock.
create table freehold.usage_entries (
  business_id text collate "C" not null,
  id text collate "C" not null,
  feature text collate "C" not null,
  period_start timestamptz not null,
  kind text not null check (kind in ('consume', 'reservation', 'allocate', 'release', 'freeze', 'thaw', 'correction')),
  amount bigint not null,
  -- What the answer said, for the repeat of it.
  used_after bigint not null,
  held_after bigint not null,
  ceiling bigint,
  credential_id text collate "C",
  request_id text,
  item_id text,
  idempotency_key text,
  reason text,
  at timestamptz not null,
  -- In the order in which it is read: one index less to write for every unit.
  primary key (business_id, feature, at, id)
);
create unique index usage_entries_idempotency on freehold.usage_entries (business_id, idempotency_key)
  where idempotency_key is not null;

-- A limit that comes near, once for each ceiling: written by the statement that counts, mailed by a task.
create table freehold.usage_alerts (
  business_id text collate "C" not null references freehold.businesses,
  feature text collate "C" not null,
  period_start timestamptz not null,
  threshold int not null check (threshold in (80, 100)),
  ceiling bigint not null,
  used bigint not null,
  at timestamptz not null,
  mailed_at timestamptz,
  primary key (business_id, feature, period_start, threshold, ceiling)
);
create index usage_alerts_unmailed on freehold.usage_alerts (business_id) where mailed_at is null;

create table freehold.grant_draws (
  business_id text collate "C" not null,
  grant_id text collate "C" not null,
  feature text collate "C" not null,
  period_start timestamptz not null,
  amount bigint not null,
  primary key (business_id, grant_id, period_start),
  foreign key (business_id, grant_id) references freehold.grants,
  foreign key (business_id, feature, period_start) references freehold.usage_counters
);

create table freehold.allocations (
  business_id text collate "C" not null references freehold.businesses,
  feature text collate "C" not null,
  item_id text not null,
  allocated_by text collate "C",
  created_at timestamptz not null,
  -- Since when it is kept, but not to be used and not counted: of what does not fit a limit, the newest.
  frozen_at timestamptz,
  primary key (business_id, feature, item_id)
);

create table freehold.reservations (
  business_id text collate "C" not null,
  id text collate "C" not null,
  feature text collate "C" not null,
  period_start timestamptz not null,
  amount bigint not null check (amount > 0),
  credential_id text collate "C",
  idempotency_key text,
  -- What the answer said, for the repeat of it.
  request_id text,
  used_after bigint not null,
  held_after bigint not null,
  ceiling bigint,
  expires_at timestamptz not null,
  confirmed_at timestamptz,
  confirmed_amount bigint,
  released_at timestamptz,
  created_at timestamptz not null,
  primary key (business_id, id),
  foreign key (business_id, feature, period_start) references freehold.usage_counters,
  check (confirmed_at is null or released_at is null)
);
create unique index reservations_idempotency on freehold.reservations (business_id, idempotency_key)
  where idempotency_key is not null;
create index reservations_open on freehold.reservations (expires_at) where confirmed_at is null and released_at is null;

-- Why the gate denied what, for a day: a request id can be explained. Unlogged, because a flood of denials must cost
-- next to nothing and none of them is worth a flush. No foreign keys: what is denied may be of no business.
create unlogged table freehold.denials (
  business_id text collate "C" not null,
  request_id text collate "C" not null,
  at timestamptz not null,
  route text not null,
  code text not null,
  asked jsonb not null,
  explanation jsonb not null,
  primary key (business_id, request_id)
);
create index denials_request on freehold.denials (request_id);
create index denials_at on freehold.denials (at);

-- Invoices and money.

-- The last invoice number given. Whoever finalises an invoice holds the row until they commit: numbers have no gaps.
create table freehold.invoice_series (
  single boolean primary key default true check (single),
  last_number bigint not null
);
insert into freehold.invoice_series (last_number) values (0);

-- A number makes an invoice final: from then on only what has become of it changes. Amounts are minor units.
create table freehold.invoices (
  business_id text collate "C" not null references freehold.businesses,
  id text collate "C" not null,
  subscription_id text collate "C" not null,
  cause text not null check (cause in ('cycle', 'change', 'start', 'resume')),
  cycle_number int not null,
  status text not null check (status in ('draft', 'open', 'paid', 'void', 'uncollectible')),
  held boolean not null default false,
  number text,
  -- Names as they were when it was finalised.
  billed_by text,
  billed_to text,
  currency text not null,
  total bigint not null check (total > 0),
  credit_applied bigint not null default 0 check (credit_applied >= 0),
  amount_paid bigint not null default 0 check (amount_paid >= 0),
  change jsonb,
  status_reason text,
  due_at timestamptz,
  opened_at timestamptz,
  paid_at timestamptz,
  -- When it became void or uncollectible.
  closed_at timestamptz,
  -- Since when it is being chased, and of which day from then its last reminder was.
  overdue_since timestamptz,
  reminded_day int,
  created_at timestamptz not null,
  primary key (business_id, id),
  unique (business_id, number),
  foreign key (business_id, subscription_id) references freehold.subscriptions,
  check (credit_applied + amount_paid <= total),
  check ((status = 'paid') = (credit_applied + amount_paid = total)),
  check ((status = 'paid') = (paid_at is not null)),
  check ((status in ('void', 'uncollectible')) = (closed_at is not null)),
  check (status not in ('open', 'paid', 'uncollectible') or number is not null),
  check (status <> 'draft' or number is null),
  check ((number is null) = (opened_at is null) and (number is null) = (due_at is null)),
  check ((number is null) = (billed_by is null) and (number is null) = (billed_to is null))
);
-- One for each boundary, however many workers meet there.
create unique index invoices_cycle on freehold.invoices (business_id, subscription_id, cycle_number) where cause = 'cycle';
create index invoices_open on freehold.invoices (due_at, business_id, id) where status = 'open';
create index invoices_held on freehold.invoices (created_at, id) where held;

create table freehold.invoice_lines (
  business_id text collate "C" not null,
  invoice_id text collate "C" not null,
  position int not null,
  kind text not null check (kind in ('cycle', 'proration_credit', 'proration_charge', 'overage')),
  description text not null,
  amount bigint not null check (amount <> 0),
  period_start timestamptz not null,
  period_end timestamptz not null,
  plan text collate "C" not null,
  price text not null,
  feature text collate "C",
  primary key (business_id, invoice_id, position),
  foreign key (business_id, invoice_id) references freehold.invoices
);

-- Money received. The reference is the provider's own name for it, so that nothing is counted twice.
create table freehold.payments (
  business_id text collate "C" not null,
  id text collate "C" not null,
  invoice_id text collate "C" not null,
  provider text not null,
  reference text collate "C" not null,
  currency text not null,
  amount bigint not null check (amount > 0),
  received_at timestamptz not null,
  created_at timestamptz not null,
  primary key (business_id, id),
  unique (business_id, provider, reference),
  foreign key (business_id, invoice_id) references freehold.invoices
);
create index payments_invoice on freehold.payments (business_id, invoice_id);

-- Asking a provider to pay an invoice. The id is the provider's idempotency key.
create table freehold.charge_attempts (
  business_id text collate "C" not null,
  id text collate "C" not null,
  invoice_id text collate "C" not null,
  attempt int not null check (attempt > 0),
  provider text not null,
  currency text not null,
  amount bigint not null check (amount > 0),
  status text not null check (status in ('requested', 'unknown', 'succeeded', 'failed')),
  reference text collate "C",
  failure text,
  requested_at timestamptz not null,
  claimed_at timestamptz,
  settled_at timestamptz,
  primary key (business_id, id),
  unique (business_id, invoice_id, attempt),
  foreign key (business_id, invoice_id) references freehold.invoices,
  check ((status in ('succeeded', 'failed')) = (settled_at is not null)),
  check ((status = 'succeeded') = (reference is not null))
);
create unique index charge_attempts_live on freehold.charge_attempts (business_id, invoice_id)
  where status in ('requested', 'unknown');
create index charge_attempts_waiting on freehold.charge_attempts (requested_at, id) where status in ('requested', 'unknown');

-- What a business has in hand. The entries are the truth, and the balance is their sum.
create table freehold.credit_balances (
  business_id text collate "C" not null references freehold.businesses,
  currency text not null,
  balance bigint not null check (balance >= 0),
  primary key (business_id, currency)
);

create table freehold.credit_entries (
  business_id text collate "C" not null,
  id text collate "C" not null,
  currency text not null,
  amount bigint not null check (amount <> 0),
  balance_after bigint not null check (balance_after >= 0),
  reason text not null,
  invoice_id text collate "C",
  created_by text collate "C" not null,
  created_at timestamptz not null,
  primary key (business_id, id),
  foreign key (business_id, currency) references freehold.credit_balances,
  foreign key (business_id, invoice_id) references freehold.invoices
);

-- Support, audit, mail.

create table freehold.support_sessions (
  business_id text collate "C" not null references freehold.businesses,
  id text collate "C" not null,
  staff_id text collate "C" not null,
  staff_name text not null,
  staff_email text,
  reason text not null,
  access text not null check (access in ('read', 'write')),
  minutes int not null,
  token_hash bytea not null,
  requested_at timestamptz not null,
  answered_at timestamptz,
  answered_by text collate "C",
  refused_at timestamptz,
  started_at timestamptz,
  expires_at timestamptz,
  ended_at timestamptz,
  ended_by text collate "C",
  primary key (business_id, id),
  unique (business_id, token_hash)
);
create index support_sessions_id on freehold.support_sessions (id);

create table freehold.audit_entries (
  business_id text collate "C" not null references freehold.businesses,
  id text collate "C" not null,
  at timestamptz not null,
  actor_kind text not null,
  actor_id text collate "C",
  actor_name text,
  actor_email text,
  on_behalf_of jsonb,
  action text not null,
  target jsonb,
  before jsonb,
  after jsonb,
  primary key (business_id, id)
);
create index audit_entries_at on freehold.audit_entries (business_id, at);
create index audit_entries_staff on freehold.audit_entries (actor_kind, action, id) where actor_kind in ('staff', 'app', 'system');
-- What moves recurring revenue: few of the entries that subscriptions leave.
create index audit_entries_terms on freehold.audit_entries (at)
  where action like 'subscription.%'
    and (before ->> 'plan', before ->> 'planVersion', before ->> 'price', before ->> 'status')
      is distinct from (after ->> 'plan', after ->> 'planVersion', after ->> 'price', after ->> 'status');

-- What happened, for the product's own code: written with what caused it, handed over by a worker; see events/.

-- Numbers a business's events. Whoever takes a number holds the row until they commit, so numbers ascend as commits do.
create table freehold.event_streams (
  business_id text collate "C" not null references freehold.businesses,
  last_sequence bigint not null,
  primary key (business_id)
);

create table freehold.events (
  business_id text collate "C" not null references freehold.businesses,
  id text collate "C" not null,
  sequence bigint not null,
  type text not null,
  data jsonb not null,
  at timestamptz not null,
  -- No attempt and delivered: nothing handles it.
  attempts int not null default 0,
  error text,
  delivered_at timestamptz,
  -- The owners are still to be told of it by mail.
  to_mail boolean not null default false,
  primary key (business_id, id),
  unique (business_id, sequence)
);
create index events_at on freehold.events (business_id, at);
create index events_undelivered on freehold.events (business_id, sequence) include (type) where delivered_at is null;
create index events_to_mail on freehold.events (business_id) where to_mail;
create index events_delivered on freehold.events (delivered_at) where delivered_at is not null;

-- Which businesses are left alone until when: a worker is at their events, or one of those has just failed.
create table freehold.event_holds (
  business_id text collate "C" not null references freehold.businesses,
  held_until timestamptz not null,
  worker_id text,
  primary key (business_id)
);

-- What concerns no single business: sign-in, resets, staff, plans.
create table freehold.system_audit_entries (
  id text collate "C" primary key,
  at timestamptz not null,
  actor_kind text not null,
  actor_id text collate "C",
  actor_name text,
  actor_email text,
  action text not null,
  target jsonb,
  before jsonb,
  after jsonb
);
create index system_audit_entries_staff on freehold.system_audit_entries (actor_kind, action, id)
  where actor_kind in ('staff', 'app', 'system');

-- The content is sealed under a key derived from SECRET: mails carry one-time links.
create table freehold.mails (
  id text collate "C" primary key,
  business_id text collate "C",
  template text not null,
  recipient text not null,
  subject text not null,
  -- Text and HTML, encrypted; nobody needs them when the links in them have expired.
  sealed bytea,
  attempts int not null default 0,
  error text,
  created_at timestamptz not null,
  sent_at timestamptz,
  failed_at timestamptz
);
create index mails_unsent on freehold.mails (id) where sent_at is null;
create index mails_recipient on freehold.mails (recipient, created_at);
create index mails_business on freehold.mails (business_id, created_at) where business_id is not null;
create index mails_sealed on freehold.mails (created_at) where sealed is not null;

-- The process.

-- Answers kept for a day under a key that the caller alone has; see http/idempotency.ts.
create table freehold.idempotency_keys (
  scope text collate "C" not null,
  key_hash bytea not null,
  body_hmac bytea not null,
  status int not null,
  answer bytea not null,
  expires_at timestamptz not null,
  primary key (scope, key_hash)
);
create index idempotency_keys_expiry on freehold.idempotency_keys (expires_at);

create table freehold.clock_offset (
  single boolean primary key default true check (single),
  milliseconds bigint not null,
  -- What time it was when it was moved the last time.
  moved_from timestamptz
);
insert into freehold.clock_offset (milliseconds) values (0);

-- When each schedule ran last, on the domain's clock.
create table freehold.schedules (
  task text primary key,
  last_run_at timestamptz not null
);

-- rate-limiter-flexible's table.
create table freehold.rate_limits (
  key varchar(255) primary key,
  points integer not null default 0,
  expire bigint
);
create index rate_limits_expire on freehold.rate_limits (expire);
