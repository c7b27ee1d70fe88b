import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestFreehold, type TestFreehold } from '../../test/harness.ts'
import { across, billFor, payer } from '../../test/invoices.ts'
import { onlyStaff, openStaff, refusals, type Staff } from '../../test/staff.ts'
import { openInvoice } from '../invoices/invoices.ts'
import { csvLine } from './csv.ts'

let freehold: TestFreehold
let people: Staff
beforeAll(async () => {
  freehold = await createTestFreehold()
  people = await openStaff(freehold)
})
afterAll(() => freehold.close())

test.each([
  ['plain', 'plain'],
  ['Bo, "B"', '"Bo, ""B"""'],
  ['two\r\nlines', '"two\r\nlines"'],
  ['=HYPERLINK("x")', `"'=HYPERLINK(""x"")"`],
  ['+1', "'+1"],
  ['-1+1', "'-1+1"],
  ['-12.50', '-12.50'],
  [-3, '-3'],
  ['@SUM(A1)', "'@SUM(A1)"],
  [null, ''],
])('%s is what it is to a spreadsheet', (value, written) => {
  expect(csvLine([value, 'b'])).toBe(`${written},b\r\n`)
})

const linesOf = (body: string) => body.trimEnd().split('\r\n')
const staffFile = async (path: string) => {
  const { status, body, headers } = await freehold.api.get(`/v1/staff/${path}`, people.staff)
  expect({ path, status, type: headers.get('content-type') }).toEqual({
    path,
    status: 200,
    type: 'text/csv; charset=utf-8',
  })
  return linesOf(body)
}

test('the file has every entry once, newest first, by the filters of the list, and is for whoever may read it', async () => {
  const { business, token } = await freehold.signUp({ business: { name: '=Acme' } })
  await freehold.sql(
    `insert into freehold.audit_entries (business_id, id, at, actor_kind, actor_id, action)
     select $1, 'aud_0' || lpad(n::text, 25, '0'), now(), 'system', 'many', 'member.updated' from generate_series(1, 1200) n`,
    [business.id],
  )
  const path = `/v1/businesses/${business.id}/audit.csv`
  const { status, body, headers } = await freehold.api.get(path, { token })
  expect(status).toBe(200)
  expect(headers.get('content-type')).toBe('text/csv; charset=utf-8')
  expect(headers.get('content-disposition')).toBe(`attachment; filename="${business.id}-audit.csv"`)
  const [all] = await freehold.sql('select count(*)::int from freehold.audit_entries where business_id = $1', [
    business.id,
  ])
  expect(linesOf(body)).toHaveLength(all.count + 1)
  expect(linesOf(body)[0]).toBe(
    'at,actorKind,actorId,actorName,actorEmail,onBehalfOf,action,targetKind,targetId,targetName,before,after',
  )
  expect(linesOf(body).some((line) => line.includes(",'=Acme,"))).toBe(true)

  expect(linesOf((await freehold.api.get(`${path}?actor=many&action=member`, { token })).body)).toHaveLength(1201)
  expect(linesOf((await freehold.api.get(`${path}?action=invoice`, { token })).body)).toHaveLength(1)
  expect((await freehold.api.get(`${path}?from=yesterday`, { token })).status).toBe(422)
  // Has the shape of a moment, and is none: said before the first line.
  expect((await freehold.api.get(`${path}?from=2026-04-31T00:00:00Z`, { token })).status).toBe(422)
  expect((await freehold.api.get(`${path}?limit=1`, { token })).status).toBe(422)
  const member = await freehold.join(business, token)
  expect((await freehold.api.get(path, { token: member.token })).status).toBe(403)
  expect((await freehold.api.get(path, { token: (await freehold.signUp()).token })).status).toBe(404)
})

test.each(['businesses.csv', 'subscriptions.csv', 'audit.csv'])('%s is for staff and admin app keys', async (path) => {
  const get = (options: { token?: string }) => freehold.api.get(`/v1/staff/${path}`, options)
  expect(await refusals(get, people)).toEqual(onlyStaff)
  expect((await get(people.admin)).status).toBe(200)
  expect((await freehold.api.get(`/v1/staff/${path}?unknown=1`, people.staff)).status).toBe(422)
})

test('the file of businesses has all that are found, in the order of the list', async () => {
  await freehold.sql(
    `insert into freehold.businesses (id, name, created_at)
     select 'biz_0' || lpad(n::text, 25, '0'), '@Many ' || lpad(n::text, 3, '0'), now() from generate_series(1, 450) n`,
  )
  const [head, ...lines] = await staffFile('businesses.csv?search=@many&sort=name')
  expect(head).toMatch(/^id,externalId,name,status,/)
  expect(lines.map((line) => line.split(',')[2])).toEqual(
    Array.from({ length: 450 }, (_, index) => `'@Many ${String(index + 1).padStart(3, '0')}`),
  )
  const { business } = await freehold.signUp({ business: { name: 'One, only' }, email: 'one@only.test' })
  const [, only = '', ...none] = await staffFile('businesses.csv?search=one@only.test')
  expect(none).toEqual([])
  expect(only).toMatch(new RegExp(`^${business.id},,"One, only",active,,Pat Person,one@only.test,free,active,`))
})

test('the file of subscriptions says who pays what, and what is overdue, as numbers to calculate with', async () => {
  const { business } = await freehold.signUp({ business: { name: 'Payer' } })
  const change = { plan: 'growth', reason: 'as agreed', charge: 'invoice' }
  freehold.ok(await freehold.api.put(`/v1/staff/businesses/${business.id}/plan`, change, people.staff))
  const [head = '', line = '', ...none] = await staffFile('subscriptions.csv?plan=growth')
  expect(none).toEqual([])
  const cells = line.split(',')
  const said = Object.fromEntries(head.split(',').map((name, index) => [name, cells[index]]))
  expect(said).toMatchObject({
    businessName: 'Payer',
    plan: 'growth',
    amount: '49.00',
    currency: 'USD',
    overdue: '0.00',
  })
  const { items } = freehold.ok(await freehold.api.get('/v1/staff/subscriptions?limit=100', people.staff))
  expect((await staffFile('subscriptions.csv')).length).toBe(items.length + 1)
})

test('the file of invoices has drafts for staff and none for the business, by status', async () => {
  const of = await payer(freehold)
  const bill = (more: object) => across(freehold, (tx) => openInvoice(tx, freehold.ctx, billFor(of, more)))
  for (let count = 0; count < 3; count += 1) await bill({})
  await bill({ held: true })
  const own = `/v1/businesses/${of.businessId}/invoices.csv`
  const forBusiness = linesOf((await freehold.api.get(own, { token: of.token })).body)
  expect(forBusiness).toHaveLength(4)
  expect(forBusiness[1]).toContain(',open,change,USD,49.00,0.00,0.00,49.00,')
  expect(linesOf((await freehold.api.get(`${own}?status=paid`, { token: of.token })).body)).toHaveLength(1)
  expect((await freehold.api.get(`${own}?status=draft`, { token: of.token })).status).toBe(422)
  expect((await freehold.api.get(own, people.customer)).status).toBe(404)
  const forStaff = `businesses/${of.businessId}/invoices.csv`
  expect(await staffFile(forStaff)).toHaveLength(5)
  expect(await staffFile(`${forStaff}?status=draft`)).toHaveLength(2)
  expect((await freehold.api.get('/v1/staff/businesses/biz_none/invoices.csv', people.staff)).status).toBe(404)
})

test('the file of the staff log goes by its filters, and says in which business', async () => {
  const { business } = await freehold.signUp({ business: { name: 'Logged' } })
  const extension = { days: 3, reason: '=1+1' }
  freehold.ok(await freehold.api.post(`/v1/staff/businesses/${business.id}/extension`, extension, people.staff))
  freehold.ok(await freehold.api.post(`/v1/staff/businesses/${business.id}/extension`, extension, people.admin))
  const [head, ...lines] = await staffFile(`audit.csv?businessId=${business.id}`)
  expect(head).toMatch(/^at,businessId,businessName,actorKind,/)
  expect(lines.map((line) => line.split(',').slice(1, 4))).toEqual([
    [business.id, 'Logged', 'app'],
    [business.id, 'Logged', 'staff'],
  ])
  expect(await staffFile(`audit.csv?businessId=${business.id}&actorKind=staff&action=subscription`)).toHaveLength(2)
  expect(await staffFile(`audit.csv?businessId=${business.id}&action=invoice`)).toHaveLength(1)
})
