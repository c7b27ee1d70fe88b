import { Kysely, PostgresDialect, sql, type Transaction } from 'kysely'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, days, type TestFreehold } from '../../test/harness.ts'
import { FreeholdError, fromKysely, fromPg, type Port } from '../index.ts'

/** Counting in the application's own transaction, beside rows of its own. */
type Rows = { notes: { business_id: string } }

let freehold: TestFreehold
let pool: pg.Pool
let db: Kysely<Rows>
beforeAll(async () => {
  freehold = await createTestFreehold()
  pool = new pg.Pool({ connectionString: freehold.database, max: 30 })
  db = new Kysely<Rows>({ dialect: new PostgresDialect({ pool }) })
  await pool.query('create table notes (business_id text not null)')
})
afterAll(async () => {
  await pool.end()
  await freehold.close()
})

/** Runs `work` in a transaction of the pool and commits it, or rolls it back when it throws. */
async function inTransaction<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    const result = await work(client)
    await client.query('commit')
    return result
  } catch (error) {
    await client.query('rollback')
    throw error
  } finally {
    client.release()
  }
}

const note = (client: pg.PoolClient, businessId: string) => client.query('insert into notes values ($1)', [businessId])
const notes = async (businessId: string) =>
  (await pool.query('select from notes where business_id = $1', [businessId])).rows.length

const used = async (businessId: string, feature = 'recordings') => {
  const [row] = await freehold.sql(
    `select coalesce(sum(used), 0) as used,
       (select coalesce(sum(amount), 0) from freehold.usage_entries where business_id = $1 and feature = $2) as entries
     from freehold.usage_counters where business_id = $1 and feature = $2`,
    [businessId, feature],
  )
  expect(Number(row.entries)).toBe(Number(row.used))
  return Number(row.used)
}

const recordings = (businessId: string, amount = 1) => ({ businessId, feature: 'recordings', amount })
const keyOf = (signedUp: { apiKeys: { key: string }[] }) => signedUp.apiKeys[0]?.key ?? ''

describe('consume in a transaction', () => {
  test('is refused for staff who may only look, and the transaction goes on', async () => {
    const [{ business }, staff] = [await freehold.signUp(), await freehold.signUp()]
    await freehold.makeStaff(staff.user.id)
    const starts = async (access: 'read' | 'write') => {
      const body = { businessId: business.id, reason: 'a ticket', minutes: 10, access }
      const { token } = freehold.ok(await freehold.api.post('/v1/staff/support-sessions', body, { token: staff.token }))
      const found = await freehold.authorize({ authorization: `Bearer ${token}` }, 'recordings:read')
      if (!found.ok) throw new Error(found.problem.title)
      return found.actor
    }
    const [looks, helps] = [await starts('read'), await starts('write')]
    await inTransaction(async (client) => {
      const usage = { ...recordings(business.id), actor: looks }
      const item = { businessId: business.id, feature: 'applications', itemId: 'app_1', actor: looks }
      await expect(freehold.consume(fromPg(client), usage)).rejects.toMatchObject({ code: 'permission_denied' })
      await expect(freehold.allocate(fromPg(client), item)).rejects.toMatchObject({ code: 'permission_denied' })
      await expect(freehold.release(fromPg(client), item)).rejects.toMatchObject({ code: 'permission_denied' })
      await freehold.consume(fromPg(client), { ...usage, actor: helps })
    })
    expect(await used(business.id)).toBe(1)
  })

  test('counts when it commits, together with what else it wrote', async () => {
    const { business, subscription } = await freehold.signUp()
    const tally = await inTransaction(async (client) => {
      await note(client, business.id)
      return freehold.consume(fromPg(client), recordings(business.id, 2))
    })
    expect(tally).toEqual({ limit: 100, used: 2, remaining: 98, resetsAt: new Date(subscription.cycleEnd) })
    expect(await used(business.id)).toBe(2)
    expect(await notes(business.id)).toBe(1)
  })

  test('gives the units back when it rolls back', async () => {
    const { business } = await freehold.signUp()
    const failing = inTransaction(async (client) => {
      await freehold.consume(fromPg(client), recordings(business.id, 5))
      throw new Error('the disk is full')
    })
    await expect(failing).rejects.toThrow('the disk is full')
    expect(await used(business.id)).toBe(0)
  })

  test('refuses beyond the limit and leaves the transaction usable', async () => {
    const { business, subscription } = await freehold.signUp()
    await inTransaction(async (client) => {
      await freehold.consume(fromPg(client), recordings(business.id, 99))
      await expect(freehold.consume(fromPg(client), recordings(business.id, 2))).rejects.toMatchObject({
        code: 'limit_reached',
        status: 402,
        extensions: {
          feature: 'recordings',
          limit: 100,
          used: 99,
          remaining: 1,
          resetsAt: new Date(subscription.cycleEnd),
        },
      })
      await note(client, business.id)
    })
    expect(await used(business.id)).toBe(99)
    expect(await notes(business.id)).toBe(1)
  })

  test('keeps two businesses apart in one transaction', async () => {
    const [one, two] = [await freehold.signUp(), await freehold.signUp()]
    await inTransaction(async (client) => {
      const port = fromPg(client)
      await freehold.consume(port, recordings(one.business.id, 100))
      await expect(freehold.consume(port, recordings(one.business.id))).rejects.toMatchObject({ code: 'limit_reached' })
      await freehold.consume(port, recordings(two.business.id, 3))
    })
    expect([await used(one.business.id), await used(two.business.id)]).toEqual([100, 3])
  })

  test('counts on a transaction of Kysely, whatever plugins it has', async () => {
    const { business } = await freehold.signUp()
    const counting = db.transaction().execute(async (tx) => {
      await tx.insertInto('notes').values({ business_id: business.id }).execute()
      await freehold.consume(fromKysely(tx), recordings(business.id, 100))
      await freehold.consume(fromKysely(tx), recordings(business.id))
    })
    await expect(counting).rejects.toMatchObject({ code: 'limit_reached' })
    expect([await used(business.id), await notes(business.id)]).toEqual([0, 0])
  })

  test('takes turns where several are counted at once on one transaction', async () => {
    const { business } = await freehold.signUp()
    await inTransaction(async (client) => {
      const outcomes = await Promise.allSettled(
        [60, 60, 40, 1].map((amount) => freehold.consume(fromPg(client), recordings(business.id, amount))),
      )
      expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected'])
      const { rows } = await client.query("select current_setting('lock_timeout') as lock_timeout")
      expect(rows).toEqual([{ lock_timeout: '0' }])
    })
    expect(await used(business.id)).toBe(100)
  })

  test('admits exactly the limit when transactions of two libraries and the gate race', async () => {
    const acme = await freehold.signUp()
    const { business } = acme
    // Whoever is told that the counter is busy rolls back and comes again, as the answer says.
    const settle = async (count: () => Promise<unknown>): Promise<number> => {
      try {
        await count()
        return 1
      } catch (error) {
        if (error instanceof FreeholdError && error.code === 'busy') return settle(count)
        expect(error).toMatchObject({ code: 'limit_reached' })
        return 0
      }
    }
    const byPg = () =>
      settle(() => inTransaction((client) => freehold.consume(fromPg(client), recordings(business.id, 4))))
    const byKysely = () =>
      settle(() => db.transaction().execute((tx) => freehold.consume(fromKysely(tx), recordings(business.id, 4))))
    const byGate = async () => {
      const { body } = await freehold.api.post(
        '/v1/consume',
        { feature: 'recordings', amount: 4 },
        { token: keyOf(acme) },
      )
      return body.allowed ? 1 : 0
    }
    const admitted: number[] = await Promise.all(
      Array.from({ length: 20 }, () => [byPg(), byKysely(), byGate()]).flat(),
    )
    expect(admitted.reduce((sum, each) => sum + each, 0)).toBe(25)
    expect(await used(business.id)).toBe(100)
  })

  test('answers a repeated idempotency key with the first result, in the same transaction and in a later one', async () => {
    const { business } = await freehold.signUp()
    const usage = { ...recordings(business.id, 3), idempotencyKey: 'upload-1' }
    const first = await inTransaction(async (client) => {
      const counted = await freehold.consume(fromPg(client), usage)
      await freehold.consume(fromPg(client), recordings(business.id))
      expect(await freehold.consume(fromPg(client), usage)).toMatchObject({ used: 3, limit: 100 })
      await note(client, business.id)
      return counted
    })
    expect(first).toMatchObject({ used: 3, remaining: 97 })
    expect(await inTransaction((client) => freehold.consume(fromPg(client), usage))).toMatchObject({ used: 3 })
    expect(await used(business.id)).toBe(4)

    await inTransaction(async (client) => {
      const other = freehold.consume(fromPg(client), { ...usage, amount: 4 })
      await expect(other).rejects.toMatchObject({ code: 'idempotency_key_reused' })
      await note(client, business.id)
    })
    expect(await notes(business.id)).toBe(2)
  })

  test('counts one idempotency key once when transactions race with it', async () => {
    const { business } = await freehold.signUp()
    const usage = { ...recordings(business.id, 3), idempotencyKey: 'upload-2' }
    const tallies = await Promise.all(
      Array.from({ length: 8 }, () => inTransaction((client) => freehold.consume(fromPg(client), usage))),
    )
    expect(tallies.map((tally) => tally.used)).toEqual(Array.from({ length: 8 }, () => 3))
    expect(await used(business.id)).toBe(3)
  })

  test('counts also where somebody opens the counter just after none was found to count in', async () => {
    const signedUp = await freehold.signUp()
    const { business } = signedUp
    const tally = await inTransaction((client) => {
      const port = fromPg(client)
      const query: Port['query'] = async (text, values) => {
        const looksWhyNot = text.trimStart().startsWith('select used, held')
        if (looksWhyNot) await freehold.api.post('/v1/consume', { feature: 'recordings' }, { token: keyOf(signedUp) })
        return port.query(text, values)
      }
      return freehold.consume({ ...port, query }, recordings(business.id, 3))
    })
    expect(tally).toMatchObject({ used: 4, remaining: 96 })
    expect(await used(business.id)).toBe(4)
  })

  test('forgets a key that was rolled back', async () => {
    const { business } = await freehold.signUp()
    const usage = { ...recordings(business.id, 3), idempotencyKey: 'upload-3' }
    const undone = inTransaction(async (client) => {
      await freehold.consume(fromPg(client), usage)
      throw new Error('undone')
    })
    await expect(undone).rejects.toThrow('undone')
    await inTransaction((client) => freehold.consume(fromPg(client), usage))
    expect(await used(business.id)).toBe(3)
  })

  test('waits a second for a counter that somebody else holds, and can be gone on with', async () => {
    const { business } = await freehold.signUp()
    await inTransaction((client) => freehold.consume(fromPg(client), recordings(business.id)))
    await inTransaction(async (holder) => {
      await freehold.consume(fromPg(holder), recordings(business.id))
      await inTransaction(async (client) => {
        await client.query("set local lock_timeout = '20s'")
        const started = performance.now()
        const waiting = freehold.consume(fromPg(client), recordings(business.id))
        await expect(waiting).rejects.toMatchObject({ code: 'busy', status: 503, retryAfterSeconds: 1 })
        expect(performance.now() - started).toBeLessThan(2000)
        const { rows } = await client.query("select current_setting('lock_timeout') as lock_timeout")
        expect(rows).toEqual([{ lock_timeout: '20s' }])
        await note(client, business.id)
      })
    })
    expect([await used(business.id), await notes(business.id)]).toEqual([2, 1])
  })

  test('gets through as soon as the holder is done', async () => {
    const { business } = await freehold.signUp()
    const consume = (client: pg.PoolClient) => freehold.consume(fromPg(client), recordings(business.id))
    await inTransaction(consume)
    const holder = await pool.connect()
    await holder.query('begin')
    await consume(holder)
    const waiting = inTransaction(consume)
    await holder.query('commit')
    holder.release()
    expect((await waiting).used).toBe(3)
  })

  test('counts in the new period once the cycle has ended, without renewing inside the transaction', async () => {
    const { business } = await freehold.signUp()
    await inTransaction((client) => freehold.consume(fromPg(client), recordings(business.id, 100)))
    await freehold.advance(days(15))
    const failing = inTransaction(async (client) => {
      expect(await freehold.consume(fromPg(client), recordings(business.id))).toMatchObject({ used: 1 })
      throw new Error('undone')
    })
    await expect(failing).rejects.toThrow('undone')
    const [{ cycle_number: cycle }] = await freehold.sql(
      'select cycle_number from freehold.subscriptions where business_id = $1',
      [business.id],
    )
    expect(cycle).toBe(2)
    expect(await inTransaction((client) => freehold.consume(fromPg(client), recordings(business.id)))).toMatchObject({
      used: 1,
    })
  })

  test('says busy when the transaction itself stands in the way of the renewal, and works when tried again', async () => {
    const { business } = await freehold.signUp()
    await inTransaction((client) => freehold.consume(fromPg(client), recordings(business.id, 100)))
    await freehold.advance(days(15))
    const attempt = () =>
      inTransaction(async (client) => {
        // Anything that locks the subscription: here the application's own look at it.
        await client.query('select from freehold.subscriptions where business_id = $1 for update -- test', [
          business.id,
        ])
        return freehold.consume(fromPg(client), recordings(business.id))
      })
    await expect(attempt()).rejects.toMatchObject({ code: 'busy' })
    const tally = await freehold.eventually(() => attempt().catch(() => false as const), 'the renewal')
    expect(tally).toMatchObject({ used: 1, remaining: 99 })
  })

  test.each([
    ['suspended', 'business_not_open'],
    ['closed', 'business_not_open'],
  ])('refuses for a business that is %s', async (status, code) => {
    const { business } = await freehold.signUp()
    await freehold.sql('update freehold.businesses set status = $2 where id = $1', [business.id, status])
    await inTransaction(async (client) => {
      await expect(freehold.consume(fromPg(client), recordings(business.id))).rejects.toMatchObject({ code })
    })
  })

  test('counts nothing for a key that was revoked', async () => {
    const acme = await freehold.signUp()
    const { id, type } = acme.apiKeys[0]
    const actor = { kind: 'key', id, name: type, type, businessId: acme.business.id } as const
    await inTransaction((client) => freehold.consume(fromPg(client), { ...recordings(acme.business.id), actor }))
    freehold.ok(await freehold.api.delete(`/v1/businesses/${acme.business.id}/api-keys/${id}`, { token: acme.token }))
    await inTransaction(async (client) => {
      const counting = freehold.consume(fromPg(client), { ...recordings(acme.business.id), actor })
      await expect(counting).rejects.toMatchObject({ code: 'unauthenticated' })
    })
    const entries = await freehold.sql('select credential_id from freehold.usage_entries where business_id = $1', [
      acme.business.id,
    ])
    expect(entries).toEqual([{ credential_id: id }])
  })

  test('refuses a business that does not exist', async () => {
    await inTransaction(async (client) => {
      await expect(freehold.consume(fromPg(client), recordings('biz_none'))).rejects.toMatchObject({
        code: 'not_found',
      })
    })
  })

  test.each([0, -1, 1.5, Number.NaN, 2 ** 53, Number.POSITIVE_INFINITY, '1' as never])(
    'refuses the amount %s',
    async (amount) => {
      const { business } = await freehold.signUp()
      await inTransaction(async (client) => {
        const counting = freehold.consume(fromPg(client), recordings(business.id, amount))
        await expect(counting).rejects.toMatchObject({ code: 'invalid_request' })
      })
      expect(await used(business.id)).toBe(0)
    },
  )

  test('refuses features that are not counted, by name', async () => {
    const { business } = await freehold.signUp()
    for (const feature of ['applications', 'exports', 'retentionDays', 'members', 'none']) {
      await inTransaction(async (client) => {
        const counting = freehold.consume(fromPg(client), { businessId: business.id, feature })
        await expect(counting).rejects.toMatchObject({ code: 'invalid_request' })
      })
    }
  })

  test.each([
    [-2 * 86_400_000, 'usage_too_old'],
    [600_000, 'usage_in_future'],
  ])('refuses usage that happened %d ms from now', async (offset, code) => {
    const { business } = await freehold.signUp()
    const at = new Date(freehold.ctx.now().getTime() + offset)
    await inTransaction(async (client) => {
      await expect(freehold.consume(fromPg(client), { ...recordings(business.id), at })).rejects.toMatchObject({ code })
    })
  })

  test('asks for a transaction where there is none', async () => {
    const { business } = await freehold.signUp()
    for (const port of [fromPg(pool), fromKysely(db)]) {
      await expect(freehold.consume(port, recordings(business.id))).rejects.toThrow('hand it the transaction')
    }
    expect(await used(business.id)).toBe(0)
  })

  test('never changes the role of the connection', async () => {
    const { business } = await freehold.signUp()
    const roles: string[] = []
    await inTransaction(async (client) => {
      const port: Port = {
        query: async (text, values) => {
          const result = await client.query(text, values)
          roles.push((await client.query('select current_user as role')).rows[0].role)
          return result
        },
      }
      await freehold.consume(port, recordings(business.id))
    })
    expect(new Set(roles).size).toBe(1)
    expect(roles[0]).not.toBe('freehold_tenant')
  })
})

describe('allocate in a transaction', () => {
  const application = (businessId: string, itemId: string) => ({ businessId, feature: 'applications', itemId }) as const
  const held = async (businessId: string) => {
    const items = await freehold.sql('select from freehold.allocations where business_id = $1', [businessId])
    expect(await used(businessId, 'applications')).toBe(items.length)
    return items.length
  }

  test('holds an item once, refuses the next beyond the limit and gives it back', async () => {
    const { business } = await freehold.signUp()
    const allocate = (itemId: string) =>
      inTransaction((client) => freehold.allocate(fromPg(client), application(business.id, itemId)))
    const release = (itemId: string) =>
      inTransaction((client) => freehold.release(fromPg(client), application(business.id, itemId)))
    expect(await allocate('one')).toEqual({ limit: 1, used: 1, remaining: 0, resetsAt: null })
    expect(await allocate('one')).toMatchObject({ used: 1 })
    await expect(allocate('two')).rejects.toMatchObject({
      code: 'limit_reached',
      extensions: { feature: 'applications', limit: 1, used: 1, remaining: 0, resetsAt: null },
    })
    expect(await release('one')).toMatchObject({ used: 0, remaining: 1 })
    expect(await release('one')).toMatchObject({ used: 0 })
    expect(await allocate('two')).toMatchObject({ used: 1 })
    expect(await held(business.id)).toBe(1)
  })

  test('gives the item back when it rolls back', async () => {
    const { business } = await freehold.signUp()
    const undone = db.transaction().execute(async (tx: Transaction<Rows>) => {
      await freehold.allocate(fromKysely(tx), application(business.id, 'one'))
      await sql`select 1 / 0`.execute(tx)
    })
    await expect(undone).rejects.toThrow('division by zero')
    expect(await held(business.id)).toBe(0)
  })

  test('lets one of two that race have the last one, and both have the same one', async () => {
    const [one, two] = [await freehold.signUp(), await freehold.signUp()]
    const race = (businessId: string, items: string[]) =>
      Promise.allSettled(
        items.map((itemId) =>
          inTransaction((client) => freehold.allocate(fromPg(client), application(businessId, itemId))),
        ),
      )
    const different = await race(one.business.id, ['a', 'b', 'c', 'd'])
    expect(different.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const same = await race(two.business.id, ['a', 'a', 'a', 'a'])
    expect(same.filter(({ status }) => status === 'fulfilled')).toHaveLength(4)
    expect([await held(one.business.id), await held(two.business.id)]).toEqual([1, 1])
  })
})
