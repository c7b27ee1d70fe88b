import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDatabase } from '../../src/db/open.ts'
import { createTestFreehold, type Answer, type TestFreehold } from '../harness.ts'

let freehold: TestFreehold
beforeAll(async () => {
  freehold = await createTestFreehold()
})
afterAll(() => freehold.close())

type SignedUp = Awaited<ReturnType<TestFreehold['signUp']>>

const rename = ({ business, token }: SignedUp, name: string) =>
  freehold.api.patch(`/v1/businesses/${business.id}`, { name }, { token })

/** Everything that people and programs of a business do, once. */
const ordinaryDay = async (one: SignedUp) => [
  (await freehold.api.get('/healthz')).status,
  (await freehold.api.get('/readyz')).status,
  (await rename(one, 'Renamed')).status,
  (await freehold.api.get(`/v1/businesses/${one.business.id}/members`, { token: one.token })).status,
  (await freehold.api.get('/v1/me', { token: one.token })).status,
  (await freehold.api.post('/v1/consume', { feature: 'recordings' }, { token: one.apiKeys[0].key })).status,
]

test('a business that waits for itself keeps no other one waiting, and is told to try again', async () => {
  const [hot, other] = [await freehold.signUp(), await freehold.signUp()]
  const holder = new pg.Client({ connectionString: freehold.database })
  await holder.connect()
  try {
    await holder.query('begin')
    await holder.query('select from freehold.businesses where id = $1 for update', [hot.business.id])
    // Many more than there are connections, and more than may wait.
    let ended = 0
    const parked = Array.from({ length: 130 }, (_, index) => rename(hot, `Name ${index}`).finally(() => (ended += 1)))
    await freehold.eventually(async () => ended > 0, 'the first refusal')
    expect(ended, 'what is beyond the line is refused at once, the others wait').toBeLessThan(130)
    expect(await ordinaryDay(other)).toEqual([200, 200, 200, 200, 200, 200])
    // Until one has waited for the row itself, too.
    await freehold.eventually(async () => ended > 26, 'the refusal of one that had a connection')
    await holder.query('rollback')
    const answers = await Promise.all(parked)
    const told = ({ status, body, headers }: Answer) =>
      status === 200 ? '200' : `${status} ${body.code} ${headers.get('retry-after')}`
    expect(new Set(answers.map(told))).toEqual(new Set(['200', '503 busy 1']))
  } finally {
    await holder.end()
  }
  expect((await rename(hot, 'At last')).body).toMatchObject({ name: 'At last' })
})

test('without a connection left the answer is a 503 soon, health is told, and all goes on when there is one', async () => {
  const one = await freehold.signUp()
  const { acrossPool } = freehold.ctx.db
  const taken = await Promise.all(Array.from({ length: 16 }, () => acrossPool.connect()))
  const started = performance.now()
  const [alive, ready, me] = await Promise.all([
    freehold.api.get('/healthz'),
    freehold.api.get('/readyz'),
    freehold.api.get('/v1/me', { token: one.token }),
  ])
  for (const client of taken) client.release()
  expect(alive.status).toBe(200)
  expect([ready, me].map(({ status, body }) => `${status} ${body.code}`)).toEqual([
    '503 unavailable',
    '503 unavailable',
  ])
  expect(performance.now() - started).toBeLessThan(10_000)
  expect(await ordinaryDay(one)).toEqual([200, 200, 200, 200, 200, 200])
})

test('the line for a connection has an end, and whoever is in it gets one in the end', async () => {
  const db = openDatabase(freehold.database, 4)
  try {
    const taken = await Promise.all(Array.from({ length: 4 }, () => db.acrossPool.connect()))
    const waiting = Array.from({ length: 1000 }, () => db.acrossPool.query('select 1'))
    const refused = { code: 'unavailable', retryAfterSeconds: 1 }
    await expect(db.acrossPool.connect()).rejects.toMatchObject(refused)
    await expect(db.acrossPool.query('select 1')).rejects.toMatchObject(refused)
    for (const client of taken) client.release()
    expect(await Promise.all(waiting)).toHaveLength(1000)
  } finally {
    await db.close()
  }
})

test('whoever stands still in a transaction holds its rows for half a minute at most', async () => {
  const db = openDatabase(freehold.database)
  try {
    for (const pool of [db.acrossPool, db.gatePool]) {
      const { rows } = await pool.query("select current_setting('idle_in_transaction_session_timeout') as idle")
      expect(rows).toEqual([{ idle: '30s' }])
    }
  } finally {
    await db.close()
  }
})

test('turns are taken in order, and those who have lost their patience take none', async () => {
  const { openTurns } = await import('../../src/db/turns.ts')
  const inTurn = openTurns({ together: 1, waiting: 3, patienceMilliseconds: 100 })
  const done: string[] = []
  const step = (name: string, milliseconds: number) =>
    inTurn('one', async () => {
      await delay(milliseconds)
      done.push(name)
    })
  const slow = step('slow', 300)
  const late = [step('late', 0), step('later', 0), step('latest', 0)]
  await expect(step('too many', 0)).rejects.toMatchObject({ code: 'busy' })
  await inTurn('another', async () => done.push('another'))
  expect((await Promise.allSettled(late)).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
  await slow
  await Promise.all([step('first', 20), step('second', 0), step('third', 0)])
  await expect(inTurn('one', () => Promise.reject(new Error('failed')))).rejects.toThrow('failed')
  await step('after a failure', 0)
  expect(done).toEqual(['another', 'slow', 'first', 'second', 'third', 'after a failure'])
})
