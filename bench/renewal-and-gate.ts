/**
 * What the gate's callers notice of a renewal sweep: requests a second and latency of consume, alone, beside a sweep in
 * another process, and beside one in its own: npm run bench:renewal-and-gate [-- subscriptions]
 *
 * As many connections as the machine can serve, so that every request is in the way of the sweep and the sweep in its.
 */
import { rm } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { defaultDataDir, openEmbedded } from '../server/src/db/embedded.ts'
import { migrate } from '../server/src/db/migrate.ts'
import { startChild, type Child } from './child.ts'
import { makeDue, seedDue } from './due.ts'
import { generator, load } from './load.ts'
import { keyOf, seedBusinesses } from './seed.ts'

const subscriptions = Number(process.argv[2] ?? 30_000)
const rounds = 3
const seconds = 6
const secret = 'the benchmark signs with this secret of its own'
const keys = Array.from({ length: 1000 }, (_, index) => keyOf(index + 1))

const dataDir = `${defaultDataDir(process.cwd())}-renewal-and-gate-${process.pid}`
const database = await openEmbedded({ dataDir })
const client = new pg.Client({ connectionString: database.url })
const children: Child[] = []
try {
  await migrate({ connectionString: database.url })
  await client.connect()
  const serving = await start()
  const other = await start()
  await seedBusinesses(database.url, keys.length)
  await seedDue(client, subscriptions)
  await measure(serving.port, 64)

  console.log(`Load from ${generator}; ${subscriptions} subscriptions due in each sweep`)
  for (const connections of [64, 256]) {
    const alone = { name: 'alone', process: undefined }
    const cases = [alone, { name: 'sweep elsewhere', process: other }, { name: 'sweep within', process: serving }]
    const results = new Map<string, Awaited<ReturnType<typeof measure>>[]>()
    for (let round = 0; round < rounds; round += 1) {
      for (const { name, process: renewing } of cases) {
        if (renewing) await makeDue(client)
        const measuring = measure(serving.port, connections)
        // The gate of a product in use is asked before the sweep begins.
        if (renewing) await delay(250)
        const renewed = renewing?.ask<number>('renew')
        const measured = await measuring
        if (renewed && (await renewed) !== subscriptions) throw new Error('Not everything was renewed')
        results.set(name, [...(results.get(name) ?? []), measured])
      }
    }
    for (const [name, all] of results) {
      const median = (of: (each: (typeof all)[number]) => number) => all.map(of).toSorted((a, b) => a - b)[1] ?? 0
      const [perSecond, p50, p99] = [
        median((each) => each.perSecond),
        median((each) => each.p50),
        median((each) => each.p99),
      ]
      const errors = all.reduce((sum, each) => sum + each.errors, 0)
      console.log(
        `${connections} connections, ${name.padEnd(16)} ${Math.round(perSecond)} a second, p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, ${errors} errors`,
      )
    }
  }
} finally {
  for (const { end } of children) await end()
  await client.end()
  await database.stop()
  await rm(dataDir, { recursive: true, force: true })
}

async function start(): Promise<Child> {
  const child = await startChild('renewing-api.ts', [database.url, secret], ['--conditions=freehold-source'])
  children.push(child)
  return child
}

function measure(port: number, connections: number) {
  const url = `http://127.0.0.1:${port}/v1/consume`
  return load({ url, connections, seconds, keys, body: { feature: 'recordings' } })
}
