import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { across, billFor } from '../../server/test/invoices.ts'
import { openStaff, type Staff } from '../../server/test/staff.ts'
import { openInvoice } from '../../server/src/invoices/invoices.ts'
import { openWeb, type Visitor } from './pages.ts'

let web: Awaited<ReturnType<typeof openWeb>>
let people: Staff
let acme: { id: string; subscriptionId: string; token: string }
const long = 'The quite unreasonably long name of a business that never learned to be brief'
beforeAll(async () => {
  web = await openWeb()
  people = await openStaff(web)
  const { business, subscription, token } = await web.signUp({ business: { name: long }, email: 'ann@acme.test' })
  acme = { id: business.id, subscriptionId: subscription.id, token }
})
afterAll(() => web.close())

const sound = (visitor: Visitor, name: string) => visitor.sound(`console-${name}`)

/** One of everything that needs somebody. */
async function trouble() {
  const base = `/v1/staff/businesses/${acme.id}`
  web.ok(await web.api.put(`${base}/plan`, { plan: 'growth', reason: 'as agreed', charge: 'invoice' }, people.staff))
  const grant = {
    feature: 'recordings',
    amount: 500,
    reason: 'a gift',
    expiresAt: new Date(web.ctx.now().getTime() + 2 * 86_400_000).toISOString(),
  }
  web.ok(await web.api.post(`${base}/grants`, grant, people.staff))
  const payer = { businessId: acme.id, subscriptionId: acme.subscriptionId, name: long, token: acme.token }
  await across(web, (tx) => openInvoice(tx, web.ctx, billFor(payer, { held: true })))
  await web.sql(
    `update freehold.subscriptions set status = 'past_due', grace_end = cycle_end where business_id = $1 and status <> 'ended'`,
    [acme.id],
  )
  await web.sql(`update freehold.invoices set due_at = $1 where number is not null`, [
    new Date(web.ctx.now().getTime() - 86_400_000),
  ])
  web.ok(await web.api.post('/v1/staff/tasks/clean-up/runs', { reason: 'a test' }, people.staff))
  await web.sql(
    `update freehold_jobs.job set state = 'failed', output = '{"message": "the disk is full"}', started_on = now(), completed_on = now()
     where data ->> 'task' = 'clean-up'`,
  )
  const invitation = { email: 'bounced@acme.test', role: 'member' }
  web.ok(await web.api.post(`/v1/businesses/${acme.id}/invitations`, invitation, { token: acme.token }))
  await web.sql(
    `update freehold.mails set failed_at = created_at, error = 'no such mailbox', attempts = 3 where recipient = $1`,
    ['bounced@acme.test'],
  )
  web.ok(await web.api.put(`/v1/businesses/${acme.id}/support-access`, { policy: 'ask' }, { token: acme.token }))
  const session = { businessId: acme.id, reason: 'ticket 4711', minutes: 30 }
  web.ok(await web.api.post('/v1/staff/support-sessions', session, people.staff))
}

test('the console begins with what needs a person, and says so when nothing does', async () => {
  const visitor = await web.visit(people.staff)
  const { page, go, see, complaints, close } = visitor
  await go('/console')
  await see('To do')
  await page.getByText('Nothing to do right now.').waitFor()
  await sound(visitor, 'queue-empty')

  await trouble()
  await page.reload()
  await see('To do')
  const row = (table: string, text: string | RegExp) =>
    page.getByRole('table', { name: table }).getByRole('row').getByText(text).waitFor()
  await row('Past due', '$49, yesterday')
  await row('Drafts that wait for you', '$49')
  await row('Failed jobs', 'the disk is full')
  await row('Mails that could not be sent', 'no such mailbox')
  await row('Support sessions that wait for an answer', 'ticket 4711')
  await row('Granted units that expire within a week', '500')
  await sound(visitor, 'queue')
  await page.getByRole('table', { name: 'Past due' }).getByRole('link', { name: long }).click()
  await see(long)
  await page.getByRole('table', { name: 'Invoices' }).waitFor()
  expect(complaints).toEqual([])
  await close()
})

test('a list of it that cannot be loaded hides no other, and can be tried again', async () => {
  const { page, go, see, complaints } = await web.comeBack(people.staff)
  const problem = { type: 'about:blank', title: 'It broke', status: 500, code: 'internal_error', requestId: 'req_1' }
  await page.route('**/v1/staff/jobs?*', (route) => route.fulfill({ status: 500, json: problem }))
  await go('/console')
  await see('To do')
  await page.getByText('Request req_1').waitFor()
  await page.getByRole('table', { name: 'Past due' }).waitFor()
  await page.unroute('**/v1/staff/jobs?*')
  await page.getByRole('button', { name: 'Retry' }).click()
  await page.getByRole('table', { name: 'Failed jobs' }).waitFor()
  expect(complaints.splice(0).filter((each) => !/500/.test(each))).toEqual([])
})

test('subscriptions are found by how they stand and by plan, and the address says which', async () => {
  const visitor = await web.comeBack(people.staff)
  const { page, go, see, complaints } = visitor
  await go('/console/subscriptions')
  await see('Subscriptions')
  const table = page.getByRole('table', { name: 'Subscriptions' })
  const rows = table.getByRole('row')
  await table.getByText(long).waitFor()
  await expect.poll(() => rows.count()).toBe(4)
  await page.getByLabel('Status').selectOption('Past due')
  await page.waitForURL(/status=past_due/)
  await table.getByRole('row', { name: /Past due Growth \$49 a month \$49, yesterday/ }).waitFor()
  await expect.poll(() => rows.count()).toBe(2)
  await page.getByLabel('Plan').selectOption('Free')
  await page.getByText('Nothing matches.').waitFor()
  await page.goBack()
  await table.getByText(long).waitFor()
  await sound(visitor, 'subscriptions-past-due')
  // On a tablet it is a table still, and short words are not taken apart for long ones.
  await visitor.look({ width: 768, scheme: 'light' })
  const linesOf = (cell: Element) => {
    const range = document.createRange()
    range.selectNodeContents(cell)
    return range.getClientRects().length
  }
  expect(await table.getByText('Growth', { exact: true }).evaluate(linesOf)).toBe(1)
  expect(await visitor.overflow()).toBe(0)
  expect(complaints.splice(0)).toEqual([])
})

test('the log of staff says who did what, where and why, and is found by it', async () => {
  const visitor = await web.comeBack(people.staff)
  const { page, go, see, complaints } = visitor
  await go('/console/audit')
  await see('Staff log')
  const table = page.getByRole('table', { name: 'Staff log' })
  await table.getByRole('row', { name: /Pat Person Task run now Outside Task clean-up a test/ }).waitFor()
  await page.getByLabel('What').fill('grant')
  await page.getByLabel('From').fill('2020-01-01')
  await page.getByRole('button', { name: 'Find' }).click()
  await page.waitForURL(/action=grant/)
  await table.getByRole('row', { name: /Grant created .* a gift/ }).waitFor()
  await expect.poll(() => table.getByRole('row').count()).toBe(2)
  await sound(visitor, 'audit-found')
  await page.getByLabel('Until').fill('2020-01-02')
  await page.getByRole('button', { name: 'Find' }).click()
  await page.getByText('Nothing matches.').waitFor()
  await page.getByRole('search').getByRole('button', { name: 'Clear filters' }).click()
  await table.getByText('Task run now').waitFor()
  expect(complaints.splice(0)).toEqual([])
})

test('the log of staff begins with people: what software did is shown when it is asked for, and the file has what is shown', async () => {
  const grant = { feature: 'recordings', amount: 1, reason: 'by the back office' }
  for (let count = 0; count < 60; count += 1)
    web.ok(await web.api.post(`/v1/staff/businesses/${acme.id}/grants`, grant, people.admin))
  const { page, go, see, sound, complaints } = await web.comeBack(people.staff)
  await go('/console/audit')
  await see('Staff log')
  const table = page.getByRole('table', { name: 'Staff log' })
  await table.getByText('Task run now').waitFor()
  expect(await table.getByText('by the back office').count()).toBe(0)
  await page.getByLabel('By').selectOption('App keys')
  await page.waitForURL(/by=app/)
  await table.getByText('by the back office').first().waitFor()
  expect(await table.getByText('Task run now').count()).toBe(0)
  await page.getByLabel('By').selectOption('Automatic')
  await table.getByText('App key created').first().waitFor()
  await page.getByLabel('By').selectOption('Staff and app keys')
  await page.getByLabel('What').fill('task')
  await page.getByRole('button', { name: 'Find' }).click()
  await table.getByText('Task run now').waitFor()
  expect(Object.fromEntries(new URL(page.url()).searchParams)).toEqual({ by: 'both', action: 'task' })
  await page.getByLabel('What').fill('')
  await page.getByLabel('By').selectOption('App keys')
  await table.getByText('by the back office').first().waitFor()
  await sound('console-audit-keys')
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Download CSV' }).click(),
  ])
  expect(download.suggestedFilename()).toBe('staff-log.csv')
  const lines = (await readFile(await download.path(), 'utf8')).trimEnd().split('\r\n').slice(1)
  expect(lines.length).toBeGreaterThanOrEqual(60)
  for (const line of lines) expect(line).toContain(',app,')
  expect(complaints.splice(0)).toEqual([])
})

test('lists are files too, by the filters that are set', async () => {
  const { page, go, see, complaints } = await web.comeBack(people.staff)
  const file = async () => {
    const link = page.getByRole('link', { name: 'Download CSV' })
    const [download] = await Promise.all([page.waitForEvent('download'), link.click()])
    const lines = (await readFile(await download.path(), 'utf8')).trimEnd().split('\r\n')
    return { name: download.suggestedFilename(), lines: lines.slice(1) }
  }
  await go('/console/businesses?q=unreasonably')
  await see('Businesses')
  const businesses = await file()
  expect(businesses.name).toBe('businesses.csv')
  expect(businesses.lines).toHaveLength(1)
  expect(businesses.lines[0]).toContain(`${acme.id},,${long},`)
  await go('/console/subscriptions?status=past_due')
  await see('Subscriptions')
  const subscriptions = await file()
  expect(subscriptions.lines).toHaveLength(1)
  expect(subscriptions.lines[0]).toContain(',49.00,USD,1 month,past_due,')
  await go(`/console/businesses/${acme.id}?tab=subscription`)
  await see(long)
  await page.getByRole('table', { name: 'Invoices' }).waitFor()
  expect((await file()).lines).toHaveLength(
    await page.getByRole('table', { name: 'Invoices' }).locator('tbody tr').count(),
  )
  expect(complaints.splice(0)).toEqual([])
})

test('support sessions are listed with what is to be known of them', async () => {
  const visitor = await web.comeBack(people.staff)
  const { page, go, see, complaints } = visitor
  await go('/console/support-sessions')
  await see('Support sessions')
  const table = page.getByRole('table', { name: 'Support sessions' })
  await table.getByText('ticket 4711').waitFor()
  await sound(visitor, 'support-sessions-listed')
  await page.getByLabel('Status').selectOption('Over')
  await page.getByText('Nothing matches.').waitFor()
  await page.getByLabel('Status').selectOption('Waits for an answer')
  await table.getByText('ticket 4711').waitFor()
  expect(complaints.splice(0)).toEqual([])
})

test('a task is run now, with a reason, and its run appears', async () => {
  const visitor = await web.comeBack(people.staff)
  const { page, go, see, complaints } = visitor
  await go('/console/jobs')
  await see('Jobs')
  await page.getByText('No worker is running').waitFor()
  const move = (interval: string) =>
    web.sql(
      `update freehold.subscriptions set cycle_start = cycle_start + $2::interval, cycle_end = cycle_end + $2::interval
       where business_id = $1 and status <> 'ended'`,
      [acme.id, interval],
    )
  await move('-100 days')
  await page.reload()
  await page.getByText(/^One subscription is still to be renewed: its cycle ended .+ ago\.$/).waitFor()
  await sound(visitor, 'jobs-renewals')
  await move('100 days')
  await page
    .getByRole('row', { name: /^usage-alerts/ })
    .getByRole('button', { name: 'Run now' })
    .click()
  const dialog = page.getByRole('dialog', { name: 'Run usage-alerts now?' })
  await dialog.getByText('sent to the queue at once').waitFor()
  await dialog.getByLabel('Reason').fill('they wait')
  await dialog.getByRole('button', { name: 'Run now' }).click()
  await page.getByText('usage-alerts is sent to the queue', { exact: true }).waitFor()
  await page
    .getByRole('table', { name: 'Runs' })
    .getByRole('row', { name: /usage-alerts Waiting/ })
    .waitFor()
  await page.getByRole('group', { name: 'Filters' }).getByLabel('Status').selectOption('Failed')
  await page.getByRole('table', { name: 'Runs' }).getByText('the disk is full').waitFor()
  await sound(visitor, 'jobs-failed')
  expect(complaints.splice(0)).toEqual([])
})

test('mails are found by whom they are for, and read without the secret of their link', async () => {
  const visitor = await web.comeBack(people.staff)
  const { page, go, see, complaints } = visitor
  const token = await web.mailedToken('bounced@acme.test')
  await go('/console/mail')
  await see('Mail')
  await page.getByLabel('To').fill('bounced@acme.test')
  await page.getByRole('button', { name: 'Find' }).click()
  await page.waitForURL(/to=bounced/)
  const link = page.getByRole('table', { name: 'Mail' }).getByRole('link').first()
  const subject = await link.innerText()
  await link.click()
  await see(subject)
  await page.getByText('no such mailbox').waitFor()
  const text = await page.locator('pre').innerText()
  expect(text).toContain('/join#token=…')
  expect(await page.content()).not.toContain(token.slice(0, 16))
  await page.frameLocator('iframe').getByText('The invitation is for this e-mail only').waitFor()
  await sound(visitor, 'mail-read')
  await go('/console/mail/mail_nothing')
  await see('Not found')
  expect(complaints.splice(0).filter((each) => !/404/.test(each))).toEqual([])
})

test('what filters leave empty says so, and clears them by the same words as above it; the order stays', async () => {
  const { page, go, see, complaints } = await web.comeBack(people.staff)
  for (const [path, heading, left] of [
    ['/mail?to=nobody@acme.test', 'Mail', ''],
    ['/businesses?q=nobody&sort=oldest', 'Businesses', '?sort=oldest'],
    ['/audit?actor=nobody', 'Staff log', ''],
  ] as const) {
    await go(`/console${path}`)
    await see(heading)
    await page.getByText('Nothing matches.').waitFor()
    const clear = page.getByRole('button', { name: 'Clear filters' })
    expect(await clear.count()).toBe(2)
    await clear.last().click()
    await page.getByRole('table', { name: heading }).waitFor()
    expect(await clear.count()).toBe(0)
    expect(new URL(page.url()).search).toBe(left)
  }
  expect(complaints.splice(0)).toEqual([])
})

test('metrics are charts with the same in a table, and grow with what is sold', async () => {
  const visitor = await web.comeBack(people.staff)
  const { page, go, see, complaints } = visitor
  await go('/console/metrics')
  await see('Metrics')
  await page.getByRole('img', { name: /^Recurring revenue in USD/ }).waitFor()
  const table = page.getByRole('table', { name: 'What moved it, in USD' })
  await expect.poll(() => table.getByRole('row').count()).toBe(13)
  await table.getByRole('row', { name: /\$49\.00 .*\$49\.00 1/ }).waitFor()
  await sound(visitor, 'metrics-sold')
  await page.getByLabel('Months').selectOption('6')
  await page.waitForURL(/months=/)
  await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 12)
  expect(complaints.splice(0)).toEqual([])
})

test('what is more than a page is there on demand', async () => {
  await web.sql(
    `insert into freehold.system_audit_entries (id, at, actor_kind, actor_id, actor_name, action)
     select 'aud_0' || lpad(n::text, 25, '0'), '2026-01-01', 'staff', 'usr_x', 'Max Many', 'plan.updated'
     from generate_series(1, 60) n`,
  )
  const { page, go, see, complaints } = await web.comeBack(people.staff)
  await go('/console/audit?actor=usr_x')
  await see('Staff log')
  const rows = page.getByRole('table', { name: 'Staff log' }).getByRole('row')
  await expect.poll(() => rows.count()).toBe(51)
  await page.getByRole('button', { name: 'Show more' }).click()
  await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 60)
  expect(await page.getByRole('button', { name: 'Show more' }).count()).toBe(0)
  expect(complaints.splice(0)).toEqual([])
})
