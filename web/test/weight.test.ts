import { afterAll, beforeAll, expect, test } from 'vitest'
import { openWeb } from './pages.ts'

let web: Awaited<ReturnType<typeof openWeb>>
beforeAll(async () => {
  web = await openWeb()
})
afterAll(() => web.close())

test.each(['/sign-in', '/b/:id'])('a first look at %s loads at most 200 kB of script, compressed', async (path) => {
  const { business, token } = await web.signUp({ business: { name: 'Acme' } })
  const { page, go, see, close } = await web.visit(path === '/sign-in' ? {} : { token })
  const scripts: { name: string; bytes: number }[] = []
  page.on('response', (response) => {
    const headers = response.headers()
    if (!/javascript/.test(headers['content-type'] ?? '')) return
    expect(headers['content-encoding']).toBe('br')
    scripts.push({ name: new URL(response.url()).pathname, bytes: Number(headers['content-length']) })
  })
  await go(path.replace(':id', business.id))
  await see(path === '/sign-in' ? 'Sign in' : 'Acme')
  await page.waitForLoadState('networkidle')
  const bytes = scripts.reduce((sum, script) => sum + script.bytes, 0)
  expect(scripts.length).toBeGreaterThan(2)
  expect(bytes).toBeGreaterThan(50_000)
  expect(bytes).toBeLessThanOrEqual(200_000)
  await close()
})
