import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestFreehold, type TestFreehold } from '../../test/harness.ts'
import { onlyStaff, openStaff, refusals, type Staff } from '../../test/staff.ts'

let freehold: TestFreehold
let people: Staff
let business: { id: string; name: string }
beforeAll(async () => {
  freehold = await createTestFreehold()
  people = await openStaff(freehold)
  const signedUp = await freehold.signUp({ business: { name: 'Acme' } })
  business = signedUp.business
  for (const email of ['ada@mailed.test', 'bob@mailed.test']) {
    const invitation = { email, role: 'member' }
    freehold.ok(
      await freehold.api.post(`/v1/businesses/${business.id}/invitations`, invitation, { token: signedUp.token }),
    )
  }
})
afterAll(() => freehold.close())

const get = (path: string, options: { token?: string } = people.staff) =>
  freehold.api.get(`/v1/staff/mails${path}`, options)
const list = async (query = '') => freehold.ok(await get(query)).items

test('mails are for staff and admin app keys', async () => {
  const [{ id }] = await list()
  expect(await refusals((options) => get('', options), people)).toEqual(onlyStaff)
  expect(await refusals((options) => get(`/${id}`, options), people)).toEqual(onlyStaff)
})

test('mails are listed newest first, by whom they are for, what they are and how they stand', async () => {
  const of = `?businessId=${business.id}`
  expect((await list(of)).map(({ to }: { to: string }) => to)).toEqual(['bob@mailed.test', 'ada@mailed.test'])
  expect(await list('?to=ADA@mailed.test')).toMatchObject([
    { template: 'invitation', status: 'waiting', attempts: 0, business: { id: business.id, name: 'Acme' } },
  ])
  expect(await list('?template=nothing')).toEqual([])
  await freehold.sql(
    `update freehold.mails set failed_at = created_at, error = 'no such mailbox', attempts = 3 where recipient = $1`,
    ['ada@mailed.test'],
  )
  await freehold.sql(`update freehold.mails set sent_at = created_at where recipient = $1`, ['bob@mailed.test'])
  expect(await list('?status=retrying')).toMatchObject([
    { to: 'ada@mailed.test', status: 'retrying', error: 'no such mailbox', attempts: 3 },
  ])
  expect(await list(`${of}&status=sent`)).toMatchObject([{ to: 'bob@mailed.test', status: 'sent' }])
  const first = freehold.ok(await get(`${of}&limit=1`))
  expect(first.nextCursor).toBe(first.items[0].id)
  expect(await list(`${of}&cursor=${first.nextCursor}`)).toMatchObject([{ to: 'ada@mailed.test' }])
  for (const query of ['?status=lost', '?businessId=../x', '?limit=0', '?html=1']) {
    expect((await get(query)).status).toBe(422)
  }
})

test('a mail reads as it was sent, but its link lets nobody in', async () => {
  const [{ id }] = await list('?to=ada@mailed.test')
  const token = await freehold.mailedToken('ada@mailed.test')
  const mail = freehold.ok(await get(`/${id}`))
  expect(mail.text).toContain('/join#token=…')
  expect(JSON.stringify(mail)).not.toContain(token)
  expect(JSON.stringify(mail)).not.toContain(token.slice(0, 12))
  await freehold.sql(`update freehold.mails set sealed = null where id = $1`, [id])
  expect(freehold.ok(await get(`/${id}`))).toMatchObject({ id, text: null })
  expect((await get('/mail_00000000000000000000000000')).status).toBe(404)
  expect((await get('/nothing')).status).toBe(404)
})
