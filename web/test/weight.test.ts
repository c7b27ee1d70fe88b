import { afterAll, beforeAll, expect, test } from 'vitest'
import { openStaff, type Staff } from '../../server/test/staff.ts'
import { openWeb } from './pages.ts'

let web: Awaited<ReturnType<typeof openWeb>>
let people: Staff
let owner: { business: { id: string }; token: string }
beforeAll(async () => {
  web = await openWeb()
  people = await openStaff(web)
  const { business, token, apiKeys } = await web.signUp({ business: { name: 'Acme' } })
  owner = { business, token }
  web.ok(await web.api.post('/v1/consume', { feature: 'recordings', amount: 85 }, { token: apiKeys[0].key }))
})
afterAll(() => web.close())

const screens = [
  { path: '/sign-in', heading: 'Sign in', as: 'nobody' },
  { path: '/b/:id', heading: 'Acme', as: 'owner' },
  { path: '/b/:id/team', heading: 'Team', as: 'owner' },
  { path: '/b/:id/usage', heading: 'Usage', as: 'owner' },
  { path: '/console', heading: 'To do', as: 'staff' },
  { path: '/console/metrics', heading: 'Metrics', as: 'staff' },
] as const

test.each(screens)(
  'a first look at $path loads at most 200 kB of script, compressed and kept for good, and nothing in sight moves',
  async ({ path, heading, as }) => {
    const who = { nobody: {}, owner: { token: owner.token }, staff: people.staff }[as]
    const { page, go, see, shift, complaints, close } = await web.visit(who)
    // As over a line that is not quite next door: what is loading shows its shape first.
    await page.route('**/v1/**', async (route) => {
      await new Promise((resolve) => setTimeout(resolve, 300))
      await route.continue()
    })
    const scripts: { name: string; bytes: number }[] = []
    page.on('response', (response) => {
      const headers = response.headers()
      if (!/javascript/.test(headers['content-type'] ?? '')) return
      expect(headers['content-encoding']).toBe('br')
      expect(headers['cache-control']).toBe('public, max-age=31536000, immutable')
      scripts.push({ name: new URL(response.url()).pathname, bytes: Number(headers['content-length']) })
    })
    await go(path.replace(':id', owner.business.id))
    await see(heading)
    await page.waitForLoadState('networkidle')
    const bytes = scripts.reduce((sum, script) => sum + script.bytes, 0)
    expect(scripts.length).toBeGreaterThan(2)
    expect(bytes).toBeGreaterThan(50_000)
    expect(bytes).toBeLessThanOrEqual(200_000)
    // Each has its content in its name, and whoever looks at no chart loads none.
    for (const { name } of scripts) expect(name).toMatch(/\/assets\/[\w-]+-[\w-]{8}\.js$/)
    const charts = scripts.filter(({ name }) => /\/bars-/.test(name)).length
    expect(charts).toBe(/usage|metrics/.test(path) ? 1 : 0)
    // What browsers call good is 0.1.
    expect(await shift()).toBeLessThan(0.05)
    expect(complaints).toEqual([])
    await close()
  },
)
