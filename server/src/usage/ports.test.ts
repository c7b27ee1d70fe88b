import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, type TestFreehold } from '../../test/harness.ts'
import { fromDrizzle, fromPg, fromPrisma, type Port } from '../index.ts'

/**
 * Drizzle and Prisma stand in for themselves here: their documented raw-query calls on a real connection, with what is
 * peculiar to each – parameters numbered anew, times as text, errors wrapped, arrays of their own.
 */
let freehold: TestFreehold
let pool: pg.Pool
beforeAll(async () => {
  freehold = await createTestFreehold()
  pool = new pg.Pool({ connectionString: freehold.database })
})
afterAll(async () => {
  await pool.end()
  await freehold.close()
})

type Query = { strings: TemplateStringsArray; parameters: unknown[] }
const sql = (strings: TemplateStringsArray, ...parameters: unknown[]): Query => ({ strings, parameters })

/** Arrays would become lists and dates nothing the driver knows, so neither may arrive; times are handed out as text. */
const drizzle = (client: pg.PoolClient, answer: (rows: unknown[]) => unknown) => {
  const transaction = (own: { failed: unknown }) => ({
    execute: async ({ strings, parameters }: Query) => {
      expect(parameters.filter((each) => typeof each === 'object' && each !== null)).toEqual([])
      const text = strings.reduce((query, piece, index) => `${query}$${index}${piece}`)
      try {
        return answer((await client.query({ text, values: parameters, types: asText })).rows)
      } catch (cause) {
        own.failed = cause
        throw new Error(`Failed query: ${text}`, { cause })
      }
    },
    transaction: async (work: (nested: never) => Promise<never>) => {
      await client.query('savepoint sp1')
      try {
        return await work(transaction({ failed: undefined }) as never)
      } catch (error) {
        await client.query('rollback to savepoint sp1')
        throw error
      }
    },
    rollback: (): never => {
      throw new Error('rolled back')
    },
  })
  const outermost = { failed: undefined as unknown }
  return { tx: transaction(outermost), failed: () => outermost.failed }
}
const asText = {
  getTypeParser: (oid: number) =>
    oid === pg.types.builtins.TIMESTAMPTZ ? (value: string) => value : pg.types.getTypeParser(oid),
} as never

const prisma = (client: pg.PoolClient, wrap: (error: pg.DatabaseError) => unknown) => ({
  $queryRawUnsafe: async (text: string, ...values: unknown[]) => {
    expect(values.some(Array.isArray)).toBe(false)
    try {
      const { rows } = await client.query(text, values)
      return rows.map((row) => ({ ...row, ...(typeof row.used === 'string' ? { used: BigInt(row.used) } : {}) }))
    } catch (error) {
      throw Object.assign(new Error('Raw query failed'), wrap(error as pg.DatabaseError))
    }
  },
})

const adapters: Record<string, (client: pg.PoolClient) => Port> = {
  pg: fromPg,
  'Drizzle on pg': (client) => fromDrizzle(drizzle(client, (rows) => ({ rows })).tx, sql),
  'Drizzle on postgres.js': (client) => fromDrizzle(drizzle(client, (rows) => rows).tx, sql),
  'Prisma with its engine': (client) =>
    fromPrisma(prisma(client, ({ code, message }) => ({ code: 'P2010', meta: { code, message } }))),
  'Prisma with a driver adapter': (client) =>
    fromPrisma(
      prisma(client, ({ code }) => ({
        code: 'P2010',
        meta: { driverAdapterError: { name: 'DriverAdapterError', cause: { originalCode: code, kind: 'postgres' } } },
      })),
    ),
}

describe.each(Object.entries(adapters))('a port from %s', (_, adapter) => {
  async function inTransaction<T>(work: (port: Port) => Promise<T>): Promise<T> {
    const client = await pool.connect()
    await client.query('begin')
    try {
      return await work(adapter(client))
    } finally {
      await client.query('commit')
      client.release()
    }
  }

  test('counts, refuses and answers repeats', async () => {
    const { business, subscription } = await freehold.signUp()
    const usage = { businessId: business.id, feature: 'recordings', amount: 98, idempotencyKey: 'a "quoted\\ key, {' }
    await inTransaction(async (port) => {
      const first = await freehold.consume(port, usage)
      expect(first).toEqual({ limit: 100, used: 98, remaining: 2, resetsAt: new Date(subscription.cycleEnd) })
      expect(await freehold.consume(port, usage)).toEqual(first)
      const more = freehold.consume(port, { ...usage, amount: 3, idempotencyKey: 'other' })
      await expect(more).rejects.toMatchObject({ code: 'limit_reached', extensions: { remaining: 2 } })
      await freehold.consume(port, { businessId: business.id, feature: 'recordings', at: freehold.ctx.now() })
    })
    const [counter] = await freehold.sql('select used from freehold.usage_counters where business_id = $1', [
      business.id,
    ])
    expect(Number(counter.used)).toBe(99)
  })

  test('allocates and releases', async () => {
    const { business } = await freehold.signUp()
    const item = (itemId: string) => ({ businessId: business.id, feature: 'applications', itemId })
    await inTransaction(async (port) => {
      expect(await freehold.allocate(port, item('one'))).toMatchObject({ used: 1, remaining: 0, resetsAt: null })
      expect(await freehold.allocate(port, item('one'))).toMatchObject({ used: 1 })
      await expect(freehold.allocate(port, item('two'))).rejects.toMatchObject({ code: 'limit_reached' })
      expect(await freehold.release(port, item('one'))).toMatchObject({ used: 0, remaining: 1 })
    })
  })

  test('tells a held counter and a raced key from other errors, and goes on after them', async () => {
    const { business } = await freehold.signUp()
    const usage = { businessId: business.id, feature: 'recordings' }
    await inTransaction((port) => freehold.consume(port, usage))
    const holder = await pool.connect()
    await holder.query('begin')
    await freehold.consume(fromPg(holder), usage)
    await inTransaction(async (port) => {
      await expect(freehold.consume(port, usage)).rejects.toMatchObject({ code: 'busy' })
      await holder.query('commit')
      holder.release()
      expect(await freehold.consume(port, usage)).toMatchObject({ used: 3 })
    })
    const keyed = { ...usage, idempotencyKey: 'raced' }
    const tallies = await Promise.all([1, 2, 3].map(() => inTransaction((port) => freehold.consume(port, keyed))))
    expect(tallies.map(({ used }) => used)).toEqual([4, 4, 4])
  })
})

test('an error under a savepoint of ours stays unknown to the transaction that Drizzle keeps account of', async () => {
  const { business } = await freehold.signUp()
  const usage = { businessId: business.id, feature: 'recordings' }
  const client = await pool.connect()
  const holder = await pool.connect()
  for (const each of [client, holder]) await each.query('begin')
  await freehold.consume(fromPg(holder), usage)
  const { tx, failed } = drizzle(client, (rows) => rows)
  await expect(freehold.consume(fromDrizzle(tx, sql), usage)).rejects.toMatchObject({ code: 'busy' })
  expect(failed()).toBeUndefined()
  for (const each of [client, holder]) {
    await each.query('commit')
    each.release()
  }
})

test('a database of Drizzle is no transaction', () => {
  const database = { execute: async () => [], transaction: async () => [] }
  expect(() => fromDrizzle(database as never, sql)).toThrow('takes a transaction')
})
