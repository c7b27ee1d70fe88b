import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { FreeholdError } from '../errors.ts'
import { sqlState } from './transactions.ts'

export const migrationsFolder = fileURLToPath(new URL('../../migrations/', import.meta.url))

// Any number of processes may start at once; one migrates, the others wait for it.
const migrationLock = 7_305_808_868

/**
 * How long a migration waits for a table that somebody uses. Everybody who comes to it meanwhile waits behind the
 * migration, so it lets them pass soon, and tries again.
 */
const lockMilliseconds = 500
const pauseMilliseconds = 500
const tries = 100

/** From this version on a role can be granted to be set and not inherited, which the fence between businesses rests on. */
export const oldestPostgres = 16

export async function postgresVersion(client: Pick<pg.Client, 'query'>): Promise<number> {
  const { rows } = await client.query<{ version: number }>(
    "select current_setting('server_version_num')::int / 10000 as version",
  )
  return rows[0]?.version ?? 0
}

/** Brings the schema up to date and returns the names of the migrations that ran. Forward only. */
export async function migrate(databaseUrl: pg.ClientConfig, folder = migrationsFolder): Promise<string[]> {
  const client = new pg.Client({ connectionTimeoutMillis: 10_000, ...databaseUrl })
  // The statement that was running fails by itself; without a listener a lost connection would end the process.
  client.on('error', () => {})
  await client.connect()
  try {
    const version = await postgresVersion(client)
    if (version < oldestPostgres) {
      const remedy = `Freehold needs PostgreSQL ${oldestPostgres} or later; set DATABASE_URL to one`
      throw new FreeholdError('unavailable', `The database is PostgreSQL ${version}. ${remedy}`)
    }
    await client.query('select pg_advisory_lock($1)', [migrationLock])
    const pending = await pendingMigrations(client, folder)
    await ensureTenantRole(client)
    if (!(await isInstalled(client))) {
      await client.query('create schema if not exists freehold')
      await client.query('create table freehold.migrations (name text primary key, checksum text not null)')
    }
    for (const migration of pending) await apply(client, migration)
    return pending.map(({ name }) => name)
  } finally {
    await client.end()
  }
}

async function apply(client: pg.Client, { name, checksum, text }: Migration): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await inTransaction(client, async () => {
        await client.query(`set local lock_timeout = ${lockMilliseconds}`)
        await client.query(text)
        await client.query('insert into freehold.migrations (name, checksum) values ($1, $2)', [name, checksum])
      })
    } catch (error) {
      if (sqlState(error) !== '55P03' || attempt === tries) throw error
      await delay(pauseMilliseconds)
    }
  }
}

/** What this version brings and the database does not have yet, in order. */
export async function pendingMigrations(
  client: Pick<pg.Client, 'query'>,
  folder = migrationsFolder,
): Promise<Migration[]> {
  const applied = new Map<string, string>()
  if (await isInstalled(client)) {
    const { rows } = await client.query<Pick<Migration, 'name' | 'checksum'>>(
      'select name, checksum from freehold.migrations',
    )
    for (const { name, checksum } of rows) applied.set(name, checksum)
  }
  return (await readMigrations(folder)).filter(({ name, checksum }) => {
    const known = applied.get(name)
    if (known !== undefined && known !== checksum) {
      throw new Error(`Migration ${name} was changed after it ran here: restore it and add a new one instead`)
    }
    return known === undefined
  })
}

// Looked up rather than created if missing: a user who may not create anything can serve once the schema is there.
async function isInstalled(client: Pick<pg.Client, 'query'>): Promise<boolean> {
  const { rows } = await client.query<{ installed: boolean }>(
    "select to_regclass('freehold.migrations') is not null as installed",
  )
  return rows[0]?.installed === true
}

export type Migration = { name: string; text: string; checksum: string }

async function readMigrations(folder: string): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).toSorted()
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(folder, name), 'utf8')
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
    // Where the connection broke there is nothing to roll back, and that it broke is what counts.
    await client.query('rollback').catch(() => {})
    throw error
  }
}
