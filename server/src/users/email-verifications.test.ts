import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import sessionRecorder from '../../../examples/session-recorder/freehold.config.ts'
import { createTestFreehold, days, password, type TestFreehold } from '../../test/harness.ts'
import { requestVerification } from './email-verifications.ts'

let freehold: TestFreehold
beforeAll(async () => {
  freehold = await createTestFreehold()
})
afterAll(() => freehold.close())

const confirm = (token: string, { api } = freehold) => api.post('/v1/email-verifications/confirm', { token })
const resend = async (email: string, { ctx, mailedToken } = freehold) => {
  await requestVerification(ctx, { email })
  return mailedToken(email, 'email-verification')
}
const userOf = async (token: string) => (await freehold.api.get('/v1/me', { token })).body.user

describe('the link that proves an e-mail', () => {
  test('is mailed at sign-up and verifies, once', async () => {
    const { user, token } = await freehold.signUp()
    const [mail] = await freehold.mails(user.email)
    expect(mail).toMatchObject({ template: 'email-verification' })
    expect(mail?.text).toMatch(/http:\/\/localhost:3000\/verify-email#token=ver_/)
    const link = await freehold.mailedToken(user.email)
    const answer = await confirm(link)
    expect(answer).toMatchObject({ status: 200, body: { user: { id: user.id, emailVerified: true } } })
    // It proves an e-mail; it does not sign anybody in.
    expect(answer.body.token).toBeUndefined()
    expect(answer.headers.get('set-cookie')).toBeNull()
    expect(await userOf(token)).toMatchObject({ emailVerified: true })
    expect(await confirm(link)).toMatchObject({ status: 410, body: { code: 'invalid_token' } })
    const [entry] = await freehold.sql(
      'select action, actor_id from freehold.system_audit_entries order by id desc limit 1',
    )
    expect(entry).toEqual({ action: 'user.email_verified', actor_id: user.id })
  })

  test('is used once, however many use it at once', async () => {
    const { user } = await freehold.signUp()
    const link = await freehold.mailedToken(user.email)
    const answers = await Promise.all(Array.from({ length: 10 }, () => confirm(link)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 410)).toHaveLength(9)
  })

  test('is made useless by the one that is sent again', async () => {
    const { user } = await freehold.signUp()
    const first = await freehold.mailedToken(user.email)
    const second = await resend(user.email)
    expect(second).not.toBe(first)
    expect((await confirm(first)).status).toBe(410)
    expect((await confirm(second)).status).toBe(200)
  })

  test('works for a day', async () => {
    const own = await createTestFreehold()
    const { user } = await own.signUp()
    await own.advance(days(1))
    expect((await confirm(await own.mailedToken(user.email), own)).status).toBe(410)
    const again = await resend(user.email, own)
    await own.advance(days(1) - 5)
    expect((await confirm(again, own)).status).toBe(200)
    await own.close()
  })

  test('changes nothing when it is only opened', async () => {
    const { user, token } = await freehold.signUp()
    const link = await freehold.mailedToken(user.email)
    expect((await freehold.api.get(`/v1/email-verifications/confirm?token=${link}`)).status).toBe(405)
    expect(await userOf(token)).toMatchObject({ emailVerified: false })
  })
})

describe('asking for it again', () => {
  test('answers the same for every e-mail, and mails those who wait for it only', async () => {
    const waiting = await freehold.signUp()
    const proved = await freehold.signUp()
    freehold.ok(await confirm(await freehold.mailedToken(proved.user.email)))
    const seen = new Set<string>()
    const emails: string[] = [waiting.user.email, proved.user.email, 'nobody@verify.test']
    for (const email of emails) {
      const { status, body } = await freehold.api.post('/v1/email-verifications', { email })
      seen.add(JSON.stringify([status, body]))
      await requestVerification(freehold.ctx, { email })
    }
    expect([...seen]).toEqual(['[202,{"status":"accepted"}]'])
    const links = async (email: string) =>
      (await freehold.mails(email)).filter(({ template }) => template === 'email-verification').length
    expect(await Promise.all(emails.map(links))).toEqual([2, 1, 0])
  })
})

describe('another e-mail', () => {
  const change = (token: string, email: string, chosen = password) =>
    freehold.api.post('/v1/me/email-changes', { email, password: chosen }, { token })

  test('is taken once its link is opened, and the former is told', async () => {
    const { user, token, business } = await freehold.signUp()
    const email = `new-${user.email}`
    expect(await change(token, email.toUpperCase())).toMatchObject({ status: 202, body: { status: 'accepted' } })
    expect(await userOf(token)).toMatchObject({ email: user.email })
    const answer = await confirm(await freehold.mailedToken(email))
    expect(answer).toMatchObject({ status: 200, body: { user: { id: user.id, email, emailVerified: true } } })
    expect((await freehold.mails(user.email))[0]).toMatchObject({ template: 'email-changed' })
    expect((await freehold.api.post('/v1/login', { email, password })).status).toBe(200)
    expect((await freehold.api.post('/v1/login', { email: user.email, password })).status).toBe(401)
    const log = await freehold.api.get(`/v1/businesses/${business.id}/audit?action=user.email_changed`, { token })
    expect(log.body.items).toMatchObject([{ before: { email: user.email }, after: { email } }])
  })

  test('needs the password, and is another', async () => {
    const { user, token } = await freehold.signUp()
    expect(await change(token, `new-${user.email}`, 'a wrong guess')).toMatchObject({
      status: 422,
      body: { errors: [{ path: 'body/password' }] },
    })
    expect(await change(token, user.email.toUpperCase())).toMatchObject({
      status: 422,
      body: { errors: [{ path: 'body/email' }] },
    })
  })

  test('that somebody has is asked for alike, and refused to whoever reads that mailbox only', async () => {
    const taken = await freehold.signUp()
    const { user, token } = await freehold.signUp()
    expect((await change(token, taken.user.email)).body).toEqual((await change(token, `new-${user.email}`)).body)
    expect((await change(token, taken.user.email)).status).toBe(202)
    const answer = await confirm(await freehold.mailedToken(taken.user.email))
    expect(answer).toMatchObject({ status: 409, body: { code: 'email_taken' } })
    expect(await userOf(token)).toMatchObject({ email: user.email })
    expect(await userOf(taken.token)).toMatchObject({ email: taken.user.email, emailVerified: false })
  })

  test('of two who race for it goes to one', async () => {
    const [one, two] = [await freehold.signUp(), await freehold.signUp()]
    const email = `raced-${one.user.email}`
    const links: string[] = []
    for (const { token } of [one, two]) {
      freehold.ok(await change(token, email))
      links.push(await freehold.mailedToken(email))
    }
    const answers = await Promise.all(links.map((link) => confirm(link)))
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409])
  })

  test('is forgotten when the password is changed meanwhile', async () => {
    const { user, token } = await freehold.signUp()
    const email = `new-${user.email}`
    await change(token, email)
    const link = await freehold.mailedToken(email)
    const body = { currentPassword: password, password: 'another password' }
    freehold.ok(await freehold.api.put('/v1/me/password', body, { token }))
    expect((await confirm(link)).status).toBe(410)
    expect(await userOf(token)).toMatchObject({ email: user.email })
  })
})

describe("sign-up with verifyEmail: 'before'", () => {
  let strict: TestFreehold
  beforeAll(async () => {
    const signup = { ...sessionRecorder.signup, verifyEmail: 'before' as const }
    strict = await createTestFreehold({ product: { ...sessionRecorder, signup } })
  })
  afterAll(() => strict.close())

  let people = 0
  const form = (overrides: Record<string, unknown> = {}) => ({
    business: { name: 'Acme' },
    email: `strict${++people}@verify.test`,
    password,
    firstName: 'Ada',
    lastName: 'Lovelace',
    ...overrides,
  })
  const signUp = (body: object, headers: Record<string, string> = {}) =>
    strict.api.post('/v1/signup', body, { headers })
  const count = async (table: string) =>
    (await strict.sql(`select count(*)::int as count from freehold.${table}`))[0].count as number

  test('lets nobody in before the link is opened, and then at once', async () => {
    const body = form()
    const answer = await signUp(body)
    expect(answer).toMatchObject({ status: 202, body: { status: 'accepted' } })
    expect(answer.headers.get('set-cookie')).toBeNull()
    expect([await count('users'), await count('businesses')]).toEqual([0, 0])
    expect((await strict.api.post('/v1/login', { email: body.email, password })).status).toBe(401)

    const link = await strict.mailedToken(body.email)
    const confirmed = await confirm(link, strict)
    expect(confirmed).toMatchObject({
      status: 200,
      body: {
        user: { email: body.email, emailVerified: true },
        business: { name: 'Acme' },
        member: { role: 'owner' },
        subscription: { plan: { key: 'free' } },
        apiKeys: [{ type: 'sdk' }],
      },
    })
    expect(confirmed.headers.get('set-cookie')).toContain(confirmed.body.token)
    expect((await strict.api.get('/v1/me', { token: confirmed.body.token })).status).toBe(200)
    expect((await strict.api.post('/v1/login', { email: body.email, password })).status).toBe(200)
    expect((await confirm(link, strict)).status).toBe(410)
  })

  test('answers the same for an e-mail that is known; the mail tells the rest', async () => {
    const known = form()
    await signUp(known)
    strict.ok(await confirm(await strict.mailedToken(known.email), strict))
    const users = await count('users')
    const seen = new Set<string>()
    for (const email of [known.email, known.email.toUpperCase(), `fresh-${known.email}`]) {
      const { status, body, headers } = await signUp(form({ email }))
      const changing = new Set(['date', 'x-request-id'])
      seen.add(JSON.stringify([status, body, Array.from(headers).filter(([name]) => !changing.has(name))]))
    }
    expect([...seen]).toHaveLength(1)
    expect(await strict.mails(known.email)).toMatchObject([
      { template: 'already-signed-up' },
      { template: 'already-signed-up' },
      { template: 'welcome' },
      { template: 'email-verification' },
    ])
    expect((await strict.mails(known.email))[0]?.text).not.toContain('token=')
    expect(await strict.mails(`fresh-${known.email}`)).toMatchObject([{ template: 'email-verification' }])
    expect(await count('users')).toBe(users)
    // What is held for the known one is nobody's to complete: asking for its link again mails none.
    await requestVerification(strict.ctx, { email: known.email })
    expect(await strict.mails(known.email)).toHaveLength(4)
  })

  test('again replaces the first attempt: the older link stops, the newer has the newer password', async () => {
    const body = form()
    await signUp(body)
    const older = await strict.mailedToken(body.email)
    await signUp({ ...body, password: 'the second password', business: { name: 'Second' } })
    const newer = await strict.mailedToken(body.email)
    expect((await confirm(older, strict)).status).toBe(410)
    expect(await confirm(newer, strict)).toMatchObject({ status: 200, body: { business: { name: 'Second' } } })
    const login = async (chosen: string) =>
      (await strict.api.post('/v1/login', { email: body.email, password: chosen })).status
    expect([await login(password), await login('the second password')]).toEqual([401, 200])
  })

  test('sends the link again on request', async () => {
    const body = form()
    await signUp(body)
    const older = await strict.mailedToken(body.email)
    const newer = await resend(body.email, strict)
    expect(newer).not.toBe(older)
    expect((await confirm(older, strict)).status).toBe(410)
    expect((await confirm(newer, strict)).status).toBe(200)
  })

  test('is completed once, however many open the link at once', async () => {
    const body = form({ business: { name: 'Only one' } })
    await signUp(body)
    const link = await strict.mailedToken(body.email)
    const answers = await Promise.all(Array.from({ length: 8 }, () => confirm(link, strict)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(await strict.sql(`select from freehold.businesses where name = 'Only one'`)).toHaveLength(1)
  })

  test('expires after a day', async () => {
    const body = form()
    await signUp(body)
    await strict.advance(days(1))
    expect(await confirm(await strict.mailedToken(body.email), strict)).toMatchObject({
      status: 410,
      body: { code: 'invalid_token' },
    })
    // Nor can it be had again: nothing waits any more.
    const mails = (await strict.mails(body.email)).length
    await requestVerification(strict.ctx, { email: body.email })
    expect(await strict.mails(body.email)).toHaveLength(mails)
  })

  test('says at once what is wrong with it', async () => {
    for (const [overrides, path] of [
      [{ password: 'password1' }, 'body/password'],
      [{ business: { name: 'Acme', fields: { vip: true } } }, 'body/business/fields/vip'],
      [{ role: 'owner' }, 'body/role'],
    ] as const) {
      expect(await signUp(form(overrides))).toMatchObject({ status: 422, body: { errors: [{ path }] } })
    }
  })

  test('keeps what waits unreadable', async () => {
    const body = form({ business: { name: 'Unreadable' }, password: 'a canary of a password' })
    await signUp(body)
    const rows = await strict.sql('select sealed from freehold.pending_signups where email = $1', [body.email])
    for (const canary of ['Unreadable', 'canary', 'argon2', 'Lovelace']) {
      expect(rows[0].sealed.toString('latin1')).not.toContain(canary)
    }
  })

  test('repeats its answer under an idempotency key, and mails once', async () => {
    const body = form()
    const headers = { 'idempotency-key': 'strict-once' }
    const answers = [await signUp(body, headers), await signUp(body, headers)]
    expect(answers.map(({ status, body: answer }) => [status, answer])).toEqual([
      [202, { status: 'accepted' }],
      [202, { status: 'accepted' }],
    ])
    expect(await strict.mails(body.email)).toHaveLength(1)
  })
})
