import { afterAll, beforeAll, expect, test } from 'vitest'
import { openWeb } from './pages.ts'

let web: Awaited<ReturnType<typeof openWeb>>
beforeAll(async () => {
  web = await openWeb()
})
afterAll(() => web.close())

async function open() {
  const { business, token } = await web.signUp({ business: { name: 'Acme' } })
  const visitor = await web.visit({ token })
  await visitor.go(`/b/${business.id}/settings`)
  await visitor.see('Settings')
  return { business, token, ...visitor }
}

test('a business is renamed, everywhere at once; a reference that is taken is said at its field', async () => {
  const taken = await web.signUp()
  web.ok(await web.api.patch(`/v1/businesses/${taken.business.id}`, { externalId: 'crm-1' }, { token: taken.token }))
  const { page, close } = await open()
  await page.getByLabel('Name').fill('Acme & Sons')
  await page.getByLabel('Your own reference').fill('crm-1')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('alert').waitFor()
  await page.getByLabel('Your own reference').fill('crm-2')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('Saved', { exact: true }).waitFor()
  await page.getByRole('banner').getByText('Acme & Sons').waitFor()
  await page.reload()
  await expect.poll(() => page.getByLabel('Your own reference').inputValue()).toBe('crm-2')
  await close()
})

test('ownership is handed on to somebody who is there', async () => {
  const { page, business, token, screenshot, barriers, close } = await open()
  await page.getByRole('button', { name: 'Transfer' }).click()
  await page.getByRole('dialog').getByText('Nobody else is here yet. Invite somebody first.').waitFor()
  await page.keyboard.press('Escape')
  const ben = await web.join(business, token, 'member', 'ben@settings.test')
  await page.reload()
  await page.getByRole('button', { name: 'Transfer' }).click()
  const dialog = page.getByRole('dialog', { name: 'Transfer ownership' })
  await dialog.getByLabel('New owner').selectOption(ben.member.id)
  await screenshot('settings-hand-on')
  expect(await barriers()).toEqual([])
  await dialog.getByRole('button', { name: 'Transfer' }).click()
  await page.getByText(/is the owner now$/).waitFor()
  // What the owner alone can do is not here any more.
  await page.getByRole('heading', { name: 'Danger zone' }).waitFor({ state: 'detached' })
  await close()
})

test('closing has to be typed, stops everything, and can be taken back', async () => {
  const { page, business, token, complaints, screenshot, barriers, close } = await open()
  await page.getByRole('button', { name: 'Close', exact: true }).click()
  const dialog = page.getByRole('dialog', { name: 'Close Acme?' })
  const submit = dialog.getByRole('button', { name: 'Close this business' })
  await expect.poll(() => submit.isDisabled()).toBe(true)
  await screenshot('settings-close')
  expect(await barriers()).toEqual([])
  await dialog.getByRole('textbox').fill('Acme')
  await submit.click()
  await page.getByText('Acme is closed', { exact: true }).waitFor()
  const status = async () => (await web.api.get(`/v1/businesses/${business.id}`, { token })).body.status
  expect(await status()).toBe('closed')
  await screenshot('settings-closed')
  await page.getByRole('button', { name: 'Reopen' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Reopen' }).click()
  await page.getByText('Acme is open again').waitFor()
  expect(await status()).toBe('active')
  expect(complaints).toEqual([])
  await close()
})
