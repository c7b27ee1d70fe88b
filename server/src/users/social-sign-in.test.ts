import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import sessionRecorder from '../../../examples/session-recorder/freehold.config.ts'
import { totp } from '../../../web/test/totp.ts'
import { createTestFreehold, password, type TestFreehold } from '../../test/harness.ts'
import { openIdentityProvider, type Fault, type IdentityProvider } from '../../test/identity-provider.ts'
import type { Hooks } from '../product-hooks.ts'
import { hashToken } from '../secrets.ts'

let provider: IdentityProvider
let freehold: TestFreehold
beforeAll(async () => {
  provider = await openIdentityProvider()
  freehold = await createTestFreehold({ socialSignIn: provider.socialSignIn, worker: true })
})
beforeEach(() => {
  provider.state.fault = undefined
})
afterAll(async () => {
  await freehold.close()
  await provider.close()
})

let people = 0
const somebody = (overrides: object = {}) => {
  const id = String(++people + 1000)
  return { id, email: `sam${id}@acme.test`, verified: true, firstName: 'Sam', lastName: 'Social', ...overrides }
}

type Name = 'google' | 'github'

/** Off to the provider and back, as a browser goes: what it has to send to the callback. */
async function visit(name: Name, { server = freehold, body = {} }: { server?: TestFreehold; body?: object } = {}) {
  const started = await server.api.post(`/v1/login/social/${name}`, body)
  const { url } = server.ok(started)
  const set = started.headers.getSetCookie()[0] ?? ''
  const back = new URL((await fetch(url, { redirect: 'manual' })).headers.get('location') ?? '')
  const given = (field: string) => back.searchParams.get(field) ?? ''
  return { url: new URL(url), set, cookie: set.split(';')[0] ?? '', back, code: given('code'), state: given('state') }
}

type Brought = { code: string; state: string; cookie: string }

const bring = (name: Name, { code, state, cookie }: Brought, server = freehold) =>
  server.api.post(`/v1/login/social/${name}/callback`, { code, state }, { headers: { cookie } })

const signIn = async (name: Name, server = freehold) => bring(name, await visit(name, { server }), server)

/** Somebody whom Google introduces, and nobody here knows. */
async function introduced(server = freehold, overrides: object = {}) {
  const person = somebody(overrides)
  provider.sees(person)
  return { person, pendingToken: server.ok(await signIn('google', server)).pendingToken as string }
}

const finish = (pendingToken: string, body: object = { business: { name: 'Acme' } }, server = freehold) =>
  server.api.post('/v1/signup', { pendingToken, ...body })

/** Somebody with a password and a proved e-mail. */
async function proved() {
  const { business, token } = await freehold.signUp()
  return freehold.join(business, token)
}

const usersWith = async (email: string) =>
  (await freehold.sql('select id from freehold.users where email = $1', [email])).length

const accountsOf = async (userId: string) =>
  (await freehold.sql('select provider_id as provider from freehold.accounts where user_id = $1', [userId]))
    .map(({ provider }) => String(provider))
    .toSorted()

const audited = async (action: string, userId: string) =>
  (
    await freehold.sql('select after from freehold.system_audit_entries where action = $1 and actor_id = $2', [
      action,
      userId,
    ])
  ).map(({ after }) => after)

describe('somebody new', () => {
  test.each(['google', 'github'] as const)('finishes with a business, and %s knows them from then on', async (name) => {
    const person = somebody()
    provider.sees(person)
    const { pendingToken, identity, ...rest } = freehold.ok(await signIn(name))
    expect(rest).toEqual({})
    expect(identity).toEqual({ provider: name, email: person.email, firstName: 'Sam', lastName: 'Social' })
    expect(await usersWith(person.email)).toBe(0)

    const signedUp = await finish(pendingToken)
    expect(signedUp.status).toBe(201)
    const { user, business, member, subscription, apiKeys, token } = signedUp.body
    expect(user).toMatchObject({ email: person.email, emailVerified: true, firstName: 'Sam', lastName: 'Social' })
    expect({ role: member.role, status: subscription.status, keys: apiKeys.length }).toEqual({
      role: 'owner',
      status: 'active',
      keys: 1,
    })
    expect(signedUp.headers.getSetCookie()[0]).toMatch(/^freehold-session=/)
    expect(freehold.ok(await freehold.api.get('/v1/me', { token })).memberships[0].business.id).toBe(business.id)

    const again = await signIn(name)
    expect(freehold.ok(again).user.id).toBe(user.id)
    expect(again.headers.getSetCookie().some((each) => each.startsWith('freehold-session='))).toBe(true)
    expect(freehold.ok(await freehold.api.get('/v1/me', { token: again.body.token })).user.id).toBe(user.id)
    expect(await audited('user.signed_in', user.id)).toEqual([{ address: '127.0.0.1', provider: name }])
    // Nothing is asked of the provider later, so nothing is kept that could be.
    const kept = 'select access_token, refresh_token, id_token, password from freehold.accounts where user_id = $1'
    expect(Object.values((await freehold.sql(kept, [user.id]))[0])).toEqual([null, null, null, null])
  })

  test('may put their name right, and is asked for one that the provider does not know', async () => {
    const { pendingToken } = await introduced(freehold, { firstName: undefined, lastName: undefined })
    expect(await finish(pendingToken)).toMatchObject({ status: 422, body: { errors: [{ path: 'body/firstName' }] } })
    const named = await finish(pendingToken, { business: { name: 'Acme' }, firstName: 'Cher' })
    expect(named.body.user).toMatchObject({ firstName: 'Cher', lastName: '' })
  })

  test('is called nothing there that nobody could be called here', async () => {
    const { pendingToken, person } = await introduced(freehold, { firstName: '\u202eAnn\u0007', lastName: '\u200b' })
    const { user } = freehold.ok(await finish(pendingToken))
    expect(user).toMatchObject({ email: person.email, firstName: 'Ann', lastName: '' })
    const unseen = await introduced(freehold, { firstName: '\u2060 \u3164', lastName: 'Lee' })
    const answer = await finish(unseen.pendingToken)
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ path: 'body/firstName' }] } })
    const long = await introduced(freehold, { firstName: 'x'.repeat(119) + '👋', lastName: 'Lee' })
    expect(freehold.ok(await finish(long.pendingToken)).user.firstName).toBe('x'.repeat(119))
  })

  test('says nothing that the provider has said', async () => {
    const { pendingToken } = await introduced()
    for (const [field, value] of Object.entries({ email: 'other@acme.test', password })) {
      const answer = await finish(pendingToken, { business: { name: 'Acme' }, [field]: value })
      expect(answer).toMatchObject({ status: 422, body: { errors: [{ path: `body/${field}` }] } })
    }
    expect(await finish(pendingToken, {})).toMatchObject({ status: 422, body: { errors: [{ path: 'body/business' }] } })
    expect((await finish(pendingToken)).status).toBe(201)
  })

  test('finishes once, however often they press', async () => {
    const { person, pendingToken } = await introduced()
    const answers = await Promise.all(Array.from({ length: 8 }, () => finish(pendingToken)))
    expect(answers.map(({ status }) => status).toSorted((left, right) => left - right)).toEqual([
      201,
      ...Array(7).fill(410),
    ])
    expect(await usersWith(person.email)).toBe(1)
    expect((await finish(pendingToken)).body.code).toBe('invalid_token')
  })

  test('gets the first answer again under an idempotency key', async () => {
    const { pendingToken } = await introduced()
    const headers = { 'idempotency-key': pendingToken }
    const send = () => freehold.api.post('/v1/signup', { pendingToken, business: { name: 'Acme' } }, { headers })
    const first = await send()
    expect(first.status).toBe(201)
    expect((await send()).body).toEqual(first.body)
  })

  test('has half an hour, with the token that was given and no other', async () => {
    const server = await createTestFreehold({ socialSignIn: provider.socialSignIn })
    const { pendingToken } = await introduced(server)
    expect(pendingToken).toMatch(/^pid_[0-9a-z]{32}$/)
    const last = pendingToken.at(-1) === '0' ? '1' : '0'
    for (const wrong of [pendingToken.slice(0, -1) + last, pendingToken.toUpperCase(), 'pid_', 'nonsense']) {
      expect((await finish(wrong, undefined, server)).body.code).toBe('invalid_token')
    }
    const [row] = await server.sql('select token_hash from freehold.pending_identities')
    expect(row.token_hash).toEqual(hashToken(pendingToken))
    await server.advance(30 * 60)
    expect((await finish(pendingToken, undefined, server)).body.code).toBe('invalid_token')
    // Coming again is all it takes; only the newest token works.
    const newer = server.ok(await signIn('google', server)).pendingToken
    const newest = server.ok(await signIn('google', server)).pendingToken
    expect((await finish(newer, undefined, server)).body.code).toBe('invalid_token')
    expect((await finish(newest, undefined, server)).status).toBe(201)
    await server.close()
  })

  test('is nobody when it is cut off in the middle, and can try again', async () => {
    let isBroken = true
    // The connection is gone when everything is written and nothing committed.
    const afterSignup: Hooks['afterSignup'] = async (tx) => {
      if (isBroken) await sql`select pg_terminate_backend(pg_backend_pid())`.execute(tx)
    }
    const product = { ...sessionRecorder, hooks: { ...sessionRecorder.hooks, afterSignup } }
    const server = await createTestFreehold({ product, socialSignIn: provider.socialSignIn })
    const { person, pendingToken } = await introduced(server)
    const counts = async () =>
      (
        await server.sql(`select
          (select count(*) from freehold.users) as users, (select count(*) from freehold.accounts) as accounts,
          (select count(*) from freehold.businesses) as businesses, (select count(*) from freehold.api_keys) as keys,
          (select count(*) from freehold.sessions) as sessions,
          (select count(*) from freehold.pending_identities) as pending`)
      )[0]
    const before = await counts()
    expect(before).toMatchObject({ users: '0', pending: '1' })
    expect((await finish(pendingToken, undefined, server)).status).toBe(503)
    expect(await counts()).toEqual(before)
    isBroken = false
    expect((await finish(pendingToken, undefined, server)).body.user.email).toBe(person.email)
    expect(await counts()).toMatchObject({ users: '1', accounts: '1', businesses: '1', sessions: '1', pending: '0' })
    await server.close()
  })

  test('is told when somebody else took the e-mail meanwhile', async () => {
    const { person, pendingToken } = await introduced()
    await freehold.signUp({ email: person.email })
    expect(await finish(pendingToken)).toMatchObject({ status: 409, body: { code: 'email_taken' } })
  })

  test('can set a password by a reset, and sign in either way', async () => {
    const { person, pendingToken } = await introduced()
    const { user } = freehold.ok(await finish(pendingToken))
    const login = { email: person.email, password }
    expect((await freehold.api.post('/v1/login', login)).body.code).toBe('invalid_credentials')
    freehold.ok(await freehold.api.post('/v1/password-resets', { email: person.email }))
    const token = await freehold.eventually(() => freehold.mailedToken(person.email).catch(() => undefined))
    freehold.ok(await freehold.api.post('/v1/password-resets/confirm', { token, password }))
    expect(freehold.ok(await freehold.api.post('/v1/login', login)).user.id).toBe(user.id)
    expect(freehold.ok(await signIn('google')).user.id).toBe(user.id)
  })
})

describe('an invitation', () => {
  async function invited() {
    const owner = await freehold.signUp()
    const person = somebody()
    const path = `/v1/businesses/${owner.business.id}/invitations`
    freehold.ok(await freehold.api.post(path, { email: person.email, role: 'admin' }, { token: owner.token }))
    return { owner, person, invitationToken: await freehold.mailedToken(person.email) }
  }

  test('lets in whom the provider knows by the invited e-mail, and comes back from there unread', async () => {
    const { owner, person, invitationToken } = await invited()
    provider.sees(person)
    const there = await visit('google', { body: { invitationToken, next: '/join' } })
    expect(there.url.href + Buffer.from(there.cookie.split('=')[1] ?? '', 'base64url')).not.toContain(invitationToken)
    const answer = freehold.ok(await bring('google', there))
    expect(answer).toMatchObject({ invitationToken, next: '/join' })
    const joined = await finish(answer.pendingToken, { invitationToken })
    expect(joined.status).toBe(201)
    expect(joined.body).toMatchObject({
      business: { id: owner.business.id },
      member: { role: 'admin' },
      user: { email: person.email, emailVerified: true },
    })
    expect(freehold.ok(await signIn('google')).user.id).toBe(joined.body.user.id)
  })

  test('is for nobody whom the provider knows by another e-mail', async () => {
    const { person, invitationToken } = await invited()
    const { pendingToken } = await introduced()
    const refused = { status: 403, body: { code: 'permission_denied' } }
    expect(await finish(pendingToken, { invitationToken })).toMatchObject(refused)
    expect((await finish(pendingToken, { invitationToken, business: { name: 'Acme' } })).status).toBe(422)
    expect(await usersWith(person.email)).toBe(0)
  })

  test.each(['invite', 'closed'] as const)('is what it takes, or not even that, where sign-up is %s', async (mode) => {
    const product = { ...sessionRecorder, signup: { ...sessionRecorder.signup, mode } }
    const { database } = freehold
    const server = await createTestFreehold({ product, database, socialSignIn: provider.socialSignIn })
    const { person, invitationToken } = await invited()
    provider.sees(person)
    const answer = await signIn('google', server)
    if (mode === 'closed') expect(answer).toMatchObject({ status: 403, body: { code: 'signup_closed' } })
    else {
      const { pendingToken } = server.ok(answer)
      expect((await finish(pendingToken, undefined, server)).body.code).toBe('signup_closed')
      expect((await finish(pendingToken, { invitationToken }, server)).status).toBe(201)
    }
    await server.close()
  })
})

describe('somebody who has an account here', () => {
  test('and has proved its e-mail is linked by it, once, and told by mail', async () => {
    const { user } = await proved()
    const person = somebody({ email: user.email.toUpperCase() })
    provider.sees(person)
    const answers = await Promise.all([signIn('google'), signIn('google')])
    expect(answers.map(({ body }) => body.user?.id)).toEqual([user.id, user.id])
    expect(await audited('user.login_linked', user.id)).toEqual([{ provider: 'google' }])
    const mails = await freehold.mails(user.email)
    expect(mails.filter(({ template }) => template === 'login-linked')).toHaveLength(1)
    // From now on it is the account that counts, whatever its e-mail is there.
    provider.sees({ ...person, email: 'moved@elsewhere.test', verified: false })
    expect(freehold.ok(await signIn('google')).user.id).toBe(user.id)
    expect((await freehold.api.post('/v1/login', { email: user.email, password })).status).toBe(200)
  })

  test('is not known by an e-mail that the provider has not verified', async () => {
    const { user } = await proved()
    for (const name of ['google', 'github'] as const) {
      for (const email of [user.email, 'nobody-at-all@acme.test']) {
        provider.sees(somebody({ email, verified: false }))
        expect(await signIn(name)).toMatchObject({ status: 403, body: { code: 'email_unverified' } })
      }
    }
    expect(await accountsOf(user.id)).toEqual(['credential'])
  })

  test('is neither merged with an account that nobody has proved nor given it, until the e-mail is proved', async () => {
    const person = somebody()
    const squatter = await freehold.signUp({ email: person.email })
    provider.sees(person)
    const refused = await signIn('google')
    expect(refused).toMatchObject({ status: 403, body: { code: 'account_unverified' } })
    expect(refused.body.detail).toContain(person.email)
    expect(refused.headers.getSetCookie().join()).not.toContain('freehold-session')
    expect((await freehold.api.get('/v1/me', { token: squatter.token })).status).toBe(200)
    expect(await accountsOf(squatter.user.id)).toEqual(['credential'])

    // What the answer says to do: whoever reads the mailbox gets the account, and nobody else keeps it.
    freehold.ok(await freehold.api.post('/v1/password-resets', { email: person.email }))
    const mailed = () => freehold.mailedToken(person.email, 'password-reset').catch(() => undefined)
    const reset = { token: await freehold.eventually(mailed), password: 'another horse battery' }
    freehold.ok(await freehold.api.post('/v1/password-resets/confirm', reset))
    expect(freehold.ok(await signIn('google')).user.id).toBe(squatter.user.id)
    expect((await freehold.api.get('/v1/me', { token: squatter.token })).status).toBe(401)
    expect((await freehold.api.post('/v1/login', { email: person.email, password })).status).toBe(401)
  })

  test('is asked for the second factor all the same', async () => {
    const { user, token } = await proved()
    const { uri } = freehold.ok(await freehold.api.post('/v1/me/two-factor', { password }, { token }))
    const secret = new URL(uri).searchParams.get('secret') ?? ''
    freehold.ok(await freehold.api.post('/v1/me/two-factor/confirm', { code: totp(secret) }, { token }))
    provider.sees(somebody({ email: user.email }))
    const asked = await signIn('google')
    const { challenge, ...rest } = freehold.ok(asked)
    expect(rest).toEqual({ twoFactorRequired: true })
    expect(asked.headers.getSetCookie().join()).not.toContain('freehold-session')
    const answer = (code: string) => freehold.api.post('/v1/login/two-factor', { challenge, code })
    expect((await answer('wrong-code')).status).toBe(401)
    expect(freehold.ok(await answer(totp(secret))).user.id).toBe(user.id)
  })

  test.each([true, false])('and was disabled stays out, linked before: %s', async (isLinked) => {
    const { user } = await proved()
    provider.sees(somebody({ email: user.email }))
    if (isLinked) freehold.ok(await signIn('google'))
    await freehold.sql('update freehold.users set disabled_at = $2 where id = $1', [user.id, freehold.ctx.now()])
    expect(await signIn('google')).toMatchObject({ status: 403, body: { code: 'permission_denied' } })
    expect(await accountsOf(user.id)).toEqual(isLinked ? ['credential', 'google'] : ['credential'])
  })
})

describe('a linked account', () => {
  const ways = async (token: string) => freehold.ok(await freehold.api.get('/v1/me/providers', { token }))
  const unlink = (provider: string, token: string) => freehold.api.delete(`/v1/me/providers/${provider}`, { token })

  test('is shown and unlinked, which ends every other session', async () => {
    const { user, token } = await proved()
    expect(await ways(token)).toEqual({ hasPassword: true, providers: [] })
    provider.sees(somebody({ email: user.email }))
    const elsewhere = freehold.ok(await signIn('google')).token
    expect(await ways(token)).toMatchObject({ providers: [{ provider: 'google', name: 'Google' }] })
    expect((await unlink('github', token)).status).toBe(404)
    expect((await unlink('credential', token)).status).toBe(404)
    expect((await unlink('google', token)).status).toBe(204)
    expect((await unlink('google', token)).status).toBe(404)
    expect(await ways(token)).toEqual({ hasPassword: true, providers: [] })
    expect((await freehold.api.get('/v1/me', { token: elsewhere })).status).toBe(401)
    expect(await audited('user.login_unlinked', user.id)).toHaveLength(1)
    expect((await freehold.mails(user.email)).map(({ template }) => template)).toContain('login-unlinked')
  })

  test('stays while it is the last way in, also when two are unlinked at once', async () => {
    const { person, pendingToken } = await introduced()
    const { token } = freehold.ok(await finish(pendingToken))
    expect(await unlink('google', token)).toMatchObject({ status: 409, body: { code: 'conflict' } })
    provider.sees(somebody({ email: person.email }))
    freehold.ok(await signIn('github'))
    const answers = await Promise.all([unlink('google', token), unlink('github', token)])
    expect(answers.map(({ status }) => status).toSorted((left, right) => left - right)).toEqual([204, 409])
    expect((await ways(token)).providers).toHaveLength(1)
  })
})

describe('the provider’s answer', () => {
  const failed = { status: 401, body: { code: 'social_sign_in_failed' } }

  test('counts once', async () => {
    provider.sees(somebody())
    const there = await visit('google')
    expect((await bring('google', there)).status).toBe(200)
    expect(await bring('google', there)).toMatchObject(failed)
    const { code } = await visit('google')
    expect(await bring('google', { ...there, code })).toMatchObject(failed)
  })

  test('counts in the browser that asked, with the state it asked with, and no other', async () => {
    provider.sees(somebody())
    const mine = await visit('google')
    const theirs = await visit('google')
    for (const wrong of [
      { ...mine, cookie: '' },
      { ...mine, cookie: 'freehold-sign-in=nonsense' },
      { ...mine, cookie: mine.cookie.replace(/.{6}$/, 'AAAAAA') },
      // Somebody else's answer, put before this browser.
      { ...mine, code: theirs.code, state: theirs.state },
      { ...mine, state: 'nonsense' },
    ]) {
      expect(await bring('google', wrong)).toMatchObject(failed)
    }
    // With PKCE, a code goes with the request that it was given for.
    expect(await bring('google', { ...mine, code: theirs.code })).toMatchObject(failed)
  })

  test('counts from the provider that was asked', async () => {
    provider.sees(somebody())
    expect(await bring('github', await visit('google'))).toMatchObject(failed)
  })

  test.each<[Name, Fault]>([
    ['google', 'refuses codes'],
    ['google', 'is down'],
    ['google', 'signs with another key'],
    ['google', 'speaks to another client'],
    ['google', 'is another issuer'],
    ['google', 'forgets the nonce'],
    ['google', 'is late'],
    ['google', 'signs nothing'],
    ['github', 'refuses codes'],
    ['github', 'is down'],
  ])('counts for nothing when %s %s', async (name, fault) => {
    const person = somebody()
    provider.sees(person)
    const there = await visit(name)
    provider.state.fault = fault
    const answer = await bring(name, there)
    expect(answer).toMatchObject(failed)
    expect(JSON.stringify(answer.body)).not.toMatch(/better-auth|stack|jose|fetch/i)
    const pending = await freehold.sql('select 1 from freehold.pending_identities where email = $1', [person.email])
    expect(pending).toEqual([])
  })

  test('that does not come is not waited for', async () => {
    provider.sees(somebody())
    const there = await visit('google')
    provider.state.fault = 'hangs'
    expect(await bring('google', there)).toMatchObject(failed)
  }, 30_000)

  test('is recorded when it fails, and nothing secret of it', async () => {
    provider.sees(somebody())
    const there = await visit('google')
    await bring('google', { ...there, cookie: '' })
    const [newest] = await freehold.sql(
      `select after from freehold.system_audit_entries where action = 'user.sign_in_failed' order by id desc limit 1`,
    )
    expect(newest.after).toEqual({ code: 'social_sign_in_failed', address: '127.0.0.1' })
  })
})

describe('what the provider is asked', () => {
  test('is no more than a name and an e-mail, with PKCE, a nonce and the address of our page', async () => {
    const { url, back } = await visit('google')
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      scope: 'openid email profile',
      redirect_uri: 'http://localhost:3000/sign-in/google',
      code_challenge_method: 'S256',
      nonce: expect.stringMatching(/.{32}/),
      state: expect.stringMatching(/.{32}/),
    })
    expect(back.origin + back.pathname).toBe('http://localhost:3000/sign-in/google')
    expect((await visit('github')).url.searchParams.get('scope')).toBe('read:user user:email')
  })

  test('is bound to the browser by a cookie that no script and no other site sends', async () => {
    const { set } = await visit('google')
    expect(set).toMatch(/^freehold-sign-in=[\w-]+; Max-Age=600; Path=\/; HttpOnly; SameSite=Strict$/)
    const publicUrl = 'https://app.recorder.test'
    const production = await createTestFreehold({
      production: true,
      publicUrl,
      socialSignIn: provider.socialSignIn,
    })
    const there = await visit('google', { server: production })
    expect(there.set).toMatch(
      /^__Host-freehold-sign-in=[\w-]+; Max-Age=600; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
    )
    expect(there.back.href).toMatch(/^https:\/\/app\.recorder\.test\/sign-in\/google\?/)
    await production.close()
  })

  test.each(['//evil.test', '/\\evil.test', 'https://evil.test', 'javascript:alert(1)', 'sign-in', '/a b'])(
    'is nothing when one wants to go on to %s',
    async (next) => {
      const answer = await freehold.api.post('/v1/login/social/google', { next })
      expect(answer).toMatchObject({ status: 422, body: { errors: [{ path: 'body/next' }] } })
    },
  )

  test('is asked when it is there again, and meanwhile a password signs in', async () => {
    const server = await createTestFreehold({ socialSignIn: provider.socialSignIn })
    const { user } = await server.signUp()
    provider.state.fault = 'is down'
    const unavailable = { status: 503, body: { code: 'unavailable' } }
    expect(await server.api.post('/v1/login/social/google')).toMatchObject(unavailable)
    expect((await server.api.post('/v1/login', { email: user.email, password })).status).toBe(200)
    provider.state.fault = undefined
    expect((await server.api.post('/v1/login/social/google')).status).toBe(200)
    await server.close()
  })

  test('is limited like every other way to sign in', async () => {
    const limited = await createTestFreehold({ socialSignIn: provider.socialSignIn, rateLimits: true })
    const guess = () =>
      limited.api
        .post('/v1/login/social/google/callback', { code: 'guess', state: 'guess' })
        .then(({ status }) => status)
    const statuses = await Promise.all(Array.from({ length: 40 }, guess))
    expect(statuses.filter((status) => status === 401)).toHaveLength(30)
    expect(statuses.filter((status) => status === 429)).toHaveLength(10)
    await limited.close()
  })
})

test('a provider that is not configured is not there', async () => {
  const { google } = provider.socialSignIn
  const server = await createTestFreehold({ socialSignIn: { google } })
  for (const name of ['github', 'facebook', 'constructor', '__proto__']) {
    for (const path of [`/v1/login/social/${name}`, `/v1/login/social/${name}/callback`]) {
      expect(await server.api.post(path, { anything: 1 })).toMatchObject({ status: 404, body: { code: 'not_found' } })
    }
  }
  await server.close()
})

test.each(['http://accounts.example.test', 'ftp://127.0.0.1', 'accounts.example.test'])(
  'no secret is sent to %s',
  async (issuer) => {
    const google = { ...provider.socialSignIn.google, issuer }
    await expect(createTestFreehold({ socialSignIn: { google } })).rejects.toThrow('https://')
  },
)
