import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, days, password, type TestFreehold } from '../../test/harness.ts'

let freehold: TestFreehold
beforeAll(async () => {
  freehold = await createTestFreehold()
})
afterAll(() => freehold.close())

type Owner = { token: string; business: { id: string; name: string }; user: { id: string; email: string } }

let guests = 0
const someone = () => `guest${++guests}@example.test`
const person = { password, firstName: 'Gil', lastName: 'Guest' }

const routeOf = (owner: Owner) => `/v1/businesses/${owner.business.id}/invitations`
const invite = (owner: Owner, email: string, role = 'member', token = owner.token) =>
  freehold.api.post(routeOf(owner), { email, role }, { token })
const lookUp = (token: string) => freehold.api.post('/v1/invitations/lookup', { token })
const accept = (token: string, session: string) =>
  freehold.api.post('/v1/invitations/accept', { token }, { token: session })
const signUpWith = (invitationToken: string) => freehold.api.post('/v1/signup', { invitationToken, ...person })

/** Invites and answers the invitation with the mailed token. */
async function invited(owner: Owner, email: string, role = 'member', token = owner.token) {
  const invitation = freehold.ok(await invite(owner, email, role, token))
  return { invitation, link: await freehold.mailedToken(email, 'invitation') }
}

/** A user with a business of their own whose e-mail is proved. */
async function verifiedUser(email: string): Promise<Owner> {
  const user = await freehold.signUp({ email })
  const token = await freehold.mailedToken(email, 'email-verification')
  freehold.ok(await freehold.api.post('/v1/email-verifications/confirm', { token }))
  return user
}

async function list(owner: Owner) {
  return freehold.ok(await freehold.api.get(routeOf(owner), { token: owner.token })).items
}

async function memberEmails(owner: Owner): Promise<string[]> {
  const { items } = freehold.ok(
    await freehold.api.get(`/v1/businesses/${owner.business.id}/members`, { token: owner.token }),
  )
  return items.map(({ email }: { email: string }) => email).sort()
}

const setSeats = (owner: Owner, seats: number) =>
  freehold.sql(
    `insert into freehold.limit_overrides (business_id, feature, value, reason, created_by, created_at)
     values ($1, 'members', $2, 'test', 'test', $3)`,
    [owner.business.id, String(seats), freehold.ctx.now()],
  )

describe('inviting', () => {
  test('answers the invitation, says who invited, and mails a link that works for seven days', async () => {
    const acme = await freehold.signUp()
    const email = someone()
    const answer = await invite(acme, email)
    expect(answer.status).toBe(201)
    expect(Object.keys(answer.body).sort()).toEqual(
      ['acceptedAt', 'createdAt', 'email', 'expiresAt', 'id', 'invitedBy', 'revokedAt', 'role', 'state'].sort(),
    )
    expect(answer.body).toMatchObject({
      email,
      role: 'member',
      state: 'pending',
      invitedBy: { id: acme.user.id, name: 'Pat Person' },
      acceptedAt: null,
      revokedAt: null,
    })
    expect(Date.parse(answer.body.expiresAt) - Date.parse(answer.body.createdAt)).toBeLessThanOrEqual(days(7) * 1000)
    const [mail] = await freehold.mails(email)
    expect(mail).toMatchObject({ template: 'invitation', subject: `Pat Person invites you to ${acme.business.name}` })
    expect(mail?.text).toContain('http://localhost:3000/join#token=inv_')
    expect(await list(acme)).toEqual([answer.body])
  })

  test('keeps only a hash of the token, and no answer holds either', async () => {
    const acme = await freehold.signUp()
    const { invitation, link } = await invited(acme, someone())
    const canary = Buffer.from('canary-of-a-token-hash')
    const [row] = await freehold.sql(
      'update freehold.invitations set token_hash = $2 where id = $1 returning row_to_json(invitations) as whole',
      [invitation.id, canary],
    )
    expect(JSON.stringify(row)).not.toContain(link)
    const resent = await freehold.api.post(`${routeOf(acme)}/${invitation.id}/resend`, {}, { token: acme.token })
    const answers = JSON.stringify([
      invitation,
      await list(acme),
      resent.body,
      (await freehold.api.get(`/v1/businesses/${acme.business.id}/audit`, { token: acme.token })).body,
    ])
    for (const secret of [link, canary.toString(), canary.toString('hex'), canary.toString('base64'), 'okenHash'])
      expect(answers).not.toContain(secret)
  })

  test('looks the same for an e-mail that has an account and one that has none', async () => {
    const acme = await freehold.signUp()
    const known = (await freehold.signUp()).user.email
    const unknown = someone()
    const [first, second] = [await invite(acme, known), await invite(acme, unknown)]
    const shape = ({ status, body }: typeof first, email: string) => ({
      status,
      body: { ...body, id: '', createdAt: '', expiresAt: '', email: body.email === email },
    })
    expect(shape(first, known)).toEqual(shape(second, unknown))
    const mailTo = async (email: string) => (await freehold.mails(email)).find((mail) => mail.template === 'invitation')
    expect((await mailTo(known))?.subject).toBe((await mailTo(unknown))?.subject)
  })

  test('is one e-mail however it is spelled, pending once, and never a member', async () => {
    const acme = await freehold.signUp()
    const email = someone()
    expect((await invite(acme, email.toUpperCase())).body).toMatchObject({ email })
    expect(await invite(acme, email)).toMatchObject({ status: 409, body: { code: 'already_invited' } })
    expect(await invite(acme, acme.user.email.toUpperCase())).toMatchObject({
      status: 409,
      body: { code: 'already_member' },
    })
  })

  test('of several who invite one e-mail at once, one does', async () => {
    const acme = await freehold.signUp()
    const email = someone()
    const answers = await Promise.all(Array.from({ length: 6 }, () => invite(acme, email)))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
    expect(answers.filter(({ body }) => body.code === 'already_invited')).toHaveLength(5)
    expect(await freehold.mails(email)).toHaveLength(1)
  })

  test('is done once for one idempotency key', async () => {
    const acme = await freehold.signUp()
    const email = someone()
    const call = (role: string) =>
      freehold.api.post(
        routeOf(acme),
        { email, role },
        { token: acme.token, headers: { 'idempotency-key': `invite-${email}` } },
      )
    const first = await call('member')
    expect(await call('member')).toMatchObject({ status: 201, body: first.body })
    expect(await call('admin')).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } })
    expect(await freehold.mails(email)).toHaveLength(1)
  })

  test.each([
    [{}, 'body/email'],
    [{ email: 'nobody', role: 'member' }, 'body/email'],
    [{ email: ['a@example.test'], role: 'member' }, 'body/email'],
    [{ email: 'a@example.test\r\nBcc: b@example.test', role: 'member' }, 'body/email'],
    [{ email: 'a@example.test', role: 'emperor' }, 'body/role'],
    [{ email: 'a@example.test', role: 'constructor' }, 'body/role'],
    [{ email: 'a@example.test', role: '__proto__' }, 'body/role'],
    [{ email: 'a@example.test', role: 'member', status: 'accepted' }, 'body/status'],
    [{ email: 'a@example.test', role: 'member', businessId: 'biz_1' }, 'body/businessId'],
    [{ email: 'a@example.test', role: 'member', userId: 'usr_1' }, 'body/userId'],
  ])('refuses %j', async (body, path) => {
    const acme = await freehold.signUp()
    const answer = await freehold.api.post(routeOf(acme), body, { token: acme.token })
    expect(answer).toMatchObject({ status: 422, body: { code: 'invalid_request' } })
    expect(answer.body.errors).toContainEqual(expect.objectContaining({ path }))
    expect(await list(acme)).toEqual([])
  })

  test('gives nobody more than the one who invites holds', async () => {
    const acme = await freehold.signUp()
    const admin = await freehold.join(acme.business, acme.token, 'admin')
    expect(await invite(acme, someone(), 'owner', admin.token)).toMatchObject({
      status: 403,
      body: { code: 'permission_denied' },
    })
    expect((await invite(acme, someone(), 'admin', admin.token)).status).toBe(201)
  })

  test('cannot be resent by somebody who could not have given the role', async () => {
    const acme = await freehold.signUp()
    const admin = await freehold.join(acme.business, acme.token, 'admin')
    const email = someone()
    const { invitation, link } = await invited(acme, email, 'owner')
    const resent = await freehold.api.post(`${routeOf(acme)}/${invitation.id}/resend`, {}, { token: admin.token })
    expect(resent).toMatchObject({ status: 403, body: { code: 'permission_denied' } })
    expect((await signUpWith(link)).body).toMatchObject({ member: { role: 'owner' } })
  })

  test('is for those who may manage invitations, in their own business', async () => {
    const acme = await freehold.signUp()
    const other = await freehold.signUp()
    const { invitation } = await invited(acme, someone())
    const member = await freehold.join(acme.business, acme.token)
    const key = acme.apiKeys[0].key
    const routes = [
      (token?: string) => freehold.api.get(routeOf(acme), { token }),
      (token?: string) => freehold.api.post(routeOf(acme), { email: someone(), role: 'member' }, { token }),
      (token?: string) => freehold.api.post(`${routeOf(acme)}/${invitation.id}/resend`, {}, { token }),
      (token?: string) => freehold.api.delete(`${routeOf(acme)}/${invitation.id}`, { token }),
    ]
    for (const call of routes) {
      expect(await call()).toMatchObject({ status: 401, body: { code: 'unauthenticated' } })
      expect(await call(member.token)).toMatchObject({ status: 403, body: { code: 'permission_denied' } })
      expect(await call(key)).toMatchObject({ status: 403, body: { code: 'permission_denied' } })
      expect(await call(other.token)).toMatchObject({ status: 404, body: { code: 'not_found' } })
      expect(await call(other.apiKeys[0].key)).toMatchObject({ status: 404, body: { code: 'not_found' } })
    }
    // Somebody else's invitation below one's own business is the same as one that does not exist.
    for (const id of [invitation.id, 'inv_00000000000000000000000000', 'nonsense']) {
      const resent = await freehold.api.post(`${routeOf(other)}/${id}/resend`, {}, { token: other.token })
      const revoked = await freehold.api.delete(`${routeOf(other)}/${id}`, { token: other.token })
      for (const answer of [resent, revoked])
        expect(answer).toMatchObject({ status: 404, body: { code: 'not_found', title: 'Not found' } })
    }
    expect(await list(other)).toEqual([])
    expect(await list(acme)).toContainEqual(invitation)
  })

  test('pages, newest first', async () => {
    const acme = await freehold.signUp()
    const emails = [someone(), someone()]
    for (const email of emails) freehold.ok(await invite(acme, email))
    const first = freehold.ok(await freehold.api.get(`${routeOf(acme)}?limit=1`, { token: acme.token }))
    expect(first.items).toMatchObject([{ email: emails[1] }])
    const second = freehold.ok(
      await freehold.api.get(`${routeOf(acme)}?limit=1&cursor=${first.nextCursor}`, { token: acme.token }),
    )
    expect(second).toMatchObject({ items: [{ email: emails[0] }], nextCursor: null })
  })

  test('is written down with who did what', async () => {
    const acme = await freehold.signUp()
    const { invitation } = await invited(acme, someone())
    freehold.ok(await freehold.api.post(`${routeOf(acme)}/${invitation.id}/resend`, {}, { token: acme.token }))
    freehold.ok(await freehold.api.delete(`${routeOf(acme)}/${invitation.id}`, { token: acme.token }))
    const { items } = freehold.ok(
      await freehold.api.get(`/v1/businesses/${acme.business.id}/audit?action=invitation`, { token: acme.token }),
    )
    const expected = { actor: { kind: 'user', id: acme.user.id }, target: { kind: 'invitation', id: invitation.id } }
    expect(items).toMatchObject([
      { ...expected, action: 'invitation.revoked', before: { email: invitation.email, role: 'member' } },
      { ...expected, action: 'invitation.resent' },
      { ...expected, action: 'invitation.created', after: { email: invitation.email, role: 'member' } },
    ])
  })
})

describe('seats', () => {
  test('of many who race for the last ones, as many win as there are', async () => {
    const acme = await freehold.signUp()
    const answers = await Promise.all(Array.from({ length: 10 }, () => invite(acme, someone())))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(2)
    const refused = answers.filter(({ status }) => status !== 201)
    expect(refused).toHaveLength(8)
    for (const answer of refused)
      expect(answer).toMatchObject({
        status: 402,
        body: { code: 'limit_reached', feature: 'members', limit: 3, used: 3, remaining: 0 },
      })
  })

  test('are held by members and pending invitations, and not counted twice when somebody accepts', async () => {
    const acme = await freehold.signUp()
    const first = await invited(acme, someone())
    const second = await invited(acme, someone())
    expect((await invite(acme, someone())).body).toMatchObject({ code: 'limit_reached' })
    freehold.ok(await signUpWith(first.link))
    freehold.ok(await signUpWith(second.link))
    expect((await invite(acme, someone())).body).toMatchObject({ code: 'limit_reached', used: 3 })
    expect(await memberEmails(acme)).toHaveLength(3)
  })

  test('come back when an invitation is revoked', async () => {
    const acme = await freehold.signUp()
    const { invitation } = await invited(acme, someone())
    await invited(acme, someone())
    const route = `${routeOf(acme)}/${invitation.id}`
    expect((await freehold.api.delete(route, { token: acme.token })).status).toBe(204)
    expect((await freehold.api.delete(route, { token: acme.token })).status).toBe(204)
    expect((await invite(acme, someone())).status).toBe(201)
    expect((await invite(acme, someone())).body).toMatchObject({ code: 'limit_reached' })
  })

  test('come back when an invitation expires; resending it has to find one again', async () => {
    const acme = await freehold.signUp()
    const stale = [await invited(acme, someone()), await invited(acme, someone())]
    await freehold.advance(days(7))
    expect((await list(acme)).map(({ state }: { state: string }) => state)).toEqual(['expired', 'expired'])
    expect((await invite(acme, someone())).status).toBe(201)
    const resend = (index: number) =>
      freehold.api.post(`${routeOf(acme)}/${stale[index]?.invitation.id}/resend`, {}, { token: acme.token })
    expect(await resend(0)).toMatchObject({ status: 200, body: { state: 'pending' } })
    expect(await resend(1)).toMatchObject({ status: 402, body: { code: 'limit_reached' } })
  })
})

describe('the mailed link', () => {
  test('says what it is for and changes nothing, however often it is opened', async () => {
    const acme = await freehold.signUp()
    const email = someone()
    const { invitation, link } = await invited(acme, email, 'admin')
    for (let opened = 0; opened < 3; opened++) {
      expect(await lookUp(link)).toMatchObject({
        status: 200,
        body: {
          email,
          role: 'admin',
          business: { name: acme.business.name },
          invitedBy: { id: acme.user.id, name: 'Pat Person' },
          accountExists: false,
        },
      })
      await freehold.api.get('/join')
      await freehold.api.get(`/v1/invitations/lookup?token=${link}`)
      await freehold.api.get(`/v1/invitations/accept?token=${link}`, { token: acme.token })
    }
    expect(await list(acme)).toEqual([invitation])
  })

  test('asks everybody who has an account to sign in, whether the e-mail is proved or not', async () => {
    const acme = await freehold.signUp()
    const [proved, unproved] = [someone(), someone()]
    await verifiedUser(proved)
    const { token } = await freehold.signUp({ email: unproved })
    expect((await lookUp((await invited(acme, proved)).link)).body).toMatchObject({ accountExists: true })
    const { link } = await invited(acme, unproved)
    expect((await lookUp(link)).body).toMatchObject({ accountExists: true })
    expect((await freehold.api.post('/v1/invitations/accept', { token: link }, { token })).status).toBe(200)
  })

  test('opens nothing when it is tampered with', async () => {
    const acme = await freehold.signUp()
    const other = await freehold.signUp()
    const { link } = await invited(acme, someone())
    const businessPart = link.slice(4, 30)
    const otherPart = other.business.id.slice(4)
    const tampered = [
      link.slice(0, -1) + (link.endsWith('0') ? '1' : '0'),
      link.replace(businessPart, otherPart),
      link.toUpperCase(),
      `${link}0`,
      link.slice(0, -1),
      'inv_',
      '🔑',
    ]
    for (const token of tampered) {
      for (const answer of [await lookUp(token), await accept(token, other.token), await signUpWith(token)])
        expect(answer).toMatchObject({ status: 410, body: { code: 'invalid_token' } })
    }
    expect((await lookUp('x'.repeat(201))).status).toBe(422)
    expect((await lookUp('')).status).toBe(422)
    expect((await lookUp('\u0000')).status).toBe(422)
  })

  test('stops after seven days, to the second', async () => {
    const acme = await freehold.signUp()
    const [early, late] = [await invited(acme, someone()), await invited(acme, someone())]
    await freehold.advance(days(7) - 60)
    expect((await signUpWith(early.link)).status).toBe(201)
    await freehold.advance(60)
    for (const answer of [await lookUp(late.link), await signUpWith(late.link), await accept(late.link, acme.token)])
      expect(answer).toMatchObject({ status: 410, body: { code: 'invitation_expired' } })
    const states = (await list(acme)).map(({ state }: { state: string }) => state)
    expect(states.sort()).toEqual(['accepted', 'expired'])
  })

  test('stops when the invitation is revoked, and when the business is closed or suspended', async () => {
    const acme = await freehold.signUp()
    const { invitation, link } = await invited(acme, someone())
    for (const status of ['suspended', 'closed']) {
      await freehold.sql('update freehold.businesses set status = $2 where id = $1', [acme.business.id, status])
      for (const answer of [await lookUp(link), await signUpWith(link)])
        expect(answer).toMatchObject({ status: 403, body: { code: 'business_not_open' } })
    }
    await freehold.sql(`update freehold.businesses set status = 'active' where id = $1`, [acme.business.id])
    freehold.ok(await freehold.api.delete(`${routeOf(acme)}/${invitation.id}`, { token: acme.token }))
    for (const answer of [await lookUp(link), await signUpWith(link), await accept(link, acme.token)])
      expect(answer).toMatchObject({ status: 410, body: { code: 'invitation_revoked' } })
    const resent = await freehold.api.post(`${routeOf(acme)}/${invitation.id}/resend`, {}, { token: acme.token })
    expect(resent).toMatchObject({ status: 410, body: { code: 'invitation_revoked' } })
  })

  test('is replaced by the one that is mailed when the invitation is resent', async () => {
    const acme = await freehold.signUp()
    const email = someone()
    const { invitation, link } = await invited(acme, email)
    await freehold.advance(days(3))
    const resent = await freehold.api.post(`${routeOf(acme)}/${invitation.id}/resend`, undefined, { token: acme.token })
    expect(resent).toMatchObject({ status: 200, body: { id: invitation.id, state: 'pending' } })
    expect(Date.parse(resent.body.expiresAt) - Date.parse(invitation.expiresAt)).toBeGreaterThanOrEqual(days(3) * 1000)
    const renewed = await freehold.mailedToken(email)
    expect(renewed).not.toBe(link)
    expect(await signUpWith(link)).toMatchObject({ status: 410, body: { code: 'invalid_token' } })
    expect((await signUpWith(renewed)).status).toBe(201)
    const again = await freehold.api.post(`${routeOf(acme)}/${invitation.id}/resend`, {}, { token: acme.token })
    expect(again).toMatchObject({ status: 409, body: { code: 'invitation_accepted' } })
  })

  test('is replaced too when an expired invitation is made anew', async () => {
    const acme = await freehold.signUp()
    const email = someone()
    const { link } = await invited(acme, email)
    await freehold.advance(days(7))
    const { link: renewed } = await invited(acme, email)
    expect((await signUpWith(link)).status).toBe(410)
    expect((await signUpWith(renewed)).status).toBe(201)
  })

  test.each([
    ['demoted', { role: 'member' }],
    ['suspended', { suspended: true }],
    ['removed', undefined],
  ])('stops when its inviter is %s, and works again once somebody else resends it', async (_how, change) => {
    const acme = await freehold.signUp()
    await setSeats(acme, 10)
    const admin = await freehold.join(acme.business, acme.token, 'admin')
    const email = someone()
    const { invitation, link } = await invited(acme, email, 'member', admin.token)
    const route = `/v1/businesses/${acme.business.id}/members/${admin.member.id}`
    if (change) freehold.ok(await freehold.api.patch(route, change, { token: acme.token }))
    else freehold.ok(await freehold.api.delete(route, { token: acme.token }))
    for (const answer of [await lookUp(link), await signUpWith(link)])
      expect(answer).toMatchObject({ status: 410, body: { code: 'invitation_revoked' } })
    freehold.ok(await freehold.api.post(`${routeOf(acme)}/${invitation.id}/resend`, {}, { token: acme.token }))
    expect((await signUpWith(await freehold.mailedToken(email))).status).toBe(201)
  })

  test('stops when its inviter still invites but could not give that role any more, or is disabled', async () => {
    const acme = await freehold.signUp()
    await setSeats(acme, 10)
    const second = await freehold.join(acme.business, acme.token, 'owner')
    const [asOwner, asAdmin] = [
      await invited(acme, someone(), 'owner', second.token),
      await invited(acme, someone(), 'admin', second.token),
    ]
    const route = `/v1/businesses/${acme.business.id}/members/${second.member.id}`
    freehold.ok(await freehold.api.patch(route, { role: 'admin' }, { token: acme.token }))
    expect((await signUpWith(asOwner.link)).body).toMatchObject({ code: 'invitation_revoked' })
    expect((await lookUp(asAdmin.link)).status).toBe(200)
    await freehold.sql('update freehold.users set disabled_at = $2 where id = $1', [second.user.id, freehold.ctx.now()])
    expect((await signUpWith(asAdmin.link)).body).toMatchObject({ code: 'invitation_revoked' })
  })
})

describe('joining', () => {
  test('lets a new user in at once, with the invited e-mail proved', async () => {
    const acme = await freehold.signUp()
    const email = someone()
    const { invitation, link } = await invited(acme, email, 'admin')
    const joined = await signUpWith(link)
    expect(joined).toMatchObject({
      status: 201,
      body: {
        user: { email, emailVerified: true },
        business: { id: acme.business.id },
        member: { email, role: 'admin' },
      },
    })
    const seen = await freehold.api.get(`/v1/businesses/${acme.business.id}`, { token: joined.body.token })
    expect(seen).toMatchObject({ status: 200, body: { id: acme.business.id } })
    const [listed] = await list(acme)
    expect(listed).toMatchObject({ id: invitation.id, state: 'accepted' })
    expect(listed.acceptedAt).not.toBeNull()
    expect((await lookUp(link)).body).toMatchObject({ code: 'invitation_accepted' })
  })

  test('lets a signed-in user in with the invited e-mail, and takes the link as proof of it', async () => {
    const acme = await freehold.signUp()
    const email = someone()
    const { link } = await invited(acme, email)
    const guest = await freehold.signUp({ email })
    expect(guest.user.emailVerified).toBe(false)
    const accepted = await accept(link, guest.token)
    expect(accepted).toMatchObject({
      status: 200,
      body: { business: { id: acme.business.id }, member: { userId: guest.user.id, role: 'member' } },
    })
    const me = freehold.ok(await freehold.api.get('/v1/me', { token: guest.token }))
    expect(me.user.emailVerified).toBe(true)
    expect(me.memberships).toHaveLength(2)
    expect(await memberEmails(acme)).toContain(email)
    const { items } = freehold.ok(
      await freehold.api.get(`/v1/businesses/${acme.business.id}/audit?action=member.joined`, { token: acme.token }),
    )
    expect(items).toMatchObject([{ actor: { id: guest.user.id }, target: { kind: 'member', name: email } }])
  })

  test('refuses somebody signed in with another e-mail, and leaves the invitation as it was', async () => {
    const acme = await freehold.signUp()
    const { invitation, link } = await invited(acme, someone())
    const stranger = await freehold.signUp()
    expect(await accept(link, stranger.token)).toMatchObject({ status: 403, body: { code: 'permission_denied' } })
    expect((await freehold.api.post('/v1/invitations/accept', { token: link })).status).toBe(401)
    expect(await accept(link, acme.apiKeys[0].key)).toMatchObject({ status: 403, body: { code: 'permission_denied' } })
    expect(await list(acme)).toEqual([invitation])
    expect(await memberEmails(acme)).toEqual([acme.user.email])
  })

  test('tells somebody with an account to sign in instead of signing up', async () => {
    const acme = await freehold.signUp()
    const email = someone()
    const user = await verifiedUser(email)
    const { link } = await invited(acme, email)
    expect(await signUpWith(link)).toMatchObject({ status: 409, body: { code: 'email_taken' } })
    expect((await accept(link, user.token)).status).toBe(200)
  })

  test('happens once, however many accept at the same moment', async () => {
    const acme = await freehold.signUp()
    const email = someone()
    const guest = await freehold.signUp({ email })
    const { link } = await invited(acme, email)
    const answers = await Promise.all(Array.from({ length: 20 }, () => accept(link, guest.token)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    for (const answer of answers.filter(({ status }) => status !== 200))
      expect(answer).toMatchObject({ status: 409, body: { code: 'invitation_accepted' } })
    expect(await memberEmails(acme)).toHaveLength(2)
  })

  test('happens once, however many sign up with the link at the same moment', async () => {
    const acme = await freehold.signUp()
    const email = someone()
    const { link } = await invited(acme, email)
    const answers = await Promise.all(Array.from({ length: 20 }, () => signUpWith(link)))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(19)
    expect(await freehold.sql('select id from freehold.users where email = $1', [email])).toHaveLength(1)
    expect(await memberEmails(acme)).toHaveLength(2)
  })

  test('repeats its answer under an idempotency key', async () => {
    const acme = await freehold.signUp()
    const email = someone()
    const guest = await freehold.signUp({ email })
    const { link } = await invited(acme, email)
    const call = () =>
      freehold.api.post(
        '/v1/invitations/accept',
        { token: link },
        { token: guest.token, headers: { 'idempotency-key': 'accept-once' } },
      )
    const first = await call()
    expect(first.status).toBe(200)
    expect(await call()).toMatchObject({ status: 200, body: first.body })
  })

  test('tells a member who is invited under a former e-mail so, and undoes nothing', async () => {
    const acme = await freehold.signUp()
    const member = await freehold.join(acme.business, acme.token)
    const email = someone()
    const { invitation, link } = await invited(acme, email, 'admin')
    await freehold.sql('update freehold.users set email = $2 where id = $1', [member.user.id, email])
    expect(await accept(link, member.token)).toMatchObject({ status: 409, body: { code: 'already_member' } })
    expect(await list(acme)).toContainEqual(invitation)
    const { items } = freehold.ok(
      await freehold.api.get(`/v1/businesses/${acme.business.id}/members`, { token: acme.token }),
    )
    expect(items).toContainEqual(expect.objectContaining({ id: member.member.id, role: 'member' }))
  })

  test('and a revocation at the same moment never both succeed', async () => {
    for (let round = 0; round < 8; round++) {
      const acme = await freehold.signUp()
      const email = someone()
      const guest = await freehold.signUp({ email })
      const { invitation, link } = await invited(acme, email)
      const [accepted, revoked] = await Promise.all([
        accept(link, guest.token),
        freehold.api.delete(`${routeOf(acme)}/${invitation.id}`, { token: acme.token }),
      ])
      const outcome = [accepted.status, revoked.status].join()
      expect(['200,409', '410,204']).toContain(outcome)
      expect(await memberEmails(acme)).toHaveLength(outcome === '200,409' ? 2 : 1)
      expect(await list(acme)).toMatchObject([{ state: outcome === '200,409' ? 'accepted' : 'revoked' }])
    }
  })

  test('and a resending at the same moment leave one link at most', async () => {
    for (let round = 0; round < 8; round++) {
      const acme = await freehold.signUp()
      const email = someone()
      const guest = await freehold.signUp({ email })
      const { invitation, link } = await invited(acme, email)
      const [accepted, resent] = await Promise.all([
        accept(link, guest.token),
        freehold.api.post(`${routeOf(acme)}/${invitation.id}/resend`, {}, { token: acme.token }),
      ])
      expect(['200,409', '410,200']).toContain([accepted.status, resent.status].join())
    }
  })
})

describe('an account that somebody else made with the invited e-mail', () => {
  test('is taken over: the password, sessions and pending links of whoever made it die', async () => {
    const acme = await freehold.signUp()
    const [victim, attackers] = [someone(), someone()]
    const attacker = await freehold.signUp({ email: victim, password: 'the attacker knows this' })
    freehold.ok(
      await freehold.api.post(
        '/v1/me/email-changes',
        { email: attackers, password: 'the attacker knows this' },
        { token: attacker.token },
      ),
    )
    const { link } = await invited(acme, victim)
    const joined = freehold.ok(await signUpWith(link))
    expect(joined.user).toMatchObject({ id: attacker.user.id, emailVerified: true, firstName: 'Gil' })

    expect((await freehold.api.get('/v1/me', { token: attacker.token })).status).toBe(401)
    expect((await freehold.api.post('/v1/login', { email: victim, password: 'the attacker knows this' })).status).toBe(
      401,
    )
    const mailed = await freehold.mailedToken(attackers)
    expect(await freehold.api.post('/v1/email-verifications/confirm', { token: mailed })).toMatchObject({
      status: 410,
      body: { code: 'invalid_token' },
    })
    const login = await freehold.api.post('/v1/login', { email: victim, password })
    expect(login).toMatchObject({ status: 200, body: { user: { email: victim } } })
    const audited = await freehold.sql(
      `select actor_id from freehold.system_audit_entries where action = 'user.taken_over' and target->>'id' = $1`,
      [attacker.user.id],
    )
    expect(audited).toEqual([{ actor_id: attacker.user.id }])
  })

  test('stays shut when staff have disabled it', async () => {
    const acme = await freehold.signUp()
    const email = someone()
    const disabled = await freehold.signUp({ email })
    await freehold.sql('update freehold.users set disabled_at = $2 where id = $1', [
      disabled.user.id,
      freehold.ctx.now(),
    ])
    const { link } = await invited(acme, email)
    expect(await signUpWith(link)).toMatchObject({ status: 403, body: { code: 'permission_denied' } })
    expect(await memberEmails(acme)).toEqual([acme.user.email])
  })
})

describe('limits on inviting', () => {
  let limited: TestFreehold
  beforeAll(async () => {
    limited = await createTestFreehold({ rateLimits: true })
  })
  afterAll(() => limited.close())

  test('protect the one who is invited, again and again', async () => {
    const acme = await limited.signUp()
    const email = someone()
    const answers = []
    for (let round = 0; round < 11; round++) {
      answers.push(
        await limited.api.post(
          `/v1/businesses/${acme.business.id}/invitations`,
          { email, role: 'member' },
          { token: acme.token },
        ),
      )
    }
    expect(answers.at(-1)).toMatchObject({ status: 429, body: { code: 'rate_limited' } })
    expect(Number(answers.at(-1)?.headers.get('retry-after'))).toBeGreaterThan(0)
  })
})
