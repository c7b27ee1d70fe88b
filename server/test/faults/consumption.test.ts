import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestFreehold, type TestFreehold } from '../harness.ts'
import { openJournal } from './journal.ts'
import { startApi } from './processes.ts'

// `npm run test:faults` asks for 1,000 of them.
const rounds = Number(process.env['FAULT_ROUNDS'] ?? 10)

let freehold: TestFreehold
beforeAll(async () => {
  freehold = await createTestFreehold()
})
afterAll(() => freehold.close())

async function business(limit: number | null) {
  const signedUp = await freehold.signUp()
  const key: string = signedUp.apiKeys[0].key
  const id: string = signedUp.business.id
  await freehold.sql(
    `insert into freehold.limit_overrides (business_id, feature, value, reason, created_by, created_at)
     values ($1, 'recordings', $2, 'test', 'test', $3)`,
    [id, JSON.stringify(limit), freehold.ctx.now()],
  )
  return { id, key }
}

test(
  'an API process killed while it counts loses nothing acknowledged and doubles nothing',
  { timeout: 180_000 + rounds * 10_000 },
  async () => {
    const { id, key } = await business(null)
    const journal = openJournal(key, id)
    let next = startApi(freehold.database)
    for (let round = 0; round < rounds; round += 1) {
      const api = await next
      // The next one starts while this one works, and both may count for a while.
      next = startApi(freehold.database)
      let killed = false
      const clients = Array.from({ length: 16 }, async (_, client) => {
        for (let sent = 0; !killed; sent += 1) await journal.send(api.base, `${round}-${client}-${sent}`)
      })
      await delay(30 + ((round * 37) % 120))
      await api.kill()
      killed = true
      await Promise.all(clients)
    }
    const survivor = await next
    const unknown = [...journal.attempted].filter((each) => !journal.acknowledged.has(each))
    // Nobody knows whether these were counted; asking again under the same key counts each once.
    for (const each of unknown) expect(await journal.send(survivor.base, each)).toBe('allowed')
    await survivor.kill()
    const { applied } = await journal.check(freehold)
    expect(applied).toBe(journal.attempted.size)
    expect(journal.acknowledged.size).toBe(journal.attempted.size)
  },
)

test('of four processes that race for the last unit one wins, every time', async () => {
  const processes = await Promise.all(Array.from({ length: 4 }, () => startApi(freehold.database)))
  for (let round = 0; round < rounds; round += 1) {
    const { id, key } = await business(1)
    const journal = openJournal(key, id)
    const outcomes = await Promise.all(
      processes.flatMap(({ base }, which) => [0, 1].map((each) => journal.send(base, `${which}-${each}`))),
    )
    expect(outcomes.filter((outcome) => outcome === 'allowed')).toHaveLength(1)
    expect(outcomes.filter((outcome) => outcome === 'refused')).toHaveLength(7)
    await journal.check(freehold)
  }
  await Promise.all(processes.map((each) => each.kill()))
})

test('a revoked key stops within a second although the notification channel is cut', async () => {
  const { id, key } = await business(null)
  const api = await startApi(freehold.database)
  const ask = async () => {
    const answer = await fetch(`${api.base}/v1/check`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ permission: 'recordings:create' }),
    })
    return answer.status
  }
  expect(await ask()).toBe(200)
  await freehold.sql(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'freehold listener' and datname = current_database()",
  )
  await freehold.sql('update freehold.api_keys set revoked_at = $2 where business_id = $1', [id, freehold.ctx.now()])
  await delay(1000)
  expect(await ask()).toBe(401)
  await api.kill()
})
