import { afterAll, beforeAll, expect, test } from 'vitest'
import { password } from '../../server/test/harness.ts'
import { openStaff, type Staff } from '../../server/test/staff.ts'
import { openWeb } from './pages.ts'

let web: Awaited<ReturnType<typeof openWeb>>
let people: Staff
let business: { id: string; name: string }
let ben: { id: string }
const email = 'ben@acme.test'
beforeAll(async () => {
  web = await openWeb()
  people = await openStaff(web)
  const signedUp = await web.signUp({ business: { name: 'Acme' } })
  business = signedUp.business
  const joined = await web.join(business, signedUp.token, 'member', email)
  ben = joined.user
  web.ok(await web.api.post('/v1/consume', { feature: 'recordings', amount: 30 }, { token: signedUp.apiKeys[0].key }))
})
afterAll(() => web.close())

const known = async () => web.ok(await web.api.get(`/v1/staff/businesses/${business.id}`, people.staff))

test('staff change a member’s role, and lock a person out everywhere and let them in again', async () => {
  const { page, go, see, sound, complaints, close } = await web.visit(people.staff)
  await go(`/console/businesses/${business.id}?tab=people`)
  await see('Acme')
  const dialog = page.getByRole('dialog')
  await page
    .getByRole('row', { name: /Jo Joiner/ })
    .getByRole('button', { name: 'Change the role' })
    .click()
  await dialog.getByLabel('Role').selectOption('viewer')
  await dialog.getByLabel('Reason').fill('as asked')
  await dialog.getByRole('button', { name: 'Change the role' }).click()
  await page.getByText('The role of Jo Joiner is changed', { exact: true }).waitFor()
  await page.getByRole('row', { name: /Jo Joiner .* viewer/ }).waitFor()

  await page.getByRole('link', { name: 'Jo Joiner' }).click()
  await see('Jo Joiner')
  await page.getByRole('row', { name: /Acme viewer Active/ }).waitFor()
  await sound('console-person')
  const login = async () => (await web.api.post('/v1/login', { email, password })).status
  for (const [action, said, status] of [
    ['Lock out', 'Jo Joiner is locked out', 401],
    ['Let in again', 'Jo Joiner can sign in again', 200],
  ] as const) {
    await page.getByRole('button', { name: action }).click()
    await dialog.getByText('Into their businesses').waitFor()
    await dialog.getByLabel('Reason').fill('as asked')
    await dialog.getByRole('button', { name: action }).click()
    await page.getByText(said, { exact: true }).waitFor()
    await page.getByRole('button', { name: action === 'Lock out' ? 'Let in again' : 'Lock out' }).waitFor()
    expect(await login()).toBe(status)
  }
  await go('/console/people/usr_nobody')
  await see('Not found')
  await go(`/console/people/${ben.id}`)
  await see('Jo Joiner')
  expect(complaints).toEqual([])
  await close()
})

test('staff set a count right by what is true', async () => {
  const { page, go, see, barriers, complaints, close } = await web.visit(people.staff)
  await go(`/console/businesses/${business.id}`)
  await see('Acme')
  await page.getByRole('button', { name: 'Correct a count' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('What was really used').fill('12')
  await expect.poll(() => dialog.locator('dl').innerText()).toMatch(/30\s+to\s+12[^]*-18/)
  expect(await barriers()).toEqual([])
  await dialog.getByLabel('Reason').fill('counted twice')
  await dialog.getByRole('button', { name: 'Correct', exact: true }).click()
  await page.getByText('The count is corrected', { exact: true }).waitFor()
  expect((await known()).entitlements.recordings).toMatchObject({ used: 12 })
  expect(complaints).toEqual([])
  await close()
})
