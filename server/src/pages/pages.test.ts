import Fastify from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, password, type TestFreehold } from '../../test/harness.ts'
import { pagePolicy, renderPage } from './page.ts'

let freehold: TestFreehold
beforeAll(async () => {
  freehold = await createTestFreehold({ portal: { basePath: '/' } })
})
afterAll(() => freehold.close())

const browser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }
const get = (path: string, headers: Record<string, string> = browser, base = freehold.base) =>
  fetch(base + path, { headers, redirect: 'manual' })
const dataIn = (html: string) =>
  JSON.parse(/<script type="application\/json"[^>]*>(.*?)<\/script>/.exec(html)?.[1] ?? '')

describe('a page', () => {
  test('is the portal wherever it is loaded, and the console below /console', async () => {
    const portal = /assets\/index-[\w-]+\.js/
    const console = /assets\/console-[\w-]+\.js/
    for (const path of ['/', '/sign-up', '/b/biz_1/team?page=2', '/consoles']) {
      const answer = await get(path)
      expect({ path, status: answer.status }).toEqual({ path, status: 200 })
      expect(await answer.text()).toMatch(portal)
    }
    for (const path of ['/console', '/console/', '/console/businesses/biz_1']) {
      expect(await (await get(path)).text()).toMatch(console)
    }
  })

  test('runs its own scripts and no others, is framed by nobody and kept by none', async () => {
    const { headers } = await get('/sign-up')
    const policy = headers.get('content-security-policy') ?? ''
    expect(policy).toMatch(/default-src 'none'; script-src 'self'; style-src 'self' 'nonce-\w{32}'/)
    expect(policy).toMatch(/frame-ancestors 'none'; base-uri 'none'; form-action 'none'/)
    expect(policy).not.toMatch(/unsafe/)
    expect(headers.get('cache-control')).toBe('private, no-cache')
    expect(headers.get('access-control-allow-origin')).toBeNull()
    const again = await get('/sign-up')
    expect(again.headers.get('content-security-policy')).not.toBe(policy)
  })

  test('knows the product, and whether somebody is signed in', async () => {
    const { token } = await freehold.signUp()
    const signedIn = async (cookie: string) =>
      dataIn(await (await get('/', { ...browser, cookie: `freehold-session=${cookie}` })).text()).signedIn
    expect(await signedIn(token)).toBe(true)
    expect(await signedIn('nonsense')).toBe(false)
    const { product } = dataIn(await (await get('/')).text())
    expect(product).toMatchObject({
      name: 'Session Recorder',
      noun: 'business',
      roles: { member: expect.arrayContaining(['business:read', 'recordings:read']) },
      keyTypes: { sdk: { prefix: 'pk', publishable: true } },
    })
    expect(Object.keys(product.roles)).toEqual(['owner', 'admin', 'member', 'viewer'])
  })

  test('holds nothing of the product that could end or bend it', () => {
    const name = '</script><script>alert(1)</script>'
    const product = { name, brand: { color: null, logoUrl: '/"><script>' } }
    const html = renderPage('<head><!--page--></head>', { product, basePath: '' } as never, 'nonce')
    expect(html.match(/<script/g)).toHaveLength(1)
    expect(dataIn(html).product.name).toBe(name)
  })

  test('shows a logo from where the product keeps it', () => {
    const policy = (logoUrl?: string) => pagePolicy({ brand: logoUrl === undefined ? {} : { logoUrl } } as never, 'n')
    expect(policy('https://cdn.acme.test/logo.svg?v=1')).toContain("img-src 'self' data: https://cdn.acme.test;")
    expect(policy('/logo.svg')).toContain("img-src 'self' data:;")
  })
})

describe('programs', () => {
  test.each(['/v1/nothing', '/v1', '/nothing', '/assets/nothing.js', '/favicon.ico'])(
    'that ask for %s are told in their own language',
    async (path) => {
      const answer = await get(path, { accept: 'application/json' })
      expect(answer.status).toBe(404)
      expect(answer.headers.get('content-type')).toBe('application/problem+json')
    },
  )

  test('get no page for an unknown path of the API, whatever they accept', async () => {
    for (const path of ['/v1/nothing', '/v1/', '/dev/nothing', '/assets/nothing.js']) {
      const answer = await get(path)
      expect({ path, status: answer.status }).toEqual({ path, status: 404 })
      expect(await answer.json()).toMatchObject({ code: 'not_found' })
    }
  })

  test('is no answer to a path of the API by another method either', async () => {
    const answer = await get('/v1/login')
    expect({ status: answer.status, allow: answer.headers.get('allow') }).toEqual({ status: 405, allow: 'POST' })
    expect(await answer.json()).toMatchObject({ code: 'method_not_allowed' })
  })
})

describe('what a page loads', () => {
  const asset = async () => /\/assets\/index-[\w-]+\.js/.exec(await (await get('/')).text())?.[0] ?? ''

  test('is kept for good, because its name changes with its content', async () => {
    const { status, headers } = await get(await asset())
    expect(status).toBe(200)
    expect(headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    expect(headers.get('content-type')).toMatch(/javascript/)
    expect(headers.get('x-content-type-options')).toBe('nosniff')
  })

  test.each([
    ['br', 'br'],
    ['gzip', 'gzip'],
    ['identity', null],
  ])('comes compressed for those who accept %s', async (accepted, encoding) => {
    const { headers } = await get(await asset(), { 'accept-encoding': accepted })
    expect(headers.get('content-encoding')).toBe(encoding)
    expect(headers.get('vary')).toMatch(/accept-encoding/i)
  })

  test.each(['/assets/../index.html', '/assets/%2e%2e/index.html', '/assets/..%2f..%2fcli.js', '/assets/'])(
    'lies in one folder: %s leads nowhere',
    async (path) => {
      const { statusCode } = await freehold.server.inject({ url: path, headers: { accept: '*/*' } })
      expect(statusCode).toBe(404)
    },
  )
})

describe('in an application', () => {
  test('there are no pages unless it asks for them', async () => {
    const plain = await createTestFreehold()
    expect((await get('/sign-up', browser, plain.base)).status).toBe(404)
    await plain.close()
  })

  test('they stand where it says and leave the rest to it', async () => {
    const mounted = await createTestFreehold({ portal: { basePath: '/account' } })
    const app = Fastify()
    await app.register(mounted.fastify, { prefix: '/api' })
    app.get('/', () => 'the product')
    const page = await app.inject({ url: '/api/account/sign-up', headers: browser })
    expect(dataIn(page.body)).toMatchObject({ basePath: '/api/account', apiPath: '/api' })
    const script = / src="([^"]+)"/.exec(page.body)?.[1] ?? ''
    expect(script).toMatch(/^\/api\/account\/assets\//)
    expect((await app.inject(script)).statusCode).toBe(200)
    for (const [url, status] of [
      ['/api/account', 200],
      ['/api/account/console', 200],
      ['/sign-up', 404],
      ['/api/sign-up', 404],
    ] as const) {
      expect({ url, status: (await app.inject({ url, headers: browser })).statusCode }).toEqual({ url, status })
    }
    expect((await app.inject('/')).body).toBe('the product')
    await app.close()
    await mounted.close()
  })

  test('links in mails lead to them when the public address names their path', async () => {
    const mounted = await createTestFreehold({
      portal: { basePath: '/account' },
      publicUrl: 'https://app.acme.test/account',
    })
    const { business, user, token } = await mounted.signUp()
    const body = { email: 'ben@acme.test', role: 'member' }
    mounted.ok(await mounted.api.post(`/v1/businesses/${business.id}/invitations`, body, { token }))
    const [mail] = await mounted.mails('ben@acme.test')
    expect(mail?.text).toMatch(/https:\/\/app\.acme\.test\/account\/join#token=/)
    const login = { email: user.email, password }
    expect((await mounted.api.post('/v1/login', login)).status).toBe(200)
    await mounted.close()
  })
})
