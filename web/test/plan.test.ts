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

async function open() {
  const { business, token } = await web.signUp({ business: { name: 'Acme' } })
  const visitor = await web.visit({ token })
  await visitor.go(`/b/${business.id}/plan`)
  await visitor.see('Plan')
  return { business, token, ...visitor }
}

test('a better plan is bought: what it means, its invoice, and the plan once that is paid', async () => {
  const { page, business, token, see, barriers, complaints, screenshot, close } = await open()
  await page.getByRole('button', { name: 'Choose Growth' }).click()
  const dialog = page.getByRole('dialog', { name: 'Change to Growth' })
  await dialog.getByText('You gain').waitFor()
  await dialog.getByText('To pay now').waitFor()
  await screenshot('plan-change')
  expect(await barriers()).toEqual([])
  await dialog.getByRole('button', { name: 'Change and get the invoice' }).click()
  await dialog.waitFor({ state: 'detached' })
  await page.getByText('Growth waits for its payment').waitFor()
  await screenshot('plan-waits')

  await page.getByRole('link', { name: 'See the invoice' }).click()
  const { items } = web.ok(await web.api.get(`/v1/businesses/${business.id}/invoices`, { token }))
  await see(`Invoice ${items[0].number}`)
  await page.getByText('$49 to pay').waitFor()
  await screenshot('invoice-open')
  expect(await barriers()).toEqual([])

  const path = `/v1/staff/businesses/${business.id}/invoices/${items[0].id}/payments`
  web.ok(await web.api.post(path, { amount: 4900, reference: 'transfer 1' }, staff.admin))
  // Nobody reloads: it is paid elsewhere, and shows here.
  await page.getByRole('heading', { name: 'Payments' }).waitFor()
  await page.getByText('transfer 1').waitFor()
  await page.getByRole('link', { name: 'All invoices' }).click()
  await see('Invoices')
  await page.getByRole('table', { name: 'Invoices' }).getByText('Paid').waitFor()
  await page.getByLabel('Status').selectOption('open')
  await page.getByText('Nothing matches.').waitFor()
  expect(new URL(page.url()).search).toBe('?status=open')

  const [print] = await Promise.all([
    page.context().waitForEvent('page'),
    page
      .getByLabel('Status')
      .selectOption('')
      .then(() => page.getByRole('link', { name: `Print ${items[0].number}` }).click()),
  ])
  await print.getByText(items[0].number).first().waitFor()
  await print.close()

  await page.getByRole('link', { name: 'Plan', exact: true }).click()
  await see('Plan')
  await page.getByRole('heading', { level: 2, name: 'Growth' }).waitFor()
  expect(complaints).toEqual([])
  await close()
})

test('a smaller plan comes with the next cycle, and until then one may keep what one has', async () => {
  const { page, business, close } = await open()
  const body = { plan: 'growth', charge: 'waive', reason: 'a test' }
  web.ok(await web.api.put(`/v1/staff/businesses/${business.id}/plan`, body, staff.admin))
  await page.reload()
  await page.getByRole('button', { name: 'Choose Free' }).click()
  const dialog = page.getByRole('dialog', { name: 'Change to Free' })
  await dialog.getByText('You lose').waitFor()
  await dialog.getByRole('button', { name: 'Change', exact: true }).click()
  await dialog.waitFor({ state: 'detached' })
  await page.getByText(/^Changes to Free on/).waitFor()
  await page.getByRole('button', { name: 'Keep Growth' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Keep Growth' }).click()
  await page.getByText(/^\$49 on/).waitFor()
  await close()
})

test('the same plan, paid otherwise, is told apart by how often', async () => {
  const { page, business, token, close } = await open()
  const body = { plan: 'growth', charge: 'waive', reason: 'a test' }
  web.ok(await web.api.put(`/v1/staff/businesses/${business.id}/plan`, body, staff.admin))
  const yearly = { plan: 'growth', price: 'yearly' }
  web.ok(await web.api.put(`/v1/businesses/${business.id}/subscription/plan`, yearly, { token }))
  await page.reload()
  await page.getByText('Growth (yearly) waits for its payment').waitFor()
  await page.getByRole('button', { name: 'Keep Growth (monthly)' }).click()
  const dialog = page.getByRole('dialog', { name: 'Keep Growth (monthly)?' })
  await dialog.getByText('The change to Growth (yearly) is taken back.').waitFor()
  await dialog.getByRole('button', { name: 'Keep Growth (monthly)' }).click()
  await page.getByText(/^\$49 on/).waitFor()
  await close()
})

test('cancelling says when, and can be undone; cancelling now has to be typed', async () => {
  const { page, screenshot, barriers, close } = await open()
  await page.getByRole('button', { name: 'Cancel the plan' }).click()
  let dialog = page.getByRole('dialog', { name: 'Cancel Free?' })
  await dialog.getByRole('button', { name: 'Cancel the plan' }).click()
  await page.getByText(/^Ends on/).waitFor()
  await page.getByRole('button', { name: 'Do not cancel' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Do not cancel' }).click()
  await page.getByText(/^Renews on/).waitFor()

  await page.getByRole('button', { name: 'Cancel the plan' }).click()
  dialog = page.getByRole('dialog', { name: 'Cancel Free?' })
  await dialog.getByLabel('Now', { exact: true }).check()
  await expect.poll(() => dialog.getByRole('button', { name: 'Cancel the plan' }).isDisabled()).toBe(true)
  await screenshot('plan-cancel')
  expect(await barriers()).toEqual([])
  await dialog.getByRole('textbox').fill('Free')
  await dialog.getByRole('button', { name: 'Cancel the plan' }).click()
  await page.getByText('It was cancelled.').waitFor()
  await page.getByRole('button', { name: 'Take Free again' }).waitFor()
  await close()
})

test('what is in use and does not fit is named before anything is chosen', async () => {
  const { page, business, token, screenshot, close } = await open()
  const body = { plan: 'unlimited', charge: 'waive', reason: 'a test' }
  web.ok(await web.api.put(`/v1/staff/businesses/${business.id}/plan`, body, staff.admin))
  for (const itemId of ['one', 'two']) {
    const ask = { feature: 'applications', itemId, businessId: business.id }
    web.ok(await web.api.post('/v1/allocate', ask, { token }))
  }
  await page.reload()
  await page.getByRole('button', { name: 'Choose Free' }).click()
  const dialog = page.getByRole('dialog', { name: 'Change to Free' })
  await dialog.getByText('2 of 1 applications: release 1 first, where you use them.').waitFor()
  await expect.poll(() => dialog.getByRole('button', { name: 'Change', exact: true }).isDisabled()).toBe(true)
  await screenshot('plan-does-not-fit')
  await close()
})

test('where more are in than a plan has seats for, who leaves is chosen there, and then it fits', async () => {
  const { page, business, token, see, barriers, screenshot, close } = await open()
  const body = { plan: 'unlimited', charge: 'waive', reason: 'a test' }
  web.ok(await web.api.put(`/v1/staff/businesses/${business.id}/plan`, body, staff.admin))
  for (const name of ['ben', 'cid', 'dan']) await web.join(business, token, 'member', `${name}@leaving.test`)
  const invitation = { email: 'eve@leaving.test', role: 'member' }
  web.ok(await web.api.post(`/v1/businesses/${business.id}/invitations`, invitation, { token }))
  await page.reload()
  await see('Plan')
  await page.getByRole('button', { name: 'Choose Free' }).click()
  const dialog = page.getByRole('dialog', { name: 'Change to Free' })
  await dialog.getByText('5 of 3 members: choose who leaves.').waitFor()
  await dialog.getByText('2 more have to leave.').waitFor()
  await dialog.getByLabel('eve@leaving.test').waitFor()
  // Nobody sends themselves away here.
  await expect.poll(() => dialog.getByRole('checkbox').count()).toBe(4)
  await dialog.getByLabel('eve@leaving.test').check()
  await dialog.getByText('One more has to leave.').waitFor()
  await dialog.getByLabel('Jo Joiner').first().check()
  await dialog.getByText('That is enough.').waitFor()
  await screenshot('plan-who-leaves')
  expect(await barriers()).toEqual([])
  await dialog.getByRole('button', { name: 'Remove 2 from the team' }).click()
  await page.getByText('2 have left the team').waitFor()
  await dialog.getByRole('checkbox').first().waitFor({ state: 'detached' })
  await dialog.getByRole('button', { name: 'Change', exact: true }).click()
  await dialog.waitFor({ state: 'detached' })
  await page.getByText(/^Changes to Free on/).waitFor()
  const { items } = web.ok(await web.api.get(`/v1/businesses/${business.id}/members`, { token }))
  expect(items).toHaveLength(3)
  await close()
})

test('a pause is scheduled and taken back; who is paused resumes with a new cycle', async () => {
  const { page, business, see, close } = await open()
  const body = { plan: 'growth', charge: 'waive', reason: 'a test' }
  web.ok(await web.api.put(`/v1/staff/businesses/${business.id}/plan`, body, staff.admin))
  await page.reload()
  const press = async (name: string, answer = name) => {
    await page.getByRole('button', { name, exact: true }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('button', { name: answer, exact: true }).click()
    await dialog.waitFor({ state: 'detached' })
  }
  await press('Pause')
  await page.getByText(/^Pauses on/).waitFor()
  await page.getByText(/^Growth pauses on .*Until then everything stays as it is\./s).waitFor()
  await press('Do not pause')
  await page.getByText(/^\$49 on/).waitFor()

  await web.sql(`update freehold.subscriptions set status = 'paused' where business_id = $1 and status = 'active'`, [
    business.id,
  ])
  await page.reload()
  await see('Plan')
  await page.getByText('The subscription is paused').waitFor()
  await press('Resume')
  await page.getByText('Growth waits for its payment').waitFor()
  await close()
})

test('a trial begins without paying, says what comes after it, and is bought', async () => {
  const { page, close } = await open()
  await page.getByRole('button', { name: 'Try Growth for 14 days' }).click()
  const dialog = page.getByRole('dialog', { name: 'Try Growth' })
  await dialog.getByText(/costs nothing for 14 days\. Then Free comes back/).waitFor()
  await dialog.getByRole('button', { name: 'Begin the trial' }).click()
  await dialog.waitFor({ state: 'detached' })
  await page.getByText('Trial', { exact: true }).waitFor()
  await page.getByText(/^(The trial ends|Changes to Free) on/).waitFor()
  await page.getByRole('button', { name: 'Buy Growth' }).click()
  await page.getByRole('dialog', { name: 'Buy Growth' }).getByText('To pay now').waitFor()
  await close()
})

test('a catalogue that cannot be loaded can be tried again, and what one has is shown beside it', async () => {
  const { business, token } = await web.signUp({ business: { name: 'Acme' } })
  const { page, go, see, close } = await web.visit({ token })
  const problem = { type: 'about:blank', title: 'It broke', status: 500, code: 'internal_error', requestId: 'req_1' }
  await page.route('**/v1/plans', (route) => route.fulfill({ status: 500, json: problem }))
  await go(`/b/${business.id}/plan`)
  await see('Plan')
  await page.getByText('Request req_1').waitFor()
  await page.getByRole('heading', { level: 2, name: 'Free' }).waitFor()
  await page.unroute('**/v1/plans')
  await page.getByRole('button', { name: 'Retry' }).click()
  await page.getByRole('button', { name: 'Choose Growth' }).waitFor()
  await close()
})
