import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { createTestFreehold, days, password, type TestFreehold } from '../../test/harness.ts'

/** How often a password was hashed or compared: the work an attacker could measure. */
const work = vi.hoisted(() => ({ hashed: 0, compared: 0 }))
vi.mock('@node-rs/argon2', async (original) => {
  const argon2 = await original<typeof import('@node-rs/argon2')>()
  return {
    ...argon2,
    hash: (...args: Parameters<typeof argon2.hash>) => {
      work.hashed += 1
      return argon2.hash(...args)
    },
    verify: (...args: Parameters<typeof argon2.verify>) => {
      work.compared += 1
      return argon2.verify(...args)
    },
  }
})

let freehold: TestFreehold
const lines: string[] = []
beforeAll(async () => {
  freehold = await createTestFreehold({
    logger: pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) }),
  })
})
afterAll(() => freehold.close())
afterEach(() => {
  lines.length = 0
})

const login = (email: string, chosen = password, headers: Record<string, string> = {}) =>
  freehold.api.post('/v1/login', { email, password: chosen }, { headers })
const isSignedIn = async (token: string) => (await freehold.api.get('/v1/me', { token })).status === 200
const disable = (userId: string) =>
  freehold.sql('update freehold.users set disabled_at = $1 where id = $2', [freehold.ctx.now(), userId])

test('a password is kept as argon2id, with the work OWASP asks for', async () => {
  const { user } = await freehold.signUp()
  const [account] = await freehold.sql('select password from freehold.accounts where user_id = $1', [user.id])
  expect(account.password).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
})

describe('signing in', () => {
  test('answers who it is, where they belong, and a session', async () => {
    const { user, business, member } = await freehold.signUp()
    const { status, body } = await login(user.email.toUpperCase())
    expect(status).toBe(200)
    expect(body).toMatchObject({
      user: { id: user.id, email: user.email },
      memberships: [{ business: { id: business.id }, memberId: member.id, role: 'owner', suspended: false }],
    })
    expect(await isSignedIn(body.token)).toBe(true)
  })

  test('begins a new session each time, and none with a token that was known before', async () => {
    const { user, token } = await freehold.signUp()
    const one = await login(user.email, password, { authorization: `Bearer ${token}` })
    const two = await login(user.email, password, { cookie: `freehold-session=${one.body.token}` })
    expect(new Set([token, one.body.token, two.body.token]).size).toBe(3)
  })

  test('is refused alike for a wrong password, an unknown e-mail, a disabled user and one without a password', async () => {
    const { user } = await freehold.signUp()
    const disabled = await freehold.signUp()
    await disable(disabled.user.id)
    const without = await freehold.signUp()
    await freehold.sql('delete from freehold.accounts where user_id = $1', [without.user.id])
    const attempts: [string, string][] = [
      [user.email, 'a wrong guess'],
      ['nobody@sign-in.test', password],
      [disabled.user.email, password],
      [disabled.user.email, 'a wrong guess'],
      [without.user.email, password],
      [user.email, 'x'],
      [user.email, '🔑'.repeat(128)],
    ]
    const seen = new Set<string>()
    for (const [email, chosen] of attempts) {
      const before = { ...work }
      const response = await fetch(`${freehold.base}/v1/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ email, password: chosen }),
      })
      expect(work.hashed + work.compared - before.hashed - before.compared).toBe(1)
      const changing = new Set(['date', 'x-request-id'])
      const headers = Array.from(response.headers).filter(([name]) => !changing.has(name))
      const bytes = (await response.text()).replace(/req_[0-9a-z]+/, '')
      seen.add(JSON.stringify([response.status, headers, bytes]))
    }
    expect([...seen]).toHaveLength(1)
    expect([...seen][0]).toContain('invalid_credentials')
  })

  test('is written down, success and failure, without e-mails that were only typed and without secrets', async () => {
    const { user } = await freehold.signUp()
    const { body } = await login(user.email)
    await login(user.email, 'a wrong guess 1234')
    await login('typed-by-mistake@sign-in.test', 'a wrong guess 1234')
    const entries = await freehold.sql(
      `select actor_id, actor_kind, action, target, after from freehold.system_audit_entries
       where action like 'user.sign%' order by id desc limit 4`,
    )
    const failure = {
      actor_id: null,
      actor_kind: 'anonymous',
      action: 'user.sign_in_failed',
      target: null,
      after: { code: 'invalid_credentials', address: '127.0.0.1' },
    }
    expect(entries).toEqual([
      failure,
      failure,
      {
        actor_id: user.id,
        actor_kind: 'user',
        action: 'user.signed_in',
        target: { kind: 'session', id: expect.stringMatching(/^ses_/) },
        after: { address: '127.0.0.1' },
      },
      expect.objectContaining({ action: 'user.signed_up' }),
    ])
    expect(lines.filter((line) => line.includes('sign-in failed'))).toHaveLength(2)
    for (const secret of [password, 'a wrong guess 1234', body.token, 'typed-by-mistake']) {
      expect([...lines, JSON.stringify(entries)].filter((line) => line.includes(secret))).toEqual([])
    }
    expect(lines.filter((line) => line.includes(user.email))).toEqual([])
  })

  test.each([
    [{ email: 'a@sign-in.test' }, 'body/password'],
    [{ email: 'a@sign-in.test', password: '' }, 'body/password'],
    [{ email: 'a@sign-in.test', password: 'x'.repeat(129) }, 'body/password'],
    [{ email: 'a@sign-in.test', password: [password] }, 'body/password'],
    [{ email: { $ne: null }, password }, 'body/email'],
    [{ email: ['a@sign-in.test'], password }, 'body/email'],
    [{ email: "' or true --", password }, 'body/email'],
    [{ email: 'a@sign-in.test', password, role: 'owner' }, 'body/role'],
    [{ email: 'a@sign-in.test', password, userId: 'usr_1' }, 'body/userId'],
  ])('with %j is refused, with the path', async (body, path) => {
    const answer = await freehold.api.post('/v1/login', body)
    expect(answer).toMatchObject({ status: 422, body: { code: 'invalid_request', errors: [{ path }] } })
  })

  test('of many at once does not keep the health checks waiting', async () => {
    const { user } = await freehold.signUp()
    let finished = 0
    const logins = Array.from({ length: 100 }, async () => {
      const { status } = await login(user.email)
      finished += 1
      return status
    })
    expect((await freehold.api.get('/readyz')).status).toBe(200)
    expect(finished).toBeLessThan(100)
    expect(new Set(await Promise.all(logins))).toEqual(new Set([200]))
  })

  test('with a password that is changed meanwhile leaves no session behind', async () => {
    for (let round = 0; round < 8; round += 1) {
      const { user, token } = await freehold.signUp()
      const [change, ...logins] = await Promise.all([
        freehold.api.put('/v1/me/password', { currentPassword: password, password: 'another password' }, { token }),
        ...Array.from({ length: 4 }, () => login(user.email)),
      ])
      expect(change.status).toBe(200)
      for (const { status, body } of logins) {
        expect([200, 401]).toContain(status)
        expect(await isSignedIn(body.token ?? token)).toBe(status === 401)
      }
    }
  })
})

describe('a session', () => {
  test('is sent as a bearer or as a cookie', async () => {
    const { user, token } = await freehold.signUp()
    for (const headers of [
      { authorization: `Bearer ${token}` },
      { authorization: `bearer ${token}` },
      { cookie: `freehold-session=${token}` },
      { cookie: `other=1; freehold-session=${encodeURIComponent(token)}; another=2` },
    ]) {
      expect((await freehold.api.get('/v1/me', { headers })).body.user.id).toBe(user.id)
    }
  })

  test('is not what the database holds: without our signature it opens nothing', async () => {
    const { token, user } = await freehold.signUp()
    const [row] = await freehold.sql('select id, token from freehold.sessions where user_id = $1', [user.id])
    const [stored, signature = ''] = token.split('.')
    expect(stored).toBe(row.token)
    const flipped = signature.slice(0, -1) + (signature.endsWith('A') ? 'B' : 'A')
    const attempts = [
      row.token,
      row.id,
      `${row.token}.`,
      `${row.token}.${row.token}`,
      `${row.token}.${flipped}`,
      `${row.token}.${signature}=`,
      `${row.token}.${signature.slice(0, -1)}`,
      `${row.token}.${Buffer.from(signature, 'base64url').toString('base64')}`,
      `${row.token}.${signature}.${signature}`,
      `${row.token.slice(0, -1)}x.${signature}`,
      `.${signature}`,
      'x'.repeat(5000),
    ]
    for (const attempt of attempts) {
      expect((await freehold.api.get('/v1/me', { token: attempt })).status).toBe(401)
      expect((await freehold.api.get('/v1/me', { headers: { cookie: `freehold-session=${attempt}` } })).status).toBe(
        401,
      )
    }
    for (const authorization of [token, `Basic ${token}`, `Bearer`, `Bearer ${token} ${token}`]) {
      expect((await freehold.api.get('/v1/me', { headers: { authorization } })).status).toBe(401)
    }
    expect(await isSignedIn(token)).toBe(true)
  })

  test('ends at once when its user is disabled, and signs nobody in again before they are not', async () => {
    const { token, user } = await freehold.signUp()
    await disable(user.id)
    expect(await isSignedIn(token)).toBe(false)
    await freehold.sql('update freehold.users set disabled_at = null where id = $1', [user.id])
    expect((await login(user.email)).status).toBe(200)
  })

  test('ends with logging out, everywhere it was used', async () => {
    const { token, user } = await freehold.signUp()
    const other = await login(user.email)
    const { status, headers } = await freehold.api.post('/v1/logout', undefined, { token })
    expect(status).toBe(204)
    expect(headers.get('set-cookie')).toMatch(/^freehold-session=; Max-Age=0; Path=\/; /)
    expect(await isSignedIn(token)).toBe(false)
    expect(await isSignedIn(other.body.token)).toBe(true)
    expect((await freehold.api.post('/v1/logout', undefined, { token })).status).toBe(401)
    const [entry] = await freehold.sql(
      'select action, actor_id from freehold.system_audit_entries order by id desc limit 1',
    )
    expect(entry).toEqual({ action: 'user.signed_out', actor_id: user.id })
  })

  // Longer than the longest cycle a product is likely to move its clock over: a month.
  test('ends after 45 days without use, and after 90 days in any case', async () => {
    const own = await createTestFreehold()
    const get = async (token: string) => (await own.api.get('/v1/me', { token })).status
    const { token: used } = await own.signUp()
    for (const _ of [40, 80]) {
      await own.advance(days(40))
      expect(await get(used)).toBe(200)
    }
    await own.advance(days(10) - 60)
    expect(await get(used)).toBe(200)
    await own.advance(120)
    expect(await get(used)).toBe(401)

    const { token: idle } = await own.signUp()
    await own.advance(days(45) - 60)
    expect(await get(idle)).toBe(200)
    await own.advance(days(45) + 60)
    expect(await get(idle)).toBe(401)
    await own.close()
  })
})

describe('the session cookie', () => {
  const cookieOf = ({ headers }: { headers: Headers }) => headers.get('set-cookie') ?? ''

  test('is for scripts of nobody, and for this site', async () => {
    const { user } = await freehold.signUp()
    const cookie = cookieOf(await login(user.email))
    expect(cookie).toMatch(/^freehold-session=[^;]+; Max-Age=7776000; Path=\/; HttpOnly; SameSite=Lax$/)
  })

  test('is tied to the host and to TLS in production', async () => {
    const { user, token } = await freehold.signUp()
    const production = await createTestFreehold({
      database: freehold.database,
      production: true,
      publicUrl: 'https://app.example.test',
    })
    const answer = await production.api.post('/v1/login', { email: user.email, password })
    expect(cookieOf(answer)).toMatch(
      /^__Host-freehold-session=[^;]+; Max-Age=7776000; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    )
    const get = async (name: string) =>
      (await production.api.get('/v1/me', { headers: { cookie: `${name}=${token}` } })).status
    expect(await get('__Host-freehold-session')).toBe(200)
    expect(await get('freehold-session')).toBe(401)
    await production.close()
  })

  test('alone writes nothing unless the page is ours', async () => {
    const { token } = await freehold.signUp()
    const cookie = `freehold-session=${token}`
    const rename = async (headers: Record<string, string>) =>
      (await freehold.api.patch('/v1/me', { firstName: 'Renamed' }, { headers: { cookie, ...headers } })).body
    for (const origin of [
      'https://evil.test',
      'null',
      'http://localhost.evil.test',
      'file://',
      'http://',
      '//localhost',
    ]) {
      expect(await rename({ origin })).toMatchObject({ status: 403, code: 'origin_refused' })
    }
    expect(await rename({})).toMatchObject({ status: 403, code: 'origin_refused' })
    for (const origin of ['http://localhost:3000', 'http://127.0.0.1:5173']) {
      expect(await rename({ origin })).toMatchObject({ firstName: 'Renamed' })
    }
    // Reading shows a foreign page nothing, and a bearer is sent by nobody but its owner.
    expect((await freehold.api.get('/v1/me', { headers: { cookie, origin: 'https://evil.test' } })).status).toBe(200)
    const bearer = { authorization: `Bearer ${token}`, origin: 'https://evil.test' }
    expect((await freehold.api.patch('/v1/me', { firstName: 'Again' }, { headers: bearer })).status).toBe(200)
  })

  test('in production takes the one configured origin, and no loopback', async () => {
    const { token } = await freehold.signUp()
    const production = await createTestFreehold({
      database: freehold.database,
      production: true,
      publicUrl: 'https://app.example.test',
    })
    const rename = async (origin: string) =>
      (
        await production.api.patch(
          '/v1/me',
          { firstName: 'Renamed' },
          { headers: { cookie: `__Host-freehold-session=${token}`, origin } },
        )
      ).status
    for (const origin of [
      'http://localhost:3000',
      'http://app.example.test',
      'https://app.example.test:8443',
      'https://app.example.test.evil.test',
      'https://x.app.example.test',
    ]) {
      expect(await rename(origin)).toBe(403)
    }
    expect(await rename('https://app.example.test')).toBe(200)
    await production.close()
  })

  test('is no credential where none is needed, so a stale one keeps nobody out', async () => {
    const { user } = await freehold.signUp()
    const cookie = 'freehold-session=stale.nonsense'
    expect((await login(user.email, password, { cookie, origin: 'https://evil.test' })).status).toBe(200)
    expect((await freehold.api.get('/healthz', { headers: { cookie } })).status).toBe(200)
    expect((await freehold.api.get('/v1/me', { headers: { cookie } })).status).toBe(401)
  })

  test('does not make a form of a foreign page a request', async () => {
    const { token, business } = await freehold.signUp()
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
      const response = await fetch(`${freehold.base}/v1/businesses`, {
        method: 'POST',
        headers: { cookie: `freehold-session=${token}`, 'content-type': type, origin: 'http://localhost:3000' },
        body: JSON.stringify({ name: 'Forged' }),
      })
      expect(response.status).toBe(415)
      await response.arrayBuffer()
    }
    const { body } = await freehold.api.get('/v1/me', { token })
    expect(body.memberships.map((each: { business: { id: string } }) => each.business.id)).toEqual([business.id])
  })

  test('is never allowed across origins', async () => {
    const { headers } = await freehold.api.call('OPTIONS', '/v1/me', undefined, {
      headers: {
        origin: 'https://evil.test',
        'access-control-request-method': 'PATCH',
        'access-control-request-headers': 'content-type',
      },
    })
    expect(headers.get('access-control-allow-credentials')).toBeNull()
    expect(headers.get('access-control-allow-origin')).toBe('*')
  })
})
