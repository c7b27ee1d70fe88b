import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, password, type TestFreehold } from '../../test/harness.ts'
import { auditOf, onlyStaff, openStaff, refusals, type Staff } from '../../test/staff.ts'

let freehold: TestFreehold
let people: Staff
beforeAll(async () => {
  freehold = await createTestFreehold()
  people = await openStaff(freehold)
})
afterAll(() => freehold.close())

const reason = 'asked for by the owner'

describe('a member', () => {
  const change = (businessId: string, memberId: string, body: Record<string, unknown>, options = people.staff) =>
    freehold.api.patch(`/v1/staff/businesses/${businessId}/members/${memberId}`, body, options)

  test('is changed by staff and admin app keys only', async () => {
    const acme = await freehold.signUp()
    const { member } = await freehold.join(acme.business, acme.token)
    const call = (options: { token?: string }) =>
      freehold.api.patch(
        `/v1/staff/businesses/${acme.business.id}/members/${member.id}`,
        { suspended: true, reason },
        options,
      )
    expect(await refusals(call, people)).toEqual(onlyStaff)
    expect((await call({ token: acme.token })).status).toBe(403)
    expect((await call(people.admin)).status).toBe(200)
  })

  test('gets another role, up to owner, with the reason in the log', async () => {
    const acme = await freehold.signUp()
    const joined = await freehold.join(acme.business, acme.token)
    expect(await change(acme.business.id, joined.member.id, { role: 'owner', reason })).toMatchObject({
      status: 200,
      body: { id: joined.member.id, role: 'owner' },
    })
    expect(await change(acme.business.id, acme.member.id, { role: 'admin', reason })).toMatchObject({
      status: 200,
      body: { role: 'admin' },
    })
    expect(await auditOf(freehold, acme.business.id, 'member.updated')).toMatchObject([
      { actor_kind: 'staff', actor_id: people.user.id, before: { role: 'owner' }, after: { role: 'admin', reason } },
      { before: { role: 'member' }, after: { role: 'owner', reason } },
    ])
  })

  test('is suspended at once, and restored', async () => {
    const acme = await freehold.signUp()
    const joined = await freehold.join(acme.business, acme.token)
    const look = () => freehold.api.get(`/v1/businesses/${acme.business.id}`, { token: joined.token })
    expect((await look()).status).toBe(200)
    freehold.ok(await change(acme.business.id, joined.member.id, { suspended: true, reason }))
    expect((await look()).status).toBe(403)
    freehold.ok(await change(acme.business.id, joined.member.id, { suspended: false, reason }))
    expect((await look()).status).toBe(200)
    for (const action of ['member.suspended', 'member.restored']) {
      expect(await auditOf(freehold, acme.business.id, action)).toMatchObject([{ after: { reason } }])
    }
  })

  test('who is the last owner stays one, also when two are demoted at once', async () => {
    const acme = await freehold.signUp()
    expect(await change(acme.business.id, acme.member.id, { role: 'member', reason })).toMatchObject({
      status: 409,
      body: { code: 'last_owner' },
    })
    const joined = await freehold.join(acme.business, acme.token)
    freehold.ok(await change(acme.business.id, joined.member.id, { role: 'owner', reason }))
    const answers = await Promise.all([
      change(acme.business.id, acme.member.id, { suspended: true, reason }),
      change(acme.business.id, joined.member.id, { role: 'member', reason }),
    ])
    expect(answers.map(({ status }) => status).toSorted((left, right) => left - right)).toEqual([200, 409])
  })

  test.each([
    [{}, undefined],
    [{ reason }, undefined],
    [{ role: 'admin' }, 'body/reason'],
    [{ suspended: true }, 'body/reason'],
    [{ role: 'admin', reason: null }, 'body/reason'],
    [{ role: 'admin', reason: '   ' }, 'body/reason'],
    [{ role: 'king', reason }, 'body/role'],
    [{ role: 'constructor', reason }, 'body/role'],
    [{ role: ['owner'], reason }, 'body/role'],
    [{ suspended: 'yes', reason }, 'body/suspended'],
    [{ suspended: true, reason: ' ' }, 'body/reason'],
    [{ suspended: true, reason, userId: 'usr_x' }, 'body/userId'],
  ])('is not changed by %j', async (body, path) => {
    const acme = await freehold.signUp()
    const { member } = await freehold.join(acme.business, acme.token)
    const refused = await change(acme.business.id, member.id, body)
    expect(refused.status).toBe(422)
    const paths = refused.body.errors.map((each: { path: string }) => each.path)
    expect(paths).toContain(path ?? paths[0])
    expect(await auditOf(freehold, acme.business.id, 'member.updated')).toEqual([])
  })

  test('of another business is not found under this one', async () => {
    const acme = await freehold.signUp()
    const other = await freehold.signUp()
    const refused = await change(acme.business.id, other.member.id, { role: 'member', reason })
    expect(refused).toMatchObject({ status: 404, body: { code: 'not_found' } })
    const [row] = await freehold.sql('select role from freehold.members where id = $1', [other.member.id])
    expect(row.role).toBe('owner')
  })
})

describe('a user', () => {
  const disable = (userId: string, disabled: boolean, options = people.staff) =>
    freehold.api.patch(`/v1/staff/users/${userId}`, { disabled, reason }, options)

  test('is disabled by staff and admin app keys only', async () => {
    const acme = await freehold.signUp()
    expect(await refusals((options) => disable(acme.user.id, true, options as never), people)).toEqual(onlyStaff)
    expect((await disable(acme.user.id, true, { token: acme.token })).status).toBe(403)
    expect((await disable(acme.user.id, true, people.admin)).status).toBe(200)
  })

  test('who is disabled is signed out everywhere at once, and cannot sign in until enabled', async () => {
    const acme = await freehold.signUp()
    const signIn = () => freehold.api.post('/v1/login', { email: acme.user.email, password })
    const second = freehold.ok(await signIn()).token
    const consume = (token: string) =>
      freehold.api.post('/v1/consume', { businessId: acme.business.id, feature: 'recordings' }, { token })
    expect((await consume(second)).body).toMatchObject({ allowed: true })

    expect(await disable(acme.user.id, true)).toMatchObject({
      status: 200,
      body: { id: acme.user.id, disabled: true, disabledAt: expect.any(String) },
    })
    for (const token of [acme.token, second]) {
      expect((await freehold.api.get('/v1/me', { token })).status).toBe(401)
      expect((await consume(token)).status).toBe(401)
    }
    expect((await signIn()).status).toBe(401)

    expect(await disable(acme.user.id, false)).toMatchObject({
      status: 200,
      body: { disabled: false, disabledAt: null },
    })
    expect((await freehold.api.get('/v1/me', { token: acme.token })).status).toBe(401)
    const fresh = freehold.ok(await signIn()).token
    expect((await consume(fresh)).body).toMatchObject({ allowed: true, used: 2 })
  })

  test('is disabled once, and the log of the system and of every business says so', async () => {
    const acme = await freehold.signUp()
    const other = await freehold.signUp()
    await freehold.sql(
      `insert into freehold.members (business_id, id, user_id, role, created_at) values ($1, 'mem_x', $2, 'member', $3)`,
      [other.business.id, acme.user.id, freehold.ctx.now()],
    )
    for (const _ of [1, 2]) expect((await disable(acme.user.id, true)).status).toBe(200)
    const change = { actor_kind: 'staff', target: { kind: 'user', id: acme.user.id }, after: { reason } }
    expect(await auditOf(freehold, acme.business.id, 'user.disabled')).toMatchObject([change])
    expect(await auditOf(freehold, other.business.id, 'user.disabled')).toMatchObject([change])
    const system = await freehold.sql(
      `select * from freehold.system_audit_entries where action = 'user.disabled' and target ->> 'id' = $1`,
      [acme.user.id],
    )
    expect(system).toMatchObject([change])
    expect((await disable(acme.user.id, false)).status).toBe(200)
    expect(await auditOf(freehold, acme.business.id, 'user.enabled')).toMatchObject([change])
  })

  test('who is staff loses what staff may do, and nobody disables themself', async () => {
    const colleague = await freehold.signUp()
    await freehold.makeStaff(colleague.user.id)
    const token: string = colleague.token
    expect((await freehold.api.get('/v1/staff/businesses', { token })).status).toBe(200)
    expect(await disable(colleague.user.id, true, { token })).toMatchObject({ status: 409, body: { code: 'conflict' } })
    freehold.ok(await disable(colleague.user.id, true))
    expect((await freehold.api.get('/v1/staff/businesses', { token })).status).toBe(401)
  })

  test('are tied to what the product’s own system calls them, each to one', async () => {
    const [acme, other] = [await freehold.signUp(), await freehold.signUp()]
    expect(acme.user.externalId).toBeNull()
    const tie = (userId: string, externalId: unknown, options = people.admin) =>
      freehold.api.patch(`/v1/staff/users/${userId}`, { externalId, reason }, options)
    const mine = `crm-${acme.user.id}`
    expect((await tie(acme.user.id, mine, { token: acme.token })).status).toBe(403)
    for (const _ of [1, 2]) {
      expect(await tie(acme.user.id, mine)).toMatchObject({ status: 200, body: { externalId: mine, disabled: false } })
    }
    expect((await freehold.api.get('/v1/me', { token: acme.token })).body.user).toMatchObject({ externalId: mine })
    expect(await tie(other.user.id, mine)).toMatchObject({ status: 409, body: { code: 'external_id_taken' } })
    expect(await tie(acme.user.id, null)).toMatchObject({ body: { externalId: null } })
    expect(await tie(other.user.id, mine)).toMatchObject({ status: 200, body: { externalId: mine } })
    for (const wrong of ['', 7, 'a\u0000b', 'x'.repeat(201)]) expect((await tie(other.user.id, wrong)).status).toBe(422)
    const audited = await freehold.sql(
      `select before, after from freehold.system_audit_entries
       where action = 'user.updated' and target->>'id' = $1 order by id`,
      [acme.user.id],
    )
    expect(audited).toEqual([
      { before: { externalId: null }, after: { externalId: mine, reason } },
      { before: { externalId: mine }, after: { externalId: null, reason } },
    ])
  })

  test('who is unknown is not found', async () => {
    expect((await disable('usr_00000000000000000000000000', true)).status).toBe(404)
  })

  test.each([
    {},
    { reason },
    { disabled: true },
    { disabled: true, reason: '' },
    { disabled: 'true', reason },
    { disabled: true, reason, email: 'x@example.test' },
  ])('is not changed by %j', async (body) => {
    const acme = await freehold.signUp()
    expect((await freehold.api.patch(`/v1/staff/users/${acme.user.id}`, body, people.staff)).status).toBe(422)
  })
})
