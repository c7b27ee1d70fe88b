import { afterAll, beforeAll, expect, test } from 'vitest'
import { across, billFor, line } from '../../server/test/invoices.ts'
import { openStaff, type Staff } from '../../server/test/staff.ts'
import { openInvoices } from '../../server/src/invoices/invoices.ts'
import { openWeb } from './pages.ts'

let web: Awaited<ReturnType<typeof openWeb>>
let people: Staff
beforeAll(async () => {
  web = await openWeb()
  people = await openStaff(web)
})
afterAll(() => web.close())

const long = 'The quite unreasonably long name of a business that never learned to be brief'

/** A business that owes $49, and one page of the console that shows it. */
async function open(name: string) {
  const { business, subscription } = await web.signUp({ business: { name } })
  const change = { plan: 'growth', reason: 'as agreed', charge: 'invoice' }
  web.ok(await web.api.put(`/v1/staff/businesses/${business.id}/plan`, change, people.staff))
  const visitor = await web.visit(people.staff)
  const look = async () => {
    await visitor.go(`/console/businesses/${business.id}?tab=subscription`)
    await visitor.see(name)
  }
  await look()
  return {
    ...visitor,
    id: business.id as string,
    subscriptionId: subscription.id as string,
    dialog: visitor.page.getByRole('dialog'),
    invoices: visitor.page.getByRole('table', { name: 'Invoices' }),
    reload: look,
    press: (button: string) => visitor.page.getByRole('button', { name: button, exact: true }).click(),
    /** In the open dialog: a reason, and the button that does it. */
    settle: async (submit: string, said: string) => {
      await visitor.page.getByRole('dialog').getByLabel('Reason').fill('as agreed')
      await visitor.page.getByRole('dialog').getByRole('button', { name: submit, exact: true }).click()
      await visitor.page.getByText(said, { exact: true }).waitFor()
    },
    sound: async (name: string) => {
      for (const [width, scheme] of [
        [1280, 'light'],
        [360, 'dark'],
      ] as const) {
        await visitor.look({ width, scheme })
        await visitor.screenshot(`console-${name}-${width}-${scheme}`)
        expect({ width, overflow: await visitor.overflow() }).toEqual({ width, overflow: 0 })
        expect({ width, barriers: await visitor.barriers() }).toEqual({ width, barriers: [] })
      }
      await visitor.look({ width: 1280, scheme: 'light' })
    },
  }
}

const invoicesOf = async (id: string) =>
  web.ok(await web.api.get(`/v1/staff/businesses/${id}/invoices`, people.staff)).items

test('staff record what a customer has paid', async () => {
  const { dialog, invoices, press, page, complaints, close } = await open('Payer')
  await press('Record a payment')
  await dialog.getByText(/\$49 to \$0/).waitFor()
  await dialog.getByLabel('Reference').fill('bank 42')
  await press('Record')
  await page.getByText('The payment is recorded').waitFor()
  await invoices.getByText('Paid', { exact: true }).waitFor()
  await invoices.getByRole('button').click()
  await dialog.getByRole('table', { name: 'Payments' }).getByText('bank 42').waitFor()
  // What is paid stays so: only the cross is left to press.
  await expect.poll(() => dialog.getByRole('button').count()).toBe(1)
  expect(complaints).toEqual([])
  await close()
})

test('an invoice opens with its lines, is given up, and is void in the end; what was paid on it is in hand again', async () => {
  const { id, dialog, invoices, press, settle, sound, complaints, close } = await open(long)
  const [{ id: invoiceId, number }] = await invoicesOf(id)
  const part = { amount: 1900, reference: 'bank 43' }
  web.ok(await web.api.post(`/v1/staff/businesses/${id}/invoices/${invoiceId}/payments`, part, people.staff))

  await invoices.getByRole('button', { name: number }).click()
  await dialog.getByRole('table', { name: 'Lines' }).getByText('$49').waitFor()
  await sound('invoice')
  await press('Mark as uncollectible')
  await dialog.getByText(/Open to Uncollectible/).waitFor()
  await settle('Mark as uncollectible', 'The invoice is marked as uncollectible')
  await invoices.getByText('Uncollectible').waitFor()

  await invoices.getByRole('button', { name: number }).click()
  await press('Void it')
  await expect
    .poll(() => dialog.locator('dl').innerText())
    .toMatch(/Uncollectible\s+to\s+Void[^]*\$30\s+to\s+\$0[^]*Back to credit\s*\$19/)
  await sound('invoice-void')
  await settle('Void it', 'The invoice is void')
  await invoices.getByText('Void', { exact: true }).waitFor()
  expect(await invoicesOf(id)).toMatchObject([{ status: 'void', statusReason: 'as agreed' }])
  await sound('money')
  expect(complaints).toEqual([])
  await close()
})

test('a draft that waits for staff is released or waived', async () => {
  const { id, subscriptionId, dialog, invoices, press, settle, reload, page, complaints, close } = await open('Held')
  const of = { businessId: id, subscriptionId, name: 'Held', token: '' }
  const drafts = [billFor(of, { held: true, lines: [line(700)] }), billFor(of, { held: true, lines: [line(800)] })]
  await across(web, (tx) => openInvoices(tx, web.ctx, drafts))
  await reload()
  await page.getByRole('row', { name: /\$7\b/ }).getByRole('button', { name: 'Release it' }).click()
  await dialog.getByText('the next of the series').waitFor()
  await settle('Release it', 'The invoice is to be paid now')
  await page.getByRole('row', { name: /Open \$7\b/ }).waitFor()
  await invoices.getByRole('button', { name: 'Draft' }).click()
  await press('Waive it')
  await settle('Waive it', 'The draft is waived')
  expect((await invoicesOf(id)).map(({ status, total }: { status: string; total: number }) => [status, total])).toEqual(
    expect.arrayContaining([
      ['open', 700],
      ['void', 800],
    ]),
  )
  expect(complaints).toEqual([])
  await close()
})

test('money is credited, settles what is owed, and what is left of it can be taken back', async () => {
  const { id, dialog, page, press, settle, complaints, close } = await open('Credited')
  await page.getByText('There is no credit yet.').waitFor()
  await page.getByRole('region', { name: 'Subscription' }).getByRole('button', { name: 'Credit money' }).click()
  await dialog.getByLabel('Amount in USD').fill('60')
  await dialog.getByText(/\$0 to \$60/).waitFor()
  await settle('Credit', '$60 is credited')
  await page.getByText('Credit: $11').waitFor()
  expect(await invoicesOf(id)).toMatchObject([{ status: 'paid', creditApplied: 4900 }])

  await press('Take money back')
  await dialog.getByLabel('Amount in USD').fill('12')
  await dialog.getByLabel('Reason').fill('given by mistake')
  await press('Take back')
  // The server refuses what is not there, at its field, and what was typed stays.
  await dialog.getByText(/more than the \$11\.00 that are in hand/).waitFor()
  await dialog.getByLabel('Amount in USD').fill('11')
  await settle('Take back', '$11 is taken back')
  await page.getByText('There is no credit.', { exact: true }).waitFor()
  expect(complaints.filter((each) => !/422/.test(each))).toEqual([])
  await close()
})

test('a trial becomes a subscription, billed or not', async () => {
  const { business } = await web.signUp({ business: { name: 'Trier' } })
  const change = { plan: 'growth', reason: 'as agreed' }
  web.ok(await web.api.put(`/v1/staff/businesses/${business.id}/plan`, change, people.staff))
  await web.sql(
    `update freehold.subscriptions set status = 'trialing', trial_end = cycle_end where business_id = $1 and ended_at is null`,
    [business.id],
  )
  const known = async () => web.ok(await web.api.get(`/v1/staff/businesses/${business.id}`, people.staff))
  expect((await known()).subscription.status).toBe('trialing')
  const { page, go, see, complaints, barriers, close } = await web.visit(people.staff)
  await go(`/console/businesses/${business.id}`)
  await see('Trier')
  await page.getByRole('button', { name: 'End the trial now' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByText('$49').waitFor()
  await dialog.getByLabel('The first cycle').selectOption('waive')
  await dialog.getByText('nothing', { exact: true }).waitFor()
  await dialog.getByLabel('The first cycle').selectOption('invoice')
  expect(await barriers()).toEqual([])
  await dialog.getByLabel('Reason').fill('they have decided')
  await dialog.getByRole('button', { name: 'Begin the subscription' }).click()
  await page.getByText('The subscription has begun', { exact: true }).waitFor()
  expect((await known()).subscription).toMatchObject({ status: 'active', plan: { key: 'growth' } })
  expect(await invoicesOf(business.id)).toMatchObject([{ status: 'open', total: 4900 }])
  expect(complaints).toEqual([])
  await close()
})
