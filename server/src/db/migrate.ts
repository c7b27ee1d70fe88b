import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { FreeholdError } from '../errors.ts'

const folder = fileURLToPath(new URL('../../migrations/', import.meta.url))

// Any number of processes may start at once; one migrates, the others wait for it.
const migrationLock = 7_305_808_868

/** Brings the schema up to date and returns the names of the migrations that ran. Forward only. */
export async function migrate(databaseUrl: pg.ClientConfig): Promise<string[]> {
  const client = new pg.Client(databaseUrl)
  await client.connect()
  try {
    await client.query('select pg_advisory_lock($1)', [migrationLock])
    await client.query('create schema if not exists freehold')
    await client.query('create table if not exists freehold.migrations (name text primary key, checksum text not null)')
    const { rows } = await client.query<{ name: string; checksum: string }>(
      'select name, checksum from freehold.migrations',
    )
    const applied = new Map(rows.map((row) => [row.name, row.checksum]))
    const pending = (await readMigrations()).filter(({ name, checksum }) => {
      const known = applied.get(name)
      if (known !== undefined && known !== checksum) {
        throw new Error(`Migration ${name} was changed after it ran here: restore it and add a new one instead`)
      }
      return known === undefined
    })
    if (pending.length > 0) await ensureTenantRole(client)
    for (const { name, checksum, text } of pending) {
      await inTransaction(client, async () => {
        await client.query(text)
        await client.query('insert into freehold.migrations (name, checksum) values ($1, $2)', [name, checksum])
      })
    }
    return pending.map(({ name }) => name)
  } finally {
    await client.end()
  }
}

/** Whether the schema has every migration of this version. */
export async function pendingMigrations(client: { query: pg.Client['query'] }): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    "select name from freehold.migrations where to_regclass('freehold.migrations') is not null",
  )
  const applied = new Set(rows.map((row) => row.name))
  return (await readMigrations()).flatMap(({ name }) => (applied.has(name) ? [] : name))
}

async function readMigrations() {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).toSorted()
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(`${folder}${name}`, 'utf8')
      return { name, text, checksum: createHash('sha256').update(text).digest('hex') }
    }),
  )
}

/**
 * Roles belong to the whole cluster, and PostgreSQL 16 lets even their creator `set role` only after a grant. Where the
 * database's user may do neither, the error prints what somebody who may has to run once.
 */
async function ensureTenantRole(client: pg.Client): Promise<void> {
  const usable = async () => {
    const { rows } = await client.query<{ usable: boolean }>(
      `select coalesce(bool_or(pg_has_role(current_user, oid, 'set')), false) as usable
       from pg_roles where rolname = 'freehold_tenant'`,
    )
    return rows[0]?.usable === true
  }
  if (await usable()) return
  try {
    await client.query('create role freehold_tenant nologin').catch((error: unknown) => {
      const raced = ['42710', '23505'].includes((error as { code?: string }).code ?? '')
      if (!raced) throw error
    })
    await client.query('grant freehold_tenant to current_user with set true, inherit false')
    if (await usable()) return
  } catch {
    // Told below, with the remedy.
  }
  const { rows } = await client.query<{ user: string }>('select quote_ident(current_user) as user')
  throw new FreeholdError(
    'unavailable',
    'The database user may not create the role that fences businesses off. Run once, as a superuser or a role with ' +
      `CREATEROLE:\n\n  create role freehold_tenant nologin;\n  grant freehold_tenant to ${rows[0]?.user} with set true, inherit false;\n`,
  )
}

async function inTransaction(client: pg.Client, work: () => Promise<void>): Promise<void> {
  await client.query('begin')
  try {
    await work()
    await client.query('commit')
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}
