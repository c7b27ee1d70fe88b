import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openWeb } from './pages.ts'

let web: Awaited<ReturnType<typeof openWeb>>
beforeAll(async () => {
  web = await openWeb()
})
afterAll(() => web.close())

/** Opens it and types, once what is typed goes there. */
async function search(page: Page, typed: string) {
  await page.keyboard.press('Control+k')
  await page.waitForFunction(() => document.activeElement?.getAttribute('role') === 'combobox')
  await page.keyboard.type(typed)
  const dialog = page.getByRole('dialog', { name: 'Find or go to' })
  return { dialog, options: dialog.getByRole('option') }
}

test('⌘K goes to a screen, to another business, and to what a pasted id is of', async () => {
  const { business, token, apiKeys, user } = await web.signUp({ business: { name: 'Acme Records' } })
  const other = web.ok(await web.api.post('/v1/businesses', { name: 'Second Bakery' }, { token })).business
  const ask = { feature: 'recordings', amount: 101 }
  const { requestId } = web.ok(await web.api.post('/v1/consume', ask, { token: apiKeys[0].key }))
  const { page, go, see, sound, complaints, close } = await web.visit({ token })
  const scripts: string[] = []
  page.on('request', (request) => void (/palette/.test(request.url()) && scripts.push(request.url())))
  await go(`/b/${business.id}`)
  await see('Acme Records')
  expect(scripts).toEqual([])
  const all = await search(page, '')
  await all.options.first().waitFor()
  await sound('palette')
  await page.keyboard.type('us')
  await expect.poll(() => all.options.allInnerTexts()).toEqual([expect.stringMatching(/^Usage\s*Acme Records$/)])
  await page.keyboard.press('Enter')
  await see('Usage')
  expect(scripts.length).toBeGreaterThan(0)

  await search(page, 'bakery')
  await page.keyboard.press('Enter')
  await see('Second Bakery')
  // What one is in comes first, and the id may be of the other.
  const found = await search(page, ` ${requestId} `)
  await expect
    .poll(() => found.options.allInnerTexts())
    .toEqual([expect.stringMatching(/Second Bakery$/), expect.stringMatching(/Acme Records$/)])
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Refused: limit_reached' }).waitFor()
  expect(new URL(page.url()).pathname).toBe(`/b/${business.id}/explain`)

  await search(page, user.id)
  await page.keyboard.press('Enter')
  await see('Audit')
  expect(new URL(page.url()).searchParams.get('actor')).toBe(user.id)
  await search(page, other.id)
  await page.keyboard.press('Enter')
  await see('Second Bakery')
  await search(page, 'devices')
  await page.keyboard.press('Enter')
  await see('Devices')
  const none = await search(page, 'nothing like that')
  await none.dialog.getByText('Nothing is found.').waitFor()
  await page.keyboard.press('Escape')
  await none.dialog.waitFor({ state: 'detached' })
  expect(complaints).toEqual([])
  await close()
})

test('it leads nowhere that one’s role does not reach', async () => {
  const { business, token } = await web.signUp({ business: { name: 'Acme' } })
  const member = await web.join(business, token, 'member')
  const { page, go, see, complaints, close } = await web.visit({ token: member.token })
  await go(`/b/${business.id}`)
  await see('Acme')
  const { dialog, options } = await search(page, 'a')
  await options.first().waitFor()
  expect((await options.allInnerTexts()).filter((name) => /^(API keys|Audit)/.test(name))).toEqual([])
  await page.keyboard.press('Control+a')
  await page.keyboard.type(member.user.id)
  await dialog.getByText('Nothing is found.').waitFor()
  expect(complaints).toEqual([])
  await close()
})
