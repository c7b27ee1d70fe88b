import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import type { Stage } from './stage.ts'

type Body = Record<string, any> // oxlint-disable-line typescript/no-explicit-any -- answers of any route
type Say = (text: string) => void

const password = 'a long enough password'
const day = 86_400

/**
 * One day in the life of the product that the original article describes, played over real sockets. Every step says
 * what it saw and fails when it saw something else.
 */
export async function playDay({ base, letter, freehold }: Stage, say: Say): Promise<void> {
  const call = async (
    method: string,
    path: string,
    token?: string,
    body?: unknown,
  ): Promise<{ status: number; body: Body }> => {
    const response = await fetch(base + path, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, body: text === '' ? {} : (JSON.parse(text) as Body) }
  }
  const must = async (status: number, method: string, path: string, token?: string, body?: unknown): Promise<Body> => {
    const answer = await call(method, path, token, body)
    assert.equal(answer.status, status, `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body
  }
  const advance = (seconds: number) => must(200, 'POST', '/v1/dev/clock', undefined, { advanceSeconds: seconds })
  const tokenIn = (text: string) => /#token=([\w.-]+)/.exec(text)?.[1] ?? assert.fail(`no link in: ${text}`)
  const record = (key: string) =>
    call('POST', '/v1/consume', key, { permission: 'recordings:create', feature: 'recordings' })

  say('Acme signs up')
  const acme = await must(201, 'POST', '/v1/signup', undefined, {
    business: { name: 'Acme' },
    email: 'ann@acme.test',
    password,
    firstName: 'Ann',
    lastName: 'Archer',
  })
  const owner: string = acme['token']
  const business: string = acme['business'].id
  const sdkKey: string = acme['apiKeys'][0].key
  const here = `/v1/businesses/${business}`
  const { subscription } = acme
  const cycleDays = (Date.parse(subscription.cycleEnd) - Date.parse(subscription.cycleStart)) / (day * 1000)
  assert.equal(cycleDays, 15)
  const entitlements = await must(200, 'GET', `${here}/entitlements`, owner)
  assert.deepEqual(
    [entitlements['recordings'].limit, entitlements['applications'].limit, entitlements['members'].limit],
    [100, 1, 3],
  )
  say(
    `  plan ${subscription.plan.name}: ${cycleDays} days, 100 recordings, 1 application, 3 members; SDK key ${sdkKey.slice(0, 6)}…`,
  )

  say('A second application is refused')
  const allocate = (itemId: string) =>
    must(200, 'POST', '/v1/allocate', owner, { businessId: business, feature: 'applications', itemId })
  assert.equal((await allocate('android'))['allowed'], true)
  const second = await allocate('ios')
  assert.deepEqual([second['allowed'], second['code']], [false, 'limit_reached'])
  say(`  ${second['code']}: ${second['used']} of ${second['limit']}`)

  say('The SDK records 100 times; the 101st is refused')
  const recorded = await Promise.all(Array.from({ length: 100 }, () => record(sdkKey)))
  assert.equal(recorded.filter(({ body }) => body['allowed']).length, 100)
  const refused = (await record(sdkKey)).body
  assert.deepEqual(
    [refused['allowed'], refused['code'], refused['resetsAt']],
    [false, 'limit_reached', subscription.cycleEnd],
  )
  say(`  ${refused['code']}, resets at ${refused['resetsAt']}`)

  say('The SDK key tries to invite somebody')
  const sneaky = await call('POST', `${here}/invitations`, sdkKey, { email: 'eve@evil.test', role: 'admin' })
  assert.deepEqual([sneaky.status, sneaky.body['code']], [403, 'permission_denied'])
  say(`  ${sneaky.status} ${sneaky.body['code']}`)

  say('Ann invites Bo; the mail arrives and fills the form')
  await must(201, 'POST', `${here}/invitations`, owner, { email: 'bo@acme.test', role: 'member' })
  const invitationToken = tokenIn((await letter('bo@acme.test', /invites you/)).text)
  const form = await must(200, 'POST', '/v1/invitations/lookup', undefined, { token: invitationToken })
  assert.deepEqual([form['email'], form['business'].name, form['accountExists']], ['bo@acme.test', 'Acme', false])
  const bo = await must(201, 'POST', '/v1/signup', undefined, {
    invitationToken,
    password,
    firstName: 'Bo',
    lastName: 'Berg',
  })
  assert.equal(bo['member'].role, 'member')
  say(`  ${form['email']} joins ${form['business'].name} as ${form['role']}`)

  say('The fourth seat is refused')
  await must(201, 'POST', `${here}/invitations`, owner, { email: 'cy@acme.test', role: 'member' })
  const fourth = await call('POST', `${here}/invitations`, owner, { email: 'di@acme.test', role: 'member' })
  assert.deepEqual([fourth.status, fourth.body['code']], [402, 'limit_reached'])
  say(`  ${fourth.status} ${fourth.body['code']}: ${fourth.body['detail']}`)

  say('Bo forgets his password and resets it by mail')
  await must(202, 'POST', '/v1/password-resets', undefined, { email: 'bo@acme.test' })
  const resetToken = tokenIn((await letter('bo@acme.test', /Reset your/)).text)
  const reset = await must(200, 'POST', '/v1/password-resets/confirm', undefined, {
    token: resetToken,
    password: 'another long password',
  })
  await must(401, 'GET', '/v1/me', bo['token'])
  await must(200, 'GET', '/v1/me', reset['token'])
  await must(410, 'POST', '/v1/password-resets/confirm', undefined, {
    token: resetToken,
    password: 'yet another password',
  })
  say('  signed in with the new one; the old session and the used link are dead')

  say('Staff move Acme to the hidden plan, with a reason')
  const link = tokenIn(await freehold('staff', 'add', 'sam@recorder.test'))
  const staff: string = (await must(200, 'POST', '/v1/password-resets/confirm', undefined, { token: link, password }))[
    'token'
  ]
  const found = await must(200, 'GET', '/v1/staff/businesses?search=acm', staff)
  assert.equal(found['items'][0].id, business)
  await must(200, 'PUT', `/v1/staff/businesses/${business}/plan`, staff, { plan: 'unlimited', reason: 'beta customer' })
  const flowing = (await record(sdkKey)).body
  // Another interval is another cycle, and a cycle counts from zero.
  assert.deepEqual([flowing['allowed'], flowing['limit'], flowing['used']], [true, null, 1])
  say('  recordings flow again, now without a limit, in a cycle of a month')

  say('Support looks into the account; Acme sees who and why, and ends it')
  const support = await must(201, 'POST', '/v1/staff/support-sessions', staff, {
    businessId: business,
    reason: 'Ticket 42: recordings missing',
    minutes: 15,
    access: 'read',
  })
  await must(200, 'GET', here, support['token'])
  await must(403, 'PATCH', here, support['token'], { name: 'Not Acme' })
  const seen = await must(200, 'GET', `${here}/support-access`, owner)
  const session = seen['sessions'].items[0]
  assert.deepEqual([session.reason, session.access], ['Ticket 42: recordings missing', 'read'])
  await must(204, 'DELETE', `${here}/support-access/sessions/${session.id}`, owner)
  await must(401, 'GET', here, support['token'])
  say(`  ${session.by.name || 'staff'}: “${session.reason}” (${session.access}); ended by Ann`)

  say('The clock moves past the cycle; two workers run, it renews once')
  const before = await must(200, 'GET', `${here}/subscription`, owner)
  await advance(
    Math.ceil((Date.parse(before['cycleEnd']) - Date.parse((await must(200, 'GET', '/v1/dev/clock'))['now'])) / 1000) +
      60,
  )
  const after = await renewed(() => must(200, 'GET', `${here}/audit?action=subscription.renewed`, owner))
  assert.equal(after['items'].length, 1)
  const now = await must(200, 'GET', `${here}/subscription`, owner)
  assert.equal(now['cycleStart'], before['cycleEnd'])
  const usage = (await must(200, 'GET', `${here}/entitlements`, owner))['recordings']
  assert.equal(usage.used, 0)
  const old = await must(
    200,
    'GET',
    `${here}/usage?feature=recordings&from=${subscription.cycleStart}&to=${before['cycleEnd']}`,
    owner,
  )
  assert.equal(
    old['items'].reduce((sum: number, { amount }: Body) => sum + Number(amount), 0),
    101,
  )
  say('  one new cycle, a counter at 0, and the old 101 still readable')

  say('The key is rotated with an hour of grace')
  const keyId: string = acme['apiKeys'][0].id
  const rotated = await must(201, 'POST', `${here}/api-keys/${keyId}/rotate`, owner, { graceSeconds: 3600 })
  assert.equal((await record(sdkKey)).body['used'], 1)
  assert.equal((await record(rotated['key'])).body['used'], 2)
  await advance(3601)
  assert.equal((await record(sdkKey)).status, 401)
  assert.equal((await record(rotated['key'])).body['used'], 3)
  say('  the old key worked in its grace and then stopped; three recordings are three')

  say("Acme's audit tells all of it")
  const audit = await must(200, 'GET', `${here}/audit?limit=100`, owner)
  const actions = new Set<string>(audit['items'].map((entry: Body) => String(entry['action'])))
  for (const action of [
    'business.created',
    'api_key.created',
    'invitation.created',
    'member.joined',
    'user.password_reset',
    'subscription.plan_changed',
    'subscription.renewed',
    'api_key.rotated',
  ]) {
    assert.ok(actions.has(action), `${action} is missing in the audit: ${[...actions].join(', ')}`)
  }
  assert.ok(
    [...actions].some((action) => action.startsWith('support_session.')),
    'the support session is missing',
  )
  for (const entry of audit['items'].toReversed()) {
    say(
      `  ${String(entry.at).slice(0, 16)}  ${String(entry.action).padEnd(28)} ${entry.actor.name ?? entry.actor.kind}`,
    )
  }
}

async function renewed(look: () => Promise<Body>): Promise<Body> {
  for (let tries = 0; tries < 200; tries += 1) {
    const seen = await look()
    if (seen['items'].length > 0) return seen
    await delay(100)
  }
  return assert.fail('the subscription was not renewed by the workers')
}
