import { afterAll, beforeAll, expect, test } from 'vitest'
import { openStaff, type Staff } from '../../server/test/staff.ts'
import { openWeb } from './pages.ts'

let web: Awaited<ReturnType<typeof openWeb>>
let staff: Staff
beforeAll(async () => {
  web = await openWeb()
  staff = await openStaff(web)
})
afterAll(() => web.close())

const ask = (businessId: string) =>
  web.api.post(
    '/v1/staff/support-sessions',
    { businessId, reason: 'The import fails', access: 'read', minutes: 30 },
    staff.admin,
  )

test('whoever looks in stands on every screen, with the reason, and can be shown out', async () => {
  const { business, token } = await web.signUp({ business: { name: 'Acme' } })
  web.ok(await ask(business.id))
  const { page, go, see, barriers, complaints, screenshot, close } = await web.visit({ token })
  await go(`/b/${business.id}/team`)
  await see('Team')
  await page.getByText(/from support is looking in$/).waitFor()
  await page.getByText('The import fails.').waitFor()
  await page.getByRole('link', { name: 'See or end it' }).click()
  await see('Support access')
  await screenshot('support-access-session')
  expect(await barriers()).toEqual([])
  await page.getByRole('button', { name: 'End' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'End' }).click()
  await page.getByRole('table', { name: 'Sessions' }).getByText('Ended').waitFor()
  await page.getByText(/from support is looking in$/).waitFor({ state: 'detached' })
  expect(complaints).toEqual([])
  await close()
})

test('staff who have to ask are let in, or not', async () => {
  const { business, token } = await web.signUp({ business: { name: 'Acme' } })
  const { page, go, see, screenshot, close } = await web.visit({ token })
  await go(`/b/${business.id}/support-access`)
  await see('Support access')
  await page.getByText('Support has not looked in yet.').waitFor()
  await page.getByLabel('Staff have to ask').check()
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('Saved', { exact: true }).waitFor()
  web.ok(await ask(business.id))
  await page.reload()
  await page.getByText(/from support asks to look in$/).waitFor()
  await screenshot('support-access-asks')
  await page.getByRole('button', { name: 'Refuse' }).click()
  await page.getByRole('dialog').getByText('The reason they gave: The import fails').waitFor()
  await page.getByRole('dialog').getByRole('button', { name: 'Refuse' }).click()
  await page.getByRole('table', { name: 'Sessions' }).getByText('Refused').waitFor()

  await page.getByLabel('Nobody may look in').check()
  await page.getByText('This ends the sessions that are going on.').waitFor()
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('Saved', { exact: true }).waitFor()
  expect((await ask(business.id)).status).toBe(403)
  await close()
})
