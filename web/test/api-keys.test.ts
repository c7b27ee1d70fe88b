import { afterAll, beforeAll, expect, test } from 'vitest'
import { openWeb } from './pages.ts'

let web: Awaited<ReturnType<typeof openWeb>>
beforeAll(async () => {
  web = await openWeb()
})
afterAll(() => web.close())

const keysOf = async () => {
  const { business, token } = await web.signUp({ business: { name: 'Acme' } })
  const visitor = await web.visit({ token })
  await visitor.go(`/b/${business.id}/api-keys`)
  await visitor.see('API keys')
  return { business, token, ...visitor }
}

test('a secret key is shown once, behind a dialog that nothing but its button closes', async () => {
  const { page, complaints, screenshot, barriers, close } = await keysOf()
  await page.getByRole('button', { name: 'Create key' }).click()
  const form = page.getByRole('dialog', { name: 'Create an API key' })
  await form.getByLabel('Name').fill('Checkout')
  await form.getByLabel('Type').selectOption('server')
  expect(await barriers()).toEqual([])
  await form.getByRole('button', { name: 'Create key' }).click()

  const shown = page.getByRole('dialog', { name: 'Your new key' })
  await shown.waitFor()
  const key = await shown.getByLabel('Key', { exact: true }).inputValue()
  expect(key).toMatch(/^sk_/)
  await page.keyboard.press('Escape')
  await page.mouse.click(5, 5)
  await expect.poll(() => shown.isVisible()).toBe(true)
  await screenshot('api-key-shown')
  expect(await barriers()).toEqual([])
  for (const language of ['curl', 'JavaScript', 'Python', 'Go']) {
    await shown.getByLabel('How to send it').selectOption(language)
    await expect.poll(() => shown.getByLabel(language, { exact: true }).innerText()).toContain(key)
  }

  await shown.getByRole('button', { name: 'I have saved this key' }).click()
  await shown.waitFor({ state: 'detached' })
  await page.getByText('Checkout').waitFor()
  expect(await page.content()).not.toContain(key)
  expect(JSON.stringify(await page.context().storageState())).not.toContain(key)
  await page.reload()
  await page.getByText('Checkout').waitFor()
  expect(await page.content()).not.toContain(key)
  expect(complaints).toEqual([])
  await close()
})

test('a rotated key goes on for its grace beside its successor, and can be ended', async () => {
  const { page, token, business, screenshot, close } = await keysOf()
  await page.getByRole('button', { name: 'Rotate' }).click()
  const form = page.getByRole('dialog', { name: /^Rotate/ })
  await expect.poll(() => form.getByLabel('The old key ends').inputValue()).toBe('86400')
  await form.getByRole('button', { name: 'Rotate' }).click()
  await page.getByRole('button', { name: 'I have saved this key' }).click()
  const table = page.getByRole('table', { name: 'API keys' })
  await table.getByText(/^Replaces pk…/).waitFor()
  await table.getByText(/^Ends/).waitFor()
  await table.getByText(/^Replaced by pk…/).waitFor()
  await table.getByText('Nothing has called with it since.').waitFor()
  await screenshot('api-key-rotated')

  await table.getByRole('button', { name: 'End now' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
  await table.getByText('Revoked').waitFor()
  const { items } = web.ok(await web.api.get(`/v1/businesses/${business.id}/api-keys`, { token }))
  expect(items.map(({ revokedAt }: { revokedAt: string | null }) => revokedAt !== null)).toEqual([false, true])
  await close()
})

test('a rotated key never outlives its own expiry, and what still calls with it is seen', async () => {
  const { page, token, business, sound, close } = await keysOf()
  const soon = new Date(web.ctx.now().getTime() + 2 * 3_600_000).toISOString()
  const path = `/v1/businesses/${business.id}/api-keys`
  const old = web.ok(await web.api.post(path, { name: 'Short', type: 'server', expiresAt: soon }, { token }))
  await page.reload()
  await page
    .getByRole('row', { name: /^Short/ })
    .getByRole('button', { name: 'Rotate' })
    .click()
  const form = page.getByRole('dialog', { name: 'Rotate Short' })
  await form.getByText('Never later than it would expire anyway.').waitFor()
  await form.getByLabel('The old key ends').selectOption('In 7 days')
  await form.getByRole('button', { name: 'Rotate' }).click()
  await page.getByRole('button', { name: 'I have saved this key' }).click()
  await page.getByText('Nothing has called with it since.').waitFor()
  const { items } = web.ok(await web.api.get(path, { token }))
  expect(items.find(({ id }: { id: string }) => id === old.apiKey.id).expiresAt).toBe(soon)

  await web.advance(60)
  web.ok(await web.api.post('/v1/check', { feature: 'recordings' }, { token: old.key }))
  await web.eventually(
    async () =>
      web.ok(await web.api.get(path, { token })).items.find(({ id }: { id: string }) => id === old.apiKey.id)
        .lastUsedAt,
    'the use was noted',
  )
  await page.reload()
  await page.getByText(/^Something still calls with it, last .* \(nothing was counted\)\.$/).waitFor()
  for (const amount of [2, 3])
    web.ok(await web.api.post('/v1/consume', { feature: 'recordings', amount }, { token: old.key }))
  await page.reload()
  await page.getByText(/^Something still calls with it, last .* \(2 calls counted 5 recordings\)\.$/).waitFor()
  await sound('api-key-still-called')
  await close()
})

test('what the server says of a field stands at the field', async () => {
  const { page, close } = await keysOf()
  await page.getByRole('button', { name: 'Create key' }).click()
  const form = page.getByRole('dialog')
  await form.getByRole('button', { name: 'Create key' }).click()
  await form.locator('[aria-invalid="true"]').waitFor()
  expect(await form.getByLabel('Name').getAttribute('aria-invalid')).toBe('true')
  await close()
})
