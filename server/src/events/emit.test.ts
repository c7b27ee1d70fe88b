import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, type TestFreehold } from '../../test/harness.ts'
import type { Tx } from '../db/open.ts'
import { acrossBusinesses, authorized, withinBusiness } from '../db/transactions.ts'
import { emit, emitAll } from './emit.ts'

let freehold: TestFreehold

beforeAll(async () => {
  freehold = await createTestFreehold()
})
afterAll(() => freehold.close())

const rename = (businessId: string, name: string) =>
  ({ businessId, type: 'business.updated', data: { name, externalId: null } }) as const

const namesOf = async (businessId: string) =>
  (
    await freehold.sql(
      "select data->>'name' as name from freehold.events where business_id = $1 and type = 'business.updated' order by sequence",
      [businessId],
    )
  ).map(({ name }) => name)

const sequencesOf = async (businessId: string) =>
  (await freehold.sql('select sequence from freehold.events where business_id = $1 order by id', [businessId])).map(
    ({ sequence }) => Number(sequence),
  )

describe('an event', () => {
  test('is written by one business within its own fence', async () => {
    const { business } = await freehold.signUp()
    await withinBusiness(freehold.ctx.db, authorized(business.id), (tx) =>
      emit(tx, freehold.ctx, rename(business.id, 'Acme')),
    )
    expect(await namesOf(business.id)).toEqual(['Acme'])
  })

  test('of another business cannot be written or seen within a business, and none be changed', async () => {
    const { business } = await freehold.signUp()
    const other = await freehold.signUp()
    const within = <T>(work: (tx: Tx) => Promise<T>) => withinBusiness(freehold.ctx.db, authorized(business.id), work)
    await expect(within((tx) => emit(tx, freehold.ctx, rename(other.business.id, 'Stolen')))).rejects.toThrow(
      'row-level security',
    )
    expect(await within((tx) => tx.selectFrom('events').select('businessId').distinct().execute())).toEqual([
      { businessId: business.id },
    ])
    for (const statement of [
      sql`update freehold.events set type = 'x' where business_id = ${business.id}`,
      sql`delete from freehold.events where business_id = ${business.id}`,
    ]) {
      await expect(within((tx) => statement.execute(tx))).rejects.toThrow('permission denied')
    }
    expect(await namesOf(other.business.id)).toEqual([])
  })

  test('is gone with the transaction that was rolled back, and its number is the next one’s', async () => {
    const { business } = await freehold.signUp()
    const before = await sequencesOf(business.id)
    const failing = acrossBusinesses(freehold.ctx.db, async (tx) => {
      await emit(tx, freehold.ctx, rename(business.id, 'Never'))
      throw new Error('undone')
    })
    await expect(failing).rejects.toThrow('undone')
    expect(await sequencesOf(business.id)).toEqual(before)
    await acrossBusinesses(freehold.ctx.db, (tx) => emit(tx, freehold.ctx, rename(business.id, 'Then')))
    expect(await sequencesOf(business.id)).toEqual([...before, before.length + 1])
  })

  test('keeps its place among many of many businesses', async () => {
    const [left, right] = [(await freehold.signUp()).business.id, (await freehold.signUp()).business.id]
    await acrossBusinesses(freehold.ctx.db, (tx) =>
      emitAll(tx, freehold.ctx, [rename(right, '1'), rename(left, '1'), rename(right, '2'), rename(left, '2')]),
    )
    expect(await namesOf(left)).toEqual(['1', '2'])
    expect(await namesOf(right)).toEqual(['1', '2'])
  })

  test('is numbered without gaps or repeats when many are written at once', async () => {
    const { business } = await freehold.signUp()
    await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        acrossBusinesses(freehold.ctx.db, (tx) => emit(tx, freehold.ctx, rename(business.id, String(index)))),
      ),
    )
    const sequences = (await sequencesOf(business.id)).toSorted((left, right) => left - right)
    expect(sequences).toEqual(sequences.map((_, index) => index + 1))
    expect(sequences.length).toBeGreaterThanOrEqual(12)
  })
})
