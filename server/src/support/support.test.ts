import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, days, type TestFreehold } from '../../test/harness.ts'
import { auditOf, onlyStaff, openStaff, refusals, type Staff } from '../../test/staff.ts'
import { createAppKey, revokeAppKey } from '../api-keys/app-keys.ts'
import { systemActor } from '../context.ts'
import { acrossBusinesses } from '../db/transactions.ts'

let freehold: TestFreehold
let people: Staff
beforeAll(async () => {
  freehold = await createTestFreehold()
  people = await openStaff(freehold)
})
afterAll(() => freehold.close())

const reason = 'the export fails, ticket 4711'

/** A business, its owner's view of support, and what a session does in it. */
async function open(policy?: 'always' | 'ask' | 'never') {
  const { business, token, user, apiKeys } = await freehold.signUp()
  const owner = { token: token as string }
  const url = `/v1/businesses/${business.id}`
  const access = `${url}/support-access`
  const setPolicy = (value: unknown, options = owner) => freehold.api.put(access, { policy: value }, options)
  if (policy) freehold.ok(await setPolicy(policy))
  return {
    business,
    owner,
    url,
    access,
    email: user.email as string,
    key: apiKeys[0].key as string,
    setPolicy,
    start: (body: Record<string, unknown> = {}, options = people.staff) =>
      freehold.api.post(
        '/v1/staff/support-sessions',
        { businessId: business.id, reason, minutes: 30, access: 'read', ...body },
        options,
      ),
    answer: (id: string, approve: boolean, options = owner) =>
      freehold.api.post(`${access}/requests/${id}`, { approve }, options),
    end: (id: string, options = owner) => freehold.api.delete(`${access}/sessions/${id}`, options),
    log: async () => freehold.ok(await freehold.api.get(access, owner)),
    look: async (bearer: string) => (await freehold.api.get(url, { token: bearer })).status,
  }
}

describe('starting a session', () => {
  test('is for staff and admin app keys only', async () => {
    const acme = await open()
    expect(await refusals((options) => acme.start({}, options as never), people)).toEqual(onlyStaff)
    expect((await acme.start({}, people.staff)).status).toBe(201)
  })

  test('with an app key shows the customer its name, and ends when the key is revoked', async () => {
    const acme = await open()
    const actor = systemActor('test')
    const backOffice = await acrossBusinesses(freehold.ctx.db, (tx) =>
      createAppKey(tx, freehold.ctx, actor, { name: 'Back office', scope: 'admin' }),
    )
    const { token, id } = freehold.ok(await acme.start({ access: 'write' }, { token: backOffice.key }))
    freehold.ok(await freehold.api.patch(acme.url, { name: 'Renamed' }, { token }))
    expect((await acme.log()).sessions.items).toMatchObject([{ by: { id: backOffice.id, name: 'Back office' } }])
    expect(await auditOf(freehold, acme.business.id, 'business.updated')).toMatchObject([
      { actor_kind: 'staff', actor_id: backOffice.id, on_behalf_of: { id: acme.business.id } },
    ])
    const ends = await freehold.api.delete(`/v1/staff/support-sessions/${id}`, people.staff)
    expect(ends.status).toBe(403)
    await acrossBusinesses(freehold.ctx.db, (tx) => revokeAppKey(tx, freehold.ctx, actor, backOffice.id))
    expect(await acme.look(token)).toBe(401)
  })

  test('works at once where the customer always allows it, and tells the owners who, why and for how long', async () => {
    const acme = await open()
    const started = await acme.start()
    expect(started).toMatchObject({ status: 201, body: { status: 'active', token: expect.stringMatching(/^sup_/) } })
    const minutes = (Date.parse(started.body.expiresAt) - freehold.ctx.now().getTime()) / 60_000
    expect(minutes).toBeGreaterThan(29)
    expect(minutes).toBeLessThanOrEqual(30)
    expect(await acme.look(started.body.token)).toBe(200)

    const [mail] = await freehold.mails(acme.email)
    expect(mail).toMatchObject({ template: 'support-session-started' })
    expect(mail?.text).toContain(reason)
    expect(mail?.text).toContain('Pat Person')
    expect(mail?.text).toContain('30 minutes')
    expect(mail?.text).toContain(`/b/${acme.business.id}/support-access`)
    expect(mail?.text).not.toContain(started.body.token)
    expect(await acme.log()).toMatchObject({
      policy: 'always',
      sessions: {
        items: [
          {
            id: started.body.id,
            by: { id: people.user.id, name: 'Pat Person' },
            reason,
            access: 'read',
            endedAt: null,
            status: 'active',
          },
        ],
        nextCursor: null,
      },
    })
    expect(await auditOf(freehold, acme.business.id, 'support_session.started')).toMatchObject([
      { actor_kind: 'staff', actor_id: people.user.id, after: { reason, access: 'read', minutes: 30 } },
    ])
  })

  test('keeps only a hash of the token, and the log never shows it', async () => {
    const acme = await open()
    const { token } = freehold.ok(await acme.start())
    const rows = await freehold.sql(
      `select s::text as row from freehold.support_sessions s union all select e::text from freehold.audit_entries e`,
    )
    expect(rows.filter(({ row }) => row.includes(token.slice(30)))).toEqual([])
    expect(JSON.stringify(await acme.log())).not.toContain(token.slice(30))
  })

  test.each([
    [{ minutes: 4 }, 'body/minutes'],
    [{ minutes: 61 }, 'body/minutes'],
    [{ minutes: 7.5 }, 'body/minutes'],
    [{ minutes: '30' }, 'body/minutes'],
    [{ access: 'admin' }, 'body/access'],
    [{ reason: '' }, 'body/reason'],
    [{ reason: '   ' }, 'body/reason'],
    [{ reason: undefined }, 'body/reason'],
    [{ reason: 'a\u0000b' }, 'body/reason'],
    [{ staffId: 'usr_x' }, 'body/staffId'],
    [{ businessId: undefined }, 'body/businessId'],
    [{ businessId: '../x' }, 'body/businessId'],
  ])('is refused with %j', async (body, path) => {
    const acme = await open()
    const refused = await acme.start(body)
    expect(refused.status).toBe(422)
    expect(refused.body.errors.map((each: { path: string }) => each.path)).toContain(path)
    expect((await acme.log()).sessions.items).toEqual([])
  })

  test('is refused for an unknown business and for a closed one', async () => {
    const acme = await open()
    expect((await acme.start({ businessId: 'biz_00000000000000000000000000' })).status).toBe(404)
    freehold.ok(await freehold.api.delete(acme.url, acme.owner))
    expect(await acme.start()).toMatchObject({ status: 409, body: { code: 'business_closed' } })
  })
})

describe('a session', () => {
  test('reads and does not write when it may only read', async () => {
    const acme = await open()
    const { token } = freehold.ok(await acme.start({ access: 'read' }))
    const session = { token }
    expect((await freehold.api.get(`${acme.url}/members`, session)).status).toBe(200)
    expect((await freehold.api.get(`${acme.url}/audit`, session)).status).toBe(200)
    expect((await freehold.api.get(`${acme.url}/usage`, session)).status).toBe(200)
    const writes = [
      await freehold.api.patch(acme.url, { name: 'Other' }, session),
      await freehold.api.post(`${acme.url}/invitations`, { email: 'x@example.test', role: 'member' }, session),
    ]
    for (const answer of writes) expect(answer).toMatchObject({ status: 403, body: { code: 'permission_denied' } })
    const gate = (permission: string) => freehold.api.post('/v1/check', { permission }, session)
    expect((await gate('recordings:read')).body).toMatchObject({ allowed: true })
    expect((await gate('recordings:create')).body).toMatchObject({ allowed: false, code: 'permission_denied' })
  })

  test('counts, takes, holds and gives back nothing when it may only read', async () => {
    const acme = await open()
    const item = { feature: 'applications', itemId: 'app_1' }
    const businessId = acme.business.id
    freehold.ok(await freehold.api.post('/v1/allocate', { businessId, ...item }, acme.owner))
    const units = { feature: 'recordings', amount: 2 }
    const held = freehold.ok(await freehold.api.post('/v1/reservations', { businessId, ...units }, acme.owner))
    const entitlements = async () => freehold.ok(await freehold.api.get(`${acme.url}/entitlements`, acme.owner))
    const before = await entitlements()

    const { token } = freehold.ok(await acme.start())
    const denied = { allowed: false, code: 'permission_denied' }
    for (const [route, body] of [
      ['consume', units],
      ['reservations', units],
      ['allocate', { ...item, itemId: 'app_2' }],
      ['release', item],
      ['consume', { ...units, permission: 'recordings:read' }],
    ] as const) {
      expect((await freehold.api.post(`/v1/${route}`, body, { token })).body).toMatchObject(denied)
    }
    const event = { feature: 'recordings', idempotencyKey: 'one' }
    const { items } = freehold.ok(await freehold.api.post('/v1/usage', { events: [event] }, { token }))
    expect(items).toMatchObject([denied])
    expect((await freehold.api.post(`/v1/reservations/${held.id}/confirm`, {}, { token })).status).toBe(403)
    expect((await freehold.api.delete(`/v1/reservations/${held.id}`, { token })).status).toBe(403)
    expect(await entitlements()).toEqual(before)

    const { explanation } = freehold.ok(await freehold.api.post('/v1/consume', { ...units, explain: true }, { token }))
    expect(explanation.failed).toBe('permission')
    expect(explanation.steps.at(1).remedy).toMatchObject({
      text: 'A support session with access read does not count',
      staff: { call: 'POST /v1/staff/support-sessions' },
    })
  })

  test('that may write is recorded as staff on behalf of the business', async () => {
    const acme = await open()
    const { token } = freehold.ok(await acme.start({ access: 'write' }))
    freehold.ok(await freehold.api.patch(acme.url, { name: 'Renamed' }, { token }))
    const consumed = await freehold.api.post(
      '/v1/consume',
      { permission: 'recordings:create', feature: 'recordings' },
      { token },
    )
    expect(consumed.body).toMatchObject({ allowed: true })
    expect(await auditOf(freehold, acme.business.id, 'business.updated')).toMatchObject([
      {
        actor_kind: 'staff',
        actor_id: people.user.id,
        on_behalf_of: { kind: 'business', id: acme.business.id },
        after: { name: 'Renamed' },
      },
    ])
    const { items } = freehold.ok(await freehold.api.get(`${acme.url}/audit?actor=staff`, acme.owner))
    expect(items[0]).toMatchObject({
      actor: { kind: 'staff', email: people.user.email },
      onBehalfOf: { kind: 'business' },
    })
  })

  test('reaches no keys, passwords, deletion, plans or support, even when it may write', async () => {
    const acme = await open()
    const { token, id } = freehold.ok(await acme.start({ access: 'write' }))
    const session = { token }
    const refused = [
      await freehold.api.post(`${acme.url}/api-keys`, { name: 'mine', type: 'server' }, session),
      await freehold.api.delete(acme.url, session),
      await freehold.api.put(acme.access, { policy: 'always' }, session),
      await freehold.api.delete(`${acme.access}/sessions/${id}`, session),
      await freehold.api.put('/v1/me/password', { currentPassword: 'x', newPassword: 'y' }, session),
      await freehold.api.get('/v1/staff/businesses', session),
      await freehold.api.post('/v1/staff/support-sessions', {}, session),
      await freehold.api.delete(`/v1/staff/support-sessions/${id}`, session),
    ]
    expect(refused.map(({ status }) => status)).toEqual(refused.map(() => 403))
    const keys = freehold.ok(await freehold.api.get(`${acme.url}/api-keys`, session))
    expect(JSON.stringify(keys)).not.toContain(acme.key)
    for (const permission of ['api-keys:manage', 'subscription:manage', 'support:manage', 'business:close']) {
      expect((await freehold.api.post('/v1/check', { permission }, session)).body).toMatchObject({ allowed: false })
    }
  })

  test('stays inside its business', async () => {
    const acme = await open()
    const other = await open()
    const { token } = freehold.ok(await acme.start({ access: 'write' }))
    expect(await other.look(token)).toBe(404)
    const consumed = await freehold.api.post(
      '/v1/consume',
      { businessId: other.business.id, feature: 'recordings' },
      { token },
    )
    expect(consumed.status).toBe(404)
  })

  test('ends by itself when its time is up', async () => {
    const acme = await open()
    const { token } = freehold.ok(await acme.start({ minutes: 5 }))
    await freehold.advance(299)
    expect(await acme.look(token)).toBe(200)
    await freehold.advance(2)
    expect(await acme.look(token)).toBe(401)
    expect((await acme.log()).sessions.items[0]).toMatchObject({ status: 'expired', endedAt: null })
  })

  test('is ended by the customer, at once and once', async () => {
    const acme = await open()
    const { token, id } = freehold.ok(await acme.start({ access: 'write' }))
    expect(await acme.look(token)).toBe(200)
    const answers = await Promise.all([acme.end(id), acme.end(id)])
    expect(answers.map(({ status }) => status)).toEqual([204, 204])
    expect(await acme.look(token)).toBe(401)
    expect((await freehold.api.post('/v1/consume', { feature: 'recordings' }, { token })).status).toBe(401)
    // A request that was let in a moment before counts nothing either: its statement looks here.
    const revoked = await freehold.sql('select from freehold.recent_revocations where credential_id = $1', [id])
    expect(revoked).toHaveLength(1)
    expect((await acme.log()).sessions.items[0]).toMatchObject({ status: 'ended', endedAt: expect.any(String) })
    expect(await auditOf(freehold, acme.business.id, 'support_session.ended')).toMatchObject([{ actor_kind: 'user' }])
  })

  test('is ended by its own staff and by no other', async () => {
    const acme = await open()
    const { token, id } = freehold.ok(await acme.start())
    const colleague = await freehold.signUp()
    await freehold.makeStaff(colleague.user.id)
    const end = (options: { token?: string }, session = id) =>
      freehold.api.delete(`/v1/staff/support-sessions/${session}`, options)
    expect((await end({})).status).toBe(401)
    expect((await end(people.customer)).status).toBe(403)
    expect((await end({ token: colleague.token })).status).toBe(403)
    expect(await acme.look(token)).toBe(200)
    expect((await end(people.staff)).status).toBe(204)
    expect((await end(people.staff)).status).toBe(204)
    expect(await acme.look(token)).toBe(401)
    expect((await end(people.staff, 'sup_00000000000000000000000000')).status).toBe(404)
  })

  test('ends when its staff is disabled, or is no staff any more', async () => {
    const colleague = await freehold.signUp()
    await freehold.makeStaff(colleague.user.id)
    const acme = await open()
    const { token } = freehold.ok(await acme.start({}, { token: colleague.token }))
    expect(await acme.look(token)).toBe(200)
    freehold.ok(
      await freehold.api.patch(
        `/v1/staff/users/${colleague.user.id}`,
        { disabled: true, reason: 'left' },
        people.staff,
      ),
    )
    expect(await acme.look(token)).toBe(401)
    freehold.ok(
      await freehold.api.patch(
        `/v1/staff/users/${colleague.user.id}`,
        { disabled: false, reason: 'is back' },
        people.staff,
      ),
    )
    await freehold.sql('delete from freehold.staff where user_id = $1', [colleague.user.id])
    expect(await acme.look(token)).toBe(401)
  })

  test('sees a suspended business and can be sent out of it', async () => {
    const acme = await open()
    freehold.ok(
      await freehold.api.patch(`/v1/staff${acme.url.slice(3)}`, { status: 'suspended', reason }, people.staff),
    )
    const { token, id } = freehold.ok(await acme.start())
    expect(await acme.look(token)).toBe(200)
    expect((await acme.end(id)).status).toBe(204)
    expect(await acme.look(token)).toBe(401)
  })

  test.each(['sup_', 'sup_x', `sup_${'0'.repeat(58)}`])('does not begin with the made-up token %j', async (token) => {
    const acme = await open()
    expect(await acme.look(token)).toBe(401)
  })
})

describe('the customer who never allows it', () => {
  test('is left alone', async () => {
    const acme = await open('never')
    expect(await acme.start()).toMatchObject({ status: 403, body: { code: 'support_access_refused' } })
    expect((await acme.log()).sessions.items).toEqual([])
    expect((await freehold.mails(acme.email)).map(({ template }) => template)).not.toContain('support-session-started')
  })

  test('ends what is going on and what was asked for by saying so', async () => {
    const acme = await open()
    const active = freehold.ok(await acme.start({ access: 'write' }))
    freehold.ok(await acme.setPolicy('ask'))
    const asked = freehold.ok(await acme.start())
    expect(await acme.look(active.token)).toBe(200)
    expect((await acme.setPolicy('never')).body).toMatchObject({
      policy: 'never',
      sessions: { items: [{ status: 'ended' }, { status: 'ended' }] },
    })
    expect(await acme.look(active.token)).toBe(401)
    expect(await acme.answer(asked.id, true)).toMatchObject({ status: 409, body: { code: 'support_session_ended' } })
    freehold.ok(await acme.setPolicy('always'))
    expect(await acme.look(active.token)).toBe(401)
    expect(await auditOf(freehold, acme.business.id, 'support_session.ended')).toHaveLength(2)
    expect(await auditOf(freehold, acme.business.id, 'support_access.changed')).toMatchObject([
      { before: { policy: 'never' }, after: { policy: 'always' } },
      { before: { policy: 'ask' }, after: { policy: 'never' } },
      { before: { policy: 'always' }, after: { policy: 'ask' } },
    ])
  })

  test('and staff who start at the same moment leave no session behind', async () => {
    const acme = await open()
    const [started] = await Promise.all([acme.start(), acme.setPolicy('never')])
    expect([201, 403]).toContain(started.status)
    const { items } = (await acme.log()).sessions
    expect(items.filter(({ status }: { status: string }) => status === 'active')).toEqual([])
  })
})

describe('the customer who wants to be asked', () => {
  test('is asked by mail, and the token works only after the approval, for the whole time', async () => {
    const acme = await open('ask')
    const asked = await acme.start({ minutes: 15 })
    expect(asked).toMatchObject({ status: 201, body: { status: 'requested', expiresAt: null } })
    const { token, id } = asked.body
    expect(await acme.look(token)).toBe(401)
    const [mail] = await freehold.mails(acme.email)
    expect(mail).toMatchObject({ template: 'support-session-requested' })
    expect(mail?.text).toContain(reason)

    await freehold.advance(3600)
    const approved = await acme.answer(id, true)
    expect(approved).toMatchObject({ status: 200, body: { id, status: 'active' } })
    expect(await acme.look(token)).toBe(200)
    expect((await acme.answer(id, true)).body).toEqual(approved.body)
    expect(await acme.answer(id, false)).toMatchObject({ status: 409, body: { code: 'conflict' } })
    await freehold.advance(14 * 60)
    expect(await acme.look(token)).toBe(200)
    await freehold.advance(61)
    expect(await acme.look(token)).toBe(401)
    expect(await auditOf(freehold, acme.business.id, 'support_session.approved')).toMatchObject([
      { actor_kind: 'user' },
    ])
    expect((await freehold.mails(acme.email))[0]).toMatchObject({ template: 'support-session-started' })
  })

  test('may refuse', async () => {
    const acme = await open('ask')
    const { token, id } = freehold.ok(await acme.start())
    for (const _ of [1, 2]) expect((await acme.answer(id, false)).body).toMatchObject({ status: 'refused' })
    expect(await acme.look(token)).toBe(401)
    expect(await acme.answer(id, true)).toMatchObject({ status: 409, body: { code: 'support_session_ended' } })
    expect(await auditOf(freehold, acme.business.id, 'support_session.refused')).toHaveLength(1)
  })

  test('is not bound by two answers at once', async () => {
    const acme = await open('ask')
    const { id } = freehold.ok(await acme.start())
    const answers = await Promise.all([acme.answer(id, true), acme.answer(id, false)])
    expect(answers.map(({ status }) => status).toSorted((left, right) => left - right)).toEqual([200, 409])
  })

  test('does not find a forgotten question working later', async () => {
    const acme = await open('ask')
    const { id, token } = freehold.ok(await acme.start())
    await freehold.advance(days(7))
    expect((await acme.log()).sessions.items[0]).toMatchObject({ status: 'expired' })
    expect(await acme.answer(id, true)).toMatchObject({ status: 409, body: { code: 'support_session_ended' } })
    expect(await acme.look(token)).toBe(401)
    await people.signIn()
  })

  test('is not asked any more when staff take the question back', async () => {
    const acme = await open('ask')
    const { id } = freehold.ok(await acme.start())
    expect((await freehold.api.delete(`/v1/staff/support-sessions/${id}`, people.staff)).status).toBe(204)
    expect(await acme.answer(id, true)).toMatchObject({ status: 409, body: { code: 'support_session_ended' } })
  })
})

describe('the switch and the log', () => {
  test('are for owners and admins', async () => {
    const acme = await open()
    const admin = await freehold.join(acme.business, acme.owner.token, 'admin')
    const member = await freehold.join(acme.business, acme.owner.token, 'member')
    const get = async (token?: string) =>
      (await freehold.api.get(acme.access, token === undefined ? {} : { token })).status
    expect([await get(), await get(member.token), await get(acme.key), await get(admin.token)]).toEqual([
      401, 403, 403, 200,
    ])
    expect((await acme.setPolicy('ask', { token: member.token })).status).toBe(403)
    expect((await acme.setPolicy('ask', { token: admin.token })).status).toBe(200)
    const { id } = freehold.ok(await acme.start())
    expect((await acme.answer(id, true, { token: member.token })).status).toBe(403)
    expect((await acme.end(id, { token: member.token })).status).toBe(403)
  })

  test("hold nothing of another business's", async () => {
    const acme = await open('ask')
    const other = await open('ask')
    const { id } = freehold.ok(await acme.start())
    expect((await other.log()).sessions.items).toEqual([])
    expect((await other.answer(id, true)).status).toBe(404)
    expect((await other.end(id)).status).toBe(404)
    expect((await freehold.api.get(acme.access, other.owner)).status).toBe(404)
    expect((await acme.log()).sessions.items).toMatchObject([{ status: 'requested' }])
  })

  test('are paged, newest first', async () => {
    const acme = await open()
    const ids = []
    for (const _ of [1, 2, 3]) ids.push(freehold.ok(await acme.start()).id)
    const first = freehold.ok(await freehold.api.get(`${acme.access}?limit=2`, acme.owner)).sessions
    expect(first.items.map(({ id }: { id: string }) => id)).toEqual([ids[2], ids[1]])
    const second = freehold.ok(await freehold.api.get(`${acme.access}?limit=2&cursor=${first.nextCursor}`, acme.owner))
    expect(second.sessions).toMatchObject({ items: [{ id: ids[0] }], nextCursor: null })
  })

  test('say nothing when nothing changes', async () => {
    const acme = await open()
    freehold.ok(await acme.setPolicy('always'))
    expect(await auditOf(freehold, acme.business.id, 'support_access.changed')).toEqual([])
  })

  test.each(['sometimes', null, true, ['always']])('refuse the policy %j', async (policy) => {
    const acme = await open()
    expect(await acme.setPolicy(policy)).toMatchObject({ status: 422, body: { errors: [{ path: 'body/policy' }] } })
  })
})
