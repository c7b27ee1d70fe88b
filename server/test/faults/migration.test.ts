import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { migrate, migrationsFolder } from '../../src/db/migrate.ts'
import { createTestFreehold } from '../harness.ts'

test('a newer version changes the tables while the one before serves, and nobody waits for it', async () => {
  const freehold = await createTestFreehold()
  onTestFinished(() => freehold.close())
  const folder = await mkdtemp(join(tmpdir(), 'freehold-migrations-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await cp(migrationsFolder, folder, { recursive: true })
  const newer = ['businesses', 'members', 'usage_counters', 'usage_entries']
    .map((table) => `alter table freehold.${table} add column newer text not null default 'newer';`)
    .join('\n')
  await writeFile(join(folder, '9999_newer.sql'), newer)

  const { business, token, apiKeys } = await freehold.signUp()
  const path = `/v1/businesses/${business.id}`
  let served = 0
  const serve = async () => {
    const answers = [
      await freehold.api.patch(path, { name: `Name ${served}` }, { token }),
      await freehold.api.get(`${path}/members`, { token }),
      await freehold.api.post('/v1/check', { feature: 'recordings' }, { token: apiKeys[0].key }),
      await freehold.api.post('/v1/consume', { feature: 'recordings' }, { token: apiKeys[0].key }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    served += 1
  }

  // Somebody reads for long, a backup perhaps, and keeps the migration from the table.
  const reader = new pg.Client({ connectionString: freehold.database })
  await reader.connect()
  onTestFinished(() => reader.end())
  await reader.query('begin')
  await reader.query('select count(*) from freehold.usage_counters -- test')
  let migrated = false
  const migrating = migrate({ connectionString: freehold.database }, folder).finally(() => (migrated = true))
  await freehold.eventually(async () => {
    const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like 'alter table%'`
    return (await freehold.sql(waiting)).length > 0
  }, 'the migration')
  // Those who come now wait behind it, and not for the reader.
  for (let times = 0; times < 5; times += 1) {
    await serve()
    await delay(100)
  }
  expect(migrated).toBe(false)
  await reader.query('commit')
  while (!migrated) await serve()
  expect(await migrating).toEqual(['9999_newer.sql'])

  for (let times = 0; times < 3; times += 1) await serve()
  const [counter] = await freehold.sql('select used, newer from freehold.usage_counters where business_id = $1', [
    business.id,
  ])
  expect(counter).toEqual({ used: String(served), newer: 'newer' })
  // What is older than the schema starts all the same.
  expect(await migrate({ connectionString: freehold.database })).toEqual([])
})
