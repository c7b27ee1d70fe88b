import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, type TestFreehold } from '../../test/harness.ts'
import { idsOf, onlyStaff, openStaff, paged, refusals, type Staff } from '../../test/staff.ts'
import { acrossBusinesses } from '../db/transactions.ts'
import { staffLog, type StaffLogQuery } from './staff-log.ts'

let freehold: TestFreehold
let people: Staff
beforeAll(async () => {
  freehold = await createTestFreehold()
  people = await openStaff(freehold)
})
afterAll(() => freehold.close())

const get = (path: string, options: { token?: string } = people.staff) => freehold.api.get(`/v1/staff/${path}`, options)
const list = async (path: string) => freehold.ok(await get(path)).items

async function customer(name: string) {
  const { business, token } = await freehold.signUp({ business: { name } })
  return { id: business.id as string, token: token as string }
}

test('the log is for staff and admin app keys', async () => {
  expect(await refusals((options) => get('audit', options), people)).toEqual(onlyStaff)
  expect((await get('audit', people.admin)).status).toBe(200)
})

describe('the log of staff', () => {
  test('has what staff and admin keys did in any business and outside, and nothing of customers', async () => {
    const { id, token } = await customer('Logged')
    freehold.ok(await freehold.api.patch(`/v1/businesses/${id}`, { name: 'Renamed' }, { token }))
    const extension = { days: 3, reason: 'slow start' }
    freehold.ok(await freehold.api.post(`/v1/staff/businesses/${id}/extension`, extension, people.staff))
    freehold.ok(await freehold.api.post(`/v1/staff/businesses/${id}/extension`, extension, people.admin))
    freehold.ok(await freehold.api.post('/v1/staff/tasks/clean-up/runs', { reason: 'in between' }, people.staff))
    const [run, byKey, byStaff] = await list('audit')
    expect(run).toMatchObject({ action: 'task.run_now', business: null, actor: { id: people.user.id } })
    expect(byKey).toMatchObject({ action: 'subscription.extended', actor: { kind: 'app' }, business: { id } })
    expect(byStaff).toMatchObject({
      actor: { kind: 'staff', id: people.user.id, email: people.user.email },
      business: { id, name: 'Renamed' },
      after: { reason: 'slow start' },
    })
    const everything = await list('audit?limit=100')
    expect(
      everything.filter(({ actor }: { actor: { kind: string } }) => !['staff', 'app'].includes(actor.kind)),
    ).toEqual([])
    expect(await paged(get, 'audit')).toEqual(idsOf(everything))
  })

  test('is found by who, what, where and when', async () => {
    const { id } = await customer('Filtered')
    freehold.ok(
      await freehold.api.post(`/v1/staff/businesses/${id}/extension`, { days: 1, reason: 'a day' }, people.staff),
    )
    expect(await list(`audit?businessId=${id}`)).toMatchObject([{ action: 'subscription.extended' }])
    expect(await list(`audit?businessId=${id}&action=subscription`)).toHaveLength(1)
    expect(await list(`audit?businessId=${id}&action=invoice`)).toEqual([])
    expect(await list(`audit?businessId=${id}&actor=${people.user.email.toUpperCase()}`)).toHaveLength(1)
    expect(await list('audit?actor=usr_nobody')).toEqual([])
    const later = encodeURIComponent(new Date(freehold.ctx.now().getTime() + 60_000).toISOString())
    expect(await list(`audit?businessId=${id}&from=${later}`)).toEqual([])
    expect(await list(`audit?businessId=${id}&to=${later}`)).toHaveLength(1)
    expect((await get('audit?businessId=../x')).status).toBe(422)
    expect((await get('audit?from=yesterday')).status).toBe(422)
    const hostile = encodeURIComponent(`'; drop table users; --`)
    expect(await list(`audit?action=${hostile}`)).toEqual([])
  })

  test('can be of people, of app keys, or of Freehold itself alone', async () => {
    const { id } = await customer('Kinds')
    const extension = { days: 1, reason: 'a day' }
    for (const who of [people.staff, people.admin])
      freehold.ok(await freehold.api.post(`/v1/staff/businesses/${id}/extension`, extension, who))
    const kindsOf = async (query: string) =>
      new Set((await list(`audit?limit=100${query}`)).map(({ actor }: { actor: { kind: string } }) => actor.kind))
    expect(await kindsOf('')).toEqual(new Set(['staff', 'app']))
    for (const kind of ['staff', 'app', 'system']) expect(await kindsOf(`&actorKind=${kind}`)).toEqual(new Set([kind]))
    // The command line is Freehold itself: that somebody was given a key, or made staff, stands here and nowhere else.
    const outside = await list('audit?actorKind=system&action=app_key')
    expect(outside.length).toBeGreaterThan(0)
    expect(outside[0]).toMatchObject({ action: 'app_key.created', business: null })
    expect(await list(`audit?actorKind=app&businessId=${id}`)).toMatchObject([{ actor: { kind: 'app' } }])
    expect(await paged(get, 'audit?actorKind=system')).toEqual(idsOf(await list('audit?limit=100&actorKind=system')))
    expect((await get('audit?actorKind=user')).status).toBe(422)
  })

  test('finds what is rare without reading all that is done every day', async () => {
    const { id } = await customer('Busy')
    const many = [id, 5000]
    await freehold.sql(
      `insert into freehold.audit_entries (business_id, id, at, actor_kind, action)
      select $1, 'aud_renewed' || n, '2026-01-01', 'system', 'subscription.renewed' from generate_series(1, $2) n`,
      many,
    )
    await freehold.sql(
      `insert into freehold.system_audit_entries (id, at, actor_kind, actor_id, action)
      select 'aud_signed' || n, '2026-01-01', 'user', $1, 'session.started' from generate_series(1, $2) n`,
      many,
    )
    await freehold.sql('analyze freehold.audit_entries, freehold.system_audit_entries')
    const read = (query: Partial<StaffLogQuery>) =>
      acrossBusinesses(freehold.ctx.db, async (tx) => {
        await staffLog(tx, { limit: 20, ...query })
        const { rows } = await sql<{ read: number }>`
          select sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::int as read
          from pg_stat_xact_user_tables
          where relname in ('audit_entries', 'system_audit_entries')`.execute(tx)
        return rows[0]?.read
      })
    for (const query of [{}, { action: 'invoice.voided' }, { action: 'invoice' }, { action: 'nothing' }]) {
      expect(await read(query)).toBeLessThan(500)
      expect(await read({ ...query, actorKind: 'system' })).toBeLessThan(500)
    }
  })
})
