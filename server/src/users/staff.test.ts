import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestFreehold, password, type TestFreehold } from '../../test/harness.ts'
import { systemActor } from '../context.ts'
import { acrossBusinesses } from '../db/transactions.ts'
import { addStaff, listStaff, removeStaff } from './staff.ts'

let freehold: TestFreehold
beforeAll(async () => {
  freehold = await createTestFreehold()
})
afterAll(() => freehold.close())

const operator = systemActor('command line')
const add = (email: string) => acrossBusinesses(freehold.ctx.db, (tx) => addStaff(tx, freehold.ctx, operator, email))
const remove = (email: string) =>
  acrossBusinesses(freehold.ctx.db, (tx) => removeStaff(tx, freehold.ctx, operator, email))
const seesPlans = async (token: string) => (await freehold.api.get('/v1/staff/plans', { token })).status

test('a session that exists becomes staff at once, and ceases to be at once', async () => {
  const { token, user } = await freehold.signUp()
  expect(await seesPlans(token)).toBe(403)
  expect(await add(user.email)).toMatchObject({ isNewUser: false, resetToken: undefined })
  expect(await seesPlans(token)).toBe(200)
  await remove(user.email)
  expect(await seesPlans(token)).toBe(403)
})

test('somebody unknown becomes a user who sets a password by the link, once', async () => {
  const { resetToken } = await add('New.Colleague@Example.test')
  const confirm = () => freehold.api.post('/v1/password-resets/confirm', { token: resetToken, password })
  const { token } = freehold.ok(await confirm())
  expect(await seesPlans(token)).toBe(200)
  expect(await confirm()).toMatchObject({ status: 410, body: { code: 'invalid_token' } })
  const login = await freehold.api.post('/v1/login', { email: 'new.colleague@example.test', password })
  expect(login).toMatchObject({ status: 200, body: { memberships: [] } })
})

test('asked for again there is a new link until there is a password, and the older one stops working', async () => {
  const first = await add('again@example.test')
  const second = await add('again@example.test')
  expect(second).toMatchObject({ userId: first.userId, isNewUser: false })
  const confirm = (token: string | undefined) => freehold.api.post('/v1/password-resets/confirm', { token, password })
  expect((await confirm(first.resetToken)).status).toBe(410)
  expect((await confirm(second.resetToken)).status).toBe(200)
  expect(await add('again@example.test')).toMatchObject({ resetToken: undefined })
})

test('ten at once make one user, and one of their links works', async () => {
  const added = await Promise.all(Array.from({ length: 10 }, () => add('race@example.test')))
  expect(new Set(added.map(({ userId }) => userId)).size).toBe(1)
  expect(added.filter(({ isNewUser }) => isNewUser)).toHaveLength(1)
  const statuses = []
  for (const { resetToken } of added) {
    statuses.push((await freehold.api.post('/v1/password-resets/confirm', { token: resetToken, password })).status)
  }
  expect(statuses.filter((status) => status === 200)).toHaveLength(1)
})

test.each([
  '',
  'nobody',
  'a@b',
  'a b@example.test',
  'a@example.test\nBcc: x@example.test',
  '<a@example.test>',
  '@x.test',
])('%j is no e-mail, and nobody is made of it', async (email) => {
  await expect(add(email)).rejects.toMatchObject({ code: 'invalid_request' })
  expect(await freehold.sql('select from freehold.users where email = $1', [email.toLowerCase()])).toEqual([])
})

test('somebody disabled does not become staff', async () => {
  const { user } = await freehold.signUp()
  await freehold.sql('update freehold.users set disabled_at = now() where id = $1', [user.id])
  await expect(add(user.email)).rejects.toMatchObject({ code: 'conflict' })
  expect((await listStaff(freehold.ctx.db.across)).map(({ userId }) => userId)).not.toContain(user.id)
})

test('who is not staff cannot be removed, nor somebody twice', async () => {
  const { user } = await freehold.signUp()
  await expect(remove(user.email)).rejects.toMatchObject({ code: 'not_found' })
  await add(user.email)
  await remove(user.email)
  await expect(remove(user.email)).rejects.toMatchObject({ code: 'not_found' })
})

test('every change is in the log, without the link', async () => {
  const { userId, resetToken } = await add('logged@example.test')
  await add('logged@example.test')
  await remove('logged@example.test')
  const entries = await freehold.sql(
    "select actor_kind, actor_id, action, after from freehold.system_audit_entries where target->>'id' = $1 order by id",
    [userId],
  )
  expect(entries.map(({ action }) => action)).toEqual([
    'staff.added',
    'user.password_link_made',
    'user.password_link_made',
    'staff.removed',
  ])
  expect(entries[0]).toMatchObject({ actor_kind: 'system', actor_id: 'command line' })
  expect(JSON.stringify(entries)).not.toContain(resetToken)
})
