import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createTestFreehold, password, type CallOptions, type TestFreehold } from '../../test/harness.ts'
import { addressKey } from './rate-limits.ts'

let freehold: TestFreehold
beforeAll(async () => {
  freehold = await createTestFreehold({ rateLimits: true })
})
afterAll(() => freehold.close())
afterEach(async () => {
  await freehold.sql('delete from freehold.rate_limits')
})

let people = 0
const someone = () => `someone${++people}@limits.test`
const times = <T>(count: number, attempt: (index: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, index) => attempt(index)))
const login = (email: string, chosen = 'a wrong guess', options?: CallOptions) =>
  freehold.api.post('/v1/login', { email, password: chosen }, options)
const withStatus = (answers: { status: number }[], status: number) =>
  answers.filter((each) => each.status === status).length

describe('guessing at one e-mail', () => {
  test('ends after ten attempts a minute, at once or one by one, whether or not somebody has the e-mail', async () => {
    const { user } = await freehold.signUp()
    for (const email of [user.email, someone()]) {
      const answers = await times(20, () => login(email))
      expect([withStatus(answers, 401), withStatus(answers, 429)]).toEqual([10, 10])
      await freehold.sql('delete from freehold.rate_limits')
      for (let attempt = 0; attempt < 10; attempt += 1) expect((await login(email)).status).toBe(401)
      const refused = await login(email)
      expect(refused).toMatchObject({ status: 429, body: { code: 'rate_limited' } })
      const seconds = Number(refused.headers.get('retry-after'))
      expect(seconds).toBeGreaterThan(0)
      expect(seconds).toBeLessThanOrEqual(60)
      await freehold.sql('delete from freehold.rate_limits')
    }
  })

  test('is not eased by another spelling', async () => {
    const { user } = await freehold.signUp()
    const spellings = [user.email, user.email.toUpperCase(), user.email.replace('person', 'Person')]
    const answers = await times(18, (index) => login(spellings[index % 3] ?? ''))
    expect(withStatus(answers, 401)).toBe(10)
  })

  test('does not tell the right password from a wrong one any more', async () => {
    const { user } = await freehold.signUp()
    await times(10, () => login(user.email))
    expect((await login(user.email, password)).status).toBe(429)
  })

  test('keeps its owner neither from other routes nor from signing in a minute later', async () => {
    const { user } = await freehold.signUp()
    await times(12, () => login(user.email))
    expect((await freehold.api.post('/v1/password-resets', { email: user.email })).status).toBe(202)
    expect((await freehold.api.post('/v1/email-verifications', { email: user.email })).status).toBe(202)
    // As if the minute were over: limits live on real time.
    await freehold.sql('update freehold.rate_limits set expire = expire - 61000')
    expect((await login(user.email, password)).status).toBe(200)
  })

  test('leaves others alone', async () => {
    const { user } = await freehold.signUp()
    await times(12, () => login(someone()))
    expect((await login(user.email, password)).status).toBe(200)
  })
})

describe('from one address', () => {
  test('at least twenty attempts a minute are answered, and thirty are the last', async () => {
    const answers = await times(45, () => login(someone()))
    expect([withStatus(answers, 401), withStatus(answers, 429)]).toEqual([30, 15])
  })

  test('twenty people sign up in a minute', async () => {
    const answers = await times(25, () =>
      freehold.api.post('/v1/signup', {
        business: { name: 'Acme' },
        email: someone(),
        password,
        firstName: 'A',
        lastName: 'B',
      }),
    )
    expect([withStatus(answers, 201), withStatus(answers, 429)]).toEqual([20, 5])
  })

  test.each(['x-forwarded-for', 'x-real-ip', 'forwarded', 'cf-connecting-ip', 'true-client-ip', 'x-freehold-address'])(
    'a header %s makes no other',
    async (name) => {
      const answers = await times(35, (index) =>
        login(someone(), password, {
          headers: { [name]: name === 'forwarded' ? `for=10.0.0.${index}` : `10.0.0.${index}` },
        }),
      )
      expect(withStatus(answers, 401)).toBe(30)
    },
  )

  test('the limit counts before the body is believed, so the routes that take no e-mail have it too', async () => {
    const attempts = await times(35, () =>
      freehold.api.post('/v1/password-resets/confirm', { token: 'rst_guess', password: 'something new' }),
    )
    expect([withStatus(attempts, 410), withStatus(attempts, 429)]).toEqual([30, 5])
  })

  test('other spellings of the path lead nowhere', async () => {
    for (const path of [
      '//v1/login',
      '/v1//login',
      '/V1/login',
      '/v1/login/',
      '/v1/Login',
      '/v1/login%2f',
      '/v1/login;a',
    ]) {
      const answer = await freehold.api.post(path, { email: someone(), password })
      expect({ path, status: answer.status }).toEqual({ path, status: 404 })
    }
    // The same path, spelled otherwise.
    const answers = await times(35, (index) =>
      freehold.api.post(index % 2 ? '/v1/%6cogin' : '/v1/login?', { email: someone(), password }),
    )
    expect([withStatus(answers, 401), withStatus(answers, 429)]).toEqual([30, 5])
  })
})

describe('behind a proxy that is trusted', () => {
  let behind: TestFreehold
  beforeEach(async () => {
    behind = await createTestFreehold({ rateLimits: true, trustedProxies: ['127.0.0.1', '10.9.0.0/16'] })
  })
  afterEach(() => behind.close())
  const from = (forwarded: string) =>
    behind.api.post('/v1/login', { email: someone(), password }, { headers: { 'x-forwarded-for': forwarded } })

  test('the address is the last that no trusted proxy added; what the client made up before it does not count', async () => {
    const answers = await times(35, (index) => from(`10.0.0.${index}, 203.0.113.7, 10.9.1.1`))
    expect(withStatus(answers, 401)).toBe(30)
    expect((await from('203.0.113.8')).status).toBe(401)
    const [entry] = await behind.sql(
      "select after from freehold.system_audit_entries where action = 'user.sign_in_failed' order by id limit 1",
    )
    expect(entry.after.address).toBe('203.0.113.7')
  })

  test('a subscriber of IPv6 is one address', async () => {
    const answers = await times(35, (index) => from(`2001:db8:1:2:${index.toString(16)}::1`))
    expect(withStatus(answers, 401)).toBe(30)
    expect((await from('2001:db8:1:3::1')).status).toBe(401)
  })

  test('nonsense in place of an address is one address as well', async () => {
    const answers = await times(35, (index) => from(`nonsense-${index}-${'x'.repeat(2000)}`))
    expect([withStatus(answers, 401), withStatus(answers, 429)]).toEqual([30, 5])
  })
})

describe('two processes on one database', () => {
  test('count together', async () => {
    const other = await createTestFreehold({ database: freehold.database, rateLimits: true })
    const { user } = await freehold.signUp()
    const answers = await times(20, (index) =>
      (index % 2 ? freehold : other).api.post('/v1/login', { email: user.email, password: 'a wrong guess' }),
    )
    expect([withStatus(answers, 401), withStatus(answers, 429)]).toEqual([10, 10])
    await other.close()
  })
})

describe('whoever is signed in', () => {
  test('has ten attempts a minute at their own password', async () => {
    const { token, user } = await freehold.signUp()
    const body = { currentPassword: 'a wrong guess', password: 'something new' }
    const answers = await times(15, () => freehold.api.put('/v1/me/password', body, { token }))
    expect([withStatus(answers, 422), withStatus(answers, 429)]).toEqual([10, 5])
    expect((await login(user.email, password)).status).toBe(200)
  })

  test('invites one e-mail ten times a minute, and no business sixty', async () => {
    const { token, business } = await freehold.signUp()
    const invite = (email: string) =>
      freehold.api.post(`/v1/businesses/${business.id}/invitations`, { email, role: 'member' }, { token })
    const email = someone()
    expect(withStatus(await times(12, () => invite(email)), 429)).toBe(2)
    await freehold.sql('delete from freehold.rate_limits')
    expect(withStatus(await times(65, () => invite(someone())), 429)).toBe(5)
    // Nor from elsewhere.
    const behind = await createTestFreehold({
      database: freehold.database,
      rateLimits: true,
      trustedProxies: ['127.0.0.1'],
    })
    const elsewhere = await behind.api.post(
      `/v1/businesses/${business.id}/invitations`,
      { email: someone(), role: 'member' },
      { token, headers: { 'x-forwarded-for': '203.0.113.9' } },
    )
    expect(elsewhere.status).toBe(429)
    await behind.close()
  })
})

test('limits keep no e-mail and no address that is longer than its key', async () => {
  await login('readable@limits.test')
  const rows = await freehold.sql('select key from freehold.rate_limits')
  expect(rows.length).toBe(2)
  expect(rows.filter(({ key }) => key.includes('readable'))).toEqual([])
})

describe('the key of an address', () => {
  test.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['::FFFF:203.0.113.7', '203.0.113.7'],
    ['::ffff:cb00:7107', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:DB8:1:2:ffff::', '2001:db8:1:2'],
    ['2001:0db8:0001:0002::1', '2001:db8:1:2'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['2001:db8::2:3:4:5', '2001:db8:0:0'],
    ['2001:db8:1:2:3::5', '2001:db8:1:2'],
    ['::1', '0:0:0:0'],
    ['::', '0:0:0:0'],
    ['1::', '1:0:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['64:ff9b::203.0.113.7', '64:ff9b:0:0'],
    ['unknown', 'unknown'],
    ['', 'unknown'],
    [undefined, 'unknown'],
    ['x'.repeat(5000), 'unknown'],
  ])('%s is %s', (address, key) => {
    expect(addressKey(address)).toBe(key)
  })
})
