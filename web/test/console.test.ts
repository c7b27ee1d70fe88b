import { afterAll, beforeAll, expect, test } from 'vitest'
import { password } from '../../server/test/harness.ts'
import { openStaff, type Staff } from '../../server/test/staff.ts'
import { openWeb } from './pages.ts'

let web: Awaited<ReturnType<typeof openWeb>>
let people: Staff
let id: string
beforeAll(async () => {
  web = await openWeb()
  people = await openStaff(web)
  const { business, token } = await web.signUp({ business: { name: 'Acme' }, email: 'ann@acme.test' })
  await web.join(business, token, 'member', 'ben@acme.test')
  id = business.id
})
afterAll(() => web.close())

const screens: { path: string; heading: string }[] = [
  { path: '/businesses', heading: 'Businesses' },
  { path: '/businesses?q=nobody', heading: 'Businesses' },
  { path: '/businesses/:id', heading: 'Acme' },
  { path: '/nowhere', heading: 'Not found' },
]

const looks = [1280, 360].flatMap((width) => (['light', 'dark'] as const).map((scheme) => ({ width, scheme })))

test.each(screens)('/console$path is sound, narrow and wide, light and dark', async ({ path, heading }) => {
  const visitor = await web.visit(people.staff)
  await visitor.go(`/console${path.replace(':id', id)}`)
  await visitor.see(heading)
  expect(await visitor.page.locator('h1').count()).toBe(1)
  const name = `console${path.replaceAll(/\W+/g, '-')}`
  for (const look of looks) {
    await visitor.look(look)
    await visitor.screenshot(`${name}-${look.width}-${look.scheme}`)
    expect({ ...look, overflow: await visitor.overflow() }).toEqual({ ...look, overflow: 0 })
    expect({ ...look, barriers: await visitor.barriers() }).toEqual({ ...look, barriers: [] })
  }
  expect(visitor.complaints).toEqual([])
  await visitor.close()
})

test('the console asks who one is, and comes back to where one wanted to go', async () => {
  const { page, go, see, close } = await web.visit()
  await go('/console/businesses?q=acme')
  await see('Sign in')
  await page.getByLabel('E-mail').fill(people.user.email)
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await see('Businesses')
  expect(page.url()).toBe(`${web.base}/console/businesses?q=acme`)
  await close()
})

test('customers are told that the console is not for them', async () => {
  const { page, go, see, complaints, barriers, close } = await web.visit(people.customer)
  await go(`/console/businesses/${id}`)
  await see('The console is for staff')
  expect(await page.getByRole('navigation').count()).toBe(0)
  expect(await barriers()).toEqual([])
  expect(complaints).toEqual([])
  await close()
})

test('staff find a business by an e-mail, open it and lengthen its cycle', async () => {
  const { page, go, see, complaints, close } = await web.visit(people.staff)
  await go('/console')
  await page.getByLabel('Find businesses').fill('BEN@acme')
  await page.getByRole('button', { name: 'Find' }).click()
  await page.waitForURL(/[?&]q=BEN/)
  await page.getByRole('link', { name: 'Acme' }).click()
  await see('Acme')
  const subscription = async () => (await web.api.get(`/v1/staff/businesses/${id}`, people.staff)).body.subscription
  const before = await subscription()

  await page.getByRole('button', { name: 'Extend the cycle' }).click()
  const dialog = page.getByRole('dialog', { name: 'Extend the cycle' })
  await dialog.getByLabel('Days').fill('10')
  await dialog.getByText('What it will mean').waitFor()
  await dialog.getByLabel('Reason').fill('slow start')
  await dialog.getByRole('button', { name: 'Extend' }).click()
  await page.getByText('The cycle is 10 days longer').waitFor()
  expect(Date.parse((await subscription()).cycleEnd) - Date.parse(before.cycleEnd)).toBe(10 * 86_400_000)
  expect(complaints).toEqual([])
  await close()
})
