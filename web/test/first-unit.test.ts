import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { password } from '../../server/test/harness.ts'
import { openStaff } from '../../server/test/staff.ts'
import { openWeb } from './pages.ts'

let web: Awaited<ReturnType<typeof openWeb>>
beforeAll(async () => {
  web = await openWeb()
})
afterAll(() => web.close())

test('signing up leads to the first counted unit, by keyboard alone', async () => {
  const { page, go, complaints, screenshot, see, tabTo, close } = await web.visit()
  const { keyboard } = page
  const fill = async (label: string, text: string) => {
    await tabTo(label)
    await keyboard.type(text)
  }

  await go('/')
  await see('Sign in')
  await tabTo('Create one')
  await keyboard.press('Enter')
  await see('Create your account')
  await fill('First name', 'Ann')
  await fill('Last name', 'Archer')
  await fill('E-mail', 'ann@acme.test')
  await fill('Password', 'correct horse battery')
  await fill('Business name', 'Acme')
  await keyboard.press('Enter')
  await page.waitForURL(/\/b\/biz_\w+$/)
  await see('Acme')
  expect(await page.title()).toBe('Acme – Session Recorder')
  // Who does not see the page is told where they are.
  expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('H1')
  await expect.poll(() => page.getByRole('status').first().innerText()).toBe('Acme – Session Recorder')

  const meter = page.getByRole('meter', { name: 'Recordings' })
  await meter.waitFor()
  expect(await meter.getAttribute('aria-valuetext')).toBe('0 of 100')
  await tabTo('Command that counts one unit')
  await screenshot('first-steps')
  const command = await page.getByLabel('Command that counts one unit').innerText()
  const { stdout } = await promisify(execFile)('bash', ['-c', command.replace('curl', 'curl -s')])
  expect(JSON.parse(stdout)).toMatchObject({ allowed: true, used: 1 })
  await page.getByText('1 of 100').waitFor()
  expect(await meter.getAttribute('aria-valuenow')).toBe('1')
  await screenshot('counted')
  expect(complaints).toEqual([])
  await close()
})

test('inviting, making a key, changing the plan and showing support out go by keyboard alone, as what staff do does', async () => {
  const staff = await openStaff(web)
  const { business, user } = await web.signUp({ business: { name: 'Acme' } })
  const session = { businessId: business.id, reason: 'The import fails', minutes: 30 }
  web.ok(await web.api.post('/v1/staff/support-sessions', session, staff.admin))
  const { page, go, complaints, see, tabTo, close } = await web.visit()
  const { keyboard } = page
  const press = async (name: string) => {
    await tabTo(name)
    await keyboard.press('Enter')
  }
  const gone = () => page.getByRole('dialog').waitFor({ state: 'detached' })
  /** A dialog takes the focus when it opens. */
  const opened = (name: string) =>
    page
      .getByRole('dialog', { name })
      .waitFor()
      .then(() => page.waitForFunction(() => document.activeElement?.closest('[role="dialog"]') !== null))

  await go('/sign-in')
  await see('Sign in')
  await tabTo('E-mail')
  await keyboard.type(user.email)
  await tabTo('Password')
  await keyboard.type(password)
  await keyboard.press('Enter')
  await see('Acme')

  await press('Team')
  await see('Team')
  await press('Invite people')
  await opened('Invite people')
  await keyboard.type('ben@keys.test')
  await press('Send invitations')
  await page.getByText('Invited', { exact: true }).waitFor()
  await press('Done')
  await gone()
  // And gives it back.
  await page.waitForFunction(() => document.activeElement?.textContent === 'Invite people')

  await press('API keys')
  await see('API keys')
  await press('Create key')
  await opened('Create an API key')
  await keyboard.type('Checkout')
  await keyboard.press('Enter')
  await page.getByRole('dialog', { name: 'Your new key' }).waitFor()
  await keyboard.press('Escape')
  await press('I have saved this key')
  await gone()

  await press('Plan')
  await see('Plan')
  await press('Choose Growth')
  await opened('Change to Growth')
  await page.getByText('To pay now').waitFor()
  await press('Change and get the invoice')
  await gone()
  await page.getByText('Growth waits for its payment').waitFor()

  await press('See or end it')
  await see('Support access')
  // The last on the screen: End.
  await page.getByRole('button', { name: 'End', exact: true }).focus()
  await keyboard.press('Enter')
  await opened('End the session')
  await press('End')
  await gone()
  await page.getByRole('table', { name: 'Sessions' }).getByText('Ended').waitFor()
  expect(complaints).toEqual([])
  await close()

  const console = await web.visit(staff.staff)
  await console.go(`/console/businesses/${business.id}`)
  await console.see('Acme')
  await console.tabTo('Extend the cycle')
  await console.page.keyboard.press('Enter')
  await console.page.getByRole('dialog', { name: 'Extend the cycle' }).waitFor()
  await console.tabTo('Reason')
  await console.page.keyboard.type('slow start')
  await console.tabTo('Extend')
  await console.page.keyboard.press('Enter')
  await console.page.getByText('The cycle is 7 days longer').waitFor()
  expect(console.complaints).toEqual([])
  await console.close()
})
