import { sql } from 'kysely'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, type TestFreehold } from '../../test/harness.ts'
import { openDatabase, type Database } from './open.ts'
import { authorized, withinBusiness } from './transactions.ts'

let freehold: TestFreehold
beforeAll(async () => {
  freehold = await createTestFreehold()
})
afterAll(() => freehold.close())

async function opened<T>(database: string | pg.Pool, look: (db: Database) => Promise<T>): Promise<T> {
  const db = openDatabase(database)
  try {
    return await look(db)
  } finally {
    await db.close()
  }
}

describe('the fence between businesses', () => {
  const names = async (db: Database) =>
    (await sql<{ name: string }>`select name from freehold.businesses`.execute(db.tenant)).rows
  const setting = async (db: Database) =>
    (await sql<{ mem: string }>`select current_setting('work_mem') as mem`.execute(db.tenant)).rows[0]?.mem

  test.each([
    ['alone', '?options=-c%20work_mem%3D8MB'],
    ['before others', '?options=-c+work_mem%3D8MB&connect_timeout=10'],
    ['behind others', '?connect_timeout=10&options=-c%20work_mem%3D8MB'],
  ])('stands when DATABASE_URL says options of its own, %s', async (_where, query) => {
    await freehold.signUp()
    await opened(freehold.database + query, async (db) => {
      expect(await names(db)).toEqual([])
      expect(await setting(db)).toBe('8MB')
    })
  })

  test('stands when a pool has options of its own', async () => {
    await freehold.signUp()
    const pool = new pg.Pool({ connectionString: freehold.database, options: '-c work_mem=8MB' })
    await opened(pool, async (db) => {
      expect(await names(db)).toEqual([])
      expect(await setting(db)).toBe('8MB')
    })
    await pool.end()
  })

  test('is missed at once where a connection lost it on the way, and nothing is done', async () => {
    const { business } = await freehold.signUp()
    let ran = false
    await opened(freehold.database, async (db) => {
      const unfenced = { ...db, tenant: db.across }
      await expect(
        withinBusiness(unfenced, authorized(business.id), async () => {
          ran = true
        }),
      ).rejects.toThrow('does not carry the role freehold_tenant')
    })
    expect(ran).toBe(false)
  })
})
