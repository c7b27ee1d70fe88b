import { Type } from 'typebox'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import sessionRecorder from '../../../examples/session-recorder/freehold.config.ts'
import { createTestFreehold, password, type TestFreehold } from '../../test/harness.ts'

let freehold: TestFreehold
beforeAll(async () => {
  freehold = await createTestFreehold({
    product: {
      ...sessionRecorder,
      fields: { user: Type.Object({ phone: Type.Optional(Type.String({ maxLength: 20 })) }) },
    },
  })
})
afterAll(() => freehold.close())

const me = async (token: string) => (await freehold.api.get('/v1/me', { token })).body
const chosen = 'a password of the new kind'
const login = (email: string, attempt = password) => freehold.api.post('/v1/login', { email, password: attempt })
const lastEntry = async () => {
  const [entry] = await freehold.sql('select * from freehold.system_audit_entries order by id desc limit 1')
  return entry
}

describe('GET /v1/me', () => {
  test('shows a person, where they belong and what they may do there', async () => {
    const { token, user, business } = await freehold.signUp()
    const joined = await freehold.join(business, token, 'viewer')
    expect(await me(joined.token)).toMatchObject({
      user: { id: joined.user.id, email: joined.user.email, emailVerified: true },
      staff: false,
      memberships: [
        {
          business: { id: business.id },
          role: 'viewer',
          suspended: false,
          permissions: expect.arrayContaining(['business:read', 'recordings:read']),
          subscription: { plan: { key: 'free' } },
        },
      ],
      invitations: [],
    })
    expect((await me(token)).user).not.toHaveProperty('password')
    expect(JSON.stringify(await me(token))).not.toContain('argon2')
    expect((await me(token)).user.id).toBe(user.id)
  })

  test('shows an invitation to whoever has proved the e-mail only', async () => {
    const { token, business } = await freehold.signUp()
    const invited = await freehold.signUp()
    const body = { email: invited.user.email, role: 'admin' }
    freehold.ok(await freehold.api.post(`/v1/businesses/${business.id}/invitations`, body, { token }))
    expect((await me(invited.token)).invitations).toEqual([])
    freehold.ok(
      await freehold.api.post('/v1/email-verifications/confirm', {
        token: await freehold.mailedToken(invited.user.email, 'email-verification'),
      }),
    )
    expect((await me(invited.token)).invitations).toMatchObject([
      { role: 'admin', business: { id: business.id, name: business.name } },
    ])
    expect(JSON.stringify((await me(invited.token)).invitations)).not.toContain('token')
  })

  test('shows a key what it is, and nothing of people', async () => {
    const { business, apiKeys } = await freehold.signUp()
    const shown = await me(apiKeys[0].key)
    expect(shown).toMatchObject({
      apiKey: { id: apiKeys[0].id, type: 'sdk' },
      business: { id: business.id },
      permissions: ['recordings:create'],
      subscription: { plan: { key: 'free' } },
    })
    expect(Object.keys(shown).toSorted()).toEqual(['apiKey', 'business', 'permissions', 'subscription'])
  })
})

describe('PATCH /v1/me', () => {
  test('changes names and fields, each by itself', async () => {
    const { token, user } = await freehold.signUp()
    const change = (body: object) => freehold.api.patch('/v1/me', body, { token })
    expect((await change({ firstName: '  Grace ' })).body).toMatchObject({ firstName: 'Grace', lastName: 'Person' })
    expect((await change({ fields: { phone: '+359 2' } })).body).toMatchObject({
      firstName: 'Grace',
      fields: { phone: '+359 2' },
    })
    expect((await change({})).body).toMatchObject({ firstName: 'Grace', fields: { phone: '+359 2' } })
    expect(await lastEntry()).toMatchObject({ action: 'user.updated', actor_id: user.id })
  })

  test.each([
    [{ email: 'other@me.test' }, 'body/email'],
    [{ emailVerified: true }, 'body/emailVerified'],
    [{ role: 'owner' }, 'body/role'],
    [{ staff: true }, 'body/staff'],
    [{ id: 'usr_1' }, 'body/id'],
    [{ disabledAt: null }, 'body/disabledAt'],
    [{ firstName: '' }, 'body/firstName'],
    [{ firstName: 'a\nb' }, 'body/firstName'],
    [{ firstName: null }, 'body/firstName'],
    [{ lastName: ['x'] }, 'body/lastName'],
    [{ lastName: 'x'.repeat(121) }, 'body/lastName'],
    [{ fields: { phone: 'x'.repeat(21) } }, 'body/fields/phone'],
    [{ fields: { phone: 7 } }, 'body/fields/phone'],
    [{ fields: { admin: true } }, 'body/fields/admin'],
    [{ fields: { toString: 'x' } }, 'body/fields/toString'],
    [{ fields: [] }, 'body/fields'],
  ])('refuses %j, with the path, and changes nothing', async (body, path) => {
    const { token, user } = await freehold.signUp()
    const answer = await freehold.api.patch('/v1/me', body, { token })
    expect(answer.status).toBe(422)
    expect(answer.body.errors[0].path).toBe(path)
    expect((await me(token)).user).toEqual(user)
  })
})

describe('PUT /v1/me/password', () => {
  const change = (token: string, currentPassword: string, newPassword: string) =>
    freehold.api.put('/v1/me/password', { currentPassword, password: newPassword }, { token })

  test('sets a new one, keeps this session and ends the others', async () => {
    const { token, user, business } = await freehold.signUp()
    const other = (await login(user.email)).body.token
    expect((await change(token, password, chosen)).status).toBe(200)
    expect((await freehold.api.get('/v1/me', { token })).status).toBe(200)
    expect((await freehold.api.get('/v1/me', { token: other })).status).toBe(401)
    expect([(await login(user.email)).status, (await login(user.email, chosen)).status]).toEqual([401, 200])
    expect((await freehold.mails(user.email))[0]).toMatchObject({ template: 'password-changed' })
    const log = await freehold.api.get(`/v1/businesses/${business.id}/audit?action=user.password_changed`, { token })
    expect(log.body.items).toMatchObject([{ actor: { id: user.id }, before: null, after: null }])
  })

  test.each([
    ['a wrong guess', chosen, 'body/currentPassword'],
    [password, 'short', 'body/password'],
    [password, 'password123', 'body/password'],
    [password, 'x'.repeat(129), 'body/password'],
    ['', chosen, 'body/currentPassword'],
  ])('refuses %j then %j', async (current, next, path) => {
    const { token, user } = await freehold.signUp()
    expect(await change(token, current, next)).toMatchObject({ status: 422, body: { errors: [{ path }] } })
    expect((await login(user.email)).status).toBe(200)
  })

  test('of two at once takes one', async () => {
    const { token, user } = await freehold.signUp()
    const answers = await Promise.all([change(token, password, `${chosen} 0`), change(token, password, `${chosen} 1`)])
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 422])
    const winner = answers.findIndex(({ status }) => status === 200)
    expect((await login(user.email, `${chosen} ${winner}`)).status).toBe(200)
  })
})

describe('sessions', () => {
  test('are shown newest first, with where they come from and which one asks', async () => {
    const { token, user } = await freehold.signUp()
    await freehold.api.post('/v1/login', { email: user.email, password }, { headers: { 'user-agent': 'Second' } })
    const { body } = await freehold.api.get('/v1/me/sessions', { token, headers: { 'user-agent': 'ignored' } })
    expect(body.items).toMatchObject([
      { current: false, userAgent: 'Second', ipAddress: '127.0.0.1' },
      { current: true, userAgent: 'node' },
    ])
    expect(JSON.stringify(body)).not.toContain(token.split('.')[0])
    const first = await freehold.api.get('/v1/me/sessions?limit=1', { token })
    expect(first.body.items).toHaveLength(1)
    const second = await freehold.api.get(`/v1/me/sessions?limit=1&cursor=${first.body.nextCursor}`, { token })
    expect(second.body).toMatchObject({ items: [{ current: true }], nextCursor: null })
  })

  test('end one by one', async () => {
    const { token, user } = await freehold.signUp()
    const other = (await login(user.email)).body.token
    const list = async () => (await freehold.api.get('/v1/me/sessions', { token })).body.items
    const [{ id }] = await list()
    expect((await freehold.api.delete(`/v1/me/sessions/${id}`, { token })).status).toBe(204)
    expect((await freehold.api.get('/v1/me', { token: other })).status).toBe(401)
    expect(await list()).toMatchObject([{ current: true }])
    expect((await freehold.api.delete(`/v1/me/sessions/${id}`, { token })).status).toBe(404)
    expect(await lastEntry()).toMatchObject({ action: 'session.ended', actor_id: user.id, target: { id } })
  })

  test('all but this one end together', async () => {
    const { token, user } = await freehold.signUp()
    const others = await Promise.all(Array.from({ length: 3 }, async () => (await login(user.email)).body.token))
    expect((await freehold.api.delete('/v1/me/sessions/others', { token })).status).toBe(204)
    for (const other of others) expect((await freehold.api.get('/v1/me', { token: other })).status).toBe(401)
    expect((await freehold.api.get('/v1/me', { token })).status).toBe(200)
    expect(await lastEntry()).toMatchObject({ action: 'session.others_ended', actor_id: user.id })
  })

  test('of somebody else are not there', async () => {
    const { token } = await freehold.signUp()
    const other = await freehold.signUp()
    const { body } = await freehold.api.get('/v1/me/sessions', { token: other.token })
    const foreign = await freehold.api.delete(`/v1/me/sessions/${body.items[0].id}`, { token })
    const random = await freehold.api.delete('/v1/me/sessions/ses_00000000000000000000000000', { token })
    const withoutId = ({ requestId, ...rest }: Record<string, unknown>) => ({ ...rest, had: typeof requestId })
    expect([foreign.status, withoutId(foreign.body)]).toEqual([404, withoutId(random.body)])
    expect((await freehold.api.get('/v1/me', { token: other.token })).status).toBe(200)
  })

  test('are for people: a key has none, and changes nothing about anybody', async () => {
    const { apiKeys } = await freehold.signUp()
    const token = apiKeys[0].key
    for (const answer of [
      await freehold.api.get('/v1/me/sessions', { token }),
      await freehold.api.delete('/v1/me/sessions/others', { token }),
      await freehold.api.patch('/v1/me', { firstName: 'Key' }, { token }),
      await freehold.api.put('/v1/me/password', { currentPassword: password, password: chosen }, { token }),
      await freehold.api.post('/v1/me/two-factor', { password }, { token }),
      await freehold.api.post('/v1/logout', undefined, { token }),
    ]) {
      expect(answer).toMatchObject({ status: 403, body: { code: 'permission_denied' } })
    }
  })
})
