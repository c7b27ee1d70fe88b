import { afterAll, beforeAll, expect, test } from 'vitest'
import { password } from '../../server/test/harness.ts'
import { openStaff, type Staff } from '../../server/test/staff.ts'
import { openWeb } from './pages.ts'

/** Every text that somebody can store is a script that waits to be shown; no screen runs it. */
const script = `"><img src=x onerror=alert(1)><script>alert(1)</script>`

let web: Awaited<ReturnType<typeof openWeb>>
let people: Staff
let id: string
let token: string
let denied: string
beforeAll(async () => {
  web = await openWeb()
  people = await openStaff(web)
  const owner = await web.signUp({ business: { name: script }, firstName: script, lastName: script })
  id = owner.business.id
  token = owner.token
  const { api, ok } = web
  const device = { headers: { 'user-agent': script } }
  ok(await api.call('POST', '/v1/login', { email: owner.user.email, password }, device))
  const own = `/v1/businesses/${id}`
  ok(await api.patch(own, { externalId: script }, { token }))
  ok(await api.post(`${own}/api-keys`, { name: script, type: 'server' }, { token }))
  ok(await api.post(`${own}/invitations`, { email: 'cid@acme.test', role: 'admin' }, { token }))
  const item = { businessId: id, feature: 'applications', itemId: script }
  ok(await api.post('/v1/allocate', item, { token }))
  denied = ok(await api.post('/v1/allocate', { ...item, itemId: `${script} 2` }, { token })).requestId
  ok(await api.post('/v1/consume', { businessId: id, feature: 'recordings', idempotencyKey: script }, { token }))

  const { staff } = people
  const about = `/v1/staff/businesses/${id}`
  const reason = script
  ok(await api.patch(about, { status: 'suspended', reason }, staff))
  ok(await api.patch(about, { status: 'active', reason }, staff))
  ok(await api.post(`${about}/credits`, { amount: 500, currency: 'USD', reason }, staff))
  ok(await api.post(`${about}/grants`, { feature: 'recordings', amount: 5, reason }, staff))
  ok(await api.put(`${about}/limits/exports`, { limit: true, reason }, staff))
  ok(await api.post(`${about}/usage-corrections`, { feature: 'recordings', amount: 1, reason }, staff))
  ok(await api.put(`${about}/plan`, { plan: 'growth', charge: 'invoice', reason }, staff))
  const [invoice] = ok(await api.get(`${about}/invoices`, staff)).items
  ok(await api.post(`${about}/invoices/${invoice.id}/payments`, { amount: 100, reference: script }, staff))
  ok(await api.patch(`/v1/staff/users/${people.user.id}`, { disabled: false, reason }, staff))
  ok(await api.post('/v1/staff/support-sessions', { businessId: id, access: 'read', minutes: 15, reason }, staff))
  ok(await api.patch('/v1/staff/plans/growth', { name: script, reason }, staff))
  ok(await api.post('/v1/staff/tasks/owner-mails/runs', { reason }, staff))
}, 120_000)
afterAll(() => web.close())

const screens = {
  owner: [
    ...['', '/team', '/api-keys', '/plan', '/usage', '/invoices', '/audit', '/support-access', '/settings'].map(
      (page) => `/b/:id${page}`,
    ),
    '/businesses',
    '/account/profile',
    '/account/sessions',
  ],
  staff: [
    ...['', '?tab=usage', '?tab=people', '?tab=keys', '?tab=subscription', '?tab=timeline', '?tab=support'].map(
      (tab) => `/businesses/:id${tab}`,
    ),
    '/',
    '/businesses',
    '/plans',
    '/plans/growth',
    '/plans/growth/new-version',
    '/subscriptions',
    '/support-sessions',
    '/audit',
    '/jobs',
    '/mail',
    '/metrics',
    '/explain?request=:denied',
  ].map((page) => `/console${page}`),
}

test.each(['owner', 'staff'] as const)('no screen of %s runs them, and each shows one', async (who) => {
  const { page, go, complaints, close } = await web.visit(who === 'owner' ? { token } : people.staff)
  page.on('dialog', (dialog) => {
    complaints.push(`said ${dialog.message()}`)
    void dialog.dismiss()
  })
  const silent: string[] = []
  for (const path of screens[who]) {
    await go(path.replace(':id', id).replace(':denied', denied))
    await page.locator('h1').waitFor()
    await page.waitForFunction(() => document.querySelector('[aria-busy="true"]') === null)
    expect([path, await page.locator('img[src="x"], [onerror]').count()]).toEqual([path, 0])
    expect([path, ...complaints]).toEqual([path])
    if (!(await page.locator('body').innerText()).includes(script)) silent.push(path)
  }
  // Or nothing would have been tried there. In the profile they stand in fields; of a device the browser is named.
  expect(silent).toEqual(who === 'owner' ? ['/account/profile', '/account/sessions'] : [])
  await close()
})
