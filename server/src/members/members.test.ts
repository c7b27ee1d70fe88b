import { Type } from 'typebox'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, type TestFreehold } from '../../test/harness.ts'
import { days, usd } from '../prices.ts'
import { defineProduct } from '../product.ts'
import { hashToken, newToken } from '../secrets.ts'

const product = defineProduct({
  name: 'Crew',
  permissions: { 'boats:read': 'read', 'boats:sail': 'write' },
  roles: {
    member: ['boats:read'],
    // Manages people without being allowed everything they may be allowed.
    bosun: ['members:manage', 'invitations:manage', 'boats:read'],
    sailor: ['boats:read', 'boats:sail'],
  },
  features: { boats: { kind: 'allocated' } },
  plans: { crew: { name: 'Crew', cycle: days(30), price: usd(0), includes: { boats: 3, members: null } } },
  fields: { member: Type.Object({ cabin: Type.Optional(Type.Integer()) }) },
  signup: { plan: 'crew' },
})

let freehold: TestFreehold
beforeAll(async () => {
  freehold = await createTestFreehold({ product })
})
afterAll(() => freehold.close())

type Person = { token: string; business: { id: string }; member: { id: string }; user: { id: string; email: string } }

const membersOf = (person: Person) => `/v1/businesses/${person.business.id}/members`
const change = (by: Person, who: Person, body: unknown) =>
  freehold.api.patch(`${membersOf(by)}/${who.member.id}`, body, { token: by.token })
const remove = (by: Person, who: Person) =>
  freehold.api.delete(`${membersOf(by)}/${who.member.id}`, { token: by.token })
const transfer = (by: Person, memberId: string) =>
  freehold.api.post(`/v1/businesses/${by.business.id}/ownership-transfer`, { memberId }, { token: by.token })
const read = (by: Person) => freehold.api.get(`/v1/businesses/${by.business.id}`, { token: by.token })

/** role by member id, as it is stored. */
async function rolesIn(person: Person): Promise<Record<string, string>> {
  const rows = await freehold.sql('select id, role from freehold.members where business_id = $1', [person.business.id])
  return Object.fromEntries(rows.map(({ id, role }) => [id, role]))
}

/** A business and one more person in it. */
async function crew(role: string): Promise<{ owner: Person; other: Person }> {
  const owner = await freehold.signUp()
  return { owner, other: await freehold.join(owner.business, owner.token, role) }
}

const lastOwner = { status: 409, body: { code: 'last_owner' } }
const denied = { status: 403, body: { code: 'permission_denied' } }
const unknown = { status: 404, body: { code: 'not_found' } }

describe('the members', () => {
  test('are seen by every member, page by page, oldest first', async () => {
    const { owner, other } = await crew('member')
    const all = freehold.ok(await freehold.api.get(membersOf(other), { token: other.token }))
    expect(all).toMatchObject({
      items: [
        { id: owner.member.id, email: owner.user.email, role: 'owner', suspended: false, suspendedAt: null },
        { id: other.member.id, email: other.user.email, role: 'member', firstName: 'Jo', lastName: 'Joiner' },
      ],
      nextCursor: null,
    })
    const first = freehold.ok(await freehold.api.get(`${membersOf(owner)}?limit=1`, { token: owner.token }))
    expect(first.items).toHaveLength(1)
    const second = freehold.ok(
      await freehold.api.get(`${membersOf(owner)}?limit=1&cursor=${first.nextCursor}`, { token: owner.token }),
    )
    expect([...first.items, ...second.items]).toEqual(all.items)
    expect(second.nextCursor).toBeNull()
  })

  test('of another business are nobody’s, whether by its id or below one’s own', async () => {
    const { owner, other } = await crew('member')
    const { owner: stranger } = await crew('member')
    expect(await freehold.api.get(membersOf(owner), { token: stranger.token })).toMatchObject(unknown)
    const random = 'mem_00000000000000000000000000'
    for (const id of [other.member.id, random, 'nonsense']) {
      const route = `${membersOf(stranger)}/${id}`
      expect(await freehold.api.patch(route, { role: 'admin' }, { token: stranger.token })).toMatchObject(unknown)
      expect(await freehold.api.delete(route, { token: stranger.token })).toMatchObject(unknown)
    }
    for (const id of [other.member.id, random]) expect(await transfer(stranger, id)).toMatchObject(unknown)
    expect(await rolesIn(owner)).toEqual({ [owner.member.id]: 'owner', [other.member.id]: 'member' })
    expect(await rolesIn(stranger)).toMatchObject({ [stranger.member.id]: 'owner' })
  })

  test('are managed by nobody who is not signed in', async () => {
    const { owner, other } = await crew('member')
    const route = `${membersOf(owner)}/${other.member.id}`
    for (const answer of [
      await freehold.api.get(membersOf(owner)),
      await freehold.api.patch(route, { role: 'admin' }),
      await freehold.api.delete(route),
    ])
      expect(answer).toMatchObject({ status: 401, body: { code: 'unauthenticated' } })
  })
})

describe('changing a member', () => {
  test('gives another role, which counts at once', async () => {
    const { owner, other } = await crew('member')
    const rename = () =>
      freehold.api.patch(`/v1/businesses/${owner.business.id}`, { name: 'Renamed' }, { token: other.token })
    expect(await rename()).toMatchObject(denied)
    expect(await change(owner, other, { role: 'admin' })).toMatchObject({
      status: 200,
      body: { id: other.member.id, role: 'admin' },
    })
    expect((await rename()).status).toBe(200)
    freehold.ok(await change(owner, other, { role: 'member' }))
    expect(await rename()).toMatchObject(denied)
  })

  test('keeps to the fields the product declares, and leaves those that are not sent', async () => {
    const { owner, other } = await crew('member')
    expect(await change(owner, other, { fields: { cabin: 12 } })).toMatchObject({
      status: 200,
      body: { fields: { cabin: 12 } },
    })
    expect(await change(owner, other, { role: 'sailor' })).toMatchObject({ body: { fields: { cabin: 12 } } })
    for (const fields of [{ cabin: 'twelve' }, { berth: 1 }, { constructor: 1 }])
      expect(await change(owner, other, { fields })).toMatchObject({ status: 422, body: { code: 'invalid_request' } })
  })

  test.each([
    [{}, 'body'],
    [{ role: 'emperor' }, 'body/role'],
    [{ role: 'constructor' }, 'body/role'],
    [{ role: ['admin'] }, 'body/role'],
    [{ role: null }, 'body/role'],
    [{ suspended: 'yes' }, 'body/suspended'],
    [{ role: 'member', userId: 'usr_1' }, 'body/userId'],
    [{ role: 'member', businessId: 'biz_1' }, 'body/businessId'],
    [{ status: 'active' }, 'body/status'],
  ])('refuses %j', async (body, path) => {
    const { owner, other } = await crew('member')
    const answer = await change(owner, other, body)
    expect(answer).toMatchObject({ status: 422, body: { code: 'invalid_request' } })
    expect(answer.body.errors).toContainEqual(expect.objectContaining({ path }))
    expect(await rolesIn(owner)).toMatchObject({ [other.member.id]: 'member' })
  })

  test('is for those who manage members', async () => {
    const { owner, other } = await crew('sailor')
    const third = await freehold.join(owner.business, owner.token)
    for (const who of [owner, other, third]) {
      expect(await change(other, who, { role: 'member' })).toMatchObject(denied)
      expect(await change(other, who, { suspended: true })).toMatchObject(denied)
    }
  })

  test('gives nobody more than the one who changes holds, themselves included', async () => {
    const { owner, other: admin } = await crew('admin')
    const member = await freehold.join(owner.business, owner.token)
    const bosun = await freehold.join(owner.business, owner.token, 'bosun')
    for (const [by, who, role] of [
      [admin, admin, 'owner'],
      [admin, member, 'owner'],
      [bosun, bosun, 'admin'],
      [bosun, member, 'admin'],
      [bosun, member, 'sailor'],
    ] as const)
      expect(await change(by, who, { role })).toMatchObject(denied)
    expect(await change(bosun, member, { role: 'bosun' })).toMatchObject({ status: 200 })
  })

  test('takes nothing from those who hold more', async () => {
    const { owner, other: admin } = await crew('admin')
    const bosun = await freehold.join(owner.business, owner.token, 'bosun')
    for (const [by, who] of [
      [admin, owner],
      [bosun, owner],
      [bosun, admin],
    ] as const) {
      expect(await change(by, who, { role: 'member' })).toMatchObject(denied)
      expect(await change(by, who, { suspended: true })).toMatchObject(denied)
      expect(await remove(by, who)).toMatchObject(denied)
    }
    expect(await rolesIn(owner)).toEqual({
      [owner.member.id]: 'owner',
      [admin.member.id]: 'admin',
      [bosun.member.id]: 'bosun',
    })
  })

  test('is written down with what was before and after', async () => {
    const { owner, other } = await crew('member')
    freehold.ok(await change(owner, other, { role: 'sailor' }))
    freehold.ok(await change(owner, other, { suspended: true }))
    freehold.ok(await change(owner, other, { suspended: true, role: 'member' }))
    freehold.ok(await change(owner, other, { suspended: false }))
    freehold.ok(await remove(owner, other))
    const { items } = freehold.ok(
      await freehold.api.get(`/v1/businesses/${owner.business.id}/audit?action=member`, { token: owner.token }),
    )
    const target = { kind: 'member', id: other.member.id, name: other.user.email }
    expect(items).toMatchObject([
      { action: 'member.removed', target, before: { role: 'member' }, actor: { id: owner.user.id } },
      { action: 'member.restored', target, before: { suspended: true }, after: { suspended: false } },
      { action: 'member.updated', target, before: { role: 'sailor' }, after: { role: 'member', suspended: true } },
      { action: 'member.suspended', target, before: { suspended: false }, after: { suspended: true } },
      { action: 'member.updated', target, before: { role: 'member' }, after: { role: 'sailor' } },
      { action: 'member.joined', target, actor: { id: other.user.id } },
    ])
  })
})

describe('suspending', () => {
  test('ends access at once, at the gate too, and restoring gives it back', async () => {
    const { owner, other } = await crew('sailor')
    const sail = () =>
      freehold.api.post(
        '/v1/check',
        { businessId: owner.business.id, permission: 'boats:sail' },
        { token: other.token },
      )
    expect((await sail()).body).toMatchObject({ allowed: true })
    const suspended = await change(owner, other, { suspended: true })
    expect(suspended).toMatchObject({ status: 200, body: { suspended: true } })
    expect(suspended.body.suspendedAt).not.toBeNull()
    expect(await read(other)).toMatchObject(denied)
    expect(await freehold.api.get(membersOf(other), { token: other.token })).toMatchObject(denied)
    expect(await remove(other, other)).toMatchObject(denied)
    expect(await sail()).toMatchObject(denied)
    // The login is the person's own and goes on.
    const me = freehold.ok(await freehold.api.get('/v1/me', { token: other.token }))
    expect(me.memberships).toMatchObject([{ suspended: true, permissions: [] }])

    expect(await change(owner, other, { suspended: false })).toMatchObject({
      body: { suspended: false, suspendedAt: null },
    })
    expect((await sail()).body).toMatchObject({ allowed: true })
    expect((await read(other)).status).toBe(200)
  })

  test('again changes nothing about when it began', async () => {
    const { owner, other } = await crew('member')
    const first = freehold.ok(await change(owner, other, { suspended: true }))
    await freehold.advance(60)
    expect(await change(owner, other, { suspended: true })).toMatchObject({
      body: { suspended: true, suspendedAt: first.suspendedAt },
    })
  })

  test('does not make an owner of the one who is left', async () => {
    const { owner, other } = await crew('owner')
    freehold.ok(await change(owner, other, { suspended: true }))
    expect(await change(owner, owner, { suspended: true })).toMatchObject(lastOwner)
    expect(await remove(owner, owner)).toMatchObject(lastOwner)
  })
})

describe('leaving', () => {
  test('needs no permission, and is over at once', async () => {
    const { owner, other } = await crew('member')
    expect((await remove(other, other)).status).toBe(204)
    expect(await read(other)).toMatchObject(unknown)
    expect(await remove(other, other)).toMatchObject(unknown)
    expect(Object.keys(await rolesIn(owner))).toEqual([owner.member.id])
    const { items } = freehold.ok(
      await freehold.api.get(`/v1/businesses/${owner.business.id}/audit?action=member.left`, { token: owner.token }),
    )
    expect(items).toMatchObject([{ actor: { id: other.user.id }, target: { id: other.member.id } }])
  })

  test('is one’s own only: to remove others takes the permission', async () => {
    const { owner, other } = await crew('member')
    const third = await freehold.join(owner.business, owner.token)
    expect(await remove(other, third)).toMatchObject(denied)
    expect(await remove(other, owner)).toMatchObject(denied)
    expect(Object.keys(await rolesIn(owner))).toHaveLength(3)
  })

  test('lets one come back by another invitation', async () => {
    const { owner, other } = await crew('member')
    freehold.ok(await remove(owner, other))
    const invitation = { email: other.user.email, role: 'sailor' }
    freehold.ok(
      await freehold.api.post(`/v1/businesses/${owner.business.id}/invitations`, invitation, { token: owner.token }),
    )
    const token = await freehold.mailedToken(other.user.email)
    const accepted = freehold.ok(await freehold.api.post('/v1/invitations/accept', { token }, { token: other.token }))
    expect(accepted.member).toMatchObject({ userId: other.user.id, role: 'sailor' })
    expect(accepted.member.id).not.toBe(other.member.id)
  })

  test('is not for staff who look in: a support session is no membership', async () => {
    const { owner, other } = await crew('member')
    await freehold.makeStaff(other.user.id)
    const token = newToken('sup', owner.business.id)
    const now = freehold.ctx.now()
    await freehold.sql(
      `insert into freehold.support_sessions
         (business_id, id, staff_id, staff_name, reason, access, minutes, token_hash, requested_at, started_at, expires_at)
       values ($1, $2, $3, 'Staff', 'looking in', 'read', 60, $4, $5, $5, $6)`,
      [
        owner.business.id,
        freehold.ctx.newId('supportSession'),
        other.user.id,
        hashToken(token),
        now,
        new Date(now.getTime() + 3_600_000),
      ],
    )
    const support = { ...other, token }
    expect((await read(support)).status).toBe(200)
    expect(await remove(support, other)).toMatchObject(denied)
    expect(await rolesIn(owner)).toHaveProperty(other.member.id)
  })
})

describe('the last owner', () => {
  test('cannot leave, step down or be suspended', async () => {
    const { owner } = await crew('admin')
    expect(await remove(owner, owner)).toMatchObject(lastOwner)
    expect(await change(owner, owner, { role: 'admin' })).toMatchObject(lastOwner)
    expect(await change(owner, owner, { suspended: true })).toMatchObject(lastOwner)
    expect(await change(owner, owner, { role: 'owner' })).toMatchObject({ status: 200 })
    expect(await rolesIn(owner)).toMatchObject({ [owner.member.id]: 'owner' })
  })

  test('may go once there is another', async () => {
    const { owner, other } = await crew('member')
    freehold.ok(await change(owner, other, { role: 'owner' }))
    expect((await remove(owner, owner)).status).toBe(204)
    expect(await rolesIn(owner)).toEqual({ [other.member.id]: 'owner' })
  })

  test.each<[string, (by: Person, who: Person) => Promise<unknown>]>([
    ['both leave', (by) => remove(by, by)],
    ['each removes the other', remove],
    ['each demotes the other', (by, who) => change(by, who, { role: 'member' })],
    ['both step down', (by) => change(by, by, { role: 'member' })],
    ['each suspends the other', (by, who) => change(by, who, { suspended: true })],
    ['both hand on to each other', (by, who) => transfer(by, who.member.id)],
  ])('stays when of two %s at once', async (_what, act) => {
    for (let round = 0; round < 3; round++) {
      const { owner, other } = await crew('owner')
      await Promise.all([act(owner, other), act(other, owner)])
      const rows = await freehold.sql(
        `select id from freehold.members where business_id = $1 and role = 'owner' and suspended_at is null`,
        [owner.business.id],
      )
      expect(rows).toHaveLength(1)
    }
  })
})

describe('handing the business on', () => {
  test('makes the other the owner and the one who gives an admin', async () => {
    const { owner, other } = await crew('member')
    expect(await transfer(owner, other.member.id)).toMatchObject({
      status: 200,
      body: { id: other.member.id, role: 'owner' },
    })
    expect(await rolesIn(owner)).toEqual({ [owner.member.id]: 'admin', [other.member.id]: 'owner' })
    expect(await transfer(owner, owner.member.id)).toMatchObject(denied)
    const { items } = freehold.ok(
      await freehold.api.get(`/v1/businesses/${owner.business.id}/audit?action=business`, { token: other.token }),
    )
    expect(items[0]).toMatchObject({
      action: 'business.ownership_transferred',
      actor: { id: owner.user.id },
      before: { owner: owner.user.id },
      after: { owner: other.user.id },
    })
  })

  test('is the owner’s alone', async () => {
    const { owner, other: admin } = await crew('admin')
    const member = await freehold.join(owner.business, owner.token)
    for (const by of [admin, member]) expect(await transfer(by, by.member.id)).toMatchObject(denied)
    expect(await rolesIn(owner)).toMatchObject({ [owner.member.id]: 'owner' })
  })

  test('goes to somebody else who is not suspended', async () => {
    const { owner, other } = await crew('member')
    freehold.ok(await change(owner, other, { suspended: true }))
    for (const id of [owner.member.id, other.member.id]) {
      expect(await transfer(owner, id)).toMatchObject({
        status: 422,
        body: { code: 'invalid_request', errors: [{ path: 'body/memberId' }] },
      })
    }
    expect(await rolesIn(owner)).toMatchObject({ [owner.member.id]: 'owner' })
  })

  test('to two at once makes one of them the owner', async () => {
    for (let round = 0; round < 3; round++) {
      const { owner, other } = await crew('member')
      const third = await freehold.join(owner.business, owner.token)
      const answers = await Promise.all([transfer(owner, other.member.id), transfer(owner, third.member.id)])
      expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 403])
      expect(Object.values(await rolesIn(owner)).toSorted()).toEqual(['admin', 'member', 'owner'])
    }
  })

  test('is not possible for an owner who is demoted at the same moment: they do not come out an admin', async () => {
    for (let round = 0; round < 3; round++) {
      const { owner, other } = await crew('owner')
      const third = await freehold.join(owner.business, owner.token)
      const [demoted, handed] = await Promise.all([
        change(owner, other, { role: 'member' }),
        transfer(other, third.member.id),
      ])
      const roles = await rolesIn(owner)
      expect([handed.status, roles[third.member.id]].join(' ')).toMatch(/^(200 owner|403 member)$/)
      // Whichever came first, the demotion is the last word about the other.
      expect(demoted.status).toBe(200)
      expect(roles[other.member.id]).toBe('member')
    }
  })
})
