import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm, stat } from 'node:fs/promises'
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

const send = async (method: string, path: string, body: object, key?: string) => {
  const answer = await fetch(api.base + path, {
    method,
    headers: { 'content-type': 'application/json', ...(key === undefined ? {} : { authorization: `Bearer ${key}` }) },
    body: JSON.stringify(body),
  })
  return { status: answer.status, body: (await answer.json()) as any }
}

const post = (path: string, body: object, key?: string) => send('POST', path, body, key)

const signUp = async (n: number) => {
  const owner = {
    email: `owner${n}@example.test`,
    password: 'correct horse battery',
    firstName: 'Pat',
    lastName: 'Lee',
  }
  const { body } = await post('/v1/signup', { business: { name: `Business ${n}` }, ...owner })
  return { id: body.business.id as string, key: body.apiKeys[0].key as string, token: body.token as string }
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

/** Shut down as an operator does it: every connection is told to end; for a moment nobody listens; then all is as before. */
async function restart() {
  const cluster = `${dataDir}/postgres`
  const [pid] = (await readFile(`${cluster}/postmaster.pid`, 'utf8')).split('\n')
  const [file = '', ...args] = (await readFile(`${cluster}/postmaster.opts`, 'utf8')).trim().split(/ (?=")/)
  const { uid, gid } = await stat(cluster)
  execFileSync('kill', ['-INT', String(pid)])
  await expect.poll(() => stat(`${cluster}/postmaster.pid`).catch(() => 'gone'), { timeout: 60_000 }).toBe('gone')
  await delay(200)
  const server = spawn(
    file,
    args.map((each) => each.slice(1, -1)),
    { uid, gid, cwd: '/', detached: true, stdio: 'ignore' },
  )
  await once(server, 'spawn')
  server.unref()
}

test('a database that crashes or is restarted under load is never answered for, and counting goes on by itself', async () => {
  const { id, key, token } = await signUp(1)
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
  const renamed = { attempted: 0, acknowledged: 0 }
  const renaming = (async () => {
    while (!over) {
      renamed.attempted += 1
      const { status } = await send('PATCH', `/v1/businesses/${id}`, { name: `Name ${renamed.attempted}` }, token)
      statuses.add(status)
      if (status === 200) renamed.acknowledged = renamed.attempted
    }
  })()
  const clients = Array.from({ length: 16 }, async (_, client) => {
    for (let sent = 0; !over; sent += 1) await journal.send(api.base, `${client}-${sent}`)
  })
  for (const disturb of [crash, restart, crash]) {
    await delay(150)
    await disturb()
    const acknowledged = journal.acknowledged.size
    // Nobody restarts or tells the API process anything.
    await expect.poll(() => journal.acknowledged.size, { timeout: 60_000 }).toBeGreaterThan(acknowledged + 50)
  }
  over = true
  await Promise.all([watch, renaming, ...clients])

  expect(
    [...statuses].filter((status) => ![200, 503].includes(status)),
    'a retry is what helps',
  ).toEqual([])
  const unknown = [...journal.attempted].filter((each) => !journal.acknowledged.has(each))
  for (const each of unknown) expect(await journal.send(api.base, each)).toBe('allowed')
  const { applied } = await journal.check({ sql })
  expect(applied).toBe(journal.attempted.size)

  const [business] = await sql<{ name: string }>('select name from freehold.businesses where id = $1', [id])
  const number = Number(business?.name.split(' ')[1])
  expect(number).toBeGreaterThanOrEqual(renamed.acknowledged)
  expect(number).toBeLessThanOrEqual(renamed.attempted)
  expect(statuses).toContain(503)
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
