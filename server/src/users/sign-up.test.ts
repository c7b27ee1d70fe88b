import { setTimeout as delay } from 'node:timers/promises'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import sessionRecorder from '../../../examples/session-recorder/freehold.config.ts'
import { createTestFreehold, password, type TestFreehold } from '../../test/harness.ts'
import { startApi } from '../../test/faults/processes.ts'
import { FreeholdError } from '../errors.ts'
import type { Hooks } from '../product-hooks.ts'

let freehold: TestFreehold
beforeAll(async () => {
  freehold = await createTestFreehold()
})
afterAll(() => freehold.close())

let people = 0
const someone = () => `someone${++people}@sign-up.test`
const form = (overrides: Record<string, unknown> = {}) => ({
  business: { name: 'Acme' },
  email: someone(),
  password,
  firstName: 'Ada',
  lastName: 'Lovelace',
  ...overrides,
})

/** Everything a sign-up leaves behind, for all sign-ups of a database. */
const traces = async ({ sql }: TestFreehold) => {
  const tables = ['users', 'accounts', 'sessions', 'businesses', 'members', 'subscriptions', 'subscription_cycles']
  tables.push('api_keys', 'audit_entries', 'email_verifications', 'mails')
  const counts: Record<string, number> = {}
  for (const table of tables) {
    const [row] = await sql(`select count(*)::int as count from freehold.${table}`)
    counts[table] = row.count
  }
  const [jobs] = await sql(`select count(*)::int as count from freehold_jobs.job_common where name = 'mails'`)
  return { ...counts, jobs: jobs.count }
}

describe('signing up', () => {
  test('makes user, business, owner, subscription, key and session at once', async () => {
    const email = someone()
    const { status, body, headers } = await freehold.api.post('/v1/signup', form({ email }))
    expect(status).toBe(201)
    expect(body).toMatchObject({
      user: { email, emailVerified: false, firstName: 'Ada', lastName: 'Lovelace', twoFactorEnabled: false },
      business: { name: 'Acme', status: 'active' },
      member: { role: 'owner', email, suspended: false, userId: body.user.id },
      subscription: { status: 'active', plan: { key: 'free' } },
      apiKeys: [{ type: 'sdk', key: expect.stringMatching(/^pk_/) }],
    })
    expect(headers.get('set-cookie')).toContain(encodeURIComponent(body.token))
    const me = await freehold.api.get('/v1/me', { token: body.token })
    expect(me.body).toMatchObject({
      user: { id: body.user.id },
      memberships: [{ role: 'owner', business: { id: body.business.id }, subscription: { plan: { key: 'free' } } }],
    })
    const use = await freehold.api.post('/v1/consume', { feature: 'recordings' }, { token: body.apiKeys[0].key })
    expect(use.body).toMatchObject({ allowed: true, used: 1 })
  })

  test('is in the log of the business', async () => {
    const { business, token, user } = await freehold.signUp()
    const log = await freehold.api.get(`/v1/businesses/${business.id}/audit?limit=100`, { token })
    const actor = { kind: 'user', id: user.id, email: user.email }
    expect(log.body.items).toMatchObject([
      { action: 'user.signed_up', actor, target: { kind: 'user', id: user.id } },
      { action: 'api_key.created', actor },
      { action: 'business.created', actor },
    ])
  })

  test('keeps neither the password nor the token nor a secret key readable', async () => {
    const secret = `canary-${Math.trunc(performance.now())}-long enough`
    const signedUp = freehold.ok(await freehold.api.post('/v1/signup', form({ password: secret })))
    const [link] = (await freehold.mailedToken(signedUp.user.email)).split('.')
    const everything = await freehold.sql(
      `select t.tablename, query_to_xml(format('select * from freehold.%I', t.tablename), true, false, '')::text as rows
       from pg_tables t where schemaname = 'freehold'`,
    )
    const hexOf = (text: string) => Buffer.from(text).toString('hex')
    const base64Of = (text: string) => Buffer.from(text).toString('base64').replace(/=+$/, '').slice(0, -1)
    const [, signature] = signedUp.token.split('.')
    for (const canary of [secret, signature, link ?? '']) {
      for (const spelled of [canary, hexOf(canary), base64Of(canary)]) {
        expect(everything.filter(({ rows }) => rows.includes(spelled)).map(({ tablename }) => tablename)).toEqual([])
      }
    }
  })

  test('refuses an e-mail that is taken, however it is spelled', async () => {
    const { user } = await freehold.signUp({ email: 'Mixed.Case@Sign-Up.test' })
    expect(user.email).toBe('mixed.case@sign-up.test')
    for (const email of ['mixed.case@sign-up.test', 'MIXED.CASE@SIGN-UP.TEST']) {
      const answer = await freehold.api.post('/v1/signup', form({ email }))
      expect(answer).toMatchObject({ status: 409, body: { code: 'email_taken' } })
    }
    const login = await freehold.api.post('/v1/login', { email: 'mixed.CASE@sign-up.test', password })
    expect(login.status).toBe(200)
  })

  test('takes unusual e-mails, and lets them in again', async () => {
    for (const email of ["o'hara+tag@sign-up.test", 'a!b#c@sign-up.test', 'post@xn--e1afmkfd.xn--p1ai', 'x@y.z']) {
      expect((await freehold.api.post('/v1/signup', form({ email }))).status).toBe(201)
      expect((await freehold.api.post('/v1/login', { email, password })).status).toBe(200)
    }
  })

  test.each([
    ['an e-mail without a host', { email: 'nobody' }, 'body/email'],
    ['a line break in the e-mail', { email: 'a@sign-up.test\r\nBcc: b@sign-up.test' }, 'body/email'],
    ['a line break in a name', { firstName: 'Ada\r\nBcc: b@sign-up.test' }, 'body/firstName'],
    ['a blank name', { lastName: '   ' }, 'body/lastName'],
    ['a name of 121 characters', { business: { name: 'x'.repeat(121) } }, 'body/business/name'],
    ['a business without a name', { business: {} }, 'body/business/name'],
    ['no business', { business: undefined }, 'body/business'],
    ['no e-mail', { email: undefined }, 'body/email'],
    ['an array for a name', { firstName: ['Ada'] }, 'body/firstName'],
    ['an array for the e-mail', { email: ['a@sign-up.test'] }, 'body/email'],
    ['an object for the password', { password: { length: 12 } }, 'body/password'],
    ['a number for the password', { password: 1234567890 }, 'body/password'],
    ['null for the business', { business: null }, 'body/business'],
    ['a user id', { userId: 'usr_1' }, 'body/userId'],
    ['a role', { role: 'owner' }, 'body/role'],
    ['a status', { business: { name: 'Acme', status: 'active' } }, 'body/business/status'],
    ['a business id', { businessId: 'biz_1' }, 'body/businessId'],
    ['a plan', { plan: 'unlimited' }, 'body/plan'],
    ['a proof of the e-mail', { emailVerified: true }, 'body/emailVerified'],
    ['a field that is not declared', { business: { name: 'Acme', fields: { vip: true } } }, 'body/business/fields/vip'],
  ])('refuses %s, and says where', async (_what, overrides, path) => {
    const before = await traces(freehold)
    const answer = await freehold.api.post('/v1/signup', form(overrides))
    expect(answer).toMatchObject({ status: 422, body: { code: 'invalid_request', errors: [{ path }] } })
    expect(await traces(freehold)).toEqual(before)
  })

  test('of two who race for one e-mail lets one in, and tells the other', async () => {
    const lines: string[] = []
    const logger = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) })
    const logged = await createTestFreehold({ database: freehold.database, logger })
    for (let round = 0; round < 10; round += 1) {
      const email = someone()
      const answers = await Promise.all([1, 2, 3].map(() => logged.api.post('/v1/signup', form({ email }))))
      expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
      expect(answers.filter(({ body }) => body.code === 'email_taken')).toHaveLength(2)
      expect(await freehold.sql('select from freehold.users where email = $1', [email])).toHaveLength(1)
    }
    expect(lines.length).toBeGreaterThan(0)
    expect(lines.filter((line) => line.includes('@sign-up.test') || line.includes(password))).toEqual([])
    await logged.close()
  })

  test('serves many at once', async () => {
    const answers = await Promise.all(Array.from({ length: 60 }, () => freehold.api.post('/v1/signup', form())))
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201))
  })

  test('stores what people type as it is, and mails escape it', async () => {
    const script = `<script>alert("1")</script> & 'Co'`
    const { business, user, token } = await freehold.signUp({
      business: { name: script },
      firstName: '<img src=x onerror=alert(1)>',
      lastName: "'; drop table freehold.users; --",
    })
    expect(business.name).toBe(script)
    expect(user).toMatchObject({
      firstName: '<img src=x onerror=alert(1)>',
      lastName: "'; drop table freehold.users; --",
    })
    const email = someone()
    await freehold.api.post(`/v1/businesses/${business.id}/invitations`, { email, role: 'member' }, { token })
    const [mail] = await freehold.mails(email)
    expect(mail?.subject).toContain(script)
    expect(mail?.text).toContain(script)
    expect(mail?.html).not.toMatch(/<script|<img/)
    expect(mail?.html).toContain('&#60;script&#62;')
  })
})

describe('a password', () => {
  test.each([
    ['7 characters', '7 chars'],
    ['129 characters', 'x'.repeat(129)],
    ['one of the most common', 'Password123'],
    ['one of the most common, spelled in wide letters', 'ｐａｓｓｗｏｒｄ'],
  ])('of %s is refused', async (_what, chosen) => {
    const answer = await freehold.api.post('/v1/signup', form({ password: chosen }))
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ path: 'body/password' }] } })
  })

  test('that is the e-mail is refused', async () => {
    const answer = await freehold.api.post(
      '/v1/signup',
      form({ email: 'same@sign-up.test', password: 'Same@Sign-up.test' }),
    )
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ path: 'body/password' }] } })
  })

  test.each([
    ['8 characters', '8 chars!'],
    ['128 characters', 'xy'.repeat(64)],
    ['128 characters outside the basic plane', '🔑'.repeat(128)],
    ['letters only', 'quietsilver'],
    ['spaces around it', '   spaces around   '],
    ['any script', 'контрасеня 密码 סיסמה'],
  ])('of %s is taken whole', async (_what, chosen) => {
    const { user } = await freehold.signUp({ password: chosen })
    const login = (attempt: string) => freehold.api.post('/v1/login', { email: user.email, password: attempt })
    expect((await login(chosen)).status).toBe(200)
    const characters = Array.from(chosen)
    const others = [characters.slice(0, -1).join(''), characters.slice(1).join(''), chosen.trim(), chosen.toUpperCase()]
    for (const other of others.filter((each) => each !== chosen)) expect((await login(other)).status).toBe(401)
  })

  test('is the same however a keyboard composes its characters', async () => {
    const { user } = await freehold.signUp({ password: 'Zo\u00eb caf\u00e9' })
    const login = await freehold.api.post('/v1/login', { email: user.email, password: 'Zoe\u0308 cafe\u0301' })
    expect(login.status).toBe(200)
  })
})

describe('a hook that throws', () => {
  const withHooks = (hooks: Hooks) => createTestFreehold({ product: { ...sessionRecorder, hooks } })

  test('undoes the whole sign-up, and its refusal is the answer', async () => {
    const hooked = await withHooks({
      afterSignup: (_tx, { email }) => {
        if (email.startsWith('bad')) throw new FreeholdError('conflict', 'Not here')
      },
    })
    const refused = await hooked.api.post('/v1/signup', form({ email: 'bad@sign-up.test' }))
    expect(refused).toMatchObject({ status: 409, body: { code: 'conflict', detail: 'Not here' } })
    expect(Object.values(await traces(hooked)).every((count) => count === 0)).toBe(true)
    expect((await hooked.api.post('/v1/signup', form())).status).toBe(201)
    await hooked.close()
  })

  test('before the sign-up lets nothing be written, and tells nothing of what broke', async () => {
    const hooked = await withHooks({
      beforeSignup: () => {
        throw new Error('connect to 10.0.0.7 failed')
      },
    })
    const refused = await hooked.api.post('/v1/signup', form())
    expect(refused).toMatchObject({ status: 500, body: { code: 'internal_error' } })
    expect(JSON.stringify(refused.body)).not.toContain('10.0.0.7')
    expect(Object.values(await traces(hooked)).every((count) => count === 0)).toBe(true)
    await hooked.close()
  })

  test('is undone too in what it wrote itself', async () => {
    const hooked = await withHooks({
      beforeSignup: async (tx, { email }) => {
        await tx
          .insertInto('verifications')
          .values({
            id: `ver_${email}`,
            identifier: 'own row',
            value: email,
            expiresAt: new Date(8e12),
            createdAt: new Date(0),
            updatedAt: new Date(0),
          })
          .execute()
      },
      afterSignup: () => {
        throw new FreeholdError('conflict')
      },
    })
    expect((await hooked.api.post('/v1/signup', form())).status).toBe(409)
    expect(await hooked.sql('select from freehold.verifications')).toEqual([])
    await hooked.close()
  })
})

describe('the mode of sign-up', () => {
  test.each(['invite', 'closed'] as const)('%s lets nobody found a business by themselves', async (mode) => {
    const shut = await createTestFreehold({
      product: { ...sessionRecorder, signup: { ...sessionRecorder.signup, mode } },
    })
    const refused = await shut.api.post('/v1/signup', form())
    expect(refused).toMatchObject({ status: 403, body: { code: 'signup_closed' } })
    expect(await shut.sql('select from freehold.users')).toEqual([])
    await shut.close()
  })

  test('invite lets invited people in, closed does not', async () => {
    const { business, token } = await freehold.signUp()
    const openTo = (mode: 'invite' | 'closed') =>
      createTestFreehold({
        database: freehold.database,
        product: { ...sessionRecorder, signup: { ...sessionRecorder.signup, mode } },
      })
    const email = someone()
    await freehold.api.post(`/v1/businesses/${business.id}/invitations`, { email, role: 'member' }, { token })
    const body = { invitationToken: await freehold.mailedToken(email), password, firstName: 'Bea', lastName: 'Bee' }
    const closed = await openTo('closed')
    expect(await closed.api.post('/v1/signup', body)).toMatchObject({ status: 403, body: { code: 'signup_closed' } })
    await closed.close()
    const invite = await openTo('invite')
    expect((await invite.api.post('/v1/signup', body)).status).toBe(201)
    await invite.close()
  })
})

describe('with an invitation', () => {
  test('nothing else may be said, and the password is no e-mail here either', async () => {
    const { business, token } = await freehold.signUp()
    const email = someone()
    await freehold.api.post(`/v1/businesses/${business.id}/invitations`, { email, role: 'member' }, { token })
    const invitationToken = await freehold.mailedToken(email)
    const attempt = (overrides: Record<string, unknown>) =>
      freehold.api.post('/v1/signup', { invitationToken, password, firstName: ' Bea ', lastName: 'Bee', ...overrides })
    for (const [overrides, path] of [
      [{ email: someone() }, 'body/email'],
      [{ business: { name: 'Mine' } }, 'body/business'],
      [{ role: 'owner' }, 'body/role'],
      [{ password: email.toUpperCase() }, 'body/password'],
      [{ password: 'password1' }, 'body/password'],
    ] as const) {
      expect(await attempt(overrides)).toMatchObject({ status: 422, body: { errors: [{ path }] } })
    }
    expect(await freehold.sql('select from freehold.users where email = $1', [email])).toEqual([])
    expect(await attempt({})).toMatchObject({
      status: 201,
      body: { user: { email, emailVerified: true, firstName: 'Bea' }, member: { role: 'member' } },
    })
  })
})

describe('a process that is killed during sign-ups', () => {
  test('leaves each of them whole or not there at all', { timeout: 600_000 }, async () => {
    const own = await createTestFreehold()
    const acknowledged: string[] = []
    const refused: number[] = []
    let cut = 0
    // The next one starts while this one is killed.
    let starting = startApi(own.database)
    for (let round = 0; round < 15; round += 1) {
      const { base, kill } = await starting
      starting = startApi(own.database)
      const firstAnswer = Promise.withResolvers<void>()
      const client = async () => {
        for (let isUp = true; isUp;) {
          const body = form()
          const headers = { 'content-type': 'application/json' }
          const answer = await fetch(`${base}/v1/signup`, {
            method: 'POST',
            headers,
            body: JSON.stringify(body),
          }).catch(() => undefined)
          isUp = answer !== undefined
          if (answer === undefined) cut += 1
          else if (answer.status !== 201) refused.push(answer.status)
          else {
            acknowledged.push(body.email)
            firstAnswer.resolve()
          }
        }
      }
      const clients = Array.from({ length: 6 }, client)
      await firstAnswer.promise
      await delay(Math.random() * 200)
      await kill()
      await Promise.all(clients)
    }
    await (await starting).kill()
    const people = await own.sql(
      `select u.email, u.id,
         (select count(*) from freehold.accounts a where a.user_id = u.id)::int as passwords,
         (select count(*) from freehold.sessions s where s.user_id = u.id)::int as sessions,
         (select count(*) from freehold.email_verifications v where v.user_id = u.id)::int as links,
         (select count(*) from freehold.mails m where m.recipient = u.email)::int as mails,
         count(distinct b.id)::int as businesses, count(distinct s.id)::int as subscriptions,
         count(distinct (c.subscription_id, c.number))::int as cycles, count(distinct k.id)::int as keys
       from freehold.users u
       left join freehold.members m on m.user_id = u.id and m.role = 'owner'
       left join freehold.businesses b on b.id = m.business_id
       left join freehold.subscriptions s on s.business_id = b.id
       left join freehold.subscription_cycles c on c.business_id = b.id
       left join freehold.api_keys k on k.business_id = b.id
       group by u.id`,
    )
    for (const { email, id, ...counts } of people) {
      expect({ email, ...counts }).toEqual({
        email,
        passwords: 1,
        sessions: 1,
        links: 1,
        mails: 1,
        businesses: 1,
        subscriptions: 1,
        cycles: 1,
        keys: 1,
      })
      expect(id).toMatch(/^usr_/)
    }
    const counts = await traces(own)
    expect(counts).toMatchObject({ businesses: people.length, members: people.length, jobs: people.length })
    expect(people.length).toBeGreaterThanOrEqual(acknowledged.length)
    const emails = new Set(people.map(({ email }) => email))
    expect(acknowledged.filter((email) => !emails.has(email))).toEqual([])
    // The test only says something when the kill came in between.
    expect(cut).toBe(15 * 6)
    expect(acknowledged.length).toBeGreaterThanOrEqual(15)
    expect(
      refused.filter((status) => status !== 503),
      'a busy machine may ask to try again',
    ).toEqual([])
    await own.close()
  })
})
