import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, type TestFreehold } from '../../test/harness.ts'

/** What browsers are told about every answer, whoever answers: a route, the access check, the router, or no request at all. */

let freehold: TestFreehold
let production: TestFreehold
let session: string
beforeAll(async () => {
  freehold = await createTestFreehold()
  session = (await freehold.signUp()).token
  production = await createTestFreehold({
    production: true,
    publicUrl: 'https://app.recorder.test',
    smtpUrl: 'smtp://127.0.0.1:1',
    mailFrom: 'post@recorder.test',
  })
})
afterAll(async () => {
  await freehold.close()
  await production.close()
})

type Attempt = { method?: string; headers?: Record<string, string>; body?: string; status: number }
const json = { 'content-type': 'application/json' }
const preflight = { origin: 'https://shop.test', 'access-control-request-method': 'POST' }

const answers: [what: string, path: string, attempt: Attempt][] = [
  ['a success', '/v1/plans', { status: 200 }],
  ['a private success', '/v1/me', { status: 200 }],
  ['health', '/healthz', { status: 200 }],
  ['readiness', '/readyz', { status: 200 }],
  ['the description', '/openapi.json', { status: 200 }],
  ['the reference', '/docs/', { status: 200 }],
  ['the way to the reference', '/docs', { status: 301 }],
  ['the reference’s script', '/docs/js/scalar.js', { status: 200 }],
  ['a refused credential', '/v1/me', { headers: { authorization: 'Bearer nobody' }, status: 401 }],
  ['a business that is not', '/v1/businesses/biz_00000000000000000000000000', { status: 404 }],
  ['a body that is no JSON', '/v1/login', { method: 'POST', headers: json, body: '{', status: 400 }],
  ['a body of another type', '/v1/login', { method: 'POST', body: 'a=1', status: 415 }],
  ['a body too large', '/v1/login', { method: 'POST', headers: json, body: `"${'x'.repeat(300_000)}"`, status: 413 }],
  ['a field nobody knows', '/v1/login', { method: 'POST', headers: json, body: '{"x":1}', status: 422 }],
  ['a preflight', '/v1/consume', { method: 'OPTIONS', headers: preflight, status: 204 }],
  ['no preflight', '/v1/consume', { method: 'OPTIONS', status: 204 }],
  ['an unknown route', '/nowhere', { status: 404 }],
  ['an unknown route with a body', '/nowhere', { method: 'POST', headers: json, body: '{', status: 404 }],
  ['an unknown route with a form', '/nowhere', { method: 'POST', body: 'a=1', status: 404 }],
  [
    'an unknown route with much',
    '/nowhere',
    { method: 'POST', headers: json, body: 'x'.repeat(2_000_000), status: 404 },
  ],
  ['another method', '/v1/login', { method: 'PUT', headers: json, body: '{', status: 405 }],
  ['the root', '/', { status: 404 }],
  ['a path that cannot be decoded', '/v1/%zz', { status: 404 }],
  ['an id that is too long', `/v1/businesses/${'x'.repeat(201)}`, { status: 404 }],
]

const ask = async ({ base }: TestFreehold, path: string, { method = 'GET', headers, body }: Attempt) => {
  const response = await fetch(base + path, {
    method,
    redirect: 'manual',
    headers: { authorization: `Bearer ${session}`, ...headers },
    ...(body === undefined ? {} : { body }),
  })
  await response.arrayBuffer()
  return response
}

describe.each(answers)('%s', (_what, path, attempt) => {
  test('is framed by nobody, is what it says it is, names no referrer and is not kept', async () => {
    const { status, headers } = await ask(freehold, path, attempt)
    expect({ path, status }).toEqual({ path, status: attempt.status })
    expect(headers.get('content-security-policy')).toMatch(/(^|; )frame-ancestors 'none'(;|$)/)
    expect(headers.get('content-security-policy')).toMatch(/^default-src '(none|self)';/)
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('x-request-id')).toMatch(/^req_[0-9a-z]{26}$/)
    expect(headers.get('x-powered-by')).toBeNull()
    expect(headers.get('server')).toBeNull()
  })

  test('insists on https in production, and only there', async () => {
    expect((await ask(freehold, path, attempt)).headers.get('strict-transport-security')).toBeNull()
    const { headers } = await ask(production, path, attempt)
    expect(headers.get('strict-transport-security')).toBe('max-age=31536000; includeSubDomains')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
  })
})

test('whoever speaks no HTTP is told with the same headers', async () => {
  const socket = connect(Number(new URL(production.base).port), '127.0.0.1')
  socket.end('hello?\r\n\r\n')
  let text = ''
  socket.setEncoding('latin1').on('data', (part: string) => (text += part))
  await once(socket, 'close')
  for (const line of [
    /^x-content-type-options: nosniff\r$/m,
    /^referrer-policy: no-referrer\r$/m,
    /^cache-control: no-store\r$/m,
    /^strict-transport-security: max-age=31536000/m,
    /^content-security-policy: .*frame-ancestors 'none'/m,
    /^x-request-id: req_[0-9a-z]{26}\r$/m,
  ]) {
    expect(text).toMatch(line)
  }
})

test('only the reference runs scripts, and only its own', async () => {
  const policies = await Promise.all(
    answers.map(async ([, path, attempt]) => [
      path,
      (await ask(freehold, path, attempt)).headers.get('content-security-policy'),
    ]),
  )
  for (const [path, policy] of policies) {
    if (path?.startsWith('/docs')) expect(policy).toContain("script-src 'self'")
    else expect(policy).toBe("default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
  }
})
