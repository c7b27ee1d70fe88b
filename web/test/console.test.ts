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
  const { business, token } = await web.signUp({ business: { name: 'Acme' }, email: 'ann-with-a-long-name@acme.test' })
  await web.join(business, token, 'member', 'ben-with-a-long-name@acme-works.test')
  id = business.id
})
afterAll(() => web.close())

const screens: { path: string; heading: string }[] = [
  { path: '/businesses', heading: 'Businesses' },
  { path: '/businesses?q=nobody', heading: 'Businesses' },
  ...['', '?tab=usage', '?tab=people', '?tab=keys', '?tab=subscription', '?tab=timeline', '?tab=support'].map(
    (tab) => ({ path: `/businesses/:id${tab}`, heading: 'Acme' }),
  ),
  { path: '/plans', heading: 'Plans' },
  { path: '/plans/growth', heading: 'Growth' },
  { path: '/plans/growth/new-version', heading: 'New version of Growth' },
  { path: '/', heading: 'To do' },
  { path: '/subscriptions', heading: 'Subscriptions' },
  { path: '/subscriptions?status=past_due', heading: 'Subscriptions' },
  { path: '/support-sessions', heading: 'Support sessions' },
  { path: '/audit', heading: 'Staff log' },
  { path: '/jobs', heading: 'Jobs' },
  { path: '/mail', heading: 'Mail' },
  { path: '/metrics', heading: 'Metrics' },
  { path: '/explain', heading: 'Explain' },
  { path: '/nowhere', heading: 'Not found' },
]

test.each(screens)('/console$path is sound, narrow and wide, light and dark', async ({ path, heading }) => {
  const visitor = await web.comeBack(people.staff)
  await visitor.go(`/console${path.replace(':id', id)}`)
  await visitor.see(heading)
  await expect.poll(() => visitor.page.locator('h1').count()).toBe(1)
  const name = `console${path.replaceAll(/\W+/g, '-')}`
  await visitor.sound(name)
  expect(visitor.complaints.splice(0)).toEqual([])
})

test('IDs and addresses stay on their line', async () => {
  const { page, go, see, look, complaints } = await web.comeBack(people.staff)
  /** Boxes of a text: one for each line it is on. */
  const lines = (text: string) =>
    page
      .getByText(text, { exact: true })
      .last()
      .evaluate((element) => {
        const range = document.createRange()
        range.selectNodeContents(element)
        return range.getClientRects().length
      })
  for (const width of [1280, 360]) {
    await look({ width, scheme: 'light' })
    await go(`/console/businesses/${id}`)
    await see('Acme')
    expect({ width, lines: await lines(id) }).toEqual({ width, lines: 1 })
    expect({ width, lines: await lines('ann-with-a-long-name@acme.test') }).toEqual({ width, lines: 1 })
  }
  // A fact is a line: its name, and beside it its value.
  const tops = (fact: Element) => [...fact.children].map((each) => Math.round(each.getBoundingClientRect().top))
  await look({ width: 1280, scheme: 'light' })
  const [name, value] = await page.locator('dl > div').first().evaluate(tops)
  expect(value).toBe(name)
  await go('/console/mail')
  await see('Mail')
  expect(await lines('ben-with-a-long-name@acme-works.test')).toBe(1)
  expect(complaints.splice(0)).toEqual([])
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
  await go('/console/businesses')
  await page.getByLabel('Find businesses').fill('BEN-with-a-long-name@acme')
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

test('staff do what the rail offers, each with a reason, and see what it will mean first', async () => {
  const { page, go, see, complaints, barriers, close } = await web.visit(people.staff)
  await go(`/console/businesses/${id}`)
  await see('Acme')
  const dialog = page.getByRole('dialog')
  const act = async (action: string, submit: string, said: string, means: RegExp) => {
    await page.getByRole('button', { name: action, exact: true }).click()
    await dialog.getByText('What it will mean').waitFor()
    return {
      go: async () => {
        await expect.poll(() => dialog.locator('dl').innerText()).toMatch(means)
        await dialog.getByRole('button', { name: submit, exact: true }).click()
        await dialog.locator('textarea[aria-invalid="true"]').waitFor()
        await dialog.getByLabel('Reason').fill('as agreed')
        await dialog.getByRole('button', { name: submit, exact: true }).click()
        if (said !== '') await page.getByText(said, { exact: true }).waitFor()
      },
    }
  }
  const known = async () => (await web.api.get(`/v1/staff/businesses/${id}`, people.staff)).body

  const grant = await act('Grant units', 'Grant units', '250 units are granted', /100\s+to\s+350/)
  await dialog.getByLabel('Units').fill('250')
  await grant.go()
  const override = await act('Override a limit', 'Override', 'The limit is overridden', /7, and granted units on top/)
  await dialog.getByLabel('Limit', { exact: true }).fill('7')
  await override.go()
  const plan = await act(
    'Change the plan',
    'Change the plan',
    'The plan changes to Growth',
    /No charge\s+to\s+\$49 a month/,
  )
  await dialog.getByLabel('Plan', { exact: true }).selectOption('growth')
  expect(await barriers()).toEqual([])
  await plan.go()
  const session = await act('Start a support session', 'Start', '', /told by mail/)
  await session.go()
  await expect.poll(() => dialog.getByLabel('Token').inputValue()).toMatch(/^sup_/)
  await dialog.getByRole('button', { name: 'I have it' }).click()
  await page.getByText(/You are looking into Acme: read only/).waitFor()
  await page.getByRole('link', { name: 'Jobs', exact: true }).click()
  await see('Jobs')
  await page.getByText(/You are looking into Acme: read only/).waitFor()
  await page.getByRole('link', { name: 'Acme', exact: true }).click()
  await see('Acme')
  await page.getByRole('button', { name: 'End it' }).click()
  await page.getByText('The session has ended', { exact: true }).waitFor()
  await (await act('Suspend', 'Suspend', 'Acme is suspended', /Active\s+to\s+Suspended/)).go()
  expect(await known()).toMatchObject({
    status: 'suspended',
    plan: { key: 'growth' },
    grants: [{ amount: 250, reason: 'as agreed' }],
    overrides: [{ feature: 'recordings', limit: 7 }],
  })
  await (await act('Reactivate', 'Reactivate', 'Acme is active again', /Suspended\s+to\s+Active/)).go()
  await page.getByRole('link', { name: 'Timeline' }).click()
  await page.getByRole('table', { name: 'Timeline' }).getByText('as agreed').first().waitFor()
  // What was sent without a reason was refused at its field.
  expect(complaints.filter((each) => !/422/.test(each))).toEqual([])
  await close()
})
