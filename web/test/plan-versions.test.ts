import { afterAll, beforeAll, expect, test } from 'vitest'
import { openStaff, type Staff } from '../../server/test/staff.ts'
import { openWeb } from './pages.ts'

let web: Awaited<ReturnType<typeof openWeb>>
let people: Staff
beforeAll(async () => {
  web = await openWeb()
  people = await openStaff(web)
})
afterAll(() => web.close())

test('staff write a version, see who would exceed it, and decide what becomes of those on the plan', async () => {
  const { business, token } = await web.signUp({ business: { name: 'Crowd' } })
  for (const email of ['bea@crowd.test', 'cid@crowd.test']) await web.join(business, token, 'member', email)
  const { page, go, see, look, complaints, barriers, overflow, screenshot, close } = await web.visit(people.staff)
  await go('/console/plans/free')
  await see('Free')
  await page.getByRole('link', { name: 'New version' }).click()
  await see('New version of Free')

  await page.getByRole('button', { name: 'See what it would mean' }).click()
  await page.getByText('Nothing would change.').waitFor()
  await page.getByRole('group', { name: 'Members' }).getByLabel('Limit').fill('2')
  await page.getByRole('group', { name: 'Recordings' }).getByLabel('Included').selectOption('beyond')
  await page.getByRole('group', { name: 'Recordings' }).getByLabel('Price in USD').fill('0.25')
  await page.getByRole('button', { name: 'See what it would mean' }).click()
  const changes = page.getByRole('table', { name: 'Changes' })
  await changes.getByRole('row', { name: /Members 3 2/ }).waitFor()
  await changes.getByRole('row', { name: /Recordings 100 100, then \$0.25 each/ }).waitFor()
  await page.getByText('One business has more in use than it allows.').waitFor()
  await page.getByRole('table', { name: 'More in use than it allows' }).getByText('Crowd').waitFor()
  for (const width of [1280, 360]) {
    await look({ width, scheme: width === 360 ? 'dark' : 'light' })
    await screenshot(`console-version-compared-${width}`)
    expect(await overflow()).toBe(0)
    expect(await barriers()).toEqual([])
  }

  // What is changed after the comparison has to be compared again before it can be published.
  expect(await page.getByLabel('At the end of a trial that nobody pays for').count()).toBe(0)
  await page.getByLabel('Trial days').fill('7')
  await page.getByLabel('At the end of a trial that nobody pays for').selectOption('It pauses until it is paid for')
  expect(await page.getByRole('button', { name: 'Publish version 2' }).count()).toBe(0)
  await page.getByRole('button', { name: 'See what it would mean' }).click()
  await page.getByLabel('Those on the plan').selectOption('atRenewal')
  await page.getByLabel('Reason').fill('seats are dear')
  await page.getByRole('button', { name: 'Publish version 2' }).click()
  await see('Free')
  await page.getByText('Version 2 is published', { exact: true }).waitFor()
  expect(complaints).toEqual([])

  const { versions } = (await web.api.get('/v1/staff/plans/free', people.staff)).body
  expect(versions[0]).toMatchObject({
    version: 2,
    trialDays: 7,
    onTrialEnd: 'pause',
    includes: { members: 2, recordings: { limit: 100, overage: { price: { amount: 25, currency: 'USD' } } } },
  })
  await close()
})

test('what fields of a version are called is said once above them, and with each where there is no room for lines', async () => {
  const { page, go, see, sound, look, close } = await web.visit(people.staff)
  await go('/console/plans/growth/new-version')
  await see('New version of Growth')
  const lines = await page.getByRole('group').count()
  const shown = (label: string) =>
    page
      .getByText(label, { exact: true })
      .evaluateAll((labels) => labels.filter((each) => each.getBoundingClientRect().width > 1).length)
  const prices = await page.getByRole('group', { name: /^Price / }).count()
  expect([await shown('Currency'), await shown('Included')]).toEqual([1, 1])
  await look({ width: 360, scheme: 'light' })
  expect([await shown('Currency'), await shown('Included')]).toEqual([prices, lines - prices])
  expect(lines - prices).toBeGreaterThan(1)
  await page.getByRole('group', { name: 'Recordings' }).getByLabel('Included').selectOption('beyond')
  await page.getByRole('button', { name: 'Add a price' }).click()
  await sound('console-version-written')
  await close()
})

test('what the server refuses of a version is said beside what was written', async () => {
  const { page, go, see, close } = await web.visit(people.staff)
  await go('/console/plans/growth/new-version')
  await see('New version of Growth')
  await page.getByRole('group', { name: 'Price monthly' }).getByLabel('Name').fill('yearly')
  await page.getByRole('button', { name: 'See what it would mean' }).click()
  await page.getByText('Each price has a name of its own.').waitFor()
  await page.getByRole('group', { name: 'Price yearly' }).first().getByLabel('Name').fill('monthly')
  await page.getByRole('group', { name: 'Price monthly' }).getByLabel('Currency').fill('EUR')
  await page.getByRole('group', { name: 'Recordings' }).getByLabel('Included').selectOption('beyond')
  await page.getByRole('button', { name: 'See what it would mean' }).click()
  await page
    .getByText(/must be in the currency of every price/)
    .first()
    .waitFor()
  await page.getByLabel('At the end of a cycle').selectOption('fallback')
  await page.getByLabel('Falls back to').selectOption('free')
  await page.getByRole('group', { name: 'Recordings' }).getByLabel('Included').selectOption('limit')
  await page.getByRole('button', { name: 'See what it would mean' }).click()
  await page
    .getByRole('table', { name: 'Changes' })
    .getByRole('row', { name: /Falls back to – free/ })
    .waitFor()
  await close()
})

test('a plan is renamed and hidden, and the one that sign-ups need is not archived', async () => {
  const { page, go, see, close } = await web.visit(people.staff)
  await go('/console/plans/growth')
  await see('Growth')
  const dialog = page.getByRole('dialog')
  await page.getByRole('button', { name: 'Change the offer' }).click()
  await dialog.getByLabel('Name').fill('Grow')
  await dialog.getByLabel('Hidden').check()
  await dialog.getByLabel('Reason').fill('a better name')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await see('Grow')
  await page.getByText('Hidden', { exact: true }).waitFor()
  await go('/console/plans/free')
  await page.getByRole('button', { name: 'Change the offer' }).click()
  await dialog.getByLabel('Archived').check()
  await dialog.getByLabel('Reason').fill('sold no more')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await dialog.getByText(/New businesses start on this plan/).waitFor()
  await close()
})
