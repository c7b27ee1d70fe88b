import pg from 'pg'
import { withOptions } from './open.ts'

/** What is wrong with the fence between businesses, and what mends it. */
export type FenceProblem = { problem: string; remedy: string }

/**
 * Looks whether the role freehold_tenant can be used from here and really sees one business only: by its attributes, and
 * by trying it with a business that is never committed.
 */
export async function findFenceProblem(
  client: pg.ClientBase,
  connection: pg.ClientConfig,
): Promise<FenceProblem | undefined> {
  return (
    (await unusable(client)) ??
    (await unlimited(client)) ??
    (await unfencedTable(client)) ??
    (await leaking(client)) ??
    (await notTakenFromOptions(connection))
  )
}

async function unusable(client: pg.ClientBase): Promise<FenceProblem | undefined> {
  const { rows } = await client.query<{ exists: boolean; usable: boolean; user: string }>(`
    select count(r.oid) > 0 as exists, coalesce(bool_or(pg_has_role(current_user, r.oid, 'set')), false) as usable,
           quote_ident(current_user) as user
    from (select) once
    left join pg_roles r on r.rolname = 'freehold_tenant'`)
  const { exists, usable, user } = rows[0] ?? { exists: false, usable: false, user: '' }
  if (usable) return undefined
  return {
    problem: exists ? `${user} may not use the role freehold_tenant` : 'the role freehold_tenant does not exist',
    remedy:
      'run as a superuser: ' +
      (exists ? '' : 'create role freehold_tenant nologin; ') +
      `grant freehold_tenant to ${user} with set true, inherit false;`,
  }
}

async function unlimited(client: pg.ClientBase): Promise<FenceProblem | undefined> {
  const { rows } = await client.query(
    "select from pg_roles where rolname = 'freehold_tenant' and (rolsuper or rolbypassrls)",
  )
  if (rows.length === 0) return undefined
  return {
    problem: 'the role freehold_tenant passes row level security',
    remedy: 'run as a superuser: alter role freehold_tenant nosuperuser nobypassrls;',
  }
}

// Tables the role may read. One without row level security shows every business; so does one to its owner.
async function unfencedTable(client: pg.ClientBase): Promise<FenceProblem | undefined> {
  const { rows } = await client.query<{ table: string }>(`
    select format('freehold.%I', c.relname) as table
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attname = 'business_id' and not a.attisdropped
    where c.relnamespace = 'freehold'::regnamespace
      and c.relkind in ('r', 'p')
      and has_table_privilege('freehold_tenant', c.oid, 'select')
      and (not c.relrowsecurity or pg_has_role('freehold_tenant', c.relowner, 'usage'))
    order by 1`)
  const [first] = rows
  if (!first) return undefined
  return {
    problem: `${first.table} shows every business to freehold_tenant`,
    remedy: `alter table ${first.table} enable row level security; and let another role own it`,
  }
}

async function leaking(client: pg.ClientBase): Promise<FenceProblem | undefined> {
  const probe = 'biz_doctor'
  const sees = async () =>
    (await client.query('select from freehold.businesses where id = $1', [probe])).rows.length > 0
  await client.query('begin')
  try {
    await client.query(
      "insert into freehold.businesses (id, name, created_at) values ($1, 'Doctor', 'epoch'::timestamptz)",
      [probe],
    )
    await client.query('set local role freehold_tenant')
    const unset = await sees()
    await client.query("select set_config('app.business_id', $1, true)", [probe])
    const own = await sees()
    await client.query("select set_config('app.business_id', 'biz_another', true)")
    const foreign = await sees()
    if (own && !unset && !foreign) return undefined
    return {
      problem: own
        ? 'freehold_tenant sees a business that is not its own'
        : 'freehold_tenant does not see its business',
      remedy: 'compare the policy own_business on freehold.businesses with migration 0003_tenancy.sql',
    }
  } catch (error) {
    return {
      problem: `the fence cannot be tried (${error instanceof Error ? error.message : error})`,
      remedy: 'let the user of DATABASE_URL own the tables of the schema freehold: it must not be fenced in itself',
    }
  } finally {
    await client.query('rollback')
  }
}

// Connections take the role as they open; a pooler in between may drop that.
async function notTakenFromOptions(connection: pg.ClientConfig): Promise<FenceProblem | undefined> {
  const client = new pg.Client({
    connectionTimeoutMillis: 10_000,
    ...withOptions(connection, ['-c role=freehold_tenant']),
  })
  client.on('error', () => {})
  try {
    await client.connect()
    const { rows } = await client.query<{ user: string }>('select current_user as user')
    if (rows[0]?.user === 'freehold_tenant') return undefined
  } catch {
    // Refused or ignored, it is the same to us.
  } finally {
    await client.end().catch(() => {})
  }
  return {
    problem: 'a connection does not take the role from its start options',
    remedy: 'connect to PostgreSQL itself, or through a pooler that passes `options` on',
  }
}
