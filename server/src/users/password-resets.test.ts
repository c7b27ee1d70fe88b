import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, password, type TestFreehold } from '../../test/harness.ts'
import { requestPasswordReset } from './password-resets.ts'

let freehold: TestFreehold
beforeAll(async () => {
  freehold = await createTestFreehold()
})
afterAll(() => freehold.close())

const chosen = 'a password of the new kind'
const login = async (email: string, attempt: string) =>
  (await freehold.api.post('/v1/login', { email, password: attempt })).status
const isSignedIn = async (token: string) => (await freehold.api.get('/v1/me', { token })).status === 200
/** What the worker does with the job that asking leaves behind. */
const mailedReset = async (email: string) => {
  await requestPasswordReset(freehold.ctx, { email })
  return freehold.mailedToken(email, 'password-reset')
}
const confirm = (token: string, newPassword = chosen) =>
  freehold.api.post('/v1/password-resets/confirm', { token, password: newPassword })
const verify = (userId: string) =>
  freehold.sql('update freehold.users set email_verified = true where id = $1', [userId])

describe('asking for a reset', () => {
  test('answers the same for an e-mail that is known and one that is not, and does the same', async () => {
    const { user } = await freehold.signUp()
    const seen = new Set<string>()
    for (const email of [user.email, user.email.toUpperCase(), 'nobody@reset.test']) {
      const { status, body, headers } = await freehold.api.post('/v1/password-resets', { email })
      const changing = new Set(['date', 'x-request-id'])
      seen.add(JSON.stringify([status, body, Array.from(headers).filter(([name]) => !changing.has(name))]))
    }
    expect([...seen]).toHaveLength(1)
    expect([...seen][0]).toMatch(/^\[202,\{"status":"accepted"\}/)
    // Nothing yet but a job each: the rest happens where nobody can measure it.
    expect(await freehold.sql('select from freehold.password_resets where user_id = $1', [user.id])).toEqual([])
    const jobs = await freehold.sql(
      `select data from freehold_jobs.job_common where name = 'tasks' and data->>'task' = 'password-reset'`,
    )
    expect(jobs.map(({ data }) => data.email)).toEqual([user.email, user.email, 'nobody@reset.test'])
  })

  test('mails a link to whoever has the e-mail, and to nobody else', async () => {
    const working = await createTestFreehold({ worker: true })
    const { user } = await working.signUp()
    await working.api.post('/v1/password-resets', { email: 'nobody@reset.test' })
    await working.api.post('/v1/password-resets', { email: user.email.toUpperCase() })
    const mail = await working.eventually(async () =>
      (await working.mails(user.email)).find(({ template }) => template === 'password-reset'),
    )
    expect(mail.text).toMatch(/http:\/\/localhost:3000\/reset-password#token=rst_[0-9a-z]{32}/)
    expect(mail.text).toContain('one hour')
    expect(await working.mails('nobody@reset.test')).toEqual([])
    await working.close()
  })

  test('leaves no token readable', async () => {
    const { user } = await freehold.signUp()
    const token = await mailedReset(user.email)
    const [row] = await freehold.sql('select token_hash from freehold.password_resets where user_id = $1', [user.id])
    expect(row.token_hash).toHaveLength(32)
    const mails = await freehold.sql('select subject, sealed from freehold.mails where recipient = $1', [user.email])
    const jobs = await freehold.sql('select data::text from freehold_jobs.job_common')
    for (const stored of [
      ...mails.map(({ subject, sealed }) => subject + sealed.toString('latin1')),
      ...jobs.map(({ data }) => data),
    ]) {
      expect(stored).not.toContain(token)
    }
  })

  test('is in vain for a disabled user', async () => {
    const { user } = await freehold.signUp()
    const token = await mailedReset(user.email)
    await freehold.sql('update freehold.users set disabled_at = $1 where id = $2', [freehold.ctx.now(), user.id])
    expect((await confirm(token)).status).toBe(410)
    await freehold.sql('delete from freehold.password_resets where user_id = $1', [user.id])
    await requestPasswordReset(freehold.ctx, { email: user.email })
    expect(await freehold.sql('select from freehold.password_resets where user_id = $1', [user.id])).toEqual([])
  })
})

describe('the link', () => {
  test('sets the password, signs in, and ends everything else', async () => {
    const { user, token: former } = await freehold.signUp()
    const other = await freehold.api.post('/v1/login', { email: user.email, password })
    const { status, body, headers } = await confirm(await mailedReset(user.email))
    expect(status).toBe(200)
    expect(body).toMatchObject({ user: { id: user.id, emailVerified: true }, memberships: [{ role: 'owner' }] })
    expect(headers.get('set-cookie')).toContain(body.token)
    expect(await isSignedIn(body.token)).toBe(true)
    expect([await isSignedIn(former), await isSignedIn(other.body.token)]).toEqual([false, false])
    expect([await login(user.email, password), await login(user.email, chosen)]).toEqual([401, 200])
    const [mail] = await freehold.mails(user.email)
    expect(mail?.template).toBe('password-changed')
  })

  test('works for one hour, to the second', async () => {
    const own = await createTestFreehold()
    const { user } = await own.signUp()
    const reset = async () => {
      await requestPasswordReset(own.ctx, { email: user.email })
      return own.mailedToken(user.email, 'password-reset')
    }
    const send = (token: string) => own.api.post('/v1/password-resets/confirm', { token, password: chosen })
    const late = await reset()
    await own.advance(3600)
    expect(await send(late)).toMatchObject({ status: 410, body: { code: 'invalid_token' } })
    const intime = await reset()
    await own.advance(3595)
    expect((await send(intime)).status).toBe(200)
    await own.close()
  })

  test('is made useless by a newer one, and by being used', async () => {
    const { user } = await freehold.signUp()
    const older = await mailedReset(user.email)
    const newer = await mailedReset(user.email)
    expect(older).not.toBe(newer)
    expect((await confirm(older)).status).toBe(410)
    expect((await confirm(newer)).status).toBe(200)
    expect((await confirm(newer, 'yet another password')).status).toBe(410)
    expect(await login(user.email, chosen)).toBe(200)
  })

  test('is used once, however many use it at once', async () => {
    const { user } = await freehold.signUp()
    const token = await mailedReset(user.email)
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => confirm(token, `password number ${index}`)),
    )
    const winners = answers.flatMap(({ status }, index) => (status === 200 ? [index] : []))
    expect(winners).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 410)).toHaveLength(19)
    expect(await login(user.email, `password number ${winners[0]}`)).toBe(200)
    const sessions = await freehold.sql('select from freehold.sessions where user_id = $1', [user.id])
    expect(sessions).toHaveLength(2)
  })

  test('ends when the password is changed, and when the e-mail is', async () => {
    const { user, token } = await freehold.signUp()
    const first = await mailedReset(user.email)
    await freehold.api.put('/v1/me/password', { currentPassword: password, password: chosen }, { token })
    expect((await confirm(first)).status).toBe(410)

    await verify(user.id)
    const second = await mailedReset(user.email)
    const email = `moved-${user.email}`
    freehold.ok(await freehold.api.post('/v1/me/email-changes', { email, password: chosen }, { token }))
    freehold.ok(
      await freehold.api.post('/v1/email-verifications/confirm', { token: await freehold.mailedToken(email) }),
    )
    expect((await confirm(second)).status).toBe(410)
  })

  test('changes nothing when it is only opened', async () => {
    const { user } = await freehold.signUp()
    const token = await mailedReset(user.email)
    for (const path of [`/v1/password-resets/confirm?token=${token}`, '/v1/password-resets/confirm']) {
      expect((await freehold.api.get(path)).status).toBe(405)
    }
    expect((await freehold.api.get('/reset-password')).status).toBe(404)
    expect(await login(user.email, password)).toBe(200)
    expect((await confirm(token)).status).toBe(200)
  })

  test.each([
    ['is short', 'short', 'body/password'],
    ['is too long', 'x'.repeat(129), 'body/password'],
    ['is common', 'password123', 'body/password'],
  ])('keeps working after a password that %s', async (_what, newPassword, path) => {
    const { user } = await freehold.signUp()
    const token = await mailedReset(user.email)
    expect(await confirm(token, newPassword)).toMatchObject({ status: 422, body: { errors: [{ path }] } })
    expect(await confirm(token, user.email)).toMatchObject({ status: 422, body: { errors: [{ path }] } })
    expect((await confirm(token)).status).toBe(200)
  })

  test('cannot be made up', async () => {
    const { user } = await freehold.signUp()
    const token = await mailedReset(user.email)
    const [row] = await freehold.sql(
      `select encode(token_hash, 'hex') as hash, user_id from freehold.password_resets where user_id = $1`,
      [user.id],
    )
    const last = token.at(-1) === '0' ? '1' : '0'
    for (const forged of [
      token.slice(0, -1),
      token.slice(0, -1) + last,
      token.toUpperCase(),
      row.hash,
      row.user_id,
      'rst_',
    ]) {
      expect((await confirm(forged)).status).toBe(410)
    }
    // Nor does a link of another kind do.
    expect((await confirm(await freehold.mailedToken(user.email, 'email-verification'))).status).toBe(410)
    expect((await confirm(token)).status).toBe(200)
  })

  test('is in the log of every business of the user', async () => {
    const { user, business, token } = await freehold.signUp()
    const second = freehold.ok(await freehold.api.post('/v1/businesses', { name: 'Second' }, { token }))
    const { body } = await confirm(await mailedReset(user.email))
    for (const id of [business.id, second.business.id]) {
      const log = await freehold.api.get(`/v1/businesses/${id}/audit?action=user.password_reset`, { token: body.token })
      expect(log.body.items).toMatchObject([
        { actor: { kind: 'user', id: user.id, email: user.email }, target: { kind: 'user', id: user.id } },
      ])
      expect(JSON.stringify(log.body)).not.toContain('argon2')
    }
    const system = await freehold.sql(
      `select from freehold.system_audit_entries where action = 'user.password_reset' and actor_id = $1`,
      [user.id],
    )
    expect(system).toHaveLength(1)
  })
})

describe('an account that somebody else made with the e-mail', () => {
  test('is its owner’s alone after the reset: no session, pending link or second factor of before works', async () => {
    const { user, token: theirs } = await freehold.signUp()
    const elsewhere = `elsewhere-${user.email}`
    await freehold.api.post('/v1/me/email-changes', { email: elsewhere, password }, { token: theirs })
    const pending = await freehold.mailedToken(elsewhere)
    // As if they had gone on to a second factor of their own.
    const now = freehold.ctx.now()
    await freehold.sql('update freehold.users set two_factor_enabled = true where id = $1', [user.id])
    await freehold.sql(
      `insert into freehold.two_factors (id, user_id, secret, backup_codes, verified) values ($1, $1, 'x', 'x', true)`,
      [user.id],
    )
    await freehold.sql(
      `insert into freehold.accounts (id, user_id, account_id, provider_id, created_at, updated_at)
       values ($1, $1, 'theirs', 'elsewhere', $2, $2)`,
      [user.id, now],
    )

    const { body } = await confirm(await mailedReset(user.email))
    expect(body.user).toMatchObject({ email: user.email, emailVerified: true, twoFactorEnabled: false })
    expect(await isSignedIn(body.token)).toBe(true)
    expect(await isSignedIn(theirs)).toBe(false)
    expect((await freehold.api.post('/v1/email-verifications/confirm', { token: pending })).status).toBe(410)
    const accounts = await freehold.sql('select provider_id from freehold.accounts where user_id = $1', [user.id])
    expect(accounts).toEqual([{ provider_id: 'credential' }])
  })

  test('whoever has proved it keeps the second factor, but nothing that was asked for in a former session', async () => {
    const { user, token } = await freehold.signUp()
    await verify(user.id)
    const elsewhere = `elsewhere-${user.email}`
    await freehold.api.post('/v1/me/email-changes', { email: elsewhere, password }, { token })
    const pending = await freehold.mailedToken(elsewhere)
    expect((await confirm(await mailedReset(user.email))).status).toBe(200)
    expect((await freehold.api.post('/v1/email-verifications/confirm', { token: pending })).status).toBe(410)
  })
})
