import { afterAll, beforeAll, expect, test } from 'vitest'
import { openStaff, type Staff } from '../../server/test/staff.ts'
import { openWeb } from './pages.ts'

/** Names, addresses and numbers of rows that nobody thinks of. */

let web: Awaited<ReturnType<typeof openWeb>>
let people: Staff
let business: { id: string }
let token: string
const long = 'Internationale Gesellschaft zur Verwertung von Aufzeichnungen'.slice(0, 60)
const email = `${'a-very-long-mailbox-name'.repeat(2)}@${'subdomain.'.repeat(4)}example.test`
const rows = 10_000
beforeAll(async () => {
  web = await openWeb()
  people = await openStaff(web)
  const owner = await web.signUp({ business: { name: long }, email, firstName: 'ياسمين', lastName: 'عبد الرحمن' })
  business = owner.business
  token = owner.token
  const plan = { plan: 'unlimited', charge: 'waive', reason: 'a test' }
  web.ok(await web.api.put(`/v1/staff/businesses/${business.id}/plan`, plan, people.admin))
  await web.join(business, token, 'member', 'noa@example.test')
  await seed()
}, 120_000)
afterAll(() => web.close())

/** As many of everything as nobody clicks together. */
async function seed(): Promise<void> {
  const at = [business.id, rows]
  await web.sql(
    `insert into freehold.users (id, email, name, first_name, last_name, created_at, updated_at)
     select 'usr_0' || lpad(n::text, 25, '0'), 'person' || n || '@many.test', 'שרה ' || n, 'שרה', 'כהן ' || n, now(), now()
     from generate_series(1, $1::int) n`,
    [rows],
  )
  await web.sql(
    `insert into freehold.members (business_id, id, user_id, role, created_at)
     select $1, 'mem_0' || lpad(n::text, 25, '0'), 'usr_0' || lpad(n::text, 25, '0'), 'member', now()
     from generate_series(1, $2::int) n`,
    at,
  )
  await web.sql(
    `insert into freehold.audit_entries (business_id, id, at, actor_kind, actor_id, actor_name, action, target, after)
     select $1, 'aud_0' || lpad(n::text, 25, '0'), now() - n * interval '1 minute', 'user', 'usr_0' || lpad(n::text, 25, '0'),
       '=שרה ' || n, 'member.updated', '{"kind": "member", "id": "mem_1", "name": "שרה"}', jsonb_build_object('role', 'admin')
     from generate_series(1, $2::int) n`,
    at,
  )
}

const screens = [
  { path: '/businesses', heading: 'Your businesses' },
  { path: '/b/:id', heading: long },
  { path: '/b/:id/team', heading: 'Team' },
  { path: '/b/:id/plan', heading: 'Plan' },
  { path: '/b/:id/audit', heading: 'Audit' },
  { path: '/b/:id/settings', heading: 'Settings' },
  { path: '/account/profile', heading: 'Your profile' },
] as const

test.each(screens)('$path bears long names, both directions of writing, and ten thousand rows', async (screen) => {
  const { page, go, see, sound, complaints } = await web.comeBack({ token })
  await go(screen.path.replace(':id', business.id))
  await see(screen.heading)
  await sound(`sizes-${screen.heading.split(' ')[0]}-${screen.path.split('/').length}`, ['light'])
  await expect.poll(() => page.locator('h1').count()).toBe(1)
  expect(complaints.splice(0)).toEqual([])
})

test.each(['', '?tab=people', '?tab=timeline'])('/console/businesses/:id%s bears the same', async (tab) => {
  const { go, see, sound, complaints } = await web.comeBack(people.staff)
  await go(`/console/businesses/${business.id}${tab}`)
  await see(long)
  await sound(`sizes-console${tab.replace(/\W+/, '-')}`, ['light'])
  expect(complaints.splice(0)).toEqual([])
})

test('of a list without an end one sees a part, more on demand, and as much again by the address', async () => {
  const { page, go, see, complaints, close } = await web.visit({ token })
  await go(`/b/${business.id}/team`)
  await see('Team')
  const lines = page.getByRole('table', { name: 'Members' }).locator('tbody tr')
  await expect.poll(() => lines.count()).toBe(100)
  await page.getByRole('button', { name: 'Show more' }).click()
  await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 200)
  expect(new URL(page.url()).searchParams.get('rows')).toBe('101')
  await page.reload()
  await see('Team')
  await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 200)
  // A part of an address that the screen does not know goes no further.
  await go(`/b/${business.id}/audit?rows=51&utm_source=mail&action=member`)
  await see('Audit')
  await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 100)
  await page.getByLabel('What', { exact: true }).selectOption('')
  await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 50)
  expect(new URL(page.url()).searchParams.get('rows')).toBeNull()
  expect(complaints).toEqual([])
  await close()
})
