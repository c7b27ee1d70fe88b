import { Type } from 'typebox'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, days as daysOf, password, type TestFreehold } from '../../test/harness.ts'
import { days, usd } from '../prices.ts'
import { defineProduct } from '../product.ts'

const definition = {
  name: 'Recorder',
  permissions: { 'recordings:create': 'write' },
  keys: {
    sdk: { prefix: 'pk', publishable: true, permissions: ['recordings:create'] },
    server: { prefix: 'sk', permissions: ['recordings:create'] },
  },
  features: { recordings: { kind: 'metered', resets: 'cycle' }, seats: { kind: 'allocated' } },
  plans: {
    free: { name: 'Free', cycle: days(30), price: usd(0), includes: { recordings: 100, seats: 5, members: 5 } },
  },
  fields: { business: Type.Object({ industry: Type.Optional(Type.String()), size: Type.Optional(Type.Integer()) }) },
} as const

let freehold: TestFreehold
beforeAll(async () => {
  freehold = await createTestFreehold({
    product: defineProduct({ ...definition, signup: { plan: 'free', keys: ['sdk', 'server'] } }),
  })
})
afterAll(() => freehold.close())

type Person = { token: string; business: { id: string }; user: { id: string; email: string } }

const found = (by: { token: string }, body: object) => freehold.api.post('/v1/businesses', body, { token: by.token })
const at = (by: Person) => `/v1/businesses/${by.business.id}`
const read = (by: Person) => freehold.api.get(at(by), { token: by.token })
const update = (by: Person, body: object) => freehold.api.patch(at(by), body, { token: by.token })
const close = (by: Person) => freehold.api.delete(at(by), { token: by.token })
const reopen = (by: Person) => freehold.api.post(`${at(by)}/reopening`, {}, { token: by.token })
const setStatus = (by: Person, status: string) =>
  freehold.sql('update freehold.businesses set status = $2 where id = $1', [by.business.id, status])
const auditOf = async (by: Person, action: string) =>
  freehold.ok(await freehold.api.get(`${at(by)}/audit?action=${action}`, { token: by.token })).items

async function signInAgain(person: Person): Promise<Person> {
  const { token } = freehold.ok(await freehold.api.post('/v1/login', { email: person.user.email, password }))
  return { ...person, token }
}

const denied = { status: 403, body: { code: 'permission_denied' } }
const shut = { status: 403, body: { code: 'business_not_open' } }
const unknown = { status: 404, body: { code: 'not_found' } }

describe('founding another business', () => {
  test('makes one as sign-up does: with its owner, subscription and keys', async () => {
    const pat = await freehold.signUp()
    expect(pat.user.emailVerified).toBe(false)
    const answer = await found(pat, { name: '  Second  ', fields: { industry: 'boats' }, externalId: 'crm-7' })
    expect(answer).toMatchObject({
      status: 201,
      body: {
        business: {
          name: 'Second',
          status: 'active',
          externalId: 'crm-7',
          fields: { industry: 'boats' },
          closedAt: null,
        },
        member: { userId: pat.user.id, role: 'owner' },
        subscription: { status: 'active', access: 'full', plan: { key: 'free' } },
        apiKeys: [{ type: 'sdk' }, { type: 'server' }],
      },
    })
    const me = freehold.ok(await freehold.api.get('/v1/me', { token: pat.token }))
    expect(me.memberships).toMatchObject([
      { business: { id: pat.business.id }, role: 'owner' },
      { business: { id: answer.body.business.id }, role: 'owner' },
    ])
    const counted = await freehold.api.post(
      '/v1/consume',
      { feature: 'recordings' },
      { token: answer.body.apiKeys[1].key },
    )
    expect(counted.body).toMatchObject({ allowed: true, used: 1 })
    expect(await auditOf({ ...pat, business: answer.body.business }, 'business.created')).toMatchObject([
      { actor: { id: pat.user.id }, target: { id: answer.body.business.id, name: 'Second' } },
    ])
  })

  test('is open to somebody who has only been invited, verified or not', async () => {
    const pat = await freehold.signUp()
    const jo = await freehold.join(pat.business, pat.token)
    expect(jo.user.emailVerified).toBe(true)
    expect(await found(jo, { name: 'Jo’s own' })).toMatchObject({ status: 201, body: { member: { role: 'owner' } } })
  })

  test('is for people', async () => {
    const pat = await freehold.signUp()
    expect(await freehold.api.post('/v1/businesses', { name: 'X' })).toMatchObject({ status: 401 })
    expect(await found({ token: pat.apiKeys[1].key }, { name: 'X' })).toMatchObject(denied)
  })

  test('leaves nothing behind when the external id is taken', async () => {
    const pat = await freehold.signUp()
    const externalId = `crm-${pat.business.id}`
    const answers = await Promise.all(
      Array.from({ length: 4 }, (_, index) => found(pat, { name: `Twin ${index} of ${externalId}`, externalId })),
    )
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
    expect(answers.filter(({ body }) => body.code === 'external_id_taken')).toHaveLength(3)
    const rows = await freehold.sql('select id from freehold.businesses where name like $1', [`%${externalId}`])
    expect(rows).toHaveLength(1)
    const members = await freehold.sql('select id from freehold.members where user_id = $1', [pat.user.id])
    expect(members).toHaveLength(2)
  })

  test('happens once for one idempotency key', async () => {
    const pat = await freehold.signUp()
    const call = () =>
      freehold.api.post(
        '/v1/businesses',
        { name: 'Once' },
        { token: pat.token, headers: { 'idempotency-key': 'found-once' } },
      )
    const first = await call()
    expect(await call()).toMatchObject({ status: 201, body: first.body })
    const rows = await freehold.sql('select id from freehold.members where user_id = $1', [pat.user.id])
    expect(rows).toHaveLength(2)
  })

  test.each([
    [{}, 'body/name'],
    [{ name: '' }, 'body/name'],
    [{ name: '   ' }, 'body/name'],
    [{ name: 'a\nb' }, 'body/name'],
    [{ name: 'x'.repeat(121) }, 'body/name'],
    [{ name: ['X'] }, 'body/name'],
    [{ name: 'X', externalId: '' }, 'body/externalId'],
    [{ name: 'X', externalId: 'a\u0000' }, 'body/externalId'],
    [{ name: 'X', fields: { size: 'big' } }, 'body/fields/size'],
    [{ name: 'X', fields: { colour: 'red' } }, 'body/fields/colour'],
    [{ name: 'X', status: 'active' }, 'body/status'],
    [{ name: 'X', userId: 'usr_1' }, 'body/userId'],
    [{ name: 'X', role: 'owner' }, 'body/role'],
    [{ name: 'X', plan: 'free' }, 'body/plan'],
  ])('refuses %j', async (body, path) => {
    const answer = await found(await freehold.signUp(), body)
    expect(answer).toMatchObject({ status: 422, body: { code: 'invalid_request' } })
    expect(answer.body.errors).toContainEqual(expect.objectContaining({ path }))
  })

  test('is refused where people cannot sign up by themselves', async () => {
    const open = await createTestFreehold({ product: defineProduct({ ...definition, signup: { plan: 'free' } }) })
    const pat = await open.signUp()
    const invited = await createTestFreehold({
      product: defineProduct({ ...definition, signup: { plan: 'free', mode: 'invite' } }),
      database: open.database,
    })
    expect(await invited.api.post('/v1/businesses', { name: 'X' }, { token: pat.token })).toMatchObject({
      status: 403,
      body: { code: 'signup_closed' },
    })
    await invited.close()
    await open.close()
  })
})

describe('the business', () => {
  test('is seen by its members, with nothing that is not theirs to see', async () => {
    const pat = await freehold.signUp({ business: { name: 'Acme', fields: { size: 3 } } })
    const jo = await freehold.join(pat.business, pat.token)
    await freehold.sql(`update freehold.businesses set status_reason = 'canary' where id = $1`, [pat.business.id])
    for (const by of [pat, jo]) {
      expect(await read(by)).toMatchObject({ status: 200 })
      expect((await read(by)).body).toEqual({
        id: pat.business.id,
        name: 'Acme',
        status: 'active',
        externalId: null,
        fields: { size: 3 },
        createdAt: expect.any(String),
        closedAt: null,
      })
    }
  })

  test('of others is the same as one that does not exist', async () => {
    const [acme, stranger] = [await freehold.signUp(), await freehold.signUp()]
    const shapes = []
    for (const id of [acme.business.id, 'biz_00000000000000000000000000']) {
      const by = { ...stranger, business: { id } }
      const answers = [await read(by), await update(by, { name: 'X' }), await close(by), await reopen(by)]
      shapes.push(answers.map(({ status, body }) => ({ status, body: { ...body, requestId: '' } })))
      for (const answer of answers) expect(answer).toMatchObject(unknown)
    }
    expect(shapes[0]).toEqual(shapes[1])
    expect((await read(acme)).body).toMatchObject({ name: acme.business.name, status: 'active' })
  })

  test('is changed by those who may, keeping what is not sent', async () => {
    const pat = await freehold.signUp({ business: { name: 'Acme', fields: { industry: 'boats', size: 3 } } })
    const jo = await freehold.join(pat.business, pat.token)
    const admin = await freehold.join(pat.business, pat.token, 'admin')
    const externalId = `ext-${pat.business.id}`
    expect(await update(jo, { name: 'Jo’s' })).toMatchObject(denied)
    expect(await update(admin, { name: ' Acme & Sons ' })).toMatchObject({ status: 200, body: { name: 'Acme & Sons' } })
    expect(await update(pat, { fields: { size: 4 }, externalId })).toMatchObject({
      body: { name: 'Acme & Sons', externalId, fields: { industry: 'boats', size: 4 } },
    })
    expect(await update(pat, { externalId: null })).toMatchObject({ body: { externalId: null, fields: { size: 4 } } })
    expect(await auditOf(pat, 'business.updated')).toMatchObject([
      { before: { externalId }, after: { externalId: null } },
      { before: { fields: { size: 3 } }, after: { fields: { size: 4 }, externalId } },
      { actor: { id: admin.user.id }, before: { name: 'Acme' }, after: { name: 'Acme & Sons' } },
    ])
  })

  test('keeps its external id to itself', async () => {
    const [first, second] = [await freehold.signUp(), await freehold.signUp()]
    const externalId = `ext-${first.business.id}`
    freehold.ok(await update(first, { externalId }))
    expect((await update(first, { externalId })).status).toBe(200)
    expect(await update(second, { name: 'Taken', externalId })).toMatchObject({
      status: 409,
      body: { code: 'external_id_taken' },
    })
    expect((await read(second)).body).toMatchObject({ name: second.business.name, externalId: null })
  })

  test.each([
    [{}, 'body'],
    [{ name: ' ' }, 'body/name'],
    [{ name: null }, 'body/name'],
    [{ status: 'closed' }, 'body/status'],
    [{ name: 'X', closedAt: null }, 'body/closedAt'],
    [{ fields: { size: 1.5 } }, 'body/fields/size'],
    [{ fields: { constructor: 'X' } }, 'body/fields/constructor'],
  ])('refuses the change %j', async (body, path) => {
    const pat = await freehold.signUp()
    const answer = await update(pat, body)
    expect(answer).toMatchObject({ status: 422, body: { code: 'invalid_request' } })
    expect(answer.body.errors).toContainEqual(expect.objectContaining({ path }))
    expect((await read(pat)).body).toMatchObject({ name: pat.business.name, fields: {} })
  })
})

describe('a product’s own field', () => {
  test('that is optional is taken away with null; what it must be stays checked', async () => {
    const pat = await freehold.signUp({ business: { name: 'Acme', fields: { industry: 'boats', size: 3 } } })
    expect(await update(pat, { fields: { industry: null } })).toMatchObject({
      status: 200,
      body: { fields: { size: 3 } },
    })
    expect((await read(pat)).body.fields).toEqual({ size: 3 })
    for (const fields of [{ colour: null }, { size: 'big' }]) {
      expect(await update(pat, { fields })).toMatchObject({ status: 422, body: { code: 'invalid_request' } })
    }
    expect((await read(pat)).body.fields).toEqual({ size: 3 })
  })
})

describe('closing', () => {
  test('is the owner’s alone, and so is reopening', async () => {
    const pat = await freehold.signUp()
    const admin = await freehold.join(pat.business, pat.token, 'admin')
    const jo = await freehold.join(pat.business, pat.token)
    for (const by of [admin, jo]) expect(await close(by)).toMatchObject(denied)
    expect((await close(pat)).status).toBe(204)
    for (const by of [admin, jo]) expect(await reopen(by)).toMatchObject(denied)
    expect((await reopen(pat)).status).toBe(200)
  })

  test('stops everything but reading, and the gate', async () => {
    const pat = await freehold.signUp()
    const key = pat.apiKeys[1].key
    const consume = () => freehold.api.post('/v1/consume', { feature: 'recordings' }, { token: key })
    expect((await consume()).body).toMatchObject({ allowed: true })
    const jo = await freehold.join(pat.business, pat.token)
    const invited = { email: 'late@example.test', role: 'member' }
    const invitation = freehold.ok(await freehold.api.post(`${at(pat)}/invitations`, invited, { token: pat.token }))
    const link = await freehold.mailedToken('late@example.test')
    expect((await close(pat)).status).toBe(204)

    expect((await read(jo)).body).toMatchObject({ status: 'closed', closedAt: expect.any(String) })
    for (const list of ['members', 'invitations', 'api-keys', 'audit'])
      expect((await freehold.api.get(`${at(pat)}/${list}`, { token: pat.token })).status).toBe(200)

    const writes: [string, string, object?][] = [
      ['PATCH', '', { name: 'X' }],
      ['DELETE', ''],
      ['POST', '/invitations', { email: 'x@example.test', role: 'member' }],
      ['POST', `/invitations/${invitation.id}/resend`, {}],
      ['DELETE', `/invitations/${invitation.id}`],
      ['PATCH', `/members/${jo.member.id}`, { role: 'admin' }],
      ['DELETE', `/members/${jo.member.id}`],
      ['POST', '/ownership-transfer', { memberId: jo.member.id }],
      ['POST', '/api-keys', { name: 'X', type: 'sdk' }],
      ['POST', `/api-keys/${pat.apiKeys[0].id}/rotate`, {}],
      ['DELETE', `/api-keys/${pat.apiKeys[0].id}`],
    ]
    for (const [method, path, body] of writes)
      expect(await freehold.api.call(method, at(pat) + path, body, { token: pat.token })).toMatchObject(shut)
    expect(await freehold.api.delete(`${at(jo)}/members/${jo.member.id}`, { token: jo.token })).toMatchObject(shut)
    expect(await freehold.api.post('/v1/invitations/lookup', { token: link })).toMatchObject(shut)
    expect((await consume()).body).toMatchObject({ allowed: false, code: 'business_not_open' })
    expect(
      (await freehold.api.post('/v1/allocate', { feature: 'seats', itemId: 'one' }, { token: key })).body,
    ).toMatchObject({ allowed: false, code: 'business_not_open' })
    const me = freehold.ok(await freehold.api.get('/v1/me', { token: pat.token }))
    expect(me.memberships[0]).toMatchObject({ business: { status: 'closed' }, subscription: { access: 'none' } })

    expect(await reopen(pat)).toMatchObject({ status: 200, body: { status: 'active', closedAt: null } })
    expect((await consume()).body).toMatchObject({ allowed: true, used: 2 })
    expect((await freehold.api.post('/v1/invitations/lookup', { token: link })).status).toBe(200)
  })

  test('by two at once is done once', async () => {
    const pat = await freehold.signUp()
    const answers = await Promise.all(Array.from({ length: 5 }, () => close(pat)))
    // Who came while it was still open is told that it is done, who came later that it is closed.
    const [done, late] = [
      answers.filter(({ status }) => status === 204),
      answers.filter(({ status }) => status === 403),
    ]
    expect(done.length).toBeGreaterThan(0)
    expect(done.length + late.length).toBe(5)
    expect(await auditOf(pat, 'business.closed')).toHaveLength(1)
    await Promise.all(Array.from({ length: 5 }, () => reopen(pat)))
    expect(await auditOf(pat, 'business.reopened')).toHaveLength(1)
  })

  test('does not get around a suspension', async () => {
    const pat = await freehold.signUp()
    await setStatus(pat, 'suspended')
    expect(await close(pat)).toMatchObject(shut)
    expect(await reopen(pat)).toMatchObject(shut)
    expect(await update(pat, { name: 'X' })).toMatchObject(shut)
    expect((await read(pat)).body).toMatchObject({ status: 'suspended' })
  })

  test('can be taken back for 30 days', async () => {
    const pat = await freehold.signUp()
    freehold.ok(await close(pat))
    await freehold.advance(daysOf(30) - 60)
    const back = await signInAgain(pat)
    expect(await reopen(back)).toMatchObject({ status: 200, body: { status: 'active' } })
    expect(await reopen(back)).toMatchObject({ status: 200, body: { status: 'active' } })
    // The cycle it was closed in has ended meanwhile; a new one has begun.
    const counted = await freehold.api.post('/v1/consume', { feature: 'recordings' }, { token: pat.apiKeys[1].key })
    expect(counted.body).toMatchObject({ allowed: true, used: 1 })
  })

  test('cannot be taken back later', async () => {
    const pat = await freehold.signUp()
    freehold.ok(await close(pat))
    await freehold.advance(daysOf(30) + 1)
    const back = await signInAgain(pat)
    expect(await reopen(back)).toMatchObject({ status: 409, body: { code: 'reopening_expired' } })
    expect((await read(back)).body).toMatchObject({ status: 'closed' })
  })
})
