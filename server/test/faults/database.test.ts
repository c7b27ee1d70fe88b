import { execFileSync } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { defaultDataDir, openEmbedded } from '../../src/db/embedded.ts'
import { migrate } from '../../src/db/migrate.ts'
import { openJournal } from './journal.ts'
import { startApi, type ApiProcess } from './processes.ts'

/** A durable server of its own: the tests' shared one neither writes through nor may be shot. */
const dataDir = `${defaultDataDir(process.cwd())}-faults-${process.pid}`
let database: Awaited<ReturnType<typeof openEmbedded>>
let api: ApiProcess
beforeAll(async () => {
  database = await openEmbedded({ dataDir })
  await migrate({ connectionString: database.url })
  api = await startApi(database.url)
})
afterAll(async () => {
  await api.kill()
  await database.stop()
  await rm(dataDir, { recursive: true, force: true })
})

async function sql<Row = any>(text: string, values: unknown[] = []): Promise<Row[]> {
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  try {
    return (await client.query(text, values)).rows as Row[]
  } finally {
    await client.end()
  }
}

const post = async (path: string, body: object, key?: string) => {
  const answer = await fetch(api.base + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key === undefined ? {} : { authorization: `Bearer ${key}` }) },
    body: JSON.stringify(body),
  })
  return { status: answer.status, body: (await answer.json()) as any }
}

const signUp = async (n: number) => {
  const owner = {
    email: `owner${n}@example.test`,
    password: 'correct horse battery',
    firstName: 'Pat',
    lastName: 'Lee',
  }
  const { body } = await post('/v1/signup', { business: { name: `Business ${n}` }, ...owner })
  return { id: body.business.id as string, key: body.apiKeys[0].key as string }
}

const limitTo = (businessId: string, limit: number | null) =>
  sql(
    `insert into freehold.limit_overrides (business_id, feature, value, reason, created_by, created_at)
     values ($1, 'recordings', $2, 'test', 'test', $3)`,
    [businessId, JSON.stringify(limit), new Date()],
  )

/** A backend that dies takes the whole server with it: every connection is cut, and it recovers from its log. */
async function crash() {
  const [backend] = await sql<{ pid: number }>(
    "select pid from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid() limit 1",
  )
  execFileSync('kill', ['-9', String(backend?.pid)])
}

test('a database that crashes under load is never answered for, and counting goes on by itself', async () => {
  const { id, key } = await signUp(1)
  await limitTo(id, null)
  const journal = openJournal(key, id)
  expect(await journal.send(api.base, 'before')).toBe('allowed')

  let over = false
  const statuses = new Set<number>()
  const watch = (async () => {
    while (!over) {
      statuses.add((await post('/v1/consume', { feature: 'recordings', idempotencyKey: 'before' }, key)).status)
    }
  })()
  const clients = Array.from({ length: 16 }, async (_, client) => {
    for (let sent = 0; !over; sent += 1) await journal.send(api.base, `${client}-${sent}`)
  })
  for (let round = 0; round < 3; round += 1) {
    await delay(150)
    await crash()
    const acknowledged = journal.acknowledged.size
    // Nobody restarts or tells the API process anything.
    await expect.poll(() => journal.acknowledged.size, { timeout: 60_000 }).toBeGreaterThan(acknowledged + 50)
  }
  over = true
  await Promise.all([watch, ...clients])

  expect(
    [...statuses].filter((status) => ![200, 503].includes(status)),
    'a retry is what helps',
  ).toEqual([])
  const unknown = [...journal.attempted].filter((each) => !journal.acknowledged.has(each))
  for (const each of unknown) expect(await journal.send(api.base, each)).toBe('allowed')
  const { applied } = await journal.check({ sql })
  expect(applied).toBe(journal.attempted.size)
})

test('a revoked key and an exhausted business keep nobody else in the same batch from being counted', async () => {
  const [well, exhausted, revoked] = [await signUp(11), await signUp(12), await signUp(13)]
  await limitTo(exhausted.id, 3)
  const consume = ({ key }: { key: string }) => post('/v1/consume', { feature: 'recordings' }, key)
  for (const each of [well, exhausted, revoked]) expect((await consume(each)).body).toMatchObject({ allowed: true })

  // Revoked behind the process's back, so that only the statement itself can know.
  const [apiKey] = await sql<{ id: string }>('select id from freehold.api_keys where business_id = $1', [revoked.id])
  await sql('insert into freehold.recent_revocations (credential_id, revoked_at) values ($1, $2)', [
    apiKey?.id,
    new Date(),
  ])
  const asked = Array.from({ length: 90 }, (_, index) => [well, exhausted, revoked][index % 3] ?? well)
  const answers = await Promise.all(asked.map(consume))
  const of = (which: typeof well) => answers.filter((_, index) => asked[index] === which)
  expect(of(well).every(({ body }) => body.allowed)).toBe(true)
  expect(of(exhausted).filter(({ body }) => body.allowed)).toHaveLength(2)
  expect(of(exhausted).filter(({ body }) => body.code === 'limit_reached')).toHaveLength(28)
  expect(of(revoked).map(({ status }) => status)).toEqual(Array.from({ length: 30 }, () => 401))
  const counters = await sql<{ business_id: string; used: string }>(
    'select business_id, used from freehold.usage_counters where business_id = any($1)',
    [[well.id, exhausted.id, revoked.id]],
  )
  expect(Object.fromEntries(counters.map(({ business_id, used }) => [business_id, Number(used)]))).toEqual({
    [well.id]: 31,
    [exhausted.id]: 3,
    [revoked.id]: 1,
  })
})
