import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, days, type TestFreehold } from '../../test/harness.ts'
import { openStaff } from '../../test/staff.ts'
import { fromPg } from '../index.ts'
import { expireReservations } from './tasks.ts'

let freehold: TestFreehold
beforeAll(async () => {
  freehold = await createTestFreehold()
})
afterAll(() => freehold.close())

const start = async () => {
  const { business, apiKeys, token: owner } = await freehold.signUp()
  const token: string = apiKeys[0].key
  const call = (path: string, body: object = {}, headers: Record<string, string> = {}) =>
    freehold.api.post(path, body, { token, headers })
  const units = (body: object = {}) => ({ feature: 'recordings', ...body })
  return {
    business,
    owner: owner as string,
    token,
    reserve: (body: object = {}, headers?: Record<string, string>) => call('/v1/reservations', units(body), headers),
    consume: (body: object = {}, headers?: Record<string, string>) => call('/v1/consume', units(body), headers),
    confirm: (id: string, body: object = {}) => call(`/v1/reservations/${id}/confirm`, body),
    release: (id: string) => freehold.api.delete(`/v1/reservations/${id}`, { token }),
    counter: async () => {
      const [row] = await freehold.sql(
        `select used, held, (select coalesce(sum(amount), 0) from freehold.usage_entries e
           where e.business_id = c.business_id and e.feature = c.feature and e.period_start = c.period_start) as ledger
         from freehold.usage_counters c where business_id = $1 and feature = 'recordings'`,
        [business.id],
      )
      return { used: Number(row.used), held: Number(row.held), ledger: Number(row.ledger) }
    },
  }
}

describe('held units', () => {
  test('count against the limit at once and become used when confirmed', async () => {
    const { reserve, consume, confirm, counter } = await start()
    const reserved = await reserve({ amount: 60 })
    expect(reserved.body).toMatchObject({ allowed: true, code: null, limit: 100, used: 0, remaining: 40 })
    expect((await consume({ amount: 41 })).body).toMatchObject({ allowed: false, code: 'limit_reached' })
    expect((await reserve({ amount: 41 })).body).toMatchObject({ allowed: false, code: 'limit_reached', id: null })
    expect((await confirm(reserved.body.id)).body).toMatchObject({ allowed: true, used: 60, remaining: 40 })
    expect(await counter()).toEqual({ used: 60, held: 0, ledger: 60 })
  })

  test('return when fewer are confirmed, when they are released and when they expire', async () => {
    const { reserve, confirm, release, consume, counter } = await start()
    const partly = await reserve({ amount: 30 })
    expect((await confirm(partly.body.id, { amount: 10 })).body).toMatchObject({ used: 10, remaining: 90 })
    const released = await reserve({ amount: 90 })
    expect((await release(released.body.id)).status).toBe(204)
    expect(await counter()).toEqual({ used: 10, held: 0, ledger: 10 })

    await reserve({ amount: 90, ttlSeconds: 60 })
    expect((await consume()).body).toMatchObject({ allowed: false })
    await freehold.advance(120)
    await expireReservations(freehold.ctx)
    expect((await consume()).body).toMatchObject({ allowed: true, used: 11 })
  })

  test('are settled once: again changes nothing, and the other way is refused', async () => {
    const { reserve, confirm, release, counter } = await start()
    const one = await reserve({ amount: 5 })
    await confirm(one.body.id)
    expect((await confirm(one.body.id)).body).toMatchObject({ allowed: true, used: 5 })
    expect(await confirm(one.body.id, { amount: 4 })).toMatchObject({
      status: 409,
      body: { code: 'reservation_closed' },
    })
    expect(await release(one.body.id)).toMatchObject({ status: 409, body: { code: 'reservation_closed' } })

    const two = await reserve({ amount: 5 })
    await release(two.body.id)
    expect((await release(two.body.id)).status).toBe(204)
    expect(await confirm(two.body.id)).toMatchObject({ status: 409, body: { code: 'reservation_closed' } })
    expect(await counter()).toEqual({ used: 5, held: 0, ledger: 5 })
  })

  test('are confirmed beyond what is held as far as there is room, all or nothing', async () => {
    const { reserve, consume, confirm, release, counter } = await start()
    const reserved = await reserve({ amount: 5 })
    await consume({ amount: 90 })
    const refused = await confirm(reserved.body.id, { amount: 11 })
    expect(refused).toMatchObject({ status: 200, body: { allowed: false, code: 'limit_reached', used: 90 } })
    expect(await counter()).toEqual({ used: 90, held: 5, ledger: 90 })
    const confirmed = await confirm(reserved.body.id, { amount: 10 })
    expect(confirmed).toMatchObject({ status: 200, body: { allowed: true, used: 100, remaining: 0, limit: 100 } })
    for (const amount of [10, undefined]) {
      expect((await confirm(reserved.body.id, { amount })).body).toMatchObject({ allowed: true, used: 100 })
    }
    expect(await confirm(reserved.body.id, { amount: 9 })).toMatchObject({ body: { code: 'reservation_closed' } })
    expect(await release(reserved.body.id)).toMatchObject({ body: { code: 'reservation_closed' } })
    expect(await counter()).toEqual({ used: 100, held: 0, ledger: 100 })
  })

  test('beyond what is held are counted once, however many confirm at a time', async () => {
    const { reserve, confirm, counter } = await start()
    const reserved = await reserve({ amount: 5 })
    const answers = await Promise.all(Array.from({ length: 6 }, () => confirm(reserved.body.id, { amount: 8 })))
    expect(answers.every(({ body }) => body.allowed && body.used === 8)).toBe(true)
    expect(await counter()).toEqual({ used: 8, held: 0, ledger: 8 })
  })

  test('beyond what is held are counted in the period that is open', async () => {
    const { business, reserve, confirm } = await start()
    const reserved = await reserve({ amount: 5, ttlSeconds: 86_400 })
    await freehold.advance(days(15) - 3600)
    const late = await reserve({ amount: 5, ttlSeconds: 86_400 })
    expect((await confirm(reserved.body.id, { amount: 6 })).body).toMatchObject({ code: 'reservation_closed' })
    await freehold.advance(7200)
    expect((await confirm(late.body.id, { amount: 7 })).body).toMatchObject({ allowed: true, used: 2, remaining: 98 })
    const counters = await freehold.sql(
      `select used, held from freehold.usage_counters where business_id = $1 order by period_start`,
      [business.id],
    )
    expect(counters.map(({ used, held }) => [Number(used), Number(held)])).toEqual([
      [5, 5],
      [2, 0],
    ])
  })

  test('cannot be confirmed beyond what is held by a key that is revoked', async () => {
    const { business, owner, reserve, confirm, counter } = await start()
    const reserved = await reserve({ amount: 5 })
    const { items } = freehold.ok(await freehold.api.get(`/v1/businesses/${business.id}/api-keys`, { token: owner }))
    freehold.ok(await freehold.api.delete(`/v1/businesses/${business.id}/api-keys/${items[0].id}`, { token: owner }))
    expect((await confirm(reserved.body.id, { amount: 6 })).status).toBe(401)
    expect(await counter()).toEqual({ used: 0, held: 5, ledger: 0 })
  })

  test('cannot be confirmed by another business', async () => {
    const [own, other] = [await start(), await start()]
    const reserved = await own.reserve({ amount: 5 })
    expect((await other.confirm(reserved.body.id)).status).toBe(404)
    expect((await other.confirm(reserved.body.id, { amount: 6 })).status).toBe(404)
    expect((await other.release(reserved.body.id)).status).toBe(404)
    expect(await own.counter()).toEqual({ used: 0, held: 5, ledger: 0 })
  })
})

describe('held units are settled by whoever made them,', () => {
  const settle = async (path: string, options: { token: string }, body: object = {}, query = '') => [
    (await freehold.api.post(`/v1/reservations/${path}/confirm`, body, options)).status,
    (await freehold.api.delete(`/v1/reservations/${path}${query}`, options)).status,
  ]

  test('not by another key of the business, nor by one of its people: to them there is none', async () => {
    const { business, owner, reserve, counter, confirm } = await start()
    const held = freehold.ok(await reserve({ amount: 5 }))
    for (const type of ['sdk', 'server']) {
      const made = { name: 'another', type }
      const url = `/v1/businesses/${business.id}/api-keys`
      const { key } = freehold.ok(await freehold.api.post(url, made, { token: owner }))
      expect(await settle(held.id, { token: key })).toEqual([404, 404])
      const unknown = freehold.ctx.newId('reservation')
      const [foreign, none] = await Promise.all(
        [held.id, unknown].map((id) => freehold.api.post(`/v1/reservations/${id}/confirm`, {}, { token: key })),
      )
      expect({ ...foreign?.body, requestId: '' }).toEqual({ ...none?.body, requestId: '' })
    }
    const { id: businessId } = business
    expect(await settle(held.id, { token: owner }, { businessId }, `?businessId=${businessId}`)).toEqual([404, 404])
    expect(await counter()).toEqual({ used: 0, held: 5, ledger: 0 })
    expect((await confirm(held.id)).status).toBe(200)
  })

  test('naming the business in the body or, of a DELETE, in the query', async () => {
    const { business, owner, counter } = await start()
    const { meter } = await openStaff(freehold)
    const { id: businessId } = business
    const callers = [
      [{ token: owner }, { businessId }],
      [meter, { subject: { businessId } }],
    ] as const
    for (const [options, named] of callers) {
      const units = { ...named, feature: 'recordings' }
      const { id } = freehold.ok(await freehold.api.post('/v1/reservations', units, options))
      const release = (query: string, body?: object) =>
        freehold.api.call('DELETE', `/v1/reservations/${id}${query}`, body, options)
      expect(await release('')).toMatchObject({ status: 422, body: { code: 'invalid_request' } })
      expect(await counter()).toMatchObject({ held: 1 })
      expect((await release('', named)).status).toBe(204)
      expect((await release(`?businessId=${businessId}`)).status).toBe(204)
      expect(await counter()).toMatchObject({ held: 0 })
    }
  })

  test('a person what they hold themselves, and a key what it held before it was rotated', async () => {
    const { business, owner, token, reserve, counter } = await start()
    const { id: businessId } = business
    const body = { feature: 'recordings', businessId }
    const mine = freehold.ok(await freehold.api.post('/v1/reservations', body, { token: owner }))
    expect(await settle(mine.id, { token })).toEqual([404, 404])
    expect(
      (await freehold.api.post(`/v1/reservations/${mine.id}/confirm`, { businessId }, { token: owner })).status,
    ).toBe(200)
    const [key] = await freehold.sql('select id from freehold.api_keys where business_id = $1', [businessId])
    const held = freehold.ok(await reserve())
    const next = freehold.ok(
      await freehold.api.post(`/v1/businesses/${businessId}/api-keys/${key.id}/rotate`, {}, { token: owner }),
    )
    expect((await freehold.api.delete(`/v1/reservations/${held.id}`, { token: next.key })).status).toBe(204)
    expect(await counter()).toEqual({ used: 1, held: 0, ledger: 1 })
  })

  test('and by the product’s backend, which decides for itself', async () => {
    const { business, reserve, counter } = await start()
    const { meter } = await openStaff(freehold)
    const [one, two] = [freehold.ok(await reserve()), freehold.ok(await reserve())]
    const subject = { businessId: business.id }
    expect((await freehold.api.post(`/v1/reservations/${one.id}/confirm`, { subject }, meter)).status).toBe(200)
    expect((await freehold.api.delete(`/v1/reservations/${two.id}?businessId=${business.id}`, meter)).status).toBe(204)
    expect(await counter()).toEqual({ used: 1, held: 0, ledger: 1 })
  })
})

describe('an idempotency key', () => {
  test('holds once, in the body or as a header, and gives the first answer whatever came since', async () => {
    const { reserve, consume, counter } = await start()
    const first = await reserve({ amount: 10, idempotencyKey: 'upload-1' })
    await consume({ amount: 90 })
    expect(await reserve({ amount: 10, idempotencyKey: 'upload-1' })).toMatchObject({ status: 200, body: first.body })
    expect((await reserve({ amount: 10 }, { 'idempotency-key': 'upload-1' })).body).toEqual(first.body)
    expect(await counter()).toEqual({ used: 90, held: 10, ledger: 90 })
  })

  test('holds once when two are sent at the same time', async () => {
    const { reserve, counter } = await start()
    const answers = await Promise.all(Array.from({ length: 12 }, () => reserve({ amount: 3, idempotencyKey: 'same' })))
    expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1)
    expect(await counter()).toMatchObject({ held: 3 })
  })

  test('is refused with another body, and free again for what was refused', async () => {
    const { reserve, release } = await start()
    const blocking = await reserve({ amount: 100 })
    expect((await reserve({ amount: 2, idempotencyKey: 'later' })).body).toMatchObject({ allowed: false })
    await release(blocking.body.id)
    expect((await reserve({ amount: 2, idempotencyKey: 'later' })).body).toMatchObject({ allowed: true })
    for (const other of [{ amount: 3 }, { amount: 2, ttlSeconds: 5 }]) {
      expect(await reserve({ ...other, idempotencyKey: 'later' })).toMatchObject({
        status: 422,
        body: { code: 'idempotency_key_reused' },
      })
    }
  })

  test('answers after the period of the first is over', async () => {
    const { reserve } = await start()
    const first = await reserve({ amount: 10, idempotencyKey: 'over', ttlSeconds: 86_400 })
    await freehold.advance(16 * 86_400)
    expect((await reserve({ amount: 10, idempotencyKey: 'over', ttlSeconds: 86_400 })).body).toEqual(first.body)
  })

  test('of another business is its own', async () => {
    const [own, other] = [await start(), await start()]
    const first = await own.reserve({ idempotencyKey: 'mine' })
    const second = await other.reserve({ idempotencyKey: 'mine' })
    expect(second.body).toMatchObject({ allowed: true })
    expect(second.body.id).not.toBe(first.body.id)
  })
})

test('a repeated consume answers what was held when it counted', async () => {
  const { business, reserve, release, consume } = await start()
  const open = await reserve({ amount: 10 })
  const first = await consume({ idempotencyKey: 'once' })
  expect(first.body).toMatchObject({ allowed: true, used: 1, remaining: 89 })
  await release(open.body.id)
  expect((await consume({ idempotencyKey: 'once' })).body).toEqual(first.body)

  // The same when it counts in the application's own transaction.
  const again = await reserve({ amount: 20 })
  const client = new pg.Client({ connectionString: freehold.database })
  await client.connect()
  const counting = { businessId: business.id, feature: 'recordings', idempotencyKey: 'own' }
  const countOnce = async () => {
    await client.query('begin')
    const counted = await freehold.consume(fromPg(client), counting)
    await client.query('commit')
    return counted
  }
  const mine = await countOnce()
  expect(mine).toMatchObject({ used: 2, remaining: 78 })
  await release(again.body.id)
  expect(await countOnce()).toEqual(mine)
  await client.end()
})
