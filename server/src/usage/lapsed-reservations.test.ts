import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, type TestFreehold } from '../../test/harness.ts'
import { fromPg } from '../index.ts'

/** Without a worker: nobody gives back what has run out but those who need it. */
let freehold: TestFreehold
let pool: pg.Pool
beforeAll(async () => {
  freehold = await createTestFreehold({ worker: false })
  pool = new pg.Pool({ connectionString: freehold.database })
})
afterAll(async () => {
  await pool.end()
  await freehold.close()
})

/** A business of whose 100 units 90 were reserved by somebody who never came back. */
async function abandoned() {
  const { business, apiKeys } = await freehold.signUp()
  const token = apiKeys[0].key as string
  const post = async (route: string, amount: number) =>
    freehold.ok(await freehold.api.post(`/v1/${route}`, { feature: 'recordings', amount }, { token }))
  await freehold.api.post('/v1/reservations', { feature: 'recordings', amount: 80, ttlSeconds: 60 }, { token })
  await freehold.api.post('/v1/reservations', { feature: 'recordings', amount: 10, ttlSeconds: 60 }, { token })
  const counter = async () =>
    (
      await freehold.sql(
        'select used::int, held::int from freehold.usage_counters where business_id = $1 and feature = $2',
        [business.id, 'recordings'],
      )
    )[0]
  return { business, token, post, counter }
}

describe('units whose reservation has run out', () => {
  test('are held to the last second, and then anybody’s', async () => {
    const { post, counter } = await abandoned()
    expect(await post('consume', 11)).toMatchObject({ allowed: false, code: 'limit_reached', remaining: 10 })
    await freehold.advance(61)
    expect(await post('check', 100)).toMatchObject({ allowed: true, remaining: 100 })
    expect(await counter()).toEqual({ used: 0, held: 90 })
    expect(await post('consume', 100)).toMatchObject({ allowed: true, used: 100, remaining: 0 })
    expect(await counter()).toEqual({ used: 100, held: 0 })
  })

  test('can be reserved again', async () => {
    const { post, counter } = await abandoned()
    await freehold.advance(61)
    expect(await post('reservations', 100)).toMatchObject({ allowed: true, remaining: 0 })
    expect(await counter()).toEqual({ used: 0, held: 100 })
  })

  test('are given back once, however many need them at once', async () => {
    const { post, counter } = await abandoned()
    await freehold.advance(61)
    const answers = await Promise.all(Array.from({ length: 20 }, () => post('consume', 20)))
    expect(answers.filter(({ allowed }) => allowed)).toHaveLength(5)
    expect(await counter()).toEqual({ used: 100, held: 0 })
  })

  test('leave those alone that are still held', async () => {
    const { token, post, counter } = await abandoned()
    await freehold.advance(61)
    await freehold.api.post('/v1/reservations', { feature: 'recordings', amount: 10, ttlSeconds: 600 }, { token })
    expect(await post('consume', 91)).toMatchObject({ allowed: false, code: 'limit_reached', remaining: 90 })
    expect(await counter()).toEqual({ used: 0, held: 10 })
  })

  test('count in an application’s own transaction', async () => {
    const { business, counter } = await abandoned()
    await freehold.advance(61)
    const client = await pool.connect()
    try {
      await client.query('begin')
      const usage = { businessId: business.id, feature: 'recordings', amount: 100 }
      expect(await freehold.consume(fromPg(client), usage)).toMatchObject({ used: 100, remaining: 0 })
      await client.query('commit')
    } finally {
      client.release()
    }
    expect(await counter()).toEqual({ used: 100, held: 0 })
  })
})
