import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, days, type TestFreehold } from '../../test/harness.ts'
import { openStaff, type Staff } from '../../test/staff.ts'
import { hashToken } from '../secrets.ts'
import type { Explanation, Step, StepName } from './steps.ts'

let freehold: TestFreehold
let people: Staff
const routes = new Set<string>()
beforeAll(async () => {
  freehold = await createTestFreehold()
  people = await openStaff(freehold)
  const { paths } = freehold.ok(await freehold.api.get('/openapi.json'))
  for (const [path, operations] of Object.entries<object>(paths)) {
    for (const method of Object.keys(operations))
      routes.add(`${method.toUpperCase()} ${path.replaceAll(/\{\w+\}/g, '_')}`)
  }
})
afterAll(() => freehold.close())

const everyStep = [
  'credential',
  'permission',
  'business',
  'subscription',
  'plan',
  'feature',
  'override',
  'grants',
  'counter',
]
const reason = 'a word among staff'

type Body = Record<string, unknown>
type Asker = { token: string }

/** Asks, lets everything that is explained be what it must, and hands out the steps by name. */
async function ask(route: string, body: Body, { token }: Asker) {
  const answer = freehold.ok(await freehold.api.post(`/v1/${route}`, { ...body, explain: true }, { token }))
  const { steps, failed } = answer.explanation as Explanation
  const names = steps.map(({ name }) => name)
  expect(failed === null).toBe(answer.allowed)
  const at = failed === null ? names.length : names.indexOf(failed)
  expect(steps.map(({ passed }) => passed)).toEqual(
    names.map((_, index) => (index === at ? false : index < at || null)),
  )
  for (const { passed, saw, remedy } of steps) {
    if (passed === null) expect(saw).toEqual({})
    expect(remedy !== undefined).toBe(passed === false)
    // A route that does not exist mends nothing.
    for (const call of [remedy?.call, remedy?.staff?.call]) {
      const pattern = call?.replaceAll(/\/(\w+_[0-9a-z]{26}|:\w+|recordings|applications|exports)(?=\/|$)/g, '/_')
      if (pattern !== undefined) expect(routes).toContain(pattern)
    }
  }
  const step = (name: StepName): Step => {
    const found = steps.find((each) => each.name === name)
    if (!found) throw new Error(`There is no step ${name} among ${names.join(', ')}`)
    return found
  }
  return { answer, steps, names, failed, step, remedy: failed === null ? undefined : step(failed).remedy }
}

async function signUp() {
  const signedUp = await freehold.signUp()
  const { id } = signedUp.business as { id: string }
  const owner = { token: signedUp.token as string }
  const server = freehold.ok(
    await freehold.api.post(`/v1/businesses/${id}/api-keys`, { name: 'a server', type: 'server' }, owner),
  )
  return {
    id,
    userId: signedUp.user.id as string,
    owner,
    key: { token: server.key as string },
    keyId: server.apiKey.id as string,
    publishable: { token: signedUp.apiKeys[0].key as string },
    cycleEnd: signedUp.subscription.cycleEnd as string,
    staff: async (method: string, path: string, body?: Body) =>
      freehold.ok(await freehold.api.call(method, `/v1/staff/businesses/${id}${path}`, body, people.admin)),
    subject: { subject: { businessId: id } },
    session: { businessId: id },
  }
}

describe('an answer that is yes', () => {
  test('says what every step saw, of what was counted just now', async () => {
    const acme = await signUp()
    const body = { permission: 'recordings:create', feature: 'recordings', amount: 3 }
    const { answer, names, step } = await ask('consume', body, acme.key)
    expect(answer).toMatchObject({ allowed: true, used: 3, remaining: 97 })
    expect(answer).not.toHaveProperty('held')
    expect(names).toEqual(everyStep)
    expect(step('credential').saw).toMatchObject({ kind: 'key', state: 'valid', id: acme.keyId, type: 'server' })
    expect(step('permission').saw).toEqual({
      asked: 'recordings:create',
      keyType: 'server',
      heldBy: { roles: ['owner', 'admin'], keyTypes: ['sdk', 'server'] },
    })
    expect(step('business').saw).toEqual({ id: acme.id, status: 'active' })
    expect(step('subscription').saw).toMatchObject({ status: 'active', access: 'full', cycleEnd: acme.cycleEnd })
    expect(step('plan').saw).toMatchObject({ key: 'free', version: 1, price: { amount: 0, currency: 'USD' } })
    expect(step('feature').saw).toEqual({ name: 'recordings', kind: 'metered', included: true, planValue: 100 })
    expect(step('override').saw).toEqual({ inEffect: false })
    expect(step('grants').saw).toEqual({ left: 0, grants: [] })
    expect(step('counter').saw).toMatchObject({ amount: 3, used: 3, held: 0, limit: 100, periodEnd: acme.cycleEnd })
  })

  test('leaves out the steps that the question does not touch', async () => {
    const acme = await signUp()
    const whatIsAsked: [string, Body, string[]][] = [
      ['check', { permission: 'members:read' }, everyStep.slice(0, 5)],
      ['check', { feature: 'retentionDays' }, everyStep.slice(0, 7)],
      ['check', { feature: 'members' }, [...everyStep.slice(0, 7), 'counter']],
      ['allocate', { feature: 'applications', itemId: 'one' }, [...everyStep.slice(0, 7), 'counter']],
      ['release', { feature: 'applications', itemId: 'one' }, ['credential', 'permission', 'feature', 'counter']],
    ]
    for (const [route, body, expected] of whatIsAsked) {
      const { names } = await ask(route, { ...body, ...acme.session }, acme.owner)
      expect(names).toEqual(expected)
    }
  })

  test('of a reservation shows what is held, and comes with its id', async () => {
    const acme = await signUp()
    const { answer, step } = await ask('reservations', { feature: 'recordings', amount: 7 }, acme.key)
    expect(answer.id).toMatch(/^rsv_/)
    expect(step('counter').saw).toMatchObject({ amount: 7, used: 0, held: 7, limit: 100 })
  })

  test('is not explained unless that is asked for', async () => {
    const acme = await signUp()
    for (const body of [{ feature: 'recordings' }, { feature: 'recordings', explain: false }]) {
      const answer = freehold.ok(await freehold.api.post('/v1/consume', body, acme.key))
      expect(answer).not.toHaveProperty('explanation')
    }
    const wrong = await freehold.api.post('/v1/consume', { feature: 'recordings', explain: 'yes' }, acme.key)
    expect(wrong).toMatchObject({ status: 422, body: { errors: [{ path: 'body/explain' }] } })
  })
})

describe('a denial names the step that failed and what would mend it', () => {
  test('the permission of a key', async () => {
    const acme = await signUp()
    const subject = { credential: acme.publishable.token }
    const { failed, remedy, step } = await ask('check', { permission: 'recordings:read', subject }, people.meter)
    expect(failed).toBe('permission')
    expect(step('permission').saw).toMatchObject({ asked: 'recordings:read', keyType: 'sdk' })
    expect(remedy).toEqual({
      text: 'Keys of type sdk may not do recordings:read. Use a key of a type that may: server',
      page: `/b/${acme.id}/api-keys`,
      call: `POST /v1/businesses/${acme.id}/api-keys`,
    })
    const nobodys = await ask('check', { permission: 'members:manage' }, acme.key)
    expect(nobodys.remedy?.text).toContain('No key may')
  })

  test('the permission of a person', async () => {
    const acme = await signUp()
    const viewer = await freehold.join({ id: acme.id }, acme.owner.token, 'viewer')
    const body = { permission: 'recordings:create', feature: 'recordings', ...acme.session }
    const { failed, remedy, step } = await ask('consume', body, viewer)
    expect(failed).toBe('permission')
    expect(step('credential').saw).toEqual({ kind: 'user', state: 'valid', id: viewer.user.id })
    expect(step('permission').saw).toMatchObject({ role: 'viewer' })
    expect(remedy).toMatchObject({ page: `/b/${acme.id}/team` })
    expect(remedy?.text).toContain('one that has: owner, admin')
  })

  test('the permission of a support session', async () => {
    const acme = await signUp()
    const opening = { businessId: acme.id, reason, minutes: 15, access: 'read' }
    const { token } = freehold.ok(await freehold.api.post('/v1/staff/support-sessions', opening, people.staff))
    const { failed, step, remedy } = await ask('check', { permission: 'recordings:create' }, { token })
    expect(failed).toBe('permission')
    expect(step('credential').saw).toEqual({ kind: 'staff', state: 'valid', id: expect.any(String), access: 'read' })
    expect(remedy?.text).toBe('A support session with access read does not allow recordings:create')
    expect(remedy?.staff?.call).toBe('POST /v1/staff/support-sessions')
  })

  test('a suspended business: why, staff are told', async () => {
    const acme = await signUp()
    await acme.staff('PATCH', '', { status: 'suspended', reason })
    const asCustomer = await ask('consume', { feature: 'recordings' }, acme.key)
    expect(asCustomer).toMatchObject({ failed: 'business', answer: { code: 'business_not_open' } })
    expect(asCustomer.step('business').saw).toEqual({ id: acme.id, status: 'suspended' })
    expect(asCustomer.remedy).toEqual({ text: 'Staff have suspended the business. Ask them to lift that' })
    const asBackend = await ask('consume', { feature: 'recordings', ...acme.subject }, people.meter)
    expect(asBackend.step('business').saw).toMatchObject({ status: 'suspended', reason })
    expect(asBackend.remedy?.staff).toEqual({
      page: `/console/businesses/${acme.id}?tab=overview`,
      call: `PATCH /v1/staff/businesses/${acme.id}`,
    })
  })

  test('a closed business: its owner reopens it', async () => {
    const acme = await signUp()
    freehold.ok(await freehold.api.delete(`/v1/businesses/${acme.id}`, acme.owner))
    const { failed, remedy } = await ask('check', { feature: 'recordings', ...acme.subject }, people.meter)
    expect(failed).toBe('business')
    expect(remedy).toMatchObject({ call: `POST /v1/businesses/${acme.id}/reopening` })
  })

  test('a subscription that has ended', async () => {
    const acme = await signUp()
    await acme.staff('POST', '/cancellation', { reason, when: 'now' })
    const { failed, answer, step, remedy } = await ask('consume', { feature: 'recordings' }, acme.key)
    expect(failed).toBe('subscription')
    expect(answer.code).toBe('subscription_inactive')
    expect(step('subscription').saw).toMatchObject({ status: 'ended', access: 'none', endReason: 'cancelled' })
    expect(remedy).toMatchObject({
      page: `/b/${acme.id}/plan`,
      call: `PUT /v1/businesses/${acme.id}/subscription/plan`,
    })
    expect(remedy?.text).toContain('Choose a plan')
  })

  test.each([
    ['past_due', 'its grace ended at 2020-01-01T00:00:00.000Z', ['GET', '/invoices']],
    ['paused', 'The subscription is paused', ['DELETE', '/subscription/pause']],
  ])('a subscription that is %s', async (status, text, [method, path]) => {
    const acme = await signUp()
    await freehold.sql('update freehold.subscriptions set status = $2, grace_end = $3 where business_id = $1', [
      acme.id,
      status,
      status === 'past_due' ? '2020-01-01T00:00:00Z' : null,
    ])
    const { failed, step, remedy } = await ask('consume', { feature: 'recordings' }, acme.key)
    expect(failed).toBe('subscription')
    expect(step('subscription').saw).toMatchObject({ status, access: status === 'paused' ? 'none' : 'read_only' })
    expect(remedy).toMatchObject({ page: `/b/${acme.id}/plan`, call: `${method} /v1/businesses/${acme.id}${path}` })
    expect(remedy?.text).toContain(text)
  })

  test('a feature that the plan does not include', async () => {
    const acme = await signUp()
    const { failed, step, remedy } = await ask('check', { feature: 'exports' }, acme.key)
    expect(failed).toBe('feature')
    expect(step('feature').saw).toEqual({ name: 'exports', kind: 'switch', included: true, planValue: false })
    expect(remedy?.text).toBe('The plan Free (version 1) does not include exports. Choose a plan that does')
  })

  test('a feature that staff have switched off for this business', async () => {
    const acme = await signUp()
    await acme.staff('PUT', '/limits/exports', { limit: false, reason })
    const { failed, step, remedy } = await ask('check', { feature: 'exports', ...acme.subject }, people.meter)
    expect(failed).toBe('override')
    expect(step('override').saw).toEqual({ inEffect: true, value: false, reason, expiresAt: null })
    expect(remedy?.staff?.call).toBe(`DELETE /v1/staff/businesses/${acme.id}/limits/exports`)
  })

  test("the plan's limit", async () => {
    const acme = await signUp()
    freehold.ok(await freehold.api.post('/v1/consume', { feature: 'recordings', amount: 98 }, acme.key))
    const { failed, step, remedy, answer } = await ask('consume', { feature: 'recordings', amount: 3 }, acme.key)
    expect(failed).toBe('counter')
    expect(answer).toMatchObject({ code: 'limit_reached', remaining: 2 })
    expect(step('counter').saw).toMatchObject({ amount: 3, used: 98, held: 0, limit: 100 })
    expect(step('counter').saw['validUntil']).toBe(acme.cycleEnd)
    expect(remedy?.text).toBe(
      `98 of 100 recordings are used. Ask for 2 at most, or wait until ${acme.cycleEnd}, or choose a plan with a higher limit`,
    )
    const never = await ask('check', { feature: 'recordings', amount: 101 }, acme.key)
    expect(never.remedy?.text).not.toContain('wait')
  })

  test('a limit that staff have set: they are the ones to ask', async () => {
    const acme = await signUp()
    const expiresAt = new Date(freehold.ctx.now().getTime() + 86_400_000).toISOString()
    await acme.staff('PUT', '/limits/recordings', { limit: 0, reason, expiresAt })
    const { failed, step, remedy } = await ask('consume', { feature: 'recordings' }, acme.key)
    expect(failed).toBe('counter')
    expect(step('feature').saw).toMatchObject({ planValue: 100 })
    expect(step('override').saw).toEqual({ inEffect: true, value: 0, expiresAt })
    expect(remedy?.text).toContain('Ask staff for another limit: they have set this one')
    const asBackend = await ask('consume', { feature: 'recordings', ...acme.subject }, people.meter)
    expect(asBackend.remedy?.staff?.call).toBe(`PUT /v1/staff/businesses/${acme.id}/limits/recordings`)
  })

  test('credit that is drawn, and credit that has expired', async () => {
    const acme = await signUp()
    const soon = new Date(freehold.ctx.now().getTime() + 3_600_000).toISOString()
    await acme.staff('POST', '/grants', { feature: 'recordings', amount: 5, reason })
    await acme.staff('POST', '/grants', { feature: 'recordings', amount: 20, reason, expiresAt: soon })
    freehold.ok(await freehold.api.post('/v1/consume', { feature: 'recordings', amount: 115 }, acme.key))
    const before = await ask('check', { feature: 'recordings', amount: 11 }, acme.key)
    expect(before.step('grants').saw).toMatchObject({ left: 10 })
    await freehold.advance(2 * 3600)
    const { failed, step, remedy } = await ask('consume', { feature: 'recordings', amount: 11 }, acme.key)
    expect(failed).toBe('counter')
    const grants = step('grants').saw['grants'] as { state: string; left: number }[]
    expect(grants.map(({ state, left }) => [state, left])).toEqual([
      ['expired', 5],
      ['in effect', 5],
    ])
    expect(JSON.stringify(grants)).not.toContain(reason)
    expect(remedy?.text).toContain('credit of 5 has expired')
    const asBackend = await ask('consume', { feature: 'recordings', amount: 11, ...acme.subject }, people.meter)
    expect(JSON.stringify(asBackend.step('grants').saw)).toContain(reason)
    expect(asBackend.remedy?.staff?.call).toBe(`POST /v1/staff/businesses/${acme.id}/grants`)
  })

  test('units that reservations hold', async () => {
    const acme = await signUp()
    freehold.ok(await freehold.api.post('/v1/reservations', { feature: 'recordings', amount: 100 }, acme.key))
    const { failed, step, remedy } = await ask('reservations', { feature: 'recordings' }, acme.key)
    expect(failed).toBe('counter')
    expect(step('counter').saw).toMatchObject({ used: 0, held: 100, limit: 100 })
    expect(remedy?.text).toContain('Confirm or give back the 100 that reservations hold')
  })

  test('items that are held, and seats', async () => {
    const acme = await signUp()
    const item = (itemId: string) => ({ feature: 'applications', itemId, ...acme.session })
    freehold.ok(await freehold.api.post('/v1/allocate', item('one'), acme.owner))
    const second = await ask('allocate', item('two'), acme.owner)
    expect(second.step('counter').saw).toMatchObject({ itemId: 'two', used: 1, limit: 1 })
    expect(second.remedy).toMatchObject({ call: 'POST /v1/release' })
    const seats = await ask('check', { feature: 'members', amount: 3, ...acme.session }, acme.owner)
    expect(seats.failed).toBe('counter')
    expect(seats.remedy).toMatchObject({ page: `/b/${acme.id}/team` })
  })
})

describe('a publishable key, which is everybody’s,', () => {
  test('is told which step said no, and nothing else that its answer does not say', async () => {
    const acme = await signUp()
    const told = async (body: Body) => {
      const answer = freehold.ok(await freehold.api.post('/v1/check', { ...body, explain: true }, acme.publishable))
      const { steps, failed } = answer.explanation as Explanation
      expect(Object.keys(steps[0] ?? {})).toEqual(['name', 'passed', 'saw'])
      return { failed, saw: Object.fromEntries(steps.map(({ name, passed, saw }) => [name, [passed, saw]])) }
    }
    const soon = new Date(freehold.ctx.now().getTime() + 3_600_000).toISOString()
    await acme.staff('POST', '/grants', { feature: 'recordings', amount: 5, reason, expiresAt: soon })
    await acme.staff('PUT', '/limits/exports', { limit: false, reason })
    const nothing = [true, {}]
    const before = {
      credential: [true, { kind: 'key', state: 'valid', type: 'sdk' }],
      permission: [true, { asked: null }],
      business: nothing,
      subscription: nothing,
      plan: nothing,
    }
    expect(await told({ feature: 'recordings', amount: 200 })).toEqual({
      failed: 'counter',
      saw: {
        ...before,
        feature: [true, { name: 'recordings' }],
        counter: [false, { amount: 200, used: 0, limit: 105 }],
      },
    })
    // Not that it was staff.
    expect(await told({ feature: 'exports' })).toEqual({
      failed: 'feature',
      saw: { ...before, feature: [false, { name: 'exports' }] },
    })
    await acme.staff('PATCH', '', { status: 'suspended', reason })
    const never = [null, {}]
    expect(await told({ feature: 'recordings' })).toEqual({
      failed: 'business',
      saw: { ...before, business: [false, {}], subscription: never, plan: never, feature: never, counter: never },
    })
  })
})

describe("the subject's credential that a backend asks about", () => {
  const presented = (credential: string) => ({ feature: 'recordings', subject: { credential } })

  test('is shown as it is when it is good', async () => {
    const acme = await signUp()
    const { step } = await ask('check', presented(acme.key.token), people.meter)
    expect(step('credential').saw).toMatchObject({ kind: 'key', id: acme.keyId, state: 'valid', revokedAt: null })
  })

  test('and says what is the matter when it is not, without the secret', async () => {
    const acme = await signUp()
    const keys = `/v1/businesses/${acme.id}/api-keys`
    const makeKey = async (more: Body = {}) =>
      freehold.ok(await freehold.api.post(keys, { name: 'a key', type: 'server', ...more }, acme.owner))
    const revoked = await makeKey()
    await freehold.api.delete(`${keys}/${revoked.apiKey.id}`, acme.owner)
    const expiring = await makeKey({ expiresAt: new Date(freehold.ctx.now().getTime() + 1000).toISOString() })
    const signedOut = await freehold.signUp()
    await freehold.api.post('/v1/logout', {}, { token: signedOut.token })
    const lockedOut = await freehold.signUp()
    freehold.ok(
      await freehold.api.patch(`/v1/staff/users/${lockedOut.user.id}`, { disabled: true, reason }, people.admin),
    )
    await freehold.advance(2)

    const shown = async (credential: string) => {
      const { failed, step, steps, remedy, answer } = await ask('check', presented(credential), people.meter)
      expect({ failed, code: answer.code }).toEqual({ failed: 'credential', code: 'unauthenticated' })
      const text = JSON.stringify(steps)
      expect(text).not.toContain(credential)
      for (const way of ['hex', 'base64', 'base64url'] as const) {
        expect(text).not.toContain(hashToken(credential).toString(way))
      }
      return { ...step('credential').saw, text: remedy?.text ?? '' }
    }
    expect(await shown(revoked.key)).toMatchObject({
      kind: 'key',
      state: 'revoked',
      id: revoked.apiKey.id,
      type: 'server',
      revokedAt: expect.any(String),
      text: expect.stringContaining('is revoked'),
    })
    expect(await shown(expiring.key)).toMatchObject({ kind: 'key', state: 'expired', id: expiring.apiKey.id })
    expect(await shown(`${revoked.key.slice(0, -4)}0000`)).toEqual({
      kind: 'key',
      state: 'unknown',
      text: expect.stringContaining('There is no such key'),
    })
    expect(await shown(signedOut.token)).toMatchObject({ kind: 'user', state: 'ended' })
    expect(await shown(lockedOut.token)).toMatchObject({ kind: 'user', state: expect.stringMatching(/disabled|ended/) })
    expect(await shown(people.admin.token)).toMatchObject({ kind: 'app' })
    expect(await shown('nonsense')).toMatchObject({ kind: 'unknown', state: 'unknown' })
  })

  test('says so too of a session that is over by itself', async () => {
    const acme = await signUp()
    await freehold.advance(days(60))
    const { step } = await ask('check', presented(acme.owner.token), people.meter)
    expect(step('credential').saw).toMatchObject({ kind: 'user', state: 'expired', id: acme.userId })
  })
})
