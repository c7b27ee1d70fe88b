import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, type TestFreehold } from '../../test/harness.ts'
import { onlyStaff, openStaff, refusals, type Staff } from '../../test/staff.ts'
import { renewDue } from '../subscriptions/renewal.ts'

let freehold: TestFreehold
let people: Staff
beforeAll(async () => {
  freehold = await createTestFreehold()
  people = await openStaff(freehold)
})
afterAll(() => freehold.close())

const get = (path: string, options = people.staff) => freehold.api.get(`/v1/staff/${path}`, options)
const run = (task: string, body: object = { reason: 'it is due' }, options: { token?: string } = people.staff) =>
  freehold.api.post(`/v1/staff/tasks/${task}/runs`, body, options)

test('are for staff and admin app keys', async () => {
  expect(await refusals((options) => get('jobs', options as never), people)).toEqual(onlyStaff)
  expect(await refusals((options) => get('tasks', options as never), people)).toEqual(onlyStaff)
  expect(await refusals((options) => run('clean-up', undefined, options), people)).toEqual(onlyStaff)
})

describe('jobs', () => {
  test('are listed newest first, by pages, without what they were sent with', async () => {
    for (let index = 0; index < 5; index++) freehold.ok(await run('clean-up'))
    const all = freehold.ok(await get('jobs?task=clean-up')).items
    expect(all).toHaveLength(5)
    expect(all[0]).toMatchObject({ task: 'clean-up', state: 'waiting', attempts: 0, error: null, mailId: null })
    const seen: string[] = []
    for (let cursor: string | null = ''; cursor !== null;) {
      const { items, nextCursor }: { items: { id: string }[]; nextCursor: string | null } = freehold.ok(
        await get(`jobs?task=clean-up&limit=2${cursor && `&cursor=${cursor}`}`),
      )
      seen.push(...items.map(({ id }: { id: string }) => id))
      cursor = nextCursor
    }
    expect(seen).toEqual(all.map(({ id }: { id: string }) => id))
    await freehold.api.post('/v1/password-resets', { email: 'somebody@secret.test' })
    expect(JSON.stringify(freehold.ok(await get('jobs?limit=100')))).not.toContain('somebody@secret.test')
  })

  test('are found by how they stand, failures with their error', async () => {
    const jobs = `update freehold_jobs.job set state = $1, output = $2, started_on = now(), completed_on = now()
      where id = (select id from freehold_jobs.job where name = 'tasks' and state = 'created' limit 1)`
    await freehold.sql(jobs, ['failed', { message: 'the disk is full' }])
    await freehold.sql(jobs, ['completed', { message: 'nothing wrong' }])
    expect(freehold.ok(await get('jobs?state=failed')).items).toMatchObject([
      { state: 'failed', error: 'the disk is full', attempts: 1 },
    ])
    expect(freehold.ok(await get('jobs?state=done')).items).toMatchObject([{ state: 'done', error: null }])
  })

  test.each(['state=lost', 'cursor=nonsense', 'cursor=2026-13-01~x', 'limit=0', 'queue=tasks'])(
    'are refused with ?%s',
    async (query) => {
      expect((await get(`jobs?${query}`)).status).toBe(422)
    },
  )
})

describe('tasks', () => {
  test('say when they ran and will run, and how many workers are there', async () => {
    const { items, workers } = freehold.ok(await get('tasks'))
    expect(items.map(({ task }: { task: string }) => task)).toEqual(
      expect.arrayContaining(['renew-subscriptions', 'clean-up']),
    )
    // Without a worker none ran yet.
    expect(items[0]).toMatchObject({ lastRunAt: null, nextRunAt: null })
    expect(workers).toEqual({ alive: 0, lastSeenAt: null })
    await freehold.sql(`insert into freehold.schedules (task, last_run_at) values ('clean-up', '2026-01-01T04:00:00Z')`)
    const cleanUp = freehold.ok(await get('tasks')).items.find(({ task }: { task: string }) => task === 'clean-up')
    expect(cleanUp).toMatchObject({ lastRunAt: '2026-01-01T04:00:00.000Z', nextRunAt: '2026-01-02T03:17:00.000Z' })
  })

  test('say how many subscriptions are still to be renewed, and since when', async () => {
    expect(freehold.ok(await get('tasks')).renewals).toEqual({ due: 0, oldestAt: null })
    const { subscription } = await freehold.signUp()
    await freehold.signUp()
    const ends = new Date(subscription.cycleEnd)
    await freehold.advance(Math.ceil((ends.getTime() - freehold.ctx.now().getTime()) / 1000) + 60)
    const { due, oldestAt } = freehold.ok(await get('tasks')).renewals
    // The staff's own businesses are among them.
    const [{ count }] = await freehold.sql(
      `select count(*)::int from freehold.subscriptions where status <> 'ended' and cycle_end <= $1`,
      [freehold.ctx.now()],
    )
    expect(due).toBe(count)
    expect(due).toBeGreaterThanOrEqual(2)
    expect(new Date(oldestAt).getTime()).toBeLessThanOrEqual(ends.getTime())
    await renewDue(freehold.ctx)
    expect(freehold.ok(await get('tasks')).renewals).toEqual({ due: 0, oldestAt: null })
  })

  test('are run now with a reason that stays, once for a key, and only those that need nothing said', async () => {
    const headers = { 'idempotency-key': 'once' }
    for (const _ of [1, 2]) {
      const answer = await freehold.api.post(
        '/v1/staff/tasks/forget-denials/runs',
        { reason: 'too many' },
        { ...people.staff, headers },
      )
      expect(answer.status).toBe(202)
    }
    expect(freehold.ok(await get('jobs?task=forget-denials')).items).toHaveLength(1)
    expect(
      await freehold.sql(`select actor_id, target, after from freehold.system_audit_entries
        where action = 'task.run_now' and target ->> 'id' = 'forget-denials'`),
    ).toEqual([
      { actor_id: people.user.id, target: { kind: 'task', id: 'forget-denials' }, after: { reason: 'too many' } },
    ])
    for (const none of ['password-reset', 'nothing', 'toString']) expect((await run(none)).status).toBe(404)
    expect((await run('clean-up', {})).status).toBe(422)
  })
})
