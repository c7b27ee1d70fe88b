import pg from 'pg'
import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { days as seconds, type TestFreehold } from '../../test/harness.ts'
import { openSeveral } from '../../test/several.ts'
import { days, usd } from '../prices.ts'
import { defineProduct } from '../product.ts'
import { openMailer } from '../mail/deliver.ts'
import { checkTaskNames } from '../tasks.ts'
import { expireReservations } from '../usage/tasks.ts'
import { cleanUp } from './clean-up.ts'
import { nextTick, scheduleProblem } from './cron.ts'
import { runDueSchedules } from './schedules.ts'

const hour = 3600

const { start, stop } = openSeveral()

function productWith(tasks: Record<string, { schedule: string; run: () => Promise<void> }>) {
  return defineProduct({
    name: 'Test',
    permissions: { 'recordings:create': 'write' },
    keys: { sdk: { prefix: 'pk', permissions: ['recordings:create'] } },
    features: { recordings: { kind: 'metered' } },
    plans: { basic: { name: 'Basic', cycle: days(15), price: usd(0), includes: { recordings: 10 } } },
    signup: { plan: 'basic', keys: ['sdk'] },
    tasks,
  })
}

/** A product whose task counts its runs. */
function counting(schedule: string) {
  const runs: Date[] = []
  const product = productWith({
    'send-digest': {
      schedule,
      run: async () => {
        runs.push(new Date())
      },
    },
  })
  return { runs, product }
}

/** How often a task has been sent, run or not. */
const sent = async ({ sql }: TestFreehold, task = 'send-digest'): Promise<number> =>
  (await sql(`select from freehold_jobs.job where name = 'tasks' and data ->> 'task' = $1`, [task])).length
const isKnown = (freehold: TestFreehold, task = 'send-digest') =>
  freehold.eventually(
    async () => (await freehold.sql('select from freehold.schedules where task = $1', [task])).length > 0,
    'the first look at the schedule',
  )

describe('a task of the product', () => {
  test('runs once for a tick, however many workers there are', async () => {
    const { product, runs } = counting('0 * * * *')
    const freehold = await start({ product, worker: true })
    await start({ product, worker: true, database: freehold.database })
    await start({ product, worker: true, database: freehold.database })
    await isKnown(freehold)
    for (const times of [1, 2]) {
      await freehold.advance(hour)
      await freehold.eventually(async () => runs.length === times, `run ${times}`)
      expect(await sent(freehold)).toBe(times)
    }
  })

  test('does not run before its first tick', async () => {
    const { product } = counting('0 0 1 1 *')
    const freehold = await start({ product, worker: true })
    await isKnown(freehold)
    expect(await sent(freehold)).toBe(0)
  })

  test('runs once when the clock jumps over many ticks', async () => {
    const { product, runs } = counting('*/5 * * * *')
    const freehold = await start({ product, worker: true })
    await isKnown(freehold)
    await freehold.advance(seconds(100))
    await freehold.eventually(async () => runs.length > 0, 'the run')
    expect(await sent(freehold)).toBe(1)
  })

  test('is caught up once when no worker ran for days', async () => {
    const { product, runs } = counting('0 * * * *')
    const api = await start({ product })
    const worker = await start({ product, worker: true, database: api.database })
    await isKnown(api)
    await stop(worker)
    await api.advance(seconds(3))
    expect(runs).toEqual([])
    await start({ product, worker: true, database: api.database })
    await api.eventually(async () => runs.length > 0, 'the run')
    expect(await sent(api)).toBe(1)
  })

  test('is tried again and told in the log when it throws', async () => {
    const logged: Record<string, any>[] = []
    let attempts = 0
    const product = productWith({
      fragile: {
        schedule: '0 * * * *',
        run: async () => {
          attempts += 1
          if (attempts === 1) throw new Error('the other side was down')
        },
      },
    })
    const logger = pino({ level: 'error' }, { write: (line: string) => logged.push(JSON.parse(line)) })
    const freehold = await start({ product, worker: true, logger })
    await isKnown(freehold, 'fragile')
    await freehold.advance(hour)
    await freehold.eventually(async () => attempts === 1, 'the first attempt')
    // The queue waits a few seconds; the test does not.
    await freehold.eventually(async () => {
      await freehold.sql(`update freehold_jobs.job set start_after = now() where name = 'tasks' and state = 'retry'`)
      return attempts === 2
    }, 'the second attempt')
    expect(logged).toMatchObject([
      { msg: 'a task failed', task: 'fragile', err: { message: 'the other side was down' } },
    ])
  })

  test('which this version does not know is tried again, by then perhaps by one that does', async () => {
    const freehold = await start({ worker: true })
    await freehold.ctx.db.across.transaction().execute((tx) => freehold.ctx.enqueue(tx, 'tasks', { task: 'newer' }))
    await freehold.eventually(
      async () => (await freehold.sql(`select from freehold_jobs.job where state = 'retry'`)).length === 1,
      'the retry',
    )
  })
})

describe('a schedule that many look at', () => {
  test('is sent by one of them, in one transaction with the note that it was', async () => {
    const { product } = counting('0 * * * *')
    const freehold = await start({ product })
    const looks = () =>
      Promise.all(Array.from({ length: 8 }, () => runDueSchedules(freehold.ctx, product.tasks as never)))
    await looks()
    expect(await sent(freehold)).toBe(0)
    await freehold.advance(hour)
    await looks()
    await looks()
    expect(await sent(freehold)).toBe(1)
  })
})

describe('the built-in tasks', () => {
  test('renew what is due without anybody asking', async () => {
    const freehold = await start({ worker: true })
    const { business } = await freehold.signUp()
    await isKnown(freehold, 'renew-subscriptions')
    await freehold.advance(seconds(15))
    await freehold.eventually(
      async () =>
        (
          await freehold.sql('select from freehold.subscriptions where business_id = $1 and cycle_number = 2', [
            business.id,
          ])
        ).length === 1,
      'the renewal',
    )
  })

  test('give back what was reserved and not confirmed, and leave what somebody holds', async () => {
    const freehold = await start()
    const [one, other] = [await freehold.signUp(), await freehold.signUp()]
    for (const { apiKeys } of [one, other]) {
      const ask = { feature: 'recordings', amount: 4, ttlSeconds: 60 }
      freehold.ok(await freehold.api.post('/v1/reservations', ask, { token: apiKeys[0].key }))
    }
    const held = async ({ business }: { business: { id: string } }) =>
      Number(
        (await freehold.sql('select held from freehold.usage_counters where business_id = $1', [business.id]))[0].held,
      )
    await expireReservations(freehold.ctx)
    expect([await held(one), await held(other)]).toEqual([4, 4])
    await freehold.advance(60)

    const application = new pg.Client({ connectionString: freehold.database })
    await application.connect()
    try {
      await application.query('begin')
      await application.query('select from freehold.usage_counters where business_id = $1 for no key update', [
        one.business.id,
      ])
      await expireReservations(freehold.ctx)
      expect([await held(one), await held(other)]).toEqual([4, 0])
    } finally {
      await application.end()
    }
    await Promise.all([expireReservations(freehold.ctx), expireReservations(freehold.ctx)])
    expect([await held(one), await held(other)]).toEqual([0, 0])
  })

  test('delete what has run out, and nothing else', async () => {
    const freehold = await start()
    const { token, user } = await freehold.signUp()
    const now = freehold.ctx.now().getTime()
    const [past, future] = [new Date(now - 1000), new Date(now + 60_000)]
    for (const [name, expiry] of [
      ['old', past],
      ['new', future],
    ] as const) {
      await freehold.sql(
        `insert into freehold.verifications (id, identifier, value, expires_at, created_at, updated_at) values ($1::text, $1::text, '', $2::timestamptz, $2, $2)`,
        [name, expiry],
      )
      await freehold.sql(
        `insert into freehold.sessions (id, user_id, token, expires_at, last_used_at, created_at, updated_at) values ($1::text, $3, $1::text, $2::timestamptz, $2, $2, $2)`,
        [name, expiry, user.id],
      )
      await freehold.sql(
        `insert into freehold.pending_signups (id, email, token_hash, sealed, expires_at) values ($1::text, $1::text, convert_to($1::text, 'UTF8'), '', $2)`,
        [name, expiry],
      )
      await freehold.sql(
        `insert into freehold.pending_identities (provider, subject, email, first_name, last_name, token_hash, expires_at) values ('google', $1::text, $1::text, '', '', convert_to($1::text, 'UTF8'), $2)`,
        [name, expiry],
      )
      await freehold.sql(
        `insert into freehold.idempotency_keys (scope, key_hash, body_hmac, status, answer, expires_at) values ($1, '', '', 200, '', $2)`,
        [name, expiry],
      )
      await freehold.sql(`insert into freehold.rate_limits (key, points, expire) values ($1, 1, $2)`, [
        name,
        expiry.getTime(),
      ])
      await freehold.sql(`insert into freehold.recent_revocations (credential_id, revoked_at) values ($1, $2)`, [
        name,
        new Date(expiry.getTime() - seconds(1) * 1000),
      ])
    }
    await cleanUp(freehold.ctx)
    for (const [table, column] of [
      ['verifications', 'id'],
      ['pending_signups', 'id'],
      ['pending_identities', 'subject'],
      ['idempotency_keys', 'scope'],
      ['rate_limits', 'key'],
      ['recent_revocations', 'credential_id'],
    ] as const) {
      const left = await freehold.sql(
        `select ${column} as name from freehold.${table} where ${column} in ('old', 'new')`,
      )
      expect([table, left]).toEqual([table, [{ name: 'new' }]])
    }
    expect(await freehold.sql(`select id from freehold.sessions where id = 'old'`)).toEqual([])
    expect(await freehold.api.get('/v1/me', { token })).toMatchObject({ status: 200 })
  })

  test('remove what a mail said after 30 days, and keep that it was sent', async () => {
    const freehold = await start()
    const { user } = await freehold.signUp()
    const content = async () =>
      freehold.sql(
        'select sealed is null as removed, sent_at, template, subject from freehold.mails where recipient = $1',
        [user.email],
      )
    const [before] = await content()
    await freehold.advance(seconds(30) - 60)
    const later = await freehold.signUp()
    await cleanUp(freehold.ctx)
    expect(await content()).toEqual([before])
    expect(await freehold.mails(user.email)).toHaveLength(1)

    await freehold.advance(60)
    await cleanUp(freehold.ctx)
    expect(await content()).toEqual([{ ...before, removed: true }])
    expect(await freehold.mails(user.email)).toEqual([])
    expect(await freehold.mails(later.user.email)).toHaveLength(1)
    const [mail] = await freehold.sql('select id from freehold.mails where recipient = $1', [user.email])
    await freehold.sql('update freehold.mails set sent_at = null where id = $1', [mail.id])
    await openMailer(freehold.ctx, 'smtp://127.0.0.1:1', 'app@example.test').deliver(mail.id)
    expect((await content())[0]).toMatchObject({ sent_at: null })
  })

  test('keep their names', () => {
    const product = productWith({ 'clean-up': { schedule: '0 * * * *', run: async () => {} } })
    expect(() => checkTaskNames(product)).toThrow('tasks.clean-up: is a task of Freehold itself')
  })
})

describe('a schedule', () => {
  test.each([
    ['* * * * *', '2026-01-01T00:00:00.000Z', '2026-01-01T00:01:00.000Z'],
    ['* * * * *', '2026-01-01T00:00:59.999Z', '2026-01-01T00:01:00.000Z'],
    ['*/15 9-17 * * 1-5', '2026-01-02T17:45:00.000Z', '2026-01-05T09:00:00.000Z'],
    ['0 3 * * *', '2026-03-29T00:30:00.000Z', '2026-03-29T03:00:00.000Z'],
    ['0 0 31 * *', '2026-01-31T00:00:00.000Z', '2026-03-31T00:00:00.000Z'],
    ['0 0 29 2 *', '2096-03-01T00:00:00.000Z', '2104-02-29T00:00:00.000Z'],
    ['0 12 1 JAN,JUL THU', '2026-01-01T12:00:00.000Z', '2026-01-08T12:00:00.000Z'],
  ])('%s after %s has its next tick at %s', (schedule, after, next) => {
    expect(nextTick(schedule, new Date(after)).toISOString()).toBe(next)
  })

  test.each([
    '',
    '* * * *',
    '* * * * * *',
    '@daily',
    '60 * * * *',
    '* 24 * * *',
    '* * 0 * *',
    '0 0 30 2 *',
    'H * * * *',
    'every day at noon please',
    '*/0 * * * *',
    '* * * * MONDAYS',
  ])('cannot be %j', (schedule) => {
    expect(scheduleProblem(schedule)).toEqual(expect.any(String))
    expect(() => productWith({ digest: { schedule, run: async () => {} } })).toThrow('tasks.digest.schedule: ')
  })

  test.each(['* * * * *', '0 0 1 1 0', '5,10 0-6/2 * feb tue'])('may be %j', (schedule) => {
    expect(scheduleProblem(schedule)).toBeUndefined()
  })
})
