import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { createTestFreehold, type TestFreehold } from '../../test/harness.ts'
import { groupCommit } from './group-commit.ts'

// Two whole processes' worth of pools, caches and queues on one database.
let one: TestFreehold
let two: TestFreehold
beforeAll(async () => {
  one = await createTestFreehold()
  two = await createTestFreehold({ database: one.database })
})
afterAll(async () => {
  await two.close()
  await one.close()
})

type Body = { amount?: number; idempotencyKey?: string; feature?: string }
const consume = (via: TestFreehold, token: string, body: Body = {}) =>
  via.api.post('/v1/consume', { feature: 'recordings', ...body }, { token })

const start = async () => {
  const signedUp = await one.signUp()
  return { token: signedUp.apiKeys[0].key as string, business: signedUp.business, owner: signedUp.token }
}
const counterOf = async (businessId: string) => {
  const [row] = await one.sql(
    `select used, ceiling, (select coalesce(sum(amount), 0) from freehold.usage_entries e
       where e.business_id = c.business_id and e.feature = c.feature and e.period_start = c.period_start) as ledger
     from freehold.usage_counters c where business_id = $1 and feature = 'recordings' order by period_start desc limit 1`,
    [businessId],
  )
  return { used: Number(row.used), ledger: Number(row.ledger), ceiling: Number(row.ceiling) }
}

// A small generator of its own (mulberry32), so that a failing run can be repeated.
function randoms(seed: number) {
  let state = seed
  return (below: number) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

describe('consumption from two processes', () => {
  test('admits exactly what fits, whatever the amounts and the order', async () => {
    const random = randoms(7)
    const businesses = await Promise.all(Array.from({ length: 12 }, start))
    const sent = Array.from({ length: 900 }, () => ({ who: random(12), amount: 1 + random(9) }))
    const answers = await Promise.all(
      sent.map(({ who, amount }, index) => consume(index % 2 ? one : two, businesses[who]?.token ?? '', { amount })),
    )
    for (const [index, { business }] of businesses.entries()) {
      const acknowledged = sent.reduce(
        (sum, { who, amount }, at) => sum + (who === index && answers[at]?.body.allowed ? amount : 0),
        0,
      )
      const counter = await counterOf(business.id)
      expect(counter).toEqual({ used: acknowledged, ledger: acknowledged, ceiling: 100 })
      // Whatever was refused would not have fitted at the end either.
      const smallestRefused = Math.min(
        ...sent.flatMap(({ who, amount }, at) => (who === index && !answers[at]?.body.allowed ? amount : [])),
      )
      expect(acknowledged + smallestRefused).toBeGreaterThan(100)
    }
  })

  test('counts a raced idempotency key once and gives everybody the first answer', async () => {
    const random = randoms(11)
    const { token, business } = await start()
    const keys = Array.from({ length: 200 }, () => `key-${random(30)}`)
    const answers = await Promise.all(
      keys.map((idempotencyKey, index) => consume(index % 2 ? one : two, token, { idempotencyKey, amount: 2 })),
    )
    const distinct = new Set(keys)
    expect(await counterOf(business.id)).toMatchObject({ used: distinct.size * 2, ledger: distinct.size * 2 })
    for (const key of distinct) {
      const own = answers.filter((_, index) => keys[index] === key).map((answer) => JSON.stringify(answer.body))
      expect(new Set(own).size).toBe(1)
    }
  })

  test('answers a repeat with the first answer even when nothing is left', async () => {
    const { token } = await start()
    const first = await consume(one, token, { amount: 100, idempotencyKey: 'all' })
    expect((await consume(two, token)).body).toMatchObject({ allowed: false, code: 'limit_reached' })
    expect((await consume(two, token, { amount: 100, idempotencyKey: 'all' })).body).toEqual(first.body)
  })

  test('stores nothing for a refusal, so that a retry can succeed', async () => {
    const { token, business } = await start()
    await consume(one, token, { amount: 60 })
    expect((await consume(one, token, { amount: 60, idempotencyKey: 'retry' })).body.allowed).toBe(false)
    await one.sql(`update freehold.usage_counters set ceiling = 200 where business_id = $1`, [business.id])
    expect((await consume(one, token, { amount: 60, idempotencyKey: 'retry' })).body).toMatchObject({
      allowed: true,
      used: 120,
    })
  })

  test('admits a small request behind one that is too large', async () => {
    const { token } = await start()
    await consume(one, token, { amount: 90 })
    const [large, small] = await Promise.all([consume(one, token, { amount: 50 }), consume(one, token, { amount: 10 })])
    expect(large.body).toMatchObject({ allowed: false, code: 'limit_reached' })
    expect(small.body).toMatchObject({ allowed: true, used: 100 })
  })
})

describe('what disturbs a batch', () => {
  test('a revoked key counts nothing and stops nobody else', async () => {
    const [bad, good] = await Promise.all([start(), start()])
    await Promise.all([consume(one, bad.token), consume(two, bad.token)])
    const { items } = (await one.api.get(`/v1/businesses/${bad.business.id}/api-keys`, { token: bad.owner })).body
    await one.api.delete(`/v1/businesses/${bad.business.id}/api-keys/${items[0].id}`, { token: bad.owner })
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) => consume(index % 2 ? one : two, index % 4 < 2 ? bad.token : good.token)),
    )
    expect(answers.filter((answer) => answer.status === 401)).toHaveLength(20)
    expect(answers.filter((answer) => answer.body.allowed)).toHaveLength(20)
    expect(await counterOf(bad.business.id)).toMatchObject({ used: 2, ledger: 2 })
  })

  test('a counter that an open transaction holds delays only its own requests, and is busy after a second', async () => {
    const [held, ...others] = await Promise.all(Array.from({ length: 9 }, start))
    if (!held) throw new Error('unreachable')
    await Promise.all([held, ...others].map(({ token }) => consume(one, token)))
    const application = new pg.Client({ connectionString: one.database })
    await application.connect()
    await application.query('begin')
    await application.query('update freehold.usage_counters set used = used where business_id = $1 -- test', [
      held.business.id,
    ])

    let heldAnswered = false
    const waiting = consume(one, held.token).then((answer) => {
      heldAnswered = true
      return answer
    })
    const rounds = await Promise.all(
      others.flatMap(({ token }) => Array.from({ length: 5 }, () => consume(one, token))),
    )
    expect(rounds.every((answer) => answer.body.allowed)).toBe(true)
    expect(heldAnswered).toBe(false)
    expect(await waiting).toMatchObject({ status: 503, body: { code: 'busy' } })

    const patient = consume(one, held.token)
    await application.query('commit')
    expect((await patient).body).toMatchObject({ allowed: true, used: 2 })
    await application.end()
  })

  test('nobody is forgotten who comes to a held counter while others already wait for it', async () => {
    const { token, business } = await start()
    await consume(one, token)
    const application = new pg.Client({ connectionString: one.database })
    await application.connect()
    // The second arrives at a counter that is held so much later that it is set aside just while the first is looked after.
    for (let milliseconds = 0; milliseconds < 16; milliseconds += 1) {
      await application.query('begin')
      await application.query('select from freehold.usage_counters where business_id = $1 for no key update', [
        business.id,
      ])
      const first = consume(one, token)
      await delay(milliseconds)
      const second = consume(one, token)
      await delay(60)
      await application.query('commit')
      const answers = await Promise.race([Promise.all([first, second]), delay(3000)])
      expect(answers, `the second came ${milliseconds} ms later`).toMatchObject([{ status: 200 }, { status: 200 }])
    }
    await application.end()
  })

  test('what was counted is not counted again when the table itself is taken away before the others are looked at', async () => {
    const [open, closed] = await Promise.all([start(), start()])
    await consume(one, open.token)
    const { gatePool } = one.ctx.db
    const migration = new pg.Client({ connectionString: one.database })
    await migration.connect()
    const query = gatePool.query.bind(gatePool) as (...values: unknown[]) => Promise<unknown>
    let released: Promise<unknown> | undefined
    gatePool.query = (async (...values: { name?: string }[]) => {
      if (values[0]?.name === 'open_counters' && released === undefined) {
        await migration.query('begin')
        await migration.query('lock table freehold.usage_counters in access exclusive mode -- test')
        released = delay(300).then(() => migration.query('commit'))
      }
      return query(...values)
    }) as typeof gatePool.query
    try {
      const count = groupCommit(one.ctx)
      const outcomes = await Promise.all(
        [open, closed].map(({ business }) => count({ businessId: business.id, feature: 'recordings', amount: 1 })),
      )
      expect(outcomes).toMatchObject([{ outcome: 'counted', used: 2 }, { outcome: 'closed' }])
      expect(released).toBeDefined()
    } finally {
      gatePool.query = query as typeof gatePool.query
      await released
      await migration.end()
    }
    expect(await counterOf(open.business.id)).toMatchObject({ used: 2, ledger: 2 })
  })

  test('an exhausted business, one without the feature and one that has to be opened share a batch', async () => {
    const [full, fresh, other] = await Promise.all([start(), start(), start()])
    await consume(one, full.token, { amount: 100 })
    const answers = await Promise.all([
      consume(one, full.token),
      consume(one, fresh.token),
      consume(one, other.token, { feature: 'applications' }),
      consume(one, other.token, { amount: 101 }),
    ])
    expect(answers.map(({ status, body }) => body.code ?? status)).toEqual([
      'limit_reached',
      200,
      'invalid_request',
      'limit_reached',
    ])
  })
})

test('rows are found by their keys, in the order they were sent, also when the plan is made while there are none', async () => {
  const fresh = await createTestFreehold()
  onTestFinished(() => fresh.close())
  await fresh.sql('vacuum analyze')
  const { apiKeys } = await fresh.signUp()
  await consume(fresh, apiKeys[0].key)
  await fresh.api.post('/v1/check', { feature: 'recordings' }, { token: apiKeys[0].key })

  const client = await fresh.ctx.db.gatePool.connect()
  onTestFinished(() => client.release())
  const { rows: prepared } = await client.query<{ name: string; count: number }>(
    'select name, cardinality(parameter_types) as count from pg_prepared_statements',
  )
  expect(prepared.map(({ name }) => name)).toEqual(expect.arrayContaining(['consume', 'open_counters']))
  for (const { name, count } of prepared) {
    const { rows } = await client.query(`explain execute ${name}(${Array(count).fill('null').join(', ')})`)
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
    expect(plan).toMatch(/Bitmap Index Scan on usage_counters_pkey.*\n *Index Cond: \(\(business_id = \(?w\./)
    expect(plan).not.toMatch(/Seq Scan on usage_counters|Index Scan using usage_counters|Hash Join|Merge Join/)
  }
})
