import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openInvoice } from '../../server/src/invoices/invoices.ts'
import { across, billFor, line, payer } from '../../server/test/invoices.ts'
import { openStaff, type Staff } from '../../server/test/staff.ts'
import { openWeb } from './pages.ts'

let web: Awaited<ReturnType<typeof openWeb>>
let staff: Staff
beforeAll(async () => {
  web = await openWeb()
  staff = await openStaff(web)
})
afterAll(() => web.close())

const long = 'The quite unreasonably long name of a business that never learned to be brief'

/** Somebody on a paid plan with an invoice that was due yesterday. */
async function debtor() {
  const who = await payer(web, long)
  const path = `/v1/staff/businesses/${who.businessId}`
  web.ok(await web.api.put(`${path}/plan`, { plan: 'growth', charge: 'waive', reason: 'a test' }, staff.admin))
  const lines = [line(4900), line(1234, { description: `${long}, ${'unbroken'.repeat(12)}` })]
  const invoice = await across(web, (tx) => openInvoice(tx, web.ctx, billFor(who, { lines })))
  if (!invoice) throw new Error('There is nothing to pay')
  const yesterday = new Date(web.ctx.now().getTime() - 86_400_000)
  await web.sql('update freehold.invoices set due_at = $2 where id = $1', [invoice.id, yesterday])
  await web.sql(
    `update freehold.subscriptions set status = 'past_due', grace_end = cycle_end where business_id = $1 and status <> 'ended'`,
    [who.businessId],
  )
  return { ...who, invoice }
}

test('what is overdue is said on every screen, and leads to what is to pay and how', async () => {
  const { businessId, token, invoice } = await debtor()
  const visitor = await web.visit({ token })
  const { page, go, see, look, sound, complaints, close } = visitor
  await go(`/b/${businessId}/team`)
  await see('Team')
  await page.getByText(/^A payment of \$61\.34 has been overdue since/).waitFor()
  await page.getByRole('link', { name: 'Overview' }).click()
  await page.locator('[data-tone="warning"]').getByText('Past due', { exact: true }).waitFor()
  const alerts = page.getByRole('alert')
  const way = alerts.getByRole('link', { name: 'See how to pay' })
  await way.click()
  await see(`Invoice ${invoice.number}`)
  await page.getByRole('region', { name: 'How to pay' }).getByText('First Bank of Example').waitFor()
  await page.getByRole('table', { name: 'What it is for' }).getByRole('cell', { name: '$49.00' }).waitFor()
  // Said once, and it leads to where one is no more.
  expect([await alerts.count(), await way.count()]).toEqual([1, 0])
  await page.getByRole('link', { name: 'All invoices' }).click()
  await see('Invoices')
  await page.getByRole('table', { name: 'Invoices' }).waitFor()
  expect([await alerts.count(), await way.count()]).toEqual([1, 1])
  // The navigation scrolls where it is too long for the screen, and what one is at is in sight from the first.
  await look({ width: 360, scheme: 'light' })
  await page.reload()
  await see('Invoices')
  expect(await page.getByRole('link', { name: 'Invoices', exact: true }).boundingBox()).toMatchObject({
    x: expect.toSatisfy((x: number) => x > 0 && x < 280),
  })
  await page.getByRole('table', { name: 'Invoices' }).getByText('Overdue').waitFor()
  await sound('invoices-overdue')
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Download CSV' }).click(),
  ])
  expect(await readFile(await download.path(), 'utf8')).toContain(`,${invoice.number},open,change,USD,61.34,`)

  await page.getByRole('link', { name: String(invoice.number), exact: true }).click()
  await see(`Invoice ${invoice.number}`)
  const place = page.getByRole('link', { name: 'Invoices', exact: true })
  expect(await place.getAttribute('aria-current')).toBe('page')
  await page.getByText('First Bank of Example').waitFor()
  await page.getByText(`Name ${invoice.number} with the payment, so that it is counted here.`).waitFor()
  await sound('invoice-overdue')
  expect(complaints).toEqual([])
  await close()
})

test('past its grace nothing new can be made, and reading, paying, exporting, removing and revoking go on', async () => {
  const { businessId, token, invoice } = await debtor()
  await web.join({ id: businessId }, token)
  const guest = { email: 'guest@late.test', role: 'member' }
  web.ok(await web.api.post(`/v1/businesses/${businessId}/invitations`, guest, { token }))
  await web.sql('update freehold.subscriptions set grace_end = $2 where business_id = $1', [
    businessId,
    new Date(web.ctx.now().getTime() - 1000),
  ])
  const { page, go, see, sound, complaints, close } = await web.visit({ token })
  const reason = 'Not while a payment is overdue'
  /** It is there, tells why it does nothing, and does nothing. */
  const barred = async (name: string) => {
    const button = page.getByRole('button', { name, exact: true }).first()
    await button.waitFor()
    expect({ name, barred: await button.getAttribute('aria-disabled') }).toEqual({ name, barred: 'true' })
    expect(await button.getAttribute('aria-description')).toBe(reason)
    await button.click({ force: true })
    expect(await page.getByRole('dialog').count()).toBe(0)
  }
  const confirmed = async (answer: string) => {
    await page.getByRole('dialog').getByRole('button', { name: answer, exact: true }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
  }
  await go(`/b/${businessId}/team`)
  await see('Team')
  await page.getByText(/^Until it is paid you can read, export, remove members and revoke keys/).waitFor()
  await page.getByText(reason, { exact: true }).first().waitFor()
  for (const name of ['Invite people', 'Suspend', 'Resend']) await barred(name)
  await sound('team-past-grace')
  await page.getByRole('button', { name: 'Revoke' }).click()
  await page.getByText('The invitation for guest@late.test is revoked').waitFor()
  await page.getByRole('button', { name: 'Remove' }).click()
  await confirmed('Remove')
  await page.getByRole('row', { name: /Jo Joiner/ }).waitFor({ state: 'detached' })

  await page.getByRole('link', { name: 'API keys', exact: true }).click()
  await see('API keys')
  for (const name of ['Create key', 'Rotate']) await barred(name)
  await page.getByRole('button', { name: 'Revoke' }).click()
  await confirmed('Revoke')
  await page.getByRole('table', { name: 'API keys' }).getByText('Revoked').waitFor()

  await page.getByRole('link', { name: 'Settings', exact: true }).click()
  await see('Settings')
  await expect.poll(() => page.getByLabel('Name', { exact: true }).isDisabled()).toBe(true)
  await page.getByRole('link', { name: 'Audit', exact: true }).click()
  await see('Audit')
  const download = page.waitForEvent('download')
  await page.getByRole('link', { name: 'Download CSV' }).click()
  await download
  await page.getByRole('link', { name: 'See how to pay' }).click()
  await see(`Invoice ${invoice.number}`)
  await page.getByText('First Bank of Example').waitFor()
  expect(complaints).toEqual([])
  await close()
})

test('who may not pay is told whom to ask', async () => {
  const { businessId, token } = await debtor()
  const { token: theirs } = await web.join({ id: businessId }, token)
  const { page, go, see, close } = await web.visit({ token: theirs })
  await go(`/b/${businessId}`)
  await see(long)
  await page.getByText('Ask an owner to go on.').waitFor()
  expect(await page.getByRole('link', { name: 'See how to pay' }).count()).toBe(0)
  await close()
})

test('an invoice of others is no different from one that does not exist', async () => {
  const { invoice } = await debtor()
  const { business, token } = await web.signUp()
  const { page, go, see, close } = await web.visit({ token })
  await go(`/b/${business.id}/invoices/${invoice.id}`)
  await see('No such invoice')
  await page.getByRole('link', { name: 'All invoices' }).click()
  await see('Invoices')
  await page.getByText('Nothing was billed yet.').waitFor()
  await close()
})

test('what cannot be loaded says so in its place, with the request, and can be tried again', async () => {
  const { businessId, token, invoice } = await debtor()
  const { page, go, see, close } = await web.visit({ token })
  const problem = { type: 'about:blank', title: 'It broke', status: 500, code: 'internal_error', requestId: 'req_1' }
  const at = `**/v1/businesses/${businessId}/invoices?*`
  await page.route(at, (route) => route.fulfill({ status: 500, json: problem }))
  await go(`/b/${businessId}/invoices`)
  await see('Invoices')
  await page.getByText('Request req_1').waitFor()
  await page.getByRole('heading', { name: 'Credit' }).waitFor()
  await page.unroute(at)
  await page.getByRole('button', { name: 'Retry' }).click()
  await page.getByRole('link', { name: String(invoice.number), exact: true }).waitFor()
  await close()
})
