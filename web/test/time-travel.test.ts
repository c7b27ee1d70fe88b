import { afterAll, beforeAll, expect, test } from 'vitest'
import { openWeb } from './pages.ts'

let web: Awaited<ReturnType<typeof openWeb>>
beforeAll(async () => {
  web = await openWeb({ worker: true })
})
afterAll(() => web.close())

test('in development the clock is moved to the end of the cycle, and every screen says that it was', async () => {
  const { business, token, apiKeys } = await web.signUp({ business: { name: 'Acme' } })
  web.ok(await web.api.post('/v1/consume', { feature: 'recordings', amount: 60 }, { token: apiKeys[0].key }))
  const { page, go, see, sound, barriers, complaints, screenshot, close } = await web.visit({ token })
  await go(`/b/${business.id}`)
  await see('Acme')
  expect(await page.getByText(/^Simulated time/).count()).toBe(0)
  await page.getByRole('button', { name: 'Move the clock' }).click()
  const dialog = page.getByRole('dialog', { name: 'Move the clock' })
  await dialog.getByRole('button', { name: '1 day' }).click()
  await page.getByText(/^Simulated time/).waitFor()
  await page.getByRole('button', { name: 'Move the clock' }).click()
  await screenshot('time-travel')
  expect(await barriers()).toEqual([])
  await dialog.getByRole('button', { name: 'To the end of the cycle' }).click()
  await dialog.waitFor({ state: 'detached' })
  await see('Acme')
  await page.getByRole('meter', { name: 'Recordings' }).waitFor()
  expect(await page.getByRole('meter', { name: 'Recordings' }).getAttribute('aria-valuetext')).toMatch(/^0 of 100/)
  await page.getByRole('button', { name: 'Move the clock' }).click()
  await dialog.getByRole('row', { name: /Subscription renewed Acme$/ }).waitFor()
  await sound('time-travel-effects')
  expect(complaints).toEqual([])
  await close()
})
