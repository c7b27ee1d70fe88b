import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, days, password, type TestFreehold } from '../../test/harness.ts'

let freehold: TestFreehold
beforeAll(async () => {
  freehold = await createTestFreehold({ worker: true })
})
afterAll(() => freehold.close())

const base32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** What an authenticator shows (RFC 6238), `later` periods of thirty seconds from now. */
function codeOf(uri: string, later = 0): string {
  const secret = new URL(uri).searchParams.get('secret') ?? ''
  const bits = Array.from(secret, (letter) => base32.indexOf(letter).toString(2).padStart(5, '0')).join('')
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)))
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + later))
  const digest = createHmac('sha1', key).update(counter).digest()
  const number = digest.readUInt32BE((digest.at(-1) ?? 0) & 15) & 0x7fff_ffff
  return String(number % 1_000_000).padStart(6, '0')
}

/** Six digits that are not the code, now and in the periods around it. */
function wrongCode(uri: string): string {
  const close = new Set([-2, -1, 0, 1, 2].map((later) => codeOf(uri, later)))
  return ['000000', '111111', '222222', '333333', '444444', '555555'].find((each) => !close.has(each)) ?? ''
}

const login = async (email: string) => (await freehold.api.post('/v1/login', { email, password })).body
const answer = (challenge: string, code: string) => freehold.api.post('/v1/login/two-factor', { challenge, code })

/** Somebody who signs in with a second factor. */
async function guarded() {
  const person = await freehold.signUp()
  const { token } = person
  const { uri, backupCodes } = freehold.ok(await freehold.api.post('/v1/me/two-factor', { password }, { token }))
  freehold.ok(await freehold.api.post('/v1/me/two-factor/confirm', { code: codeOf(uri) }, { token }))
  return { ...person, uri: uri as string, backupCodes: backupCodes as string[], email: person.user.email as string }
}

describe('a second factor', () => {
  test('is prepared with the password, and on once its first code is right', async () => {
    const { token, user } = await freehold.signUp()
    const refused = await freehold.api.post('/v1/me/two-factor', { password: 'a wrong guess' }, { token })
    expect(refused).toMatchObject({ status: 422, body: { errors: [{ path: 'body/password' }] } })

    const { uri, backupCodes } = freehold.ok(await freehold.api.post('/v1/me/two-factor', { password }, { token }))
    expect(uri).toMatch(/^otpauth:\/\/totp\/Session%20Recorder:/)
    expect(new URL(uri).searchParams.get('secret')?.length).toBeGreaterThanOrEqual(32)
    expect(new Set(backupCodes).size).toBe(10)
    // Nothing is asked for yet.
    expect(await login(user.email)).toMatchObject({ token: expect.any(String) })

    const wrong = await freehold.api.post('/v1/me/two-factor/confirm', { code: wrongCode(uri) }, { token })
    expect(wrong).toMatchObject({ status: 422, body: { errors: [{ path: 'body/code' }] } })
    expect((await freehold.api.get('/v1/me', { token })).body.user.twoFactorEnabled).toBe(false)
    expect(await login(user.email)).toMatchObject({ token: expect.any(String) })

    const right = await freehold.api.post('/v1/me/two-factor/confirm', { code: codeOf(uri) }, { token })
    expect(right).toMatchObject({ status: 200, body: { id: user.id, twoFactorEnabled: true } })
    expect((await freehold.api.get('/v1/me', { token })).body.user.twoFactorEnabled).toBe(true)
    expect(await freehold.mails(user.email)).toMatchObject([{ template: 'two-factor-on' }, {}])
    const [entry] = await freehold.sql(
      'select action, actor_id from freehold.system_audit_entries order by id desc limit 1',
    )
    expect(entry).toEqual({ action: 'user.two_factor_enabled', actor_id: user.id })
  })

  test('cannot be confirmed before it is prepared, nor replaced while it is on', async () => {
    const { token } = await freehold.signUp()
    const early = await freehold.api.post('/v1/me/two-factor/confirm', { code: '123456' }, { token })
    expect(early).toMatchObject({ status: 422, body: { errors: [{ path: 'body/code' }] } })
    const person = await guarded()
    for (const path of ['/v1/me/two-factor', '/v1/me/two-factor/confirm']) {
      const body = path.endsWith('confirm') ? { code: codeOf(person.uri, 1) } : { password }
      const again = await freehold.api.post(path, body, { token: person.token })
      expect(again).toMatchObject({ status: 409, body: { code: 'conflict' } })
    }
    expect(await login(person.email)).toMatchObject({ twoFactorRequired: true })
  })

  test('prepared again before it is on makes the former secret useless', async () => {
    const { token } = await freehold.signUp()
    const prepare = async () => freehold.ok(await freehold.api.post('/v1/me/two-factor', { password }, { token }))
    const [first, second] = [await prepare(), await prepare()]
    expect(first.uri).not.toBe(second.uri)
    const confirm = (uri: string) => freehold.api.post('/v1/me/two-factor/confirm', { code: codeOf(uri) }, { token })
    expect((await confirm(first.uri)).status).toBe(422)
    expect((await confirm(second.uri)).status).toBe(200)
  })

  test('is removed with the password', async () => {
    const { token, email } = await guarded()
    const remove = (chosen: string) => freehold.api.post('/v1/me/two-factor/removal', { password: chosen }, { token })
    expect((await remove('a wrong guess')).status).toBe(422)
    expect(await login(email)).toMatchObject({ twoFactorRequired: true })
    expect((await remove(password)).status).toBe(204)
    expect((await remove(password)).status).toBe(204)
    expect(await login(email)).toMatchObject({ token: expect.any(String) })
    const templates = (await freehold.mails(email)).map(({ template }) => template)
    expect(templates.filter((template) => template === 'two-factor-off')).toHaveLength(1)
  })

  test('keeps no secret readable', async () => {
    const { uri, backupCodes, user } = await guarded()
    const [row] = await freehold.sql('select * from freehold.two_factors where user_id = $1', [user.id])
    const stored = JSON.stringify(row)
    for (const secret of [new URL(uri).searchParams.get('secret') ?? '', ...backupCodes]) {
      expect(stored).not.toContain(secret)
    }
  })
})

describe('signing in with a second factor', () => {
  test('gives a challenge and no session, until the right code answers it', async () => {
    const { email, uri, user, business } = await guarded()
    const response = await freehold.api.post('/v1/login', { email, password })
    expect(response.body).toEqual({ twoFactorRequired: true, challenge: expect.any(String) })
    expect(response.headers.get('set-cookie')).toBeNull()
    const { challenge } = response.body
    expect((await freehold.api.get('/v1/me', { token: challenge })).status).toBe(401)

    const wrong = await answer(challenge, wrongCode(uri))
    expect(wrong).toMatchObject({ status: 401, body: { code: 'invalid_code' } })
    const right = await answer(challenge, codeOf(uri))
    expect(right).toMatchObject({
      status: 200,
      body: { user: { id: user.id }, memberships: [{ business: { id: business.id } }] },
    })
    expect(right.headers.get('set-cookie')).toContain(right.body.token)
    expect((await freehold.api.get('/v1/me', { token: right.body.token })).status).toBe(200)
    const [session] = await freehold.sql(
      'select ip_address, user_agent from freehold.sessions where user_id = $1 order by id desc limit 1',
      [user.id],
    )
    expect(session).toEqual({ ip_address: '127.0.0.1', user_agent: 'node' })
    const entries = await freehold.sql(
      `select action, after from freehold.system_audit_entries where actor_id = $1 or actor_id is null
       order by id desc limit 2`,
      [user.id],
    )
    expect(entries).toMatchObject([
      { action: 'user.signed_in' },
      { action: 'user.sign_in_failed', after: { code: 'invalid_code' } },
    ])
  })

  test('takes a code with the spaces that authenticators show', async () => {
    const { email, uri } = await guarded()
    const { challenge } = await login(email)
    const code = codeOf(uri)
    expect((await answer(challenge, ` ${code.slice(0, 3)} ${code.slice(3)} `)).status).toBe(200)
  })

  test('answers a challenge once, however many try at once', async () => {
    const { email, uri } = await guarded()
    const { challenge } = await login(email)
    const answers = await Promise.all(Array.from({ length: 10 }, () => answer(challenge, codeOf(uri))))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(9)
    expect((await answer(challenge, codeOf(uri, 1))).status).toBe(401)
  })

  test('takes each code of the authenticator once: one seen over a shoulder signs nobody in', async () => {
    const { email, uri } = await guarded()
    const code = codeOf(uri)
    const [mine, theirs] = [await login(email), await login(email)]
    expect((await answer(mine.challenge, code)).status).toBe(200)
    expect((await answer(theirs.challenge, code)).status).toBe(401)
    // The next one does, and the challenge was not lost on the former.
    expect((await answer(theirs.challenge, codeOf(uri, 1))).status).toBe(200)

    const person = await guarded()
    const challenges = await Promise.all(Array.from({ length: 6 }, () => login(person.email)))
    const same = codeOf(person.uri)
    const answers = await Promise.all(challenges.map(({ challenge }) => answer(challenge, same)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    const sessions = await freehold.sql('select from freehold.sessions where user_id = $1', [person.user.id])
    expect(sessions).toHaveLength(2)
  })

  test('takes each backup code once', async () => {
    const { email, backupCodes } = await guarded()
    const [first = '', second = ''] = backupCodes
    expect((await answer((await login(email)).challenge, first)).status).toBe(200)
    const { challenge } = await login(email)
    expect(await answer(challenge, first)).toMatchObject({ status: 401, body: { code: 'invalid_code' } })
    expect((await answer(challenge, second)).status).toBe(200)
    const challenges = await Promise.all(Array.from({ length: 5 }, () => login(email)))
    const answers = await Promise.all(challenges.map((each) => answer(each.challenge, backupCodes[2] ?? '')))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  })

  test('allows few guesses at a challenge, and few at a person', async () => {
    const { email, uri, backupCodes } = await guarded()
    const { challenge } = await login(email)
    for (let guess = 0; guess < 5; guess += 1) expect((await answer(challenge, wrongCode(uri))).status).toBe(401)
    expect((await answer(challenge, codeOf(uri))).status).toBe(401)

    const next = await login(email)
    for (let guess = 0; guess < 5; guess += 1) expect((await answer(next.challenge, wrongCode(uri))).status).toBe(401)
    const last = await login(email)
    expect((await answer(last.challenge, codeOf(uri))).status).toBe(401)
    expect((await answer(last.challenge, backupCodes[0] ?? '')).status).toBe(401)
    // Fifteen minutes later, which are real: codes do not follow the domain's clock.
    await freehold.sql("update freehold.two_factors set locked_until = locked_until - interval '16 minutes'")
    expect((await answer((await login(email)).challenge, codeOf(uri))).status).toBe(200)
  })

  test('of twenty guesses at once counts each', async () => {
    const { email, uri } = await guarded()
    const { challenge } = await login(email)
    const guesses = await Promise.all(Array.from({ length: 20 }, () => answer(challenge, wrongCode(uri))))
    expect(new Set(guesses.map(({ status }) => status))).toEqual(new Set([401]))
    const [row] = await freehold.sql(
      `select failed_verification_count as count from freehold.two_factors t
       join freehold.users u on u.id = t.user_id where email = $1`,
      [email],
    )
    expect(row.count).toBeGreaterThan(0)
    expect(row.count).toBeLessThanOrEqual(5)
  })

  test('takes only challenges that are ours, unchanged and of the last ten minutes', async () => {
    const { email, uri, token } = await guarded()
    const { challenge } = await login(email)
    const [identifier, signature = ''] = challenge.split('.')
    const flipped = signature.slice(0, -1) + (signature.endsWith('A') ? 'B' : 'A')
    for (const forged of [
      identifier,
      `${identifier}.${flipped}`,
      `${identifier}x.${signature}`,
      `${challenge}; freehold.session_token=${token}`,
      `x\r\nset-cookie: a=b`,
      token,
      '🔑',
    ]) {
      expect(await answer(forged, codeOf(uri))).toMatchObject({ status: 401, body: { code: 'invalid_code' } })
    }
    await freehold.sql("update freehold.verifications set expires_at = expires_at - interval '10 minutes'")
    expect((await answer(challenge, codeOf(uri))).status).toBe(401)
  })

  test('does not outlive the password it began with, nor the user', async () => {
    const changed = await guarded()
    const { challenge } = await login(changed.email)
    const body = { currentPassword: password, password: 'another password' }
    expect((await freehold.api.put('/v1/me/password', body, { token: changed.token })).status).toBe(200)
    expect((await answer(challenge, codeOf(changed.uri))).status).toBe(401)

    const disabled = await guarded()
    const asked = await login(disabled.email)
    const now = freehold.ctx.now()
    await freehold.sql('update freehold.users set disabled_at = $1 where id = $2', [now, disabled.user.id])
    expect((await answer(asked.challenge, codeOf(disabled.uri))).status).toBe(401)
    await freehold.sql('update freehold.users set disabled_at = null where id = $1', [disabled.user.id])
    const sessions = await freehold.sql('select from freehold.sessions where user_id = $1', [disabled.user.id])
    expect(sessions).toHaveLength(1)
  })

  test('is asked for after a password reset too', async () => {
    const { email, uri, user } = await guarded()
    await freehold.sql('update freehold.users set email_verified = true where id = $1', [user.id])
    await freehold.api.post('/v1/password-resets', { email })
    const token = await freehold.eventually(() => freehold.mailedToken(email, 'password-reset').catch(() => undefined))
    const reset = await freehold.api.post('/v1/password-resets/confirm', { token, password: 'another password' })
    expect(reset.body).toEqual({ twoFactorRequired: true, challenge: expect.any(String) })
    expect(reset.headers.get('set-cookie')).toBeNull()
    expect(await freehold.sql('select from freehold.sessions where user_id = $1', [user.id])).toEqual([])
    expect((await answer(reset.body.challenge, codeOf(uri))).status).toBe(200)
  })

  test('repeats its answer under an idempotency key', async () => {
    const { email, uri } = await guarded()
    const { challenge } = await login(email)
    const body = { challenge, code: codeOf(uri) }
    const headers = { 'idempotency-key': `second-factor-${challenge}` }
    const first = await freehold.api.post('/v1/login/two-factor', body, { headers })
    expect(first.status).toBe(200)
    expect((await freehold.api.post('/v1/login/two-factor', body, { headers })).body).toEqual(first.body)
  })

  test('goes on real time, wherever the domain is', async () => {
    const own = await createTestFreehold()
    const { token, user } = await own.signUp()
    await own.advance(days(10))
    const { uri } = own.ok(await own.api.post('/v1/me/two-factor', { password }, { token }))
    expect((await own.api.post('/v1/me/two-factor/confirm', { code: codeOf(uri) }, { token })).status).toBe(200)
    const asked = await own.api.post('/v1/login', { email: user.email, password })
    const { challenge } = asked.body
    expect((await own.api.post('/v1/login/two-factor', { challenge, code: codeOf(uri) })).status).toBe(200)
    await own.close()
  })
})
