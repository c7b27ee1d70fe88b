-- The product's own tables, in one database with Freehold's. Run at every start.

create table if not exists applications (
  id uuid primary key default gen_random_uuid(),
  business_id text not null references freehold.businesses,
  name text not null,
  created_at timestamptz not null default now()
);

create table if not exists recordings (
  id uuid primary key default gen_random_uuid(),
  business_id text not null references freehold.businesses,
  application_id uuid not null references applications on delete cascade,
  title text not null,
  duration_seconds int not null,
  created_at timestamptz not null default now()
);
create index if not exists recordings_newest on recordings (business_id, created_at desc);
