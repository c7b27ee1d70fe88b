import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestFreehold, type TestFreehold } from '../../test/harness.ts'
import { systemActor } from '../context.ts'
import { acrossBusinesses } from '../db/transactions.ts'
import { createAppKey, listAppKeys, revokeAppKey, type AppKeyScope } from './app-keys.ts'

let freehold: TestFreehold
beforeAll(async () => {
  freehold = await createTestFreehold()
})
afterAll(() => freehold.close())

const operator = systemActor('command line')
const create = (name: string, scope: AppKeyScope) =>
  acrossBusinesses(freehold.ctx.db, (tx) => createAppKey(tx, freehold.ctx, operator, { name, scope }))
const revoke = (id: string) => acrossBusinesses(freehold.ctx.db, (tx) => revokeAppKey(tx, freehold.ctx, operator, id))

test('an app key of scope meter asks the gate for any business and does nothing that staff do', async () => {
  const acme = await freehold.signUp()
  const { key: token } = await create('recorder backend', 'meter')
  const consumed = await freehold.api.post(
    '/v1/consume',
    { subject: { businessId: acme.business.id }, feature: 'recordings', amount: 2 },
    { token },
  )
  expect(consumed.body).toMatchObject({ allowed: true, used: 2 })
  expect(await freehold.api.get('/v1/staff/plans', { token })).toMatchObject({
    status: 403,
    body: { code: 'permission_denied' },
  })
  expect((await freehold.api.get(`/v1/businesses/${acme.business.id}/audit`, { token })).status).toBe(403)
})

test('an app key of scope admin may do what staff do', async () => {
  const { key: token } = await create('back office', 'admin')
  expect((await freehold.api.get('/v1/staff/plans', { token })).status).toBe(200)
})

test('a revoked app key stops at once, and revoking it again changes nothing', async () => {
  const acme = await freehold.signUp()
  const { id, key: token } = await create('short-lived', 'admin')
  const consume = () =>
    freehold.api.post('/v1/consume', { subject: { businessId: acme.business.id }, feature: 'recordings' }, { token })
  expect((await consume()).body).toMatchObject({ allowed: true })
  await revoke(id)
  await revoke(id)
  expect((await consume()).status).toBe(401)
  expect((await freehold.api.get('/v1/staff/plans', { token })).status).toBe(401)
  const entries = await freehold.sql(
    `select action, actor_kind from freehold.system_audit_entries where target ->> 'id' = $1 order by id`,
    [id],
  )
  expect(entries).toEqual([
    { action: 'app_key.created', actor_kind: 'system' },
    { action: 'app_key.revoked', actor_kind: 'system' },
  ])
  await expect(revoke('app_unknown')).rejects.toMatchObject({ code: 'not_found' })
})

test('the key is shown once: neither the list, the rows nor the log hold it', async () => {
  const { id, key } = await create('hidden', 'meter')
  expect(key).toMatch(/^app_[0-9a-hjkmnp-tv-z]{32}$/)
  const listed = (await listAppKeys(freehold.ctx.db.across)).find((each) => each.id === id)
  expect(listed).toMatchObject({ name: 'hidden', scope: 'meter', hint: `app…${key.slice(-4)}`, revokedAt: null })
  expect(listed).not.toHaveProperty('hash')
  const rows = await freehold.sql(
    `select k::text as row from freehold.app_keys k union all select e::text from freehold.system_audit_entries e`,
  )
  expect(rows.filter(({ row }) => row.includes(key.slice(4)))).toEqual([])
})

test.each(['', 'owner', 'constructor'])('there is no scope %j', async (scope) => {
  await expect(create('odd', scope as AppKeyScope)).rejects.toMatchObject({ code: 'invalid_request' })
})

test('a key needs a name', async () => {
  await expect(create('  ', 'meter')).rejects.toMatchObject({ code: 'invalid_request' })
})
