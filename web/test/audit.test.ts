import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openWeb } from './pages.ts'

let web: Awaited<ReturnType<typeof openWeb>>
beforeAll(async () => {
  web = await openWeb()
})
afterAll(() => web.close())

test('everything that was done is listed, by whom; filters stand in the address, and the file has what they show', async () => {
  const { business, token } = await web.signUp({ business: { name: 'Acme' } })
  web.ok(await web.api.patch(`/v1/businesses/${business.id}`, { name: '=Acme & Sons' }, { token }))
  const ben = await web.join(business, token, 'admin', 'ben@acme.test')
  const path = `/v1/businesses/${business.id}`
  const staff = await web.signUp()
  await web.makeStaff(staff.user.id)
  const gift = { amount: 12_50, currency: 'USD', reason: 'an apology' }
  web.ok(await web.api.post(`/v1/staff/businesses/${business.id}/credits`, gift, { token: staff.token }))
  web.ok(await web.api.post(`${path}/api-keys`, { name: 'Checkout', type: 'server' }, { token: ben.token }))
  const guest = { email: 'guest@acme.test', role: 'member' }
  const invitation = web.ok(await web.api.post(`${path}/invitations`, guest, { token }))
  web.ok(await web.api.delete(`${path}/invitations/${invitation.id}`, { token }))
  web.ok(await web.api.put(`${path}/subscription/plan`, { plan: 'growth' }, { token }))

  const { page, go, see, barriers, complaints, screenshot, close } = await web.visit({ token })
  await go(`/b/${business.id}/audit`)
  await see('Audit')
  const table = page.getByRole('table', { name: 'Audit' })
  await table.getByText('Name: from Acme to =Acme & Sons').waitFor()
  await table.getByText('API key Checkout').waitFor()
  // What is gone became nothing, and what is automatic is said in words.
  const revoked = table.getByRole('row').filter({ hasText: 'Invitation revoked' })
  await revoked.getByText('Role: was member').waitFor()
  const opened = table.getByRole('row').filter({ hasText: 'Invoice opened' })
  await opened.getByText('Automatic invoicing').waitFor()
  // Nothing of what only the software knows: IDs, and how it came to it.
  await table.getByRole('cell', { name: 'Subscription', exact: true }).waitFor()
  await table.getByText('Waits for its payment: growth (monthly)').waitFor()
  const said = await table.innerText()
  for (const internal of ['Cause', 'sub_', 'inv_', 'Status: open']) expect(said).not.toContain(internal)
  const credited = table.getByRole('row').filter({ hasText: 'Credit added' })
  await credited.getByText('Amount: $12.50').waitFor()
  await credited.getByText('Balance: $12.50').waitFor()
  await screenshot('audit')
  expect(await barriers()).toEqual([])

  await page.getByLabel('What', { exact: true }).selectOption('api_key')
  await page.getByLabel('Who', { exact: true }).selectOption(ben.user.id)
  await table.getByText('Checkout').first().waitFor()
  expect(await table.getByText('=Acme & Sons').count()).toBe(0)
  expect(Object.fromEntries(new URL(page.url()).searchParams)).toEqual({ action: 'api_key', actor: ben.user.id })
  await page.reload()
  await see('Audit')
  await expect.poll(() => page.getByLabel('What', { exact: true }).inputValue()).toBe('api_key')
  await page.getByLabel('What', { exact: true }).selectOption('invoice')
  await page.getByText('Nothing matches.').waitFor()

  await page.getByRole('button', { name: 'Clear filters' }).click()
  await table.getByText('Name: from Acme to =Acme & Sons').waitFor()
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Download CSV' }).click(),
  ])
  const lines = (await readFile(await download.path(), 'utf8')).split('\r\n')
  expect(lines[0]).toMatch(/^at,actorKind,actorId,actorName/)
  expect(lines.some((line) => line.includes(",'=Acme & Sons,"))).toBe(true)
  expect(lines.filter((line) => line.includes('business.updated'))).toHaveLength(1)

  // By the filters that are set.
  await page.getByLabel('What', { exact: true }).selectOption('api_key')
  await table.getByText('=Acme & Sons').first().waitFor({ state: 'detached' })
  const [narrow] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Download CSV' }).click(),
  ])
  const found = (await readFile(await narrow.path(), 'utf8')).trimEnd().split('\r\n').slice(1)
  expect(found.length).toBeGreaterThan(0)
  for (const line of found) expect(line).toContain(',api_key.')
  expect(complaints).toEqual([])
  await close()
})
