import { afterAll, beforeAll, expect, test } from 'vitest'
import { openStaff } from '../../server/test/staff.ts'
import { openWeb } from './pages.ts'

let web: Awaited<ReturnType<typeof openWeb>>
beforeAll(async () => {
  web = await openWeb()
})
afterAll(() => web.close())

test.each(['/sign-in', '/b/:id', '/console', '/console/metrics'])(
  'a first look at %s loads at most 200 kB of script, compressed',
  async (path) => {
    const { business, token } = await web.signUp({ business: { name: 'Acme' } })
    const { staff } = await openStaff(web)
    const who = { '/sign-in': {}, '/b/:id': { token } }[path] ?? staff
    const { page, go, see, close } = await web.visit(who)
    const scripts: { name: string; bytes: number }[] = []
    page.on('response', (response) => {
      const headers = response.headers()
      if (!/javascript/.test(headers['content-type'] ?? '')) return
      expect(headers['content-encoding']).toBe('br')
      scripts.push({ name: new URL(response.url()).pathname, bytes: Number(headers['content-length']) })
    })
    await go(path.replace(':id', business.id))
    await see({ '/sign-in': 'Sign in', '/b/:id': 'Acme', '/console': 'To do' }[path] ?? 'Metrics')
    await page.waitForLoadState('networkidle')
    const bytes = scripts.reduce((sum, script) => sum + script.bytes, 0)
    expect(scripts.length).toBeGreaterThan(2)
    expect(bytes).toBeGreaterThan(50_000)
    expect(bytes).toBeLessThanOrEqual(200_000)
    await close()
  },
)
