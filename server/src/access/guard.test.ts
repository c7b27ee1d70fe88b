import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, { type FastifyInstance } from 'fastify'
import { Hono } from 'hono'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, days, type TestFreehold } from '../../test/harness.ts'
import { FreeholdError, fromPg, Type } from '../index.ts'

let freehold: TestFreehold
beforeAll(async () => {
  freehold = await createTestFreehold()
})
afterAll(() => freehold.close())

const open: FastifyInstance[] = []
afterEach(() => Promise.all(open.splice(0).map((app) => app.close())))

/** An application of its own with Freehold in it, on a real socket. */
async function serve(build: (app: FastifyInstance) => void | Promise<void>) {
  const app = Fastify({ forceCloseConnections: true })
  open.push(app)
  await build(app)
  const base = await app.listen({ port: 0, host: '127.0.0.1' })
  return async (method: string, path: string, token?: string, headers: Record<string, string> = {}) => {
    const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const response = await fetch(base + path, { method, headers: { ...authorization, ...headers } })
    const text = await response.text()
    const isJson = /json/.test(response.headers.get('content-type') ?? '')
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text }
  }
}

const keyOf = (signedUp: { apiKeys: { key: string }[] }) => signedUp.apiKeys[0]?.key ?? ''
const usage = async (businessId: string) => {
  const rows = await freehold.sql('select used, held from freehold.usage_counters where business_id = $1', [businessId])
  return { used: Number(rows[0]?.used ?? 0), held: Number(rows[0]?.held ?? 0) }
}
const settled = (businessId: string, used: number) =>
  freehold.eventually(async () => {
    const now = await usage(businessId)
    return now.used === used && now.held === 0
  }, `used ${used} and held 0`)

describe('guard', () => {
  const guarded = (app: FastifyInstance) => {
    app.post('/recordings', { preHandler: freehold.guard('recordings:create') }, async (request) => {
      const { actor, business, subscription, entitlements } = freehold.access(request)
      return { actor, business, subscription, entitlements }
    })
    app.get('/recordings', { preHandler: freehold.guard('recordings:read') }, async (request) => ({
      business: freehold.access(request).business.id,
    }))
    app.get('/b/:businessId/recordings', { preHandler: freehold.guard('recordings:read') }, async () => 'mine')
  }

  test('lets a key in and says who it is, for whom, and what may be used', async () => {
    const acme = await freehold.signUp()
    const call = await serve(guarded)
    const { status, body } = await call('POST', '/recordings', keyOf(acme))
    expect(status).toBe(200)
    expect(body).toMatchObject({
      actor: { kind: 'key', type: 'sdk', businessId: acme.business.id },
      business: { id: acme.business.id, name: acme.business.name, externalId: null, fields: {} },
      subscription: { status: 'active', plan: { key: 'free' }, cycleEnd: acme.subscription.cycleEnd },
      entitlements: {
        recordings: {
          kind: 'metered',
          limit: 100,
          used: 0,
          remaining: 100,
          resetsAt: acme.subscription.cycleEnd,
          source: 'plan',
        },
        applications: { kind: 'allocated', limit: 1, remaining: 1, resetsAt: null },
        members: { kind: 'allocated', limit: 3, used: 1, remaining: 2 },
        exports: { kind: 'switch', enabled: false },
        retentionDays: { kind: 'value', value: 7 },
      },
    })
  })

  test('takes the business of a signed-in person from the header or the path', async () => {
    const acme = await freehold.signUp()
    const call = await serve(guarded)
    const named = { 'freehold-business': acme.business.id }
    expect(await call('GET', '/recordings', acme.token, named)).toMatchObject({
      status: 200,
      body: { business: acme.business.id },
    })
    expect(await call('GET', `/b/${acme.business.id}/recordings`, acme.token)).toMatchObject({ status: 200 })
    expect(await call('GET', '/recordings', acme.token)).toMatchObject({
      status: 422,
      body: { code: 'invalid_request', errors: [{ path: 'headers/freehold-business' }] },
    })
  })

  test('answers a refusal as a problem', async () => {
    const acme = await freehold.signUp()
    const call = await serve(guarded)
    const refused = await call('GET', '/recordings', keyOf(acme))
    expect(refused.status).toBe(403)
    expect(refused.headers.get('content-type')).toBe('application/problem+json')
    expect(refused.body).toMatchObject({ code: 'permission_denied', status: 403, requestId: expect.any(String) })
    expect(await call('POST', '/recordings')).toMatchObject({ status: 401, body: { code: 'unauthenticated' } })
    expect(await call('POST', '/recordings', 'pk_nonsense')).toMatchObject({ status: 401 })
  })

  test('shows a stranger no more of a business than of one that does not exist', async () => {
    const [acme, other] = [await freehold.signUp(), await freehold.signUp()]
    const call = await serve(guarded)
    const as = (id: string, token = other.token) => call('GET', '/recordings', token, { 'freehold-business': id })
    const { requestId: _, ...foreign } = (await as(acme.business.id)).body
    const { requestId: __, ...unknown } = (await as('biz_00000000000000000000000000')).body
    expect(foreign).toEqual(unknown)
    expect(foreign).toMatchObject({ code: 'not_found', status: 404 })
    const byKey = await call('POST', '/recordings', keyOf(other), { 'freehold-business': acme.business.id })
    expect(byKey).toMatchObject({ status: 404, body: { code: 'not_found' } })
  })

  test('asks the role of a member', async () => {
    const acme = await freehold.signUp()
    const member = await freehold.join(acme.business, acme.token)
    const call = await serve(guarded)
    const named = { 'freehold-business': acme.business.id }
    expect(await call('GET', '/recordings', member.token, named)).toMatchObject({ status: 200 })
    expect(await call('POST', '/recordings', member.token, named)).toMatchObject({
      status: 403,
      body: { code: 'permission_denied', detail: 'This needs the permission recordings:create' },
    })
  })

  test('asks whether the business is open and its subscription entitles', async () => {
    const acme = await freehold.signUp()
    const call = await serve(guarded)
    const post = () => call('POST', '/recordings', keyOf(acme))
    const named = { 'freehold-business': acme.business.id }
    expect((await post()).status).toBe(200)
    const set = (status: string) =>
      freehold.ctx.db.across.transaction().execute(async (tx) => {
        await tx.updateTable('businesses').set({ status }).where('id', '=', acme.business.id).execute()
        const { invalidateCounters } = await import('../usage/counters.ts')
        await invalidateCounters(tx, acme.business.id)
      })
    await set('suspended')
    await freehold.eventually(async () => (await post()).status === 403, 'the refusal')
    expect(await post()).toMatchObject({ status: 403, body: { code: 'business_not_open' } })
    await set('active')
    await freehold.sql(
      `update freehold.subscriptions set status = 'ended', ended_at = cycle_start where business_id = $1`,
      [acme.business.id],
    )
    await set('active')
    await freehold.eventually(async () => (await post()).status === 402, 'the refusal')
    expect(await post()).toMatchObject({ status: 402, body: { code: 'subscription_inactive' } })
    expect(await call('GET', '/recordings', acme.token, named)).toMatchObject({ status: 402 })
  })

  test('lets one read when a payment is overdue beyond its grace, and not write', async () => {
    const acme = await freehold.signUp()
    const call = await serve(guarded)
    await freehold.sql(
      `update freehold.subscriptions set status = 'past_due', grace_end = cycle_start where business_id = $1`,
      [acme.business.id],
    )
    const named = { 'freehold-business': acme.business.id }
    expect(await call('GET', '/recordings', acme.token, named)).toMatchObject({ status: 200 })
    expect(await call('POST', '/recordings', keyOf(acme))).toMatchObject({
      status: 402,
      body: { code: 'subscription_inactive' },
    })
  })

  test('refuses a cookie alone from a foreign page, where something is written', async () => {
    const acme = await freehold.signUp()
    const call = await serve(guarded)
    const cookie = {
      cookie: `freehold-session=${encodeURIComponent(acme.token)}`,
      'freehold-business': acme.business.id,
    }
    const post = (headers: Record<string, string>) => call('POST', '/recordings', undefined, { ...cookie, ...headers })
    expect(await call('GET', '/recordings', undefined, cookie)).toMatchObject({ status: 200 })
    expect(await post({ origin: 'http://localhost:3000' })).toMatchObject({ status: 200 })
    expect(await post({ origin: 'https://evil.test' })).toMatchObject({ status: 403, body: { code: 'origin_refused' } })
    expect(await post({})).toMatchObject({ status: 403, body: { code: 'origin_refused' } })
  })

  test('lets staff in by a support session, within its access', async () => {
    const [acme, other, staff] = [await freehold.signUp(), await freehold.signUp(), await freehold.signUp()]
    await freehold.makeStaff(staff.user.id)
    const { token } = freehold.ok(
      await freehold.api.post(
        '/v1/staff/support-sessions',
        { businessId: acme.business.id, reason: 'a ticket', minutes: 10, access: 'read' },
        { token: staff.token },
      ),
    )
    const call = await serve(guarded)
    expect(await call('GET', '/recordings', token)).toMatchObject({ status: 200, body: { business: acme.business.id } })
    expect(await call('POST', '/recordings', token)).toMatchObject({ status: 403, body: { code: 'permission_denied' } })
    const elsewhere = await call('GET', '/recordings', token, { 'freehold-business': other.business.id })
    expect(elsewhere.status).toBe(404)
  })

  test('refuses app keys: they act through the gate', async () => {
    const acme = await freehold.signUp()
    await freehold.sql(
      `insert into freehold.app_keys (id, name, scope, hash, hint, created_at)
       values ('apk_1', 'backend', 'admin', sha256('app_secret'::bytea), 'x', $1)`,
      [freehold.ctx.now()],
    )
    const call = await serve(guarded)
    const refused = await call('POST', '/recordings', 'app_secret', { 'freehold-business': acme.business.id })
    expect(refused).toMatchObject({ status: 403, body: { code: 'permission_denied' } })
  })

  test('keeps to the rate of a key', async () => {
    const limited = await createTestFreehold({ rateLimits: true, database: freehold.database })
    try {
      const acme = await freehold.signUp()
      const call = await serve((app) => {
        app.post('/recordings', { preHandler: limited.guard('recordings:create') }, async () => 'ok')
      })
      const statuses = []
      for (let sent = 0; sent < 602; sent += 1) statuses.push((await call('POST', '/recordings', keyOf(acme))).status)
      expect(statuses.filter((status) => status === 429)).toHaveLength(2)
      const refused = await call('POST', '/recordings', keyOf(acme))
      expect(refused.body.code).toBe('rate_limited')
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    } finally {
      await limited.close()
    }
  })

  test('is refused by name where the permission does not exist, and access by a route without a guard', async () => {
    expect(() => freehold.guard('recordings:creat')).toThrow('no permission recordings:creat')
    expect(() => freehold.guard('recordings:create', { consume: 'exports' })).toThrow('exports is switch')
    const call = await serve((app) => {
      app.get('/open', async (request) => freehold.access(request))
    })
    expect(await call('GET', '/open')).toMatchObject({
      status: 500,
      body: { message: expect.stringContaining('guard') },
    })
  })
})

describe('guard with consume', () => {
  const consuming = (app: FastifyInstance, handler: (fail?: string) => unknown = () => ({ saved: true })) =>
    app.post<{ Querystring: { fail?: string } }>(
      '/recordings',
      { preHandler: freehold.guard('recordings:create', { consume: 'recordings' }) },
      async (request) => handler(request.query.fail),
    )

  test('has counted when the answer arrives', async () => {
    const acme = await freehold.signUp()
    const call = await serve((app) => void consuming(app))
    expect(await call('POST', '/recordings', keyOf(acme))).toMatchObject({ status: 200, body: { saved: true } })
    expect(await usage(acme.business.id)).toEqual({ used: 1, held: 0 })
  })

  test('holds the units while the handler runs', async () => {
    const acme = await freehold.signUp()
    let during
    const call = await serve((app) => {
      app.post(
        '/recordings',
        { preHandler: freehold.guard('recordings:create', { consume: { feature: 'recordings', amount: 7 } }) },
        async (_request, reply) => {
          during = await usage(acme.business.id)
          return reply.code(201).send({ saved: true })
        },
      )
    })
    expect((await call('POST', '/recordings', keyOf(acme))).status).toBe(201)
    expect(during).toEqual({ used: 0, held: 7 })
    expect(await usage(acme.business.id)).toEqual({ used: 7, held: 0 })
  })

  test.each([
    ['an error', () => Promise.reject(new Error('no disk')), 500],
    ['an error with a status', () => Promise.reject(Object.assign(new Error('conflict'), { statusCode: 409 })), 409],
    // What some throw is no error at all.
    ['something that is no error', () => Promise.reject({ statusCode: 422, message: 'bad' }), 422],
    ['a refusal', () => Promise.reject(new FreeholdError('conflict')), 409],
  ])('gives the units back after %s', async (_, fail, status) => {
    const acme = await freehold.signUp()
    const call = await serve((app) => void consuming(app, fail))
    expect((await call('POST', '/recordings', keyOf(acme))).status).toBe(status)
    expect(await usage(acme.business.id)).toEqual({ used: 0, held: 0 })
    const [entry] = await freehold.sql('select from freehold.usage_entries where business_id = $1', [acme.business.id])
    expect(entry).toBeUndefined()
  })

  test.each([
    ['before', 'preHandler'],
    ['after', 'preHandler'],
    ['before', 'onSend'],
    ['after', 'onSend'],
  ] as const)(
    'goes by the final status, with a hook of the application registered %s the route (%s)',
    async (order, hook) => {
      const acme = await freehold.signUp()
      const call = await serve((app) => {
        const spoil = () =>
          hook === 'onSend'
            ? app.addHook('onSend', async (_request, reply) => {
                reply.code(503)
                return JSON.stringify('spoiled')
              })
            : app.addHook('preHandler', async () => {
                throw new FreeholdError('unavailable')
              })
        if (order === 'before') spoil()
        consuming(app)
        if (order === 'after') spoil()
      })
      expect((await call('POST', '/recordings', keyOf(acme))).status).toBeGreaterThanOrEqual(500)
      expect(await usage(acme.business.id)).toEqual({ used: 0, held: 0 })
    },
  )

  test('refuses beyond the limit, with what a client needs to know', async () => {
    const acme = await freehold.signUp()
    const { body } = await freehold.api.post(
      '/v1/consume',
      { feature: 'recordings', amount: 99 },
      { token: keyOf(acme) },
    )
    expect(body.allowed).toBe(true)
    let ran = 0
    const call = await serve((app) => void consuming(app, () => (ran += 1)))
    const answers = await Promise.all(Array.from({ length: 6 }, () => call('POST', '/recordings', keyOf(acme))))
    expect(answers.map(({ status }) => status).filter((status) => status === 402)).toHaveLength(5)
    expect(ran).toBe(1)
    const refused = await call('POST', '/recordings', keyOf(acme))
    expect(refused.headers.get('content-type')).toBe('application/problem+json')
    expect(refused.body).toMatchObject({
      status: 402,
      code: 'limit_reached',
      feature: 'recordings',
      limit: 100,
      used: 100,
      remaining: 0,
      resetsAt: acme.subscription.cycleEnd,
    })
    expect(await usage(acme.business.id)).toEqual({ used: 100, held: 0 })
  })

  test('counts a stream once it is complete, and not one whose source breaks off', async () => {
    const acme = await freehold.signUp()
    const call = await serve((app) => {
      app.get<{ Querystring: { breaks?: string } }>(
        '/download',
        { preHandler: freehold.guard('recordings:create', { consume: 'recordings' }) },
        async (request, reply) => {
          const { breaks } = request.query
          const pieces = async function* () {
            yield 'first'
            await delay(20)
            if (breaks) throw new Error('the source is gone')
            yield 'last'
          }
          return reply.type('text/plain').send(Readable.from(pieces()))
        },
      )
    })
    expect(await call('GET', '/download', keyOf(acme))).toMatchObject({ status: 200, body: 'firstlast' })
    await settled(acme.business.id, 1)
    await expect(call('GET', '/download?breaks=1', keyOf(acme))).rejects.toThrow('terminated')
    await settled(acme.business.id, 1)
  })

  test('counts a stream that the client leaves before its end, or the last byte would be free', async () => {
    const acme = await freehold.signUp()
    const app = Fastify()
    open.push(app)
    const statuses = [200, 500]
    app.get(
      '/download',
      { preHandler: freehold.guard('recordings:create', { consume: 'recordings' }) },
      async (_request, reply) => {
        const pieces = async function* () {
          yield 'all but the last byte'
          await new Promise(() => {})
        }
        return reply.code(statuses.shift() ?? 200).send(Readable.from(pieces()))
      },
    )
    await app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = app.server.address() as AddressInfo
    const headers = { authorization: `Bearer ${keyOf(acme)}` }
    const leaveAfterFirstPiece = () =>
      new Promise<void>((resolve) => {
        const client = httpRequest({ port, path: '/download', headers }, (response) =>
          response.once('data', () => {
            client.destroy()
            resolve()
          }),
        )
        client.on('error', () => {})
        client.end()
      })
    await leaveAfterFirstPiece()
    await settled(acme.business.id, 1)
    await leaveAfterFirstPiece()
    await settled(acme.business.id, 1)
  })

  test('counts work that was done for a client who did not wait', async () => {
    const acme = await freehold.signUp()
    let finish = () => {}
    const working = new Promise<void>((resolve) => (finish = resolve))
    const app = Fastify()
    open.push(app)
    let running = false
    app.post(
      '/recordings',
      { preHandler: freehold.guard('recordings:create', { consume: 'recordings' }) },
      async () => {
        running = true
        await working
        return { saved: true }
      },
    )
    await app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = app.server.address() as AddressInfo
    const client = httpRequest({
      port,
      method: 'POST',
      path: '/recordings',
      headers: { authorization: `Bearer ${keyOf(acme)}` },
    })
    client.on('error', () => {})
    client.end()
    await freehold.eventually(async () => running, 'the handler')
    client.destroy()
    await delay(50)
    expect(await usage(acme.business.id)).toEqual({ used: 0, held: 1 })
    finish()
    await settled(acme.business.id, 1)
  })

  test('counts what took longer than the hold, the last unit too', async () => {
    const acme = await freehold.signUp()
    await freehold.api.post('/v1/consume', { feature: 'recordings', amount: 99 }, { token: keyOf(acme) })
    const call = await serve((app) => void consuming(app, () => freehold.advance(120)))
    expect((await call('POST', '/recordings', keyOf(acme))).status).toBe(200)
    expect(await usage(acme.business.id)).toEqual({ used: 100, held: 0 })
  })

  test('answers although somebody holds the counter, and counts when they are done', async () => {
    const acme = await freehold.signUp()
    const holder = new pg.Client({ connectionString: freehold.database })
    await holder.connect()
    const call = await serve((app) => {
      consuming(app, async () => {
        await holder.query('begin')
        await freehold.consume(fromPg(holder), { businessId: acme.business.id, feature: 'recordings', amount: 10 })
      })
    })
    expect((await call('POST', '/recordings', keyOf(acme))).status).toBe(200)
    expect(await usage(acme.business.id)).toEqual({ used: 0, held: 1 })
    await holder.query('commit')
    await settled(acme.business.id, 11)
    await holder.end()
  })

  test('answers a handler that writes to the socket itself', async () => {
    const acme = await freehold.signUp()
    const call = await serve((app) => {
      app.post(
        '/recordings',
        { preHandler: freehold.guard('recordings:create', { consume: 'recordings' }) },
        async (_request, reply) => {
          reply.hijack()
          reply.raw.writeHead(200, { 'content-type': 'text/plain' }).end('by hand')
        },
      )
    })
    expect(await call('POST', '/recordings', keyOf(acme))).toMatchObject({ status: 200, body: 'by hand' })
    expect(await usage(acme.business.id)).toEqual({ used: 1, held: 0 })
  })

  test('counts in the new period when the cycle has ended', async () => {
    const acme = await freehold.signUp()
    await freehold.api.post('/v1/consume', { feature: 'recordings', amount: 100 }, { token: keyOf(acme) })
    await freehold.advance(days(15))
    const call = await serve((app) => void consuming(app))
    expect((await call('POST', '/recordings', keyOf(acme))).status).toBe(200)
  })

  test('works where requests are injected', async () => {
    const acme = await freehold.signUp()
    const app = Fastify()
    open.push(app)
    consuming(app)
    const headers = { authorization: `Bearer ${keyOf(acme)}` }
    expect((await app.inject({ method: 'POST', url: '/recordings', headers })).json()).toEqual({ saved: true })
    expect(await usage(acme.business.id)).toEqual({ used: 1, held: 0 })
  })
})

describe('errorHandler', () => {
  test('answers what a handler refuses as a problem, and leaves other errors to the application', async () => {
    const acme = await freehold.signUp()
    const call = await serve((app) => {
      app.setErrorHandler(freehold.errorHandler)
      app.post('/full', { preHandler: freehold.guard('recordings:create') }, async (request) => {
        const { business } = freehold.access(request)
        const client = new pg.Client({ connectionString: freehold.database })
        await client.connect()
        try {
          await client.query('begin')
          return await freehold.consume(fromPg(client), { businessId: business.id, feature: 'recordings', amount: 101 })
        } finally {
          await client.end()
        }
      })
      app.post('/busy', () => Promise.reject(new FreeholdError('busy', undefined, { retryAfterSeconds: 1 })))
      app.post('/broken', () => Promise.reject(Object.assign(new Error('teapot'), { statusCode: 418 })))
    })
    const full = await call('POST', '/full', keyOf(acme))
    expect(full.headers.get('content-type')).toBe('application/problem+json')
    expect(full).toMatchObject({ status: 402, body: { code: 'limit_reached', limit: 100, used: 0, remaining: 100 } })
    const busy = await call('POST', '/busy')
    expect([busy.status, busy.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await call('POST', '/broken')).toMatchObject({ status: 418, body: { message: 'teapot' } })
  })
})

describe('authorize', () => {
  test('answers what there is to know, for headers of any kind', async () => {
    const acme = await freehold.signUp()
    const authorization = `Bearer ${keyOf(acme)}`
    const sources = [
      new Headers({ authorization }),
      { authorization },
      { Authorization: [authorization] },
      { headers: { authorization } },
      new Request('http://application.test', { method: 'POST', headers: { authorization } }),
    ]
    for (const source of sources) {
      expect(await freehold.authorize(source, 'recordings:create')).toMatchObject({
        ok: true,
        actor: { kind: 'key' },
        business: { id: acme.business.id },
        subscription: { plan: { key: 'free' } },
        entitlements: { recordings: { remaining: 100 } },
      })
    }
  })

  test('takes the business of a signed-in person as an option', async () => {
    const acme = await freehold.signUp()
    const headers = { authorization: `Bearer ${acme.token}` }
    const businessId = acme.business.id
    expect(await freehold.authorize(headers, 'recordings:read', { businessId })).toMatchObject({ ok: true })
    const named = { ...headers, 'freehold-business': businessId }
    expect(await freehold.authorize(named, 'recordings:read')).toMatchObject({ ok: true })
    expect(await freehold.authorize(headers, 'recordings:read')).toMatchObject({
      ok: false,
      problem: { code: 'invalid_request', status: 422 },
    })
  })

  test('answers the problem to send and throws nothing', async () => {
    const decision = await freehold.authorize({}, 'recordings:create')
    expect(decision).toEqual({
      ok: false,
      problem: {
        type: expect.stringContaining('unauthenticated'),
        title: expect.any(String),
        status: 401,
        code: 'unauthenticated',
        detail: expect.stringContaining('“Authorization: Bearer …”'),
        requestId: expect.stringMatching(/^req_/),
      },
    })
  })

  test('tells a mistake in the program from one in the request', async () => {
    await expect(freehold.authorize({}, 'recordings:creat')).rejects.toThrow('no permission recordings:creat')
  })
})

describe('mounted in an application', () => {
  test('answers its own routes and leaves those of the application alone', async () => {
    const app = Fastify().withTypeProvider<TypeBoxTypeProvider>()
    open.push(app)
    app.addSchema({ $id: 'Problem', type: 'object' })
    app.post(
      '/notes',
      { preHandler: freehold.guard('recordings:create'), schema: { body: Type.Object({ count: Type.Integer() }) } },
      async (request) => ({ count: request.body.count }),
    )
    await app.register(freehold.fastify)
    app.get('/open', async (_request, reply) => {
      expect(reply.getHeader('content-security-policy')).toBeUndefined()
      return { open: true }
    })
    const acme = await freehold.signUp()
    const headers = { authorization: `Bearer ${acme.token}` }
    expect((await app.inject({ url: '/v1/me', headers })).json()).toMatchObject({ user: { id: acme.user.id } })
    expect((await app.inject('/open')).json()).toEqual({ open: true })
    // The application's own validation goes on as Fastify does it: text becomes a number.
    const note = await app.inject({
      method: 'POST',
      url: '/notes',
      headers: { authorization: `Bearer ${keyOf(acme)}` },
      payload: { count: '7' },
    })
    expect(note.json()).toEqual({ count: 7 })
    expect((await app.inject('/v1/nothing')).json()).toMatchObject({ error: 'Not Found' })
  })
})

describe('a server of its own', () => {
  test('answers what a server of Node hands to it', async () => {
    await freehold.server.ready()
    const server = createServer((request, response) => freehold.server.routing(request, response))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    try {
      const { port } = server.address() as AddressInfo
      const acme = await freehold.signUp()
      const headers = { authorization: `Bearer ${acme.token}` }
      const me = await fetch(`http://127.0.0.1:${port}/v1/me`, { headers })
      expect(await me.json()).toMatchObject({ user: { id: acme.user.id } })
      expect((await fetch(`http://127.0.0.1:${port}/v1/nothing`)).status).toBe(404)
    } finally {
      server.close()
    }
  })
})

describe('fetch', () => {
  const signUpBody = () => ({
    business: { name: 'Fetched' },
    email: `fetched-${Math.random()}@example.test`,
    password: 'correct horse battery',
    firstName: 'Fay',
    lastName: 'Fetch',
  })

  test('serves all routes in Hono, beside routes that are guarded', async () => {
    const app = new Hono()
    app.post('/recordings', async (context) => {
      const decision = await freehold.authorize(context.req.raw, 'recordings:create')
      if (!decision.ok) return context.json(decision.problem, decision.problem.status as 401)
      return context.json({ business: decision.business.name }, 201)
    })
    app.mount('/', freehold.fetch)
    const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
      app.request(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      })
    const signedUp = await post('/v1/signup', signUpBody())
    expect(signedUp.status).toBe(201)
    expect(signedUp.headers.getSetCookie()[0]).toContain('freehold-session=')
    const { apiKeys, token } = (await signedUp.json()) as { apiKeys: { key: string }[]; token: string }
    const authorization = `Bearer ${apiKeys[0]?.key}`
    const recorded = await post('/recordings', {}, { authorization })
    expect([recorded.status, await recorded.json()]).toEqual([201, { business: 'Fetched' }])
    expect((await post('/recordings', {})).status).toBe(401)
    const loggedOut = await app.request('/v1/logout', {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
    })
    expect([loggedOut.status, await loggedOut.text()]).toEqual([204, ''])
    expect((await app.request('/v1/me', { headers: { authorization: `Bearer ${token}` } })).status).toBe(401)
  })

  test('serves all routes in a plain server of Node', async () => {
    const respond = async (message: IncomingMessage, answer: ServerResponse) => {
      const hasBody = message.method !== 'GET' && message.method !== 'HEAD'
      const request = new Request(`http://${message.headers.host}${message.url}`, {
        method: message.method ?? 'GET',
        headers: message.headers as Record<string, string>,
        ...(hasBody ? { body: Readable.toWeb(message) as ReadableStream, duplex: 'half' } : {}),
      })
      const response = await freehold.fetch(request, { remoteAddress: message.socket.remoteAddress })
      answer.writeHead(response.status, Object.fromEntries(response.headers))
      answer.end(Buffer.from(await response.arrayBuffer()))
    }
    const server = createServer((message, answer) => void respond(message, answer))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    try {
      const post = (path: string, body: string) =>
        fetch(base + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
      const signedUp = await post('/v1/signup', JSON.stringify(signUpBody()))
      expect(signedUp.status).toBe(201)
      const { token } = (await signedUp.json()) as { token: string }
      const me = await fetch(`${base}/v1/me`, { headers: { authorization: `Bearer ${token}` } })
      expect(await me.json()).toMatchObject({ user: { firstName: 'Fay' } })
      const [session] = await freehold.sql('select ip_address from freehold.sessions order by id desc limit 1')
      expect(session.ip_address).toBe('127.0.0.1')
      const tooLarge = await post('/v1/signup', JSON.stringify({ text: 'x'.repeat(600_000) }))
      expect([tooLarge.status, await tooLarge.json()]).toMatchObject([413, { code: 'payload_too_large' }])
      expect((await fetch(`${base}/v1/nothing`)).status).toBe(404)
    } finally {
      server.close()
    }
  })
})
