import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openStaff, type Staff } from '../../server/test/staff.ts'
import { openWeb } from './pages.ts'

let web: Awaited<ReturnType<typeof openWeb>>
let people: Staff
const long = 'The quite unreasonably long name of a business that never learned to be brief'
let business: { id: string }
beforeAll(async () => {
  web = await openWeb()
  people = await openStaff(web)
  const signedUp = await web.signUp({ business: { name: long }, firstName: 'Ada', lastName: 'Lovelace' })
  business = signedUp.business
  await web.join(business, signedUp.token, 'member', 'ben@acme.test')
})
afterAll(() => web.close())

/** What is typed goes nowhere before it is there. */
const ready = (page: Page) => page.waitForFunction(() => document.activeElement?.getAttribute('role') === 'combobox')

test('⌘K finds a business or a person and goes there, by keys alone', async () => {
  const { page, go, see, sound, complaints, close } = await web.visit(people.staff)
  const scripts: string[] = []
  page.on('request', (request) => void (/palette/.test(request.url()) && scripts.push(request.url())))
  await go('/console/plans')
  await see('Plans')
  expect(scripts).toEqual([])
  await page.keyboard.press('Control+k')
  await ready(page)
  const dialog = page.getByRole('dialog', { name: 'Find or go to' })
  await dialog.getByRole('option', { name: 'To do' }).waitFor()
  expect(scripts.length).toBeGreaterThan(0)
  await page.keyboard.type('unreasonably')
  await dialog.getByRole('option', { name: new RegExp(long) }).waitFor()
  await sound('console-palette')
  await page.keyboard.press('Enter')
  await see(long)
  expect(await dialog.count()).toBe(0)

  await page.keyboard.press('Control+k')
  await ready(page)
  await page.keyboard.type('lovelace')
  await dialog.getByRole('option', { name: /^Ada Lovelace/ }).waitFor()
  await page.keyboard.press('Enter')
  await see('Ada Lovelace')
  expect(complaints).toEqual([])
  await close()
})

test('it goes to screens too, the arrows choose, a pasted id is found, and Escape leaves', async () => {
  const { page, go, see, complaints, close } = await web.visit(people.staff)
  await go('/console/plans')
  await see('Plans')
  await page.getByRole('button', { name: 'Search' }).click()
  const dialog = page.getByRole('dialog', { name: 'Find or go to' })
  const chosen = dialog.getByRole('option', { selected: true })
  await ready(page)
  await page.keyboard.type('s')
  await page.waitForFunction(() => document.querySelectorAll('[role="option"]').length === 3)
  await expect
    .poll(() => dialog.getByRole('option').allInnerTexts())
    .toEqual(['Subscriptions', 'Support sessions', 'Staff log'])
  await expect.poll(() => chosen.innerText()).toBe('Subscriptions')
  await page.keyboard.press('ArrowUp')
  await expect.poll(() => chosen.innerText()).toBe('Staff log')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await see('Support sessions')

  await page.keyboard.press('Control+k')
  await ready(page)
  await page.keyboard.type(business.id)
  await dialog.getByRole('option', { name: new RegExp(long) }).waitFor()
  await page.keyboard.press('Control+a')
  await page.keyboard.type('nothing like that')
  await dialog.getByText('Nothing is found.').waitFor()
  await page.keyboard.press('Escape')
  await dialog.waitFor({ state: 'detached' })
  expect(complaints).toEqual([])
  await close()
})

test('it says what went wrong, and is nothing for customers', async () => {
  const staff = await web.visit(people.staff)
  const problem = { type: 'about:blank', title: 'It broke', status: 500, code: 'internal_error', requestId: 'req_1' }
  await staff.page.route('**/v1/staff/users?*', (route) => route.fulfill({ status: 500, json: problem }))
  await staff.go('/console/plans')
  await staff.see('Plans')
  await staff.page.keyboard.press('Control+k')
  await ready(staff.page)
  await staff.page.keyboard.type('ben@')
  await staff.page.getByRole('dialog').getByText('It broke').waitFor()
  await staff.page.getByRole('option', { name: new RegExp(long) }).waitFor()
  await staff.close()

  const { page, go, see, close } = await web.visit(people.customer)
  await go('/console')
  await see('The console is for staff')
  await page.keyboard.press('Control+k')
  expect(await page.getByRole('dialog').count()).toBe(0)
  expect(await page.getByRole('button', { name: 'Search' }).count()).toBe(0)
  await close()
})
