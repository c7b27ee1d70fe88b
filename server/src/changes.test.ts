import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestFreehold, type TestFreehold } from '../test/harness.ts'
import { announceChanges, changedIds, changesChannel } from './changes.ts'
import { acrossBusinesses } from './db/transactions.ts'

let freehold: TestFreehold
beforeAll(async () => {
  freehold = await createTestFreehold()
})
afterAll(() => freehold.close())

test('everybody hears of all that is to be forgotten, however much it is, and of nothing that was rolled back', async () => {
  const listener = new pg.Client({ connectionString: freehold.database })
  await listener.connect()
  await listener.query(`listen ${changesChannel}`)
  const payloads: string[] = []
  listener.on('notification', ({ payload = '' }) => payloads.push(payload))
  const newIds = (count: number) => Array.from({ length: count }, () => freehold.ctx.newId('business'))
  const announce = (ids: string[]) => acrossBusinesses(freehold.ctx.db, (tx) => announceChanges(tx, ids))
  try {
    const undone = acrossBusinesses(freehold.ctx.db, async (tx) => {
      await announceChanges(tx, newIds(3))
      throw new Error('undone')
    })
    await expect(undone).rejects.toThrow('undone')
    for (const ids of [newIds(1), newIds(200), newIds(1001)]) {
      payloads.length = 0
      await announce(ids)
      await freehold.eventually(async () => payloads.flatMap(changedIds).length >= ids.length)
      expect(payloads.flatMap(changedIds).toSorted()).toEqual(ids.toSorted())
      expect(payloads).toHaveLength(Math.ceil(ids.length / 200))
    }
  } finally {
    await listener.end()
  }
})
