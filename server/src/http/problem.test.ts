import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, password, type TestFreehold } from '../../test/harness.ts'
import { errors } from '../errors.ts'

let freehold: TestFreehold
const lines: string[] = []
beforeAll(async () => {
  const logger = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) })
  freehold = await createTestFreehold({ logger })
})
afterAll(() => freehold.close())

const isProblem = (status: number, code: string) => ({
  type: `https://freehold.dev/problems/${code}`,
  title: errors[code as keyof typeof errors][1],
  status,
  code,
  requestId: expect.stringMatching(/^req_[0-9a-z]{26}$/),
})

/** Asks over a bare connection, for what no client library would send. */
async function raw(request: string): Promise<{ status: number; type: string; body: any }> {
  const socket = connect(Number(new URL(freehold.base).port), '127.0.0.1')
  socket.end(request)
  let text = ''
  socket.setEncoding('latin1').on('data', (part: string) => (text += part))
  await once(socket, 'close')
  const [head = '', body = ''] = text.split('\r\n\r\n')
  return {
    status: Number(/^HTTP\/1.1 (\d+)/.exec(head)?.[1]),
    type: /^content-type: (.*)$/im.exec(head)?.[1] ?? '',
    body: JSON.parse(body.slice(body.indexOf('{'), body.lastIndexOf('}') + 1)),
  }
}

describe('every refusal', () => {
  test('is a problem that names the request, and the log has the same name', async () => {
    const { body, headers, status } = await freehold.api.get('/v1/me')
    expect(status).toBe(401)
    expect(headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(body).toEqual({ ...isProblem(401, 'unauthenticated'), detail: expect.any(String) })
    expect(headers.get('x-request-id')).toBe(body.requestId)
    expect(lines.some((line) => line.includes(body.requestId))).toBe(true)
  })

  test('has a request id of its own, whatever the client sends for one', async () => {
    const headers = { 'x-request-id': 'mine', 'request-id': 'mine' }
    const ids = await Promise.all(
      [1, 2].map(async () => (await freehold.api.get('/nowhere', { headers })).body.requestId),
    )
    expect(new Set(ids).size).toBe(2)
    expect(ids).not.toContain('mine')
  })

  test.each([
    ['GET', '/'],
    ['GET', '/v1'],
    ['GET', '/v1/nowhere'],
    ['POST', '//v1/login'],
    ['POST', '/v1//login'],
    ['POST', '/v1/login/'],
    ['POST', '/V1/login'],
    ['POST', '/v1/Login'],
    ['POST', '/v1/login;x=1'],
    ['POST', '/v1/%2e%2e/v1/login/'],
    ['PUT', '/v1/login/'],
    ['DELETE', '/v1/me/nowhere'],
    ['PUT', '/v1/businesses/a/b/members'],
    ['GET', '/v1/%zz'],
    ['GET', '/%'],
    ['GET', `/v1/businesses/${'x'.repeat(201)}`],
    ['GET', `/${'x'.repeat(5000)}`],
  ])('of %s %s is: not found', async (method, path) => {
    const response = await fetch(freehold.base + path, { method })
    expect(response.status).toBe(404)
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(await response.json()).toMatchObject(isProblem(404, 'not_found'))
  })

  test.each([
    ['GET', '/v1/login', 'POST'],
    ['PUT', '/v1/login?next=/', 'POST'],
    ['DELETE', '/v1/me', 'GET, HEAD, PATCH'],
    ['PATCH', '/healthz', 'GET, HEAD'],
    ['HEAD', '/v1/login', 'POST'],
    ['POST', '/openapi.json', 'GET, HEAD'],
    ['PUT', '/v1/businesses/biz_00000000000000000000000000', 'DELETE, GET, HEAD, PATCH'],
    ['PUT', '/v1/businesses/a%2Fb/members', 'GET, HEAD'],
    ['GET', '/v1/staff/businesses/biz_00000000000000000000000000/grants', 'POST'],
  ])('of %s %s says which methods the path has, whoever asks', async (method, path, allow) => {
    const { token } = await freehold.signUp()
    for (const headers of [{}, { authorization: `Bearer ${token}` }]) {
      const response = await fetch(freehold.base + path, { method, headers })
      expect(response.status).toBe(405)
      expect(response.headers.get('allow')).toBe(allow)
      expect(response.headers.get('x-content-type-options')).toBe('nosniff')
      const body = await response.text()
      if (method !== 'HEAD') expect(JSON.parse(body)).toMatchObject(isProblem(405, 'method_not_allowed'))
    }
  })

  test.each(['/healthz', '/v1/plans', '/v1/me', '/openapi.json'])(
    'by HEAD of %s has the status and headers of GET, and no body',
    async (path) => {
      const { token } = await freehold.signUp()
      const headers = { authorization: `Bearer ${token}` }
      const [head, get] = await Promise.all(
        ['HEAD', 'GET'].map((method) => fetch(freehold.base + path, { method, headers })),
      )
      expect(head?.status).toBe(200)
      expect(head?.headers.get('content-type')).toBe(get?.headers.get('content-type'))
      expect(head?.headers.get('content-length')).toBe(get?.headers.get('content-length'))
      expect(await head?.text()).toBe('')
    },
  )

  test('by HEAD is let in and validated as by GET', async () => {
    const { token } = await freehold.signUp()
    const head = async (path: string, headers = {}) =>
      (await fetch(freehold.base + path, { method: 'HEAD', headers })).status
    expect(await head('/v1/me')).toBe(401)
    expect(await head('/v1/staff/businesses', { authorization: `Bearer ${token}` })).toBe(403)
    expect(await head('/v1/plans?unknown=1')).toBe(422)
  })

  test('by OPTIONS outside a preflight is answered', async () => {
    const { status } = await fetch(`${freehold.base}/v1/me`, { method: 'OPTIONS' })
    expect(status).toBe(204)
  })

  test.each([
    [{}, 'Send the header “Authorization: Bearer …”'],
    [{ 'x-api-key': 'pk_1' }, 'Send the header “Authorization: Bearer …”'],
    [{ authorization: 'pk_1' }, 'The header Authorization is “Bearer”, a space, and a key'],
    [{ authorization: 'Token pk_1' }, 'The header Authorization is “Bearer”, a space, and a key'],
    [{ authorization: 'Bearer pk_1' }, 'The credential is unknown, expired or revoked'],
  ])('with the headers %j says how to be authenticated', async (headers, detail) => {
    const response = await fetch(`${freehold.base}/v1/me`, { headers: headers as Record<string, string> })
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toBe('Bearer')
    expect(await response.json()).toMatchObject({ detail: expect.stringContaining(detail) })
  })

  test.each([
    ['POST', '/v1/consume/', '; did you mean /v1/consume?'],
    ['POST', '/consume', '; did you mean /v1/consume?'],
    ['POST', '//v1/consume?a=b', '; did you mean /v1/consume?'],
    ['GET', '/V1/Me', '; did you mean /v1/me?'],
    ['POST', '/v1/me/', ''],
    ['GET', '/v1/nowhere/', ''],
    ['GET', '/', ''],
  ])('%s %s is not found%s', async (method, path, hint) => {
    const answer = await raw(`${method} ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`)
    expect(answer).toMatchObject({ status: 404, body: { detail: `No such route${hint}` } })
  })

  test.each([
    [{ feature: 'recordings', amount: '5' }, 'body/amount', 'must be a whole number, without quotes'],
    [{ feature: 'recordings', at: 'today' }, 'body/at', 'must be a time such as 2026-04-16T09:30:00Z'],
    [{ feature: 'recording' }, 'body/feature', 'there is no feature recording; did you mean recordings?'],
    [{ feature: 'minutes' }, 'body/feature', /^there is no feature minutes; there is recordings, /],
    [
      { feature: 'recordings', permission: 'recordings:craete' },
      'body/permission',
      'there is no permission recordings:craete; did you mean recordings:create?',
    ],
  ])('of %j says what would do', async (body, path, message) => {
    const { apiKeys } = await freehold.signUp()
    const refused = await freehold.api.post('/v1/consume', body, { token: apiKeys[0]?.key })
    expect(refused).toMatchObject({ status: 422, body: { errors: [{ path }] } })
    expect(refused.body.errors[0].message).toMatch(message)
  })

  test('of a path that production does not have is: not found, whatever the method', async () => {
    const production = await createTestFreehold({ production: true, publicUrl: 'https://app.recorder.test' })
    for (const method of ['GET', 'POST', 'PUT']) {
      expect((await production.api.call(method, '/v1/dev/clock')).status).toBe(404)
    }
    await production.close()
  })

  test.each([
    ['another method', 'PROPFIND /v1/me HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n', 405],
    ['an absolute form', 'GET http://elsewhere.test/v1/nowhere HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n', 404],
    ['an unknown method', 'FETCH /v1/me HTTP/1.1\r\nhost: x\r\n\r\n', 400],
    ['no HTTP', 'hello?\r\n\r\n', 400],
    ['too many headers', `GET / HTTP/1.1\r\nhost: x\r\nx-long: ${'x'.repeat(20_000)}\r\n\r\n`, 400],
    [
      'two lengths',
      'POST /v1/login HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{}\r\n',
      400,
    ],
  ])('of %s is a problem too', async (_what, request, status) => {
    const answer = await raw(request)
    expect(answer).toMatchObject({
      status,
      body: isProblem(status, { 404: 'not_found', 405: 'method_not_allowed' }[status] ?? 'malformed_request'),
    })
    expect(answer.type).toMatch(/^application\/problem\+json/)
  })

  test('of an id that cannot be is the one of an id that is not', async () => {
    const { token } = await freehold.signUp()
    for (const id of ['%00', 'biz_%00', '%F0%9F%94%91', "'; drop table", '..%2f..', 'biz_00000000000000000000000000']) {
      for (const path of [
        `/v1/businesses/${encodeURI(decodeURIComponent(id)).replaceAll('/', '%2f')}`,
        `/v1/businesses/${id}/members`,
      ]) {
        const { status, body } = await freehold.api.get(path, { token })
        expect({ path, status, body }).toEqual({ path, status: 404, body: isProblem(404, 'not_found') })
      }
      const { status, body } = await freehold.api.delete(`/v1/me/sessions/${id}`, { token })
      expect({ id, status, body }).toEqual({ id, status: 404, body: isProblem(404, 'not_found') })
    }
  })

  test('for want of a credential comes before the body is looked at', async () => {
    const headers = { 'content-type': 'application/json' }
    for (const body of ['{', '[]', '{"role":"owner"}', 'x'.repeat(300 * 1024)]) {
      const answer = await fetch(`${freehold.base}/v1/businesses`, { method: 'POST', headers, body })
      expect(answer.status).toBe(401)
      await answer.arrayBuffer()
    }
  })
})

describe('what nobody foresaw', () => {
  test('is told as nothing more than that, and logged whole', async () => {
    const { token, business } = await freehold.signUp()
    await freehold.sql('alter table freehold.members rename to members_elsewhere')
    lines.length = 0
    const answers = [
      await freehold.api.get('/v1/me', { token }),
      await freehold.api.get(`/v1/businesses/${business.id}`, { token }),
      await freehold.api.post('/v1/login', { email: 'a@problem.test', password }),
    ]
    await freehold.sql('alter table freehold.members_elsewhere rename to members')
    expect(answers.map(({ status }) => status)).toEqual([500, 500, 401])
    for (const { body } of answers.slice(0, 2)) {
      expect(body).toEqual(isProblem(500, 'internal_error'))
      const logged = lines.find((line) => line.includes(body.requestId) && line.includes('internal_error')) ?? ''
      expect(logged).toContain('members')
      expect(logged).toContain('stack')
    }
  })

  test('logs no password, token or key', async () => {
    lines.length = 0
    const secret = 'a password nobody may read'
    const { user, token, apiKeys } = await freehold.signUp({ password: secret })
    await freehold.api.post('/v1/login', { email: user.email, password: `${secret}!` })
    await freehold.api.post('/v1/login', { email: user.email, password: secret })
    await freehold.api.get('/v1/me', { token: `${token}x` })
    await freehold.api.get(`/v1/me?token=${token}`, { token })
    await freehold.api.post('/v1/consume', { feature: 'recordings' }, { token: apiKeys[0].key })
    await freehold.api.post('/v1/password-resets/confirm', { token: 'rst_nothing', password: secret })
    expect(lines.length).toBeGreaterThan(5)
    const link = await freehold.mailedToken(user.email)
    for (const canary of [secret, token, apiKeys[0].key, link, user.email]) {
      expect(lines.filter((line) => line.includes(canary))).toEqual([])
    }
  })
})

describe('without PostgreSQL', () => {
  /** A way to the database that can be cut. */
  async function openWay(database: string) {
    const to = new URL(database)
    const open = new Set<Socket>()
    let isCut = false
    const server = createServer((near) => {
      if (isCut) return void near.destroy()
      const far = connect(Number(to.port), to.hostname)
      for (const socket of [near, far]) {
        open.add(socket)
        socket.on('error', () => {}).on('close', () => open.delete(socket))
      }
      near.pipe(far).pipe(near)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = new URL(database)
    url.hostname = '127.0.0.1'
    url.port = String((server.address() as { port: number }).port)
    return {
      url: url.href,
      cut: () => {
        isCut = true
        for (const socket of open) socket.destroy()
      },
      mend: () => (isCut = false),
      close: () => server.close(),
    }
  }

  test('every answer is: unavailable, soon again; and all is well when it is back', async () => {
    const direct = await createTestFreehold()
    const way = await openWay(direct.database)
    const cut = await createTestFreehold({ database: way.url, rateLimits: true })
    const { token, user, business } = await cut.signUp()

    way.cut()
    const answers = await Promise.all([
      cut.api.get('/v1/me', { token }),
      cut.api.get(`/v1/businesses/${business.id}/members`, { token }),
      cut.api.post('/v1/login', { email: user.email, password }),
      cut.api.post('/v1/signup', {
        business: { name: 'Lost' },
        email: 'lost@problem.test',
        password,
        firstName: 'L',
        lastName: 'L',
      }),
      cut.api.post('/v1/password-resets', { email: user.email }),
      cut.api.get('/readyz'),
    ])
    for (const { status, body, headers } of answers) {
      expect({ status, body }).toEqual({ status: 503, body: expect.objectContaining(isProblem(503, 'unavailable')) })
      expect(headers.get('retry-after')).toBe('1')
    }
    expect((await cut.api.get('/healthz')).status).toBe(200)

    way.mend()
    await cut.eventually(async () => (await cut.api.get('/readyz')).status === 200)
    expect((await cut.api.get('/v1/me', { token })).status).toBe(200)
    expect((await cut.api.post('/v1/login', { email: user.email, password })).status).toBe(200)
    expect(await direct.sql("select from freehold.users where email = 'lost@problem.test'")).toEqual([])
    await cut.close()
    way.close()
    await direct.close()
  })

  test('that goes in the middle of requests, nothing is called done that is not', async () => {
    const direct = await createTestFreehold()
    const way = await openWay(direct.database)
    const cut = await createTestFreehold({ database: way.url })
    const { token } = await cut.signUp()
    const done: string[] = []
    const statuses = new Set<number>()
    for (let round = 0; round < 8; round += 1) {
      const attempts = Array.from({ length: 10 }, async (_, index) => {
        const name = `Round ${round} ${index}`
        const { status } = await cut.api.post('/v1/businesses', { name }, { token })
        statuses.add(status)
        if (status === 201) done.push(name)
      })
      await delay(Math.random() * 60)
      way.cut()
      await Promise.all(attempts)
      way.mend()
      await cut.eventually(async () => (await cut.api.get('/readyz')).status === 200)
    }
    const there = new Set((await direct.sql('select name from freehold.businesses')).map(({ name }) => name))
    expect(done.filter((name) => !there.has(name))).toEqual([])
    expect([...statuses].filter((status) => status !== 201 && status !== 503)).toEqual([])
    await cut.close()
    way.close()
    await direct.close()
  })
})
