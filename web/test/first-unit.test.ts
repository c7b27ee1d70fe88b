import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openWeb } from './pages.ts'

let web: Awaited<ReturnType<typeof openWeb>>
beforeAll(async () => {
  web = await openWeb()
})
afterAll(() => web.close())

test('signing up leads to the first counted unit, by keyboard alone', async () => {
  const { page, go, complaints, screenshot, see, tabTo } = await web.visit()
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
  expect(await page.getByRole('status').first().innerText()).toBe('Acme – Session Recorder')

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
})
