import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, days, password, type TestFreehold } from '../../test/harness.ts'

let freehold: TestFreehold
beforeAll(async () => {
  freehold = await createTestFreehold()
})
afterAll(() => freehold.close())

let count = 0
const newKey = () => `key-${++count}-${Math.trunc(performance.now() * 1000)}`
const form = (overrides: Record<string, unknown> = {}) => ({
  business: { name: 'Acme' },
  email: `repeat${++count}@idempotency.test`,
  password,
  firstName: 'Ada',
  lastName: 'Lovelace',
  ...overrides,
})
const post = (path: string, body: unknown, key: string, token?: string) =>
  freehold.api.post(path, body, { token, headers: { 'idempotency-key': key } })
const businessesNamed = async (name: string) => {
  const [row] = await freehold.sql('select count(*)::int as count from freehold.businesses where name = $1', [name])
  return row.count as number
}

describe('an idempotency key', () => {
  test('makes a repeat answer what the first did, token and keys included, and do nothing', async () => {
    const body = form({ business: { name: 'Once' } })
    const key = newKey()
    const first = await post('/v1/signup', body, key)
    expect(first.status).toBe(201)
    for (let repeat = 0; repeat < 3; repeat += 1) {
      const again = await post('/v1/signup', body, key)
      expect(again.status).toBe(201)
      expect(again.body).toEqual(first.body)
      expect(again.headers.get('set-cookie')).toBe(first.headers.get('set-cookie'))
    }
    expect(await businessesNamed('Once')).toBe(1)
    expect((await freehold.api.get('/v1/me', { token: first.body.token })).status).toBe(200)
    expect(await freehold.mails(body.email)).toHaveLength(1)
  })

  test('of many who send it at once lets one do it; the others get its answer or are told to wait', async () => {
    const body = form({ business: { name: 'Together' } })
    const key = newKey()
    const answers = await Promise.all(Array.from({ length: 8 }, () => post('/v1/signup', body, key)))
    const done = answers.filter(({ status }) => status === 201)
    const waiting = answers.filter(({ status }) => status === 409)
    expect(done.length).toBeGreaterThan(0)
    expect(done.length + waiting.length).toBe(8)
    expect(new Set(done.map((answer) => JSON.stringify(answer.body))).size).toBe(1)
    for (const { body: problem, headers } of waiting) {
      expect(problem.code).toBe('idempotency_in_progress')
      expect(headers.get('retry-after')).toBe('1')
    }
    expect(await businessesNamed('Together')).toBe(1)
    expect((await post('/v1/signup', body, key)).body).toEqual(done[0]?.body)
  })

  test('is refused for another body, and for another route', async () => {
    const { business, token } = await freehold.signUp()
    const key = newKey()
    const invite = { email: `a${++count}@idempotency.test`, role: 'member' }
    const invitations = `/v1/businesses/${business.id}/invitations`
    expect((await post(invitations, invite, key, token)).status).toBe(201)
    for (const [path, body] of [
      [invitations, { ...invite, role: 'admin' }],
      [`/v1/businesses/${business.id}/api-keys`, { name: 'Build', type: 'server' }],
    ] as const) {
      expect(await post(path, body, key, token)).toMatchObject({
        status: 422,
        body: { code: 'idempotency_key_reused' },
      })
    }
    expect((await post(invitations, invite, key, token)).status).toBe(201)
  })

  test('belongs to one caller and one business', async () => {
    const key = newKey()
    const one = await freehold.signUp()
    const other = await freehold.signUp()
    const invite = { email: `b${++count}@idempotency.test`, role: 'member' }
    const send = ({ business, token }: typeof one) =>
      post(`/v1/businesses/${business.id}/invitations`, invite, key, token)
    const [mine, theirs] = [await send(one), await send(other)]
    expect([mine.status, theirs.status]).toEqual([201, 201])
    expect(mine.body.id ?? mine.body.invitation?.id).not.toBe(theirs.body.id ?? theirs.body.invitation?.id)

    // One user, two businesses.
    const second = freehold.ok(await freehold.api.post('/v1/businesses', { name: 'Second' }, { token: one.token }))
    const elsewhere = await post(`/v1/businesses/${second.business.id}/invitations`, invite, key, one.token)
    expect(elsewhere.status).toBe(201)
  })

  test('remembers no refusal: what failed may succeed later', async () => {
    const taken = await freehold.signUp()
    const key = newKey()
    const body = form({ email: taken.user.email })
    expect((await post('/v1/signup', body, key)).status).toBe(409)
    expect((await post('/v1/signup', { ...body, password: 'password1' }, key)).status).toBe(422)
    await freehold.sql('update freehold.users set email = $1 where id = $2', [
      `moved${++count}@idempotency.test`,
      taken.user.id,
    ])
    expect((await post('/v1/signup', body, key)).status).toBe(201)
  })

  test('is kept for a day', async () => {
    const own = await createTestFreehold()
    const { token } = await own.signUp()
    const headers = { 'idempotency-key': newKey() }
    const found = () => own.api.post('/v1/businesses', { name: 'Daily' }, { token, headers })
    const first = await found()
    expect(first.status).toBe(201)
    await own.advance(days(1) - 60)
    expect((await found()).body).toEqual(first.body)
    await own.advance(120)
    const later = await found()
    expect(later.status).toBe(201)
    expect(later.body.business.id).not.toBe(first.body.business.id)
    await own.close()
  })

  test('stores an answer that nobody reads without it', async () => {
    const key = newKey()
    const { body } = await post('/v1/signup', form({ business: { name: 'Canary' } }), key)
    const rows = await freehold.sql('select answer, key_hash, body_hmac from freehold.idempotency_keys')
    const { secrets } = freehold.ctx
    for (const row of rows) {
      const stored = Buffer.concat([row.answer, row.key_hash, row.body_hmac]).toString('latin1')
      for (const canary of [key, body.token, body.apiKeys[0].key, body.user.email, 'Canary', password]) {
        expect(stored.includes(canary)).toBe(false)
      }
      expect(() => secrets.open('answer', row.answer)).toThrow('unable to authenticate')
      expect(() => secrets.open('answer', row.answer, `${key}x`)).toThrow('unable to authenticate')
    }
    const readable = rows.flatMap(({ answer }) => {
      try {
        return [JSON.parse(secrets.open('answer', answer, key))]
      } catch {
        return []
      }
    })
    expect(readable).toMatchObject([{ token: body.token }])
  })

  test.each([
    ['empty', ''],
    ['longer than 255 characters', 'k'.repeat(256)],
  ])('that is %s is refused', async (_what, key) => {
    const answer = await post('/v1/signup', form(), key)
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ path: 'headers/idempotency-key' }] } })
  })

  test('means nothing to a route that only reads', async () => {
    const { token } = await freehold.signUp()
    const headers = { 'idempotency-key': newKey() }
    expect((await freehold.api.get('/v1/me', { token, headers })).status).toBe(200)
    await freehold.api.patch('/v1/me', { firstName: 'Changed' }, { token, headers })
    const me = await freehold.api.get('/v1/me', { token, headers })
    expect(me.body.user.firstName).toBe('Changed')
  })

  test('repeats a login and a password reset, which use up what they are given', async () => {
    const own = await createTestFreehold({ worker: true })
    const { user } = await own.signUp()
    const send = (path: string, body: unknown, key: string) =>
      own.api.post(path, body, { headers: { 'idempotency-key': key } })
    const credentials = { email: user.email, password }
    const login = newKey()
    const first = await send('/v1/login', credentials, login)
    expect(first.status).toBe(200)
    expect((await send('/v1/login', credentials, login)).body).toEqual(first.body)
    expect(await send('/v1/login', { ...credentials, password: 'something else' }, login)).toMatchObject({
      body: { code: 'idempotency_key_reused' },
    })

    await own.api.post('/v1/password-resets', { email: user.email })
    const token = await own.eventually(() => own.mailedToken(user.email, 'password-reset').catch(() => undefined))
    const reset = { token, password: 'another password' }
    const once = newKey()
    const changed = await send('/v1/password-resets/confirm', reset, once)
    expect(changed.status).toBe(200)
    expect((await send('/v1/password-resets/confirm', reset, once)).body).toEqual(changed.body)
    expect((await send('/v1/password-resets/confirm', reset, newKey())).status).toBe(410)
    await own.close()
  })
})
