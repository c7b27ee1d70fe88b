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

/** A request that was refused at the limit. */
async function refused() {
  const { business, token, apiKeys } = await web.signUp({ business: { name: 'Acme' } })
  const ask = { feature: 'recordings', amount: 101 }
  const { body } = await web.api.post('/v1/consume', ask, { token: apiKeys[0].key })
  expect(body).toMatchObject({ allowed: false, code: 'limit_reached' })
  return { business, token, requestId: body.requestId as string }
}

test('a business sees which step refused a request, what it saw, and the way to what mends it', async () => {
  const { business, token, requestId } = await refused()
  const { page, go, see, sound, complaints, close } = await web.visit({ token })
  await go(`/b/${business.id}/explain`)
  await see('Explain')
  await page.getByLabel('Request ID').fill(` ${requestId} `)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Refused: limit_reached' }).waitFor()
  const counter = page.getByRole('region', { name: 'Counter' })
  await counter.getByText('Refused here').waitFor()
  await counter.getByText('Amount: 101').waitFor()
  await page.getByRole('region', { name: 'Subscription' }).getByText('Passed').waitFor()
  await sound('explain')
  expect(new URL(page.url()).searchParams.get('id')).toBe(requestId)
  await counter.getByRole('link', { name: 'Open the page' }).click()
  await see('Plan')
  expect(complaints).toEqual([])
  await close()
})

test('of a request that was not refused it is said so, and another’s is not told', async () => {
  const { requestId } = await refused()
  const { business, token } = await web.signUp()
  const { page, go, close } = await web.visit({ token })
  for (const id of ['req_00000000000000000000000000', requestId]) {
    await go(`/b/${business.id}/explain?id=${id}`)
    await page.getByText('Nothing is known of this request').waitFor()
  }
  await close()
})

test('staff paste the id into the palette, and see whose request it was', async () => {
  const { business, requestId } = await refused()
  const { page, go, see, screenshot, close } = await web.visit(staff.staff)
  await go('/console/plans')
  await see('Plans')
  await page.keyboard.press('Control+k')
  await page.waitForFunction(() => document.activeElement?.getAttribute('role') === 'combobox')
  await page.keyboard.insertText(requestId)
  await page.getByRole('option', { name: `Explain ${requestId}` }).waitFor()
  await page.keyboard.press('Enter')
  await see('Explain')
  await page.getByRole('heading', { name: 'Refused: limit_reached' }).waitFor()
  await page.getByText(business.id).first().waitFor()
  await screenshot('console-explain')
  await close()
})
