import { afterAll, beforeAll, expect, test } from 'vitest'
import { openWeb } from './pages.ts'

let web: Awaited<ReturnType<typeof openWeb>>
beforeAll(async () => {
  web = await openWeb()
})
afterAll(() => web.close())

test('signing up leads to the business, by keyboard alone', async () => {
  const { page, go, complaints, screenshot } = await web.visit()
  await go('/sign-up')
  await screenshot('sign-up')
  await page.getByLabel('First name').focus()
  for (const text of ['Ann', 'Archer', 'ann@acme.test', 'correct horse battery']) {
    await page.keyboard.type(text)
    await page.keyboard.press('Tab')
  }
  await page.keyboard.press('Tab')
  await page.keyboard.type('Acme')
  await page.keyboard.press('Enter')
  await page.waitForURL(/\/b\/biz_\w+$/)
  await screenshot('overview')
  expect(complaints).toEqual([])
})
