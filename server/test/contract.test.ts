import { randomBytes } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import Fastify, { type FastifyInstance, type RouteOptions } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freeholdPlugin } from '../src/http/server.ts'
import type { Routes } from '../src/http/request.ts'
import { openInvoice } from '../src/invoices/invoices.ts'
import { hashToken, newToken } from '../src/secrets.ts'
import { createTestFreehold, type Answer, type TestFreehold } from './harness.ts'
import { across, billFor } from './invoices.ts'
import { objects, sample, withField, type Schema } from './samples.ts'

/**
 * What holds for every route, generated from the routes that the server really has: a new one is covered by being
 * there. The tables here say what is meant; a route that fits none of them fails, so that somebody says it.
 */

// Nobody needs to sign in for these.
const publicRoutes = [
  'GET /healthz',
  'GET /readyz',
  'GET /openapi.json',
  'GET /docs',
  'GET /docs/',
  'GET /docs/js/scalar.js',
  'GET /v1/plans',
  'POST /v1/signup',
  'POST /v1/login',
  'POST /v1/login/two-factor',
  'POST /v1/login/social/:provider',
  'POST /v1/login/social/:provider/callback',
  'POST /v1/email-verifications',
  'POST /v1/email-verifications/confirm',
  'POST /v1/password-resets',
  'POST /v1/password-resets/confirm',
  'POST /v1/invitations/lookup',
  'GET /v1/dev/clock',
  'GET /v1/dev/clock/effects',
  'POST /v1/dev/clock',
  'GET /dev/mailbox',
]

// Who a route lets in: within a business by its first segment there, elsewhere by its beginning.
const wantedInBusiness: Record<string, string> = {
  'GET ': 'business:read',
  'PATCH ': 'business:update',
  'DELETE ': 'business:close',
  'POST reopening': 'business:close',
  'POST ownership-transfer': 'business:transfer',
  'GET members': 'members:read',
  '* members': 'members:manage',
  'GET invitations': 'invitations:read',
  '* invitations': 'invitations:manage',
  'GET api-keys': 'api-keys:read',
  '* api-keys': 'api-keys:manage',
  'GET subscription': 'subscription:read',
  '* subscription': 'subscription:manage',
  'GET invoices': 'subscription:read',
  'GET invoices.csv': 'subscription:read',
  'GET credits': 'subscription:read',
  'GET entitlements': 'usage:read',
  'GET usage': 'usage:read',
  'GET items': 'usage:read',
  'GET audit': 'audit:read',
  'GET audit.csv': 'audit:read',
  'GET support-access': 'support:read',
  '* support-access': 'support:manage',
}
const wantedElsewhere: [route: RegExp, access: string][] = [
  [/^GET \/v1\/staff\//, 'staff:read'],
  [/ \/v1\/staff\//, 'staff:write'],
  [/^POST \/v1\/(check|consume|allocate|release|usage|reservations)(\/|$)/, 'credential'],
  [/^DELETE \/v1\/reservations\//, 'credential'],
  [/^GET \/v1\/explain\//, 'credential'],
  [/^GET \/v1\/me$/, 'credential'],
  [/ \/v1\/me(\/|$)/, 'user'],
  [/^POST \/v1\/(logout|businesses|invitations\/accept)$/, 'user'],
]

// Who holds what, of everybody who may act in a business.
const people = ['owner', 'admin', 'member', 'viewer', 'supportRead', 'supportWrite'] as const
const holders: Record<string, readonly (typeof people)[number][]> = {
  'business:read': people,
  'business:update': ['owner', 'admin', 'supportWrite'],
  'business:close': ['owner'],
  'business:transfer': ['owner'],
  'members:read': people,
  'members:manage': ['owner', 'admin', 'supportWrite'],
  'invitations:read': ['owner', 'admin', 'supportRead', 'supportWrite'],
  'invitations:manage': ['owner', 'admin', 'supportWrite'],
  'api-keys:read': ['owner', 'admin', 'supportRead', 'supportWrite'],
  'api-keys:manage': ['owner', 'admin'],
  'subscription:read': people,
  'subscription:manage': ['owner', 'admin'],
  'usage:read': people,
  'audit:read': ['owner', 'admin', 'supportRead', 'supportWrite'],
  'support:read': ['owner', 'admin', 'supportRead', 'supportWrite'],
  'support:manage': ['owner', 'admin'],
}

// What a parameter in a path, by the segment before it, or a field that ends in Id names: a table of a business's rows.
const named: Record<string, string> = {
  businesses: 'businesses',
  businessId: 'businesses',
  members: 'members',
  memberId: 'members',
  invitations: 'invitations',
  'api-keys': 'api_keys',
  reservations: 'reservations',
  explain: 'denials',
  'support-access/requests': 'support_sessions',
  'support-access/sessions': 'support_sessions',
  'support-sessions': 'support_sessions',
  'me/sessions': 'sessions',
  users: 'users',
  userId: 'users',
  grants: 'grants',
  invoices: 'invoices',
  invoiceId: 'invoices',
  mails: 'mails',
}
// These name nothing that belongs to a business.
const common: Record<string, string> = {
  plans: 'free',
  limits: 'recordings',
  itemId: 'item',
  externalId: 'external',
  quoteId: 'quote',
  tasks: 'clean-up',
  social: 'github',
  providers: 'github',
}

// Where the smallest body says too little to reach the row it is about.
const bodies: Record<string, object> = {
  'PATCH /v1/businesses/:businessId/members/:memberId': { role: 'member' },
  'POST /v1/staff/businesses/:id/extension': { days: 1, reason: 'a reason' },
  'POST /v1/staff/businesses/:id/credits': { amount: 1, currency: 'USD', reason: 'a reason' },
  'POST /v1/staff/businesses/:id/grants': { feature: 'recordings', amount: 1, reason: 'a reason' },
  'POST /v1/staff/businesses/:id/usage-corrections': { feature: 'recordings', amount: 1, reason: 'a reason' },
}

type Route = { name: string; method: string; url: string; access: string; schema: Schemas }
type Schemas = { body?: Schema; querystring?: Schema; response?: Record<string, unknown> }
type World = { business: { id: string }; token: string; key: string; ids: Record<string, string> }

// Thousands of requests, on machines that do other things too.

let freehold: TestFreehold
const routes: Route[] = []
let victim: World
let own: World
const tokens: Record<string, string> = {}
const ownMembers: Record<string, string> = {}

beforeAll(async () => {
  let server: FastifyInstance | undefined
  const collect = (message: unknown) => {
    const { fastify } = message as { fastify: FastifyInstance }
    if (server !== undefined) return
    server = fastify
    fastify.addHook('onRoute', (route) => void seen.push(route))
  }
  const seen: RouteOptions[] = []
  subscribe('fastify.initialization', collect)
  freehold = await createTestFreehold({ socialSignIn: { github: { clientId: 'id', clientSecret: 'secret' } } })
  unsubscribe('fastify.initialization', collect)
  routes.push(
    ...seen
      .filter(({ method }) => method !== 'OPTIONS' && method !== 'HEAD')
      // Pages for whoever develops, which are no part of the API.
      .filter(({ url }) => !url.startsWith('/dev/mailbox/'))
      .map(({ method, url, config, schema }) => ({
        name: `${String(method)} ${url}`,
        method: String(method),
        url,
        access: config?.access ?? 'undeclared',
        schema: (schema ?? {}) as Schemas,
      })),
  )

  victim = await world()
  own = await world()
  for (const role of ['admin', 'member', 'viewer', 'suspended']) {
    const joined = await freehold.join(own.business, own.token, role === 'suspended' ? 'admin' : role)
    tokens[role] = joined.token
    ownMembers[role] = joined.member.id
  }
  await freehold.sql('update freehold.members set suspended_at = $1 where business_id = $2 and id = $3', [
    freehold.ctx.now(),
    own.business.id,
    ownMembers['suspended'],
  ])
  const staff = await freehold.signUp()
  await freehold.makeStaff(staff.user.id)
  Object.assign(tokens, {
    owner: own.token,
    staff: staff.token,
    supportRead: await supportSession(own.business.id, staff.user.id, 'read'),
    supportWrite: await supportSession(own.business.id, staff.user.id, 'write'),
    keySdk: own.key,
    keyServer: await apiKey(own.business.id, 'server'),
    appMeter: await appKey('meter'),
    appAdmin: await appKey('admin'),
  })
})
afterAll(() => freehold.close())

/** A business with a row of everything that a route can name. */
async function world(): Promise<World> {
  const { business, token, user, apiKeys, subscription } = await freehold.signUp()
  const payer = { businessId: business.id, subscriptionId: subscription.id, name: business.name, token }
  await across(freehold, (tx) => openInvoice(tx, freehold.ctx, billFor(payer)))
  await freehold.sql(
    `insert into freehold.limit_overrides (business_id, feature, value, reason, created_by, created_at)
     values ($1, 'members', 'null', 'room for everybody', 'usr_test', $2)`,
    [business.id, freehold.ctx.now()],
  )
  const key = apiKeys[0].key
  const { member } = await freehold.join(business, token)
  const email = `invited-${randomBytes(4).toString('hex')}@example.test`
  freehold.ok(
    await freehold.api.post(`/v1/businesses/${business.id}/invitations`, { email, role: 'member' }, { token }),
  )
  freehold.ok(await freehold.api.post('/v1/consume', { feature: 'recordings', amount: 3 }, { token: key }))
  freehold.ok(await freehold.api.post('/v1/allocate', { feature: 'applications', itemId: 'app-1' }, { token: key }))
  const reservation = freehold.ok(
    await freehold.api.post('/v1/reservations', { feature: 'recordings', amount: 2 }, { token: key }),
  )
  const denial = freehold.ok(await freehold.api.post('/v1/check', { permission: 'members:manage' }, { token: key }))
  // By then it is written, too.
  freehold.ok(await freehold.api.get(`/v1/explain/${denial.requestId}`, { token }))
  await freehold.sql(
    `insert into freehold.grants
       (business_id, id, feature, amount, reason, effective_at, created_by, created_at)
     values ($1, $2, 'recordings', 5, 'a gift', $3, 'usr_test', $3)`,
    [business.id, freehold.ctx.newId('grant'), freehold.ctx.now()],
  )
  await supportSession(business.id, user.id, 'read')
  const newest = async (table: string) =>
    (
      await freehold.sql(`select id from freehold.${table} where business_id = $1 order by id desc limit 1`, [
        business.id,
      ])
    )[0]?.id as string
  const [session] = await freehold.sql('select id from freehold.sessions where user_id = $1', [user.id])
  return {
    business,
    token,
    key,
    ids: {
      businesses: business.id,
      members: member.id,
      users: member.userId,
      sessions: session.id,
      reservations: reservation.id,
      denials: denial.requestId,
      invitations: await newest('invitations'),
      api_keys: await newest('api_keys'),
      support_sessions: await newest('support_sessions'),
      grants: await newest('grants'),
      invoices: await newest('invoices'),
      mails: await newest('mails'),
      subscriptions: await newest('subscriptions'),
    },
  }
}

async function supportSession(businessId: string, staffId: string, access: 'read' | 'write'): Promise<string> {
  const token = newToken('sup', businessId)
  const now = freehold.ctx.now()
  await freehold.sql(
    `insert into freehold.support_sessions (business_id, id, staff_id, staff_name, staff_email, reason, access, minutes,
       token_hash, requested_at, started_at, expires_at)
     values ($1, $2, $3, 'Sam Staff', 'sam@example.test', 'to look into it', $4, 60, $5, $6, $6, $7)`,
    [
      businessId,
      freehold.ctx.newId('supportSession'),
      staffId,
      access,
      hashToken(token),
      now,
      new Date(now.getTime() + 3_600_000),
    ],
  )
  return token
}

async function apiKey(businessId: string, type: string): Promise<string> {
  const key = newToken('sk', businessId)
  const id = freehold.ctx.newId('apiKey')
  await freehold.sql(
    `insert into freehold.api_keys (business_id, id, type, name, hash, hint, lineage_id, created_at)
     values ($1, $2, $3, 'a key', $4, 'sk…', $2, $5)`,
    [businessId, id, type, hashToken(key), freehold.ctx.now()],
  )
  return key
}

async function appKey(scope: 'meter' | 'admin'): Promise<string> {
  const key = newToken('app')
  await freehold.sql(
    `insert into freehold.app_keys (id, name, scope, hash, hint, created_at) values ($1, $2, $2, $3, 'app…', $4)`,
    [freehold.ctx.newId('appKey'), scope, hashToken(key), freehold.ctx.now()],
  )
  return key
}

const guarded = () => routes.filter(({ name }) => !publicRoutes.includes(name))
const isInBusiness = (url: string) => url.startsWith('/v1/businesses/:businessId')
const inBusiness = () => routes.filter(({ url }) => isInBusiness(url))
const takes = (route: Route, part: 'body' | 'querystring', field: string) =>
  field in (route.schema[part]?.properties ?? {})

/** The parameters of a path, each with what it names: a table, or a value that belongs to nobody. */
function parameters(url: string): { name: string; names: string }[] {
  const segments = url.split('/')
  return segments.flatMap((segment, index) => {
    if (!segment.startsWith(':')) return []
    const before = segments[index - 1] ?? ''
    const names = [`${segments[index - 2]}/${before}`, before].find((each) => each in named || each in common)
    if (names === undefined) throw new Error(`Say in contract.test.ts what ${segment} after ${before} in ${url} names`)
    return [{ name: segment, names }]
  })
}

/** An id that looks like another and names nothing. */
const unknownLike = (id: string) => `${id.split('_')[0]}_${'0'.repeat(10)}${randomBytes(8).toString('hex')}`

const idIn = (world: World, names: string): string => {
  const table = named[names]
  const id = table === undefined ? common[names] : world.ids[table]
  if (id === undefined) throw new Error(`Seed a row of ${table} in contract.test.ts`)
  return id
}

/** The path of a route, its parameters given by `value`. */
const fill = (url: string, value: (names: string, name: string) => string) => {
  let path = url
  for (const { name, names } of parameters(url)) path = path.replace(name, value(names, name))
  return path
}

/** The path with this business and rows that do not exist. */
const harmlessPath = ({ url }: Route, business: World) =>
  fill(url, (names) => {
    if (named[names] === 'businesses') return business.business.id
    // Of a provider that is not configured there is no route.
    return names === 'social' ? idIn(business, names) : unknownLike(idIn(business, names))
  })

const minimalBody = (route: Route): Record<string, unknown> | undefined =>
  route.method === 'GET'
    ? undefined
    : ((bodies[route.name] ?? sample(route.schema.body ?? { type: 'object' })) as never)

const minimalQuery = (route: Route, more: Record<string, string> = {}) => {
  const query = { ...(sample(route.schema.querystring ?? { type: 'object' }) as object), ...more }
  const text = new URLSearchParams(query as Record<string, string>).toString()
  return text === '' ? '' : `?${text}`
}

const call = (route: Route, path: string, token: string | undefined, body = minimalBody(route) as unknown) =>
  freehold.api.call(route.method, path, body, { token })

const outcome = ({ status, body }: Answer) =>
  status === 422 && body.errors
    ? `422 ${body.errors
        .map((error: { path: string }) => error.path)
        .sort()
        .join(', ')}`
    : status >= 400
      ? `${status} ${body.code}`
      : String(status)

/** An answer without what differs by itself. */
const comparable = ({ status, body }: Answer) => {
  const { requestId, ...rest } = (typeof body === 'object' ? body : { body }) as Record<string, unknown>
  return { status, ...rest, hasRequestId: requestId !== undefined }
}

/** Whoever may call this route and no business. */
const callerOf = (route: Route) => (route.access.startsWith('staff:') ? tokens['staff'] : tokens['owner'])

/** Everything a business has, as one digest; when a credential was used last is no part of it. */
async function digest(businessId: string): Promise<Record<string, string>> {
  const tables = await freehold.sql(
    `select table_name as name from information_schema.columns
     where table_schema = 'freehold' and column_name = 'business_id' order by 1`,
  )
  const digests: Record<string, string> = {}
  const take = async (name: string, where: string) => {
    const [row] = await freehold.sql(
      `select coalesce(string_agg((to_jsonb(t) - 'last_used_at')::text, E'\\n' order by to_jsonb(t)::text), '') as rows
       from freehold.${name} t where ${where}`,
      [businessId],
    )
    digests[name] = row.rows
  }
  for (const { name } of tables) await take(name, 'business_id = $1')
  await take('businesses', 'id = $1')
  for (const name of ['users', 'sessions', 'accounts', 'two_factors']) {
    const column = name === 'users' ? 'id' : 'user_id'
    await take(name, `${column} in (select user_id from freehold.members where business_id = $1)`)
  }
  return digests
}

describe('the routes', () => {
  test('are public only where this file says so', () => {
    const open = routes.filter(({ access }) => access === 'public' || access === 'undeclared').map(({ name }) => name)
    expect(open.toSorted()).toEqual(publicRoutes.toSorted())
  })

  test('let in who this file says', () => {
    const wanted = ({ name, method, url }: Route): string | undefined => {
      if (!isInBusiness(url)) return wantedElsewhere.find(([pattern]) => pattern.test(name))?.[1]
      const segment = url.split('/')[4] ?? ''
      return wantedInBusiness[`${method} ${segment}`] ?? wantedInBusiness[`* ${segment}`]
    }
    expect(Object.fromEntries(guarded().map((route) => [route.name, route.access]))).toEqual(
      Object.fromEntries(guarded().map((route) => [route.name, wanted(route)])),
    )
  })

  test('of the roles, only the holders of a permission pass', async () => {
    const { memberships } = freehold.ok(await freehold.api.get('/v1/me', { token: tokens['admin'] }))
    const builtIn = memberships[0].permissions.filter((each: string) => each in holders)
    expect(builtIn.toSorted()).toEqual(
      Object.keys(holders)
        .filter((permission) => holders[permission]?.includes('admin'))
        .toSorted(),
    )
    expect(Object.keys(holders).toSorted()).toEqual(
      Object.keys(freehold.ctx.permissions.kinds)
        .filter((each) => !(each in freehold.ctx.product.permissions))
        .toSorted(),
    )
  })

  test('take closed objects only', () => {
    const open = routes.flatMap(({ name, schema }) =>
      [schema.body, schema.querystring].flatMap((part) =>
        objects(part ?? {}).flatMap((each) =>
          each.schema.additionalProperties === false ? [] : `${name} ${each.path}`,
        ),
      ),
    )
    expect(open).toEqual([])
  })

  test('declare exactly one success, but for those with a choice', () => {
    const several = routes.flatMap(({ name, schema }) =>
      Object.keys(schema.response ?? {}).filter((status) => status.startsWith('2')).length === 1 ? [] : name,
    )
    expect(several.filter((name) => !/^GET \/(docs|openapi)/.test(name))).toEqual([
      'POST /v1/signup',
      'POST /v1/staff/plans/:key/versions',
    ])
  })
})

describe('without a credential', () => {
  const attempts: [string, (route: Route) => { body?: unknown; headers?: Record<string, string> }][] = [
    ['nothing', () => ({})],
    ['a body that is no JSON', ({ method }) => (method === 'GET' ? {} : { body: '{' })],
    [
      'a body of another type',
      ({ method }) => (method === 'GET' ? {} : { body: 'a', headers: { 'content-type': 'text/plain' } }),
    ],
    ['fields nobody knows', ({ method }) => (method === 'GET' ? {} : { body: { unknownField: 1 } })],
    ['a credential nobody knows', () => ({ headers: { authorization: 'Bearer nobody' } })],
    ['an API key of nobody', () => ({ headers: { authorization: `Bearer ${newToken('sk', victim.business.id)}` } })],
    [
      'a session with a signature of nobody',
      () => ({ headers: { authorization: `Bearer ${victim.token.slice(0, -2)}AA` } }),
    ],
    ['a password', () => ({ headers: { authorization: 'Basic YTpi' } })],
    ['a cookie of nobody', () => ({ headers: { cookie: 'freehold-session=nobody' } })],
  ]
  test.each(attempts)('no route but the public ones answers to %s', async (_what, attempt) => {
    const answers: Record<string, string> = {}
    for (const route of guarded()) {
      const { body, headers = {} } = attempt(route)
      const path = harmlessPath(route, victim) + minimalQuery(route, { unknownField: '1' })
      answers[route.name] = outcome(await freehold.api.call(route.method, path, body, { headers }))
    }
    expect(answers).toEqual(Object.fromEntries(guarded().map(({ name }) => [name, '401 unauthenticated'])))
  })
})

describe('in their own business', () => {
  const callers = [...people, 'suspended', 'staff', 'keySdk', 'keyServer', 'appMeter', 'appAdmin']

  /** What this caller is told when the request is also wrong: that it is wrong only where it is let in. */
  const told = (caller: string, { access, url }: Route): string => {
    const letIn = '422 querystring/unknownField'
    const refused = '403 permission_denied'
    if (access === 'credential') return letIn
    if (access === 'user') return [...people.slice(0, 4), 'suspended', 'staff'].includes(caller) ? letIn : refused
    if (access.startsWith('staff:')) return caller === 'staff' || caller === 'appAdmin' ? letIn : refused
    if (caller === 'staff') return url.includes(':businessId') ? '404 not_found' : letIn
    return holders[access]?.includes(caller as never) ? letIn : refused
  }

  test.each(callers)('%s is let in by exactly what the table says, before anything is read', async (caller) => {
    const before = await digest(own.business.id)
    const answers: Record<string, string> = {}
    for (const route of guarded()) {
      const path = harmlessPath(route, own) + minimalQuery(route, { unknownField: '1' })
      answers[route.name] = outcome(await call(route, path, tokens[caller]))
    }
    expect(answers).toEqual(Object.fromEntries(guarded().map((route) => [route.name, told(caller, route)])))
    expect(await digest(own.business.id)).toEqual(before)
  })

  test('members may do to themselves what says so, and to nobody else', async () => {
    for (const role of ['member', 'viewer']) {
      const path = (id: string | undefined) => `/v1/businesses/${own.business.id}/members/${id}?unknownField=1`
      const token = tokens[role]
      expect((await freehold.api.delete(path(ownMembers[role]), { token })).status).toBe(422)
      expect((await freehold.api.delete(path(ownMembers['admin']), { token })).status).toBe(403)
      expect((await freehold.api.patch(path(ownMembers[role]), { role: 'owner' }, { token })).status).toBe(403)
    }
    const suspended = `/v1/businesses/${own.business.id}/members/${ownMembers['suspended']}?unknownField=1`
    expect((await freehold.api.delete(suspended, { token: tokens['suspended'] })).status).toBe(403)
  })
})

describe("another business's", () => {
  let before: Record<string, string>
  beforeAll(async () => {
    before = await digest(victim.business.id)
  })
  const expectUntouched = async () => expect(await digest(victim.business.id)).toEqual(before)

  test.each(['owner', 'admin', 'staff', 'keySdk', 'keyServer', 'supportRead', 'supportWrite'])(
    'business is to %s what does not exist',
    async (caller) => {
      const answers: Record<string, unknown> = {}
      const expected: Record<string, unknown> = {}
      for (const route of inBusiness()) {
        const theirs = fill(route.url, (names) => idIn(victim, names)) + minimalQuery(route)
        const nobodys = theirs.replace(victim.business.id, unknownLike(victim.business.id))
        answers[route.name] = comparable(await call(route, theirs, tokens[caller]))
        expected[route.name] = comparable(await call(route, nobodys, tokens[caller]))
        expect(expected[route.name]).toMatchObject({ status: 404, code: 'not_found' })
      }
      expect(answers).toEqual(expected)
      await expectUntouched()
    },
  )

  test('rows are many, so that there is something to lose', () => {
    expect(Object.values(before).filter((rows) => rows !== '').length).toBeGreaterThan(15)
  })

  test('rows cannot be reached through a business of one’s own, or through none', async () => {
    const answers: Record<string, unknown> = {}
    const expected: Record<string, unknown> = {}
    for (const route of guarded().filter(({ access }) => !access.startsWith('staff:'))) {
      const rows = parameters(route.url).filter(({ name, names }) => names in named && name !== ':businessId')
      for (const { name } of rows) {
        const send = async (id: (names: string) => string) => {
          const path = fill(route.url, (names, each) => (each === name ? id(names) : idIn(own, names)))
          const named = { businessId: own.business.id }
          const query = minimalQuery(route, takes(route, 'querystring', 'businessId') ? named : {})
          const body = { ...minimalBody(route), ...(takes(route, 'body', 'businessId') ? named : {}) }
          return comparable(await call(route, path + query, tokens['owner'], route.method === 'GET' ? undefined : body))
        }
        const label = `${route.name} with ${name} of another`
        answers[label] = await send((names) => idIn(victim, names))
        expected[label] = await send((names) => unknownLike(idIn(victim, names)))
        expect({ [label]: expected[label] }).toMatchObject({ [label]: { status: 404, code: 'not_found' } })
      }
    }
    expect(answers).toEqual(expected)
    await expectUntouched()
  })

  test('ids in bodies and queries are unknown', async () => {
    const answers: Record<string, unknown> = {}
    const expected: Record<string, unknown> = {}
    const routesWithIds = guarded().filter(({ access }) => !access.startsWith('staff:'))
    for (const route of routesWithIds) {
      const path = fill(route.url, (names) => idIn(own, names))
      for (const { field, at, request } of idFields(route)) {
        const label = `${route.name} with ${at}`
        const id = idIn(victim, field)
        for (const caller of ['owner', 'keyServer']) {
          const send = async (value: string) => {
            const { query, body } = request(value)
            return comparable(await call(route, path + minimalQuery(route, query), tokens[caller], body))
          }
          answers[`${label} as ${caller}`] = await send(id)
          expected[`${label} as ${caller}`] = await send(unknownLike(id))
          expect({ [label]: expected[`${label} as ${caller}`] }).toMatchObject({
            [label]: { status: expect.toSatisfy((status) => [403, 404, 422].includes(status)) },
          })
        }
      }
    }
    expect(answers).toEqual(expected)
    await expectUntouched()
  })

  /** The fields of a route's body and query that name rows. */
  function idFields(route: Route) {
    const inBody = objects(route.schema.body ?? {}).flatMap(({ path, schema }) =>
      idsOf(schema).map((field) => ({
        field,
        at: `body${path}/${field}`,
        request: (id: string) => ({ query: {}, body: withField(route.schema.body ?? {}, path, field, id) }),
      })),
    )
    const inQuery = idsOf(route.schema.querystring ?? {}).map((field) => ({
      field,
      at: `querystring/${field}`,
      request: (id: string) => ({ query: { [field]: id }, body: minimalBody(route) }),
    }))
    return [...inBody, ...inQuery]
  }
  const idsOf = (schema: Schema) =>
    Object.keys(schema.properties ?? {}).filter((name) => {
      if (!name.endsWith('Id') || name in common) return false
      if (!(name in named)) throw new Error(`Say in contract.test.ts what ${name} names`)
      return true
    })

  test('rows are in no list and no look-up, whatever is asked for', async () => {
    const [person] = await freehold.sql(
      `select u.email, u.id from freehold.members m join freehold.users u on u.id = m.user_id where m.business_id = $1`,
      [victim.business.id],
    )
    const [{ name }] = await freehold.sql('select name from freehold.businesses where id = $1', [victim.business.id])
    const theirs = [...Object.values(victim.ids), person.id, person.email, name]
    const leaks: string[] = []
    for (const caller of ['owner', 'keyServer', 'supportWrite']) {
      for (const route of guarded().filter(({ method, access }) => method === 'GET' && !access.startsWith('staff:'))) {
        const path = fill(route.url, (names) => idIn(own, names))
        const queries = Object.entries(route.schema.querystring?.properties ?? {})
          .filter(([, schema]) => schema.type === 'string')
          .flatMap(([field]) => theirs.map((value) => ({ [field]: value })))
        const look = async (query: Record<string, string>) => {
          const { body } = await freehold.api.get(path + minimalQuery(route, query), { token: tokens[caller] })
          const { errors: _echoed, detail: _told, ...rest } = body
          const text = JSON.stringify(rest)
          leaks.push(...theirs.filter((each) => text.includes(each)).map((each) => `${route.name} shows ${each}`))
        }
        await Promise.all([{}, ...queries].map(look))
      }
    }
    expect(leaks).toEqual([])
  })
})

describe('staff', () => {
  test('are told of what does not exist, whatever they want to do with it', async () => {
    const answers: Record<string, string> = {}
    for (const route of routes.filter(({ access }) => access.startsWith('staff:'))) {
      if (!parameters(route.url).some(({ names }) => names in named)) continue
      const path = fill(route.url, (names) => (names in named ? unknownLike(idIn(own, names)) : idIn(own, names)))
      answers[route.name] = outcome(await call(route, path + minimalQuery(route), tokens['staff']))
    }
    expect(answers).toEqual(Object.fromEntries(Object.keys(answers).map((name) => [name, '404 not_found'])))
  })
})

describe('what a request holds too much', () => {
  const foreign = ['unknownField', 'userId', 'businessId', 'role', 'status']

  test.each(foreign)('is refused with its path: %s in a body', async (field) => {
    const answers: Record<string, string> = {}
    const expected: Record<string, string> = {}
    for (const route of routes.filter(({ method, access }) => method !== 'GET' && access !== 'undeclared')) {
      const body = route.schema.body ?? {}
      for (const { path, schema } of [{ path: '', schema: body }, ...objects(body)]) {
        if (field in (schema.properties ?? {})) continue
        const sent = withField(body, path, field, 'owner')
        answers[route.name + path] = outcome(await call(route, harmlessPath(route, own), callerOf(route), sent))
        expected[route.name + path] = `422 body${path}/${field}`
      }
    }
    expect(answers).toEqual(expected)
  })

  test.each(foreign)('is refused with its path: %s in a query', async (field) => {
    const answers: Record<string, string> = {}
    const expected: Record<string, string> = {}
    for (const route of routes.filter(({ access }) => access !== 'undeclared')) {
      if (field in (route.schema.querystring?.properties ?? {})) continue
      const path = harmlessPath(route, own) + minimalQuery(route, { [field]: 'owner' })
      answers[route.name] = outcome(await call(route, path, callerOf(route)))
      expected[route.name] = `422 querystring/${field}`
    }
    expect(answers).toEqual(expected)
  })

  test('has no effect as a header', async () => {
    const headers = Object.fromEntries(
      ['userid', 'user-id', 'x-user-id', 'businessid', 'business-id', 'x-business-id', 'role', 'x-role', 'status'].map(
        (name) => [name, name.endsWith('id') ? (victim.ids['businesses'] ?? '') : 'owner'],
      ),
    )
    const path = `/v1/businesses/${own.business.id}/invitations`
    expect((await freehold.api.get(path, { token: tokens['viewer'] ?? '', headers })).status).toBe(403)
    const { memberships } = freehold.ok(await freehold.api.get('/v1/me', { token: tokens['owner'] ?? '', headers }))
    expect(memberships.map((each: { business: { id: string } }) => each.business.id)).toEqual([own.business.id])
  })
})

describe('answers', () => {
  test('of every reading route are as described, for whoever may read', async () => {
    const answers: Record<string, string> = {}
    for (const route of routes.filter(({ method, access }) => method === 'GET' && access !== 'undeclared')) {
      const path = fill(route.url, (names) => idIn(own, names)) + minimalQuery(route)
      answers[route.name] = outcome(await call(route, path, callerOf(route)))
    }
    expect(answers).toEqual(Object.fromEntries(Object.keys(answers).map((name) => [name, '200'])))
  })

  test('never hold what is stored of a secret', async () => {
    const columns = await freehold.sql(
      `select table_name as table, column_name as column from information_schema.columns
       where table_schema = 'freehold' and (data_type = 'bytea' or column_name in ('password', 'secret', 'backup_codes', 'token'))`,
    )
    const secrets: string[] = []
    for (const { table, column } of columns) {
      const rows = await freehold.sql(`select ${column} as value from freehold.${table} where ${column} is not null`)
      for (const { value } of rows) {
        secrets.push(
          ...(Buffer.isBuffer(value)
            ? ['hex', 'base64', 'base64url'].map((way) => value.toString(way as 'hex'))
            : [value]),
        )
      }
    }
    expect(secrets.length).toBeGreaterThan(20)
    for (const route of routes.filter(
      ({ method, access, url }) => method === 'GET' && access !== 'undeclared' && !url.startsWith('/dev/'),
    )) {
      const path = fill(route.url, (names) => idIn(own, names)) + minimalQuery(route)
      const text = JSON.stringify((await call(route, path, callerOf(route))).body)
      expect({ [route.name]: secrets.filter((secret) => text.includes(secret)) }).toEqual({ [route.name]: [] })
    }
  })

  test('are described for every route, with a name of its own', async () => {
    const document = freehold.ok(await freehold.api.get('/openapi.json'))
    const described = Object.entries<Record<string, { operationId: string }>>(document.paths).flatMap(
      ([path, operations]) =>
        Object.entries(operations).map(([method, { operationId }]) => ({
          name: `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
          operationId,
        })),
    )
    const declared = routes.filter(({ access }) => access !== 'undeclared').map(({ name }) => name)
    expect(described.map(({ name }) => name).toSorted()).toEqual(declared.toSorted())
    expect(new Set(described.map(({ operationId }) => operationId)).size).toBe(described.length)
  })
})

describe('a route stops the server from starting', () => {
  const start = async (register: Routes) => {
    const parts = { ctx: freehold.ctx, routes: [register], onRequest: [] }
    const app = Fastify()
    await app.register(freeholdPlugin(parts))
    await app.ready()
    await app.close()
  }
  const handler = async () => null

  test('when it declares no access', async () => {
    await expect(start((app) => app.get('/v1/open', handler))).rejects.toThrow('GET /v1/open declares no access')
  })
  test('when it asks for a permission that does not exist', async () => {
    const config = { access: 'members:delete' as never }
    await expect(start((app) => app.get('/v1/businesses/:businessId/x', { config }, handler))).rejects.toThrow(
      'members:delete, which is no permission',
    )
  })
  test('when it asks for a permission but names no business', async () => {
    const config = { access: 'members:read' } as const
    await expect(start((app) => app.get('/v1/x', { config }, handler))).rejects.toThrow('names no business')
  })
  test('when its schema has the name of another', async () => {
    const config = { access: 'public' } as const
    const named = (name: string) => ({ response: { 200: { $id: 'Same', type: 'object', properties: { [name]: {} } } } })
    await expect(
      start((app) => {
        app.get('/v1/a', { config, schema: named('a') as never }, handler)
        app.get('/v1/b', { config, schema: named('b') as never }, handler)
      }),
    ).rejects.toThrow('Two schemas are named Same')
  })
  test('and not when all is said', async () => {
    await start((app) => app.get('/v1/x', { config: { access: 'public' } }, handler))
  })
})
