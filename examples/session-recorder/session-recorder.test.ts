import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { pino } from 'pino'
import { createApp } from './app.ts'

/** The product as its customers meet it: an SDK inside their apps, and a dashboard. */

const name = `recorder_${randomBytes(6).toString('hex')}`
let cluster: pg.Client
let database: pg.Client
let app: Awaited<ReturnType<typeof createApp>>

beforeAll(async () => {
  const clusterUrl = inject('clusterUrl')
  cluster = new pg.Client({ connectionString: clusterUrl })
  await cluster.connect()
  await cluster.query(`create database ${name}`)
  const url = new URL(clusterUrl)
  url.pathname = name
  app = await createApp({
    databaseUrl: url.href,
    secret: 'a secret of at least thirty-two characters',
    rateLimits: false,
    logger: pino({ level: 'silent' }),
  })
  database = new pg.Client({ connectionString: url.href })
  await database.connect()
})
afterAll(async () => {
  await database.end()
  await app.close()
  await cluster.query(`drop database ${name} with (force)`)
  await cluster.end()
})

type Headers = Record<string, string>
async function call(method: 'GET' | 'POST' | 'DELETE', url: string, headers: Headers = {}, payload?: object) {
  const answer = await app.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) })
  return { status: answer.statusCode, body: answer.body === '' ? undefined : answer.json() }
}

async function signUp() {
  const { body } = await call(
    'POST',
    '/v1/signup',
    {},
    {
      business: { name: 'Acme' },
      email: `${randomBytes(4).toString('hex')}@acme.test`,
      password: 'correct horse battery',
      firstName: 'Ann',
      lastName: 'Acme',
    },
  )
  const dashboard = { authorization: `Bearer ${body.token}`, 'freehold-business': body.business.id }
  return { business: body.business, dashboard, sdk: { authorization: `Bearer ${body.apiKeys[0].key}` } }
}

async function withApplication() {
  const acme = await signUp()
  const { status, body } = await call('POST', '/applications', acme.dashboard, { name: 'Shop' })
  expect(status).toBe(201)
  return { ...acme, applicationId: String(body.id) }
}

const usage = async (businessId: string, feature: string) => {
  const { rows } = await database.query(
    'select used::int from freehold.usage_counters where business_id = $1 and feature = $2',
    [businessId, feature],
  )
  return rows[0]?.used ?? 0
}

test('the SDK records, and the dashboard shows what was recorded', async () => {
  const acme = await withApplication()
  const recording = { applicationId: acme.applicationId, title: 'Checkout', durationSeconds: 42 }
  expect(await call('POST', '/recordings', acme.sdk, recording)).toMatchObject({ status: 201, body: recording })
  const { body } = await call('GET', '/recordings', acme.dashboard)
  expect(body.items).toMatchObject([{ ...recording, businessId: acme.business.id }])
  expect(await usage(acme.business.id, 'recordings')).toBe(1)
})

test('the SDK can record and nothing else', async () => {
  const acme = await withApplication()
  expect((await call('GET', '/recordings', acme.sdk)).body.code).toBe('permission_denied')
  expect((await call('POST', '/applications', acme.sdk, { name: 'Other' })).body.code).toBe('permission_denied')
})

test('a server key reads what a customer has', async () => {
  const acme = await signUp()
  const made = await call('POST', `/v1/businesses/${acme.business.id}/api-keys`, acme.dashboard, {
    name: 'Export',
    type: 'server',
  })
  expect(made.status).toBe(201)
  expect(await call('GET', '/recordings', { authorization: `Bearer ${made.body.key}` })).toEqual({
    status: 200,
    body: { items: [] },
  })
})

test('nothing is stored beyond the limit, whoever races', async () => {
  const acme = await withApplication()
  const recording = { applicationId: acme.applicationId, title: 'Busy', durationSeconds: 1 }
  const answers = await Promise.all(Array.from({ length: 110 }, () => call('POST', '/recordings', acme.sdk, recording)))
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(100)
  const refused = answers.filter(({ status }) => status !== 201)
  expect(refused).toHaveLength(10)
  expect(refused[0]).toMatchObject({ status: 402, body: { code: 'limit_reached', feature: 'recordings', limit: 100 } })
  const { rows } = await database.query('select count(*)::int from recordings where business_id = $1', [
    acme.business.id,
  ])
  expect(rows[0].count).toBe(100)
})

test('what cannot be stored uses nothing', async () => {
  const [acme, other] = [await withApplication(), await withApplication()]
  const recording = { applicationId: other.applicationId, title: 'Foreign', durationSeconds: 1 }
  expect((await call('POST', '/recordings', acme.sdk, recording)).status).toBe(404)
  expect((await call('POST', '/recordings', acme.sdk, { ...recording, durationSeconds: -1 })).status).toBe(400)
  expect(await usage(acme.business.id, 'recordings')).toBe(0)
  expect(await usage(other.business.id, 'recordings')).toBe(0)
})

test('an application takes its place until it is removed', async () => {
  const acme = await withApplication()
  const second = () => call('POST', '/applications', acme.dashboard, { name: 'Second' })
  expect(await second()).toMatchObject({
    status: 402,
    body: { code: 'limit_reached', feature: 'applications', limit: 1 },
  })
  const { rows } = await database.query('select name from applications where business_id = $1', [acme.business.id])
  expect(rows).toEqual([{ name: 'Shop' }])
  expect((await call('DELETE', `/applications/${acme.applicationId}`, acme.dashboard)).status).toBe(204)
  expect((await call('DELETE', `/applications/${acme.applicationId}`, acme.dashboard)).status).toBe(404)
  expect(await usage(acme.business.id, 'applications')).toBe(0)
  expect((await second()).status).toBe(201)
})

test('nobody sees or removes what belongs to another business', async () => {
  const [acme, other] = [await withApplication(), await withApplication()]
  const foreign = { ...other.dashboard, 'freehold-business': acme.business.id }
  expect((await call('GET', '/recordings', foreign)).status).toBe(404)
  expect((await call('DELETE', `/applications/${acme.applicationId}`, other.dashboard)).status).toBe(404)
  expect(await usage(acme.business.id, 'applications')).toBe(1)
})

test('recordings go when they are older than the plan keeps them', async () => {
  const acme = await withApplication()
  const recording = { applicationId: acme.applicationId, title: 'Old', durationSeconds: 1 }
  expect((await call('POST', '/recordings', acme.sdk, recording)).status).toBe(201)
  await database.query("update recordings set created_at = created_at - interval '6 days 20 hours'")
  const titles = async () => {
    const { body } = await call('GET', '/recordings', acme.dashboard)
    return body.items.map(({ title }: { title: string }) => title)
  }
  await expect.poll(schedules).toContain('delete-old-recordings')
  expect(await titles()).toEqual(['Old'])
  await call('POST', '/v1/dev/clock', {}, { advanceSeconds: 86_400 })
  await expect.poll(titles, { timeout: 10_000 }).toEqual([])
  expect(await usage(acme.business.id, 'recordings')).toBe(1)
})

async function schedules(): Promise<string[]> {
  const { rows } = await database.query('select task from freehold.schedules')
  return rows.map(({ task }) => task)
}
