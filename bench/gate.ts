import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defaultDataDir, openEmbedded } from '../server/src/db/embedded.ts'
import { migrate } from '../server/src/db/migrate.ts'
import { generator, load, type Load, type Measured } from './load.ts'
import { keyOf, seedBusinesses } from './seed.ts'

/**
 * `npm run bench`: the gate beside a bare route and beside a plain handler, in one run, on a durable PostgreSQL, with
 * the load coming from another process. Rounds are interleaved, so that whatever disturbs the machine disturbs all.
 * `--quick` takes one short round; `--only NAME` takes the cases whose name contains it.
 */
const quick = process.argv.includes('--quick')
const only = process.argv.includes('--only') ? (process.argv[process.argv.indexOf('--only') + 1] ?? '') : ''
const rounds = quick ? 1 : 3
const seconds = quick ? 3 : 5

const thousand = Array.from({ length: 1000 }, (_, index) => keyOf(index + 1))
const consume = { permission: 'recordings:create', feature: 'recordings' }

type Case = {
  name: string
  peer?: 'bare' | 'plain'
  path?: string
  keys: string[]
  body: Record<string, unknown>
  idempotent?: boolean
}
const cases: Case[] = [
  { name: 'bare route', peer: 'bare', keys: thousand, body: consume },
  { name: 'plain handler, 1,000 businesses', peer: 'plain', keys: thousand, body: consume },
  { name: 'plain handler, one hot business', peer: 'plain', keys: thousand.slice(0, 1), body: consume },
  { name: 'consume, 1,000 businesses', path: '/v1/consume', keys: thousand, body: consume },
  { name: 'consume, one hot business', path: '/v1/consume', keys: thousand.slice(0, 1), body: consume },
  { name: 'consume with idempotency keys', path: '/v1/consume', keys: thousand, body: consume, idempotent: true },
  { name: 'check of a permission', path: '/v1/check', keys: thousand, body: { permission: 'recordings:create' } },
  { name: 'check of a feature', path: '/v1/check', keys: thousand, body: consume },
]

const dataDir = `${defaultDataDir(process.cwd())}-bench-${process.pid}`
const database = await openEmbedded({ dataDir })
let api: ChildProcess | undefined
try {
  await migrate({ connectionString: database.url })
  api = fork(fileURLToPath(new URL('api.ts', import.meta.url)), [database.url], {
    execArgv: ['--conditions=freehold-source'],
  })
  const [ports] = (await once(api, 'message')) as [{ freehold: number; peers: number }]
  await seedBusinesses(database.url, 1000)

  const chosen = cases.filter(({ name, peer }) => peer === 'bare' || name.includes(only))
  const lines: string[] = [
    `Load from ${generator}, ${cpus().length} cores shared with it and the database, ${rounds} × ${seconds} s, medians.`,
  ]
  for (const connections of [64, 256]) {
    const results = new Map<string, (Measured & { rss: number; trips: number })[]>()
    const run = async (each: Case, duration: number) => {
      const port = each.peer ? ports.peers : ports.freehold
      const target: Load = {
        ...each,
        url: `http://127.0.0.1:${port}${each.peer ? `/${each.peer}` : each.path}`,
        connections,
        seconds: duration,
      }
      await state(api as ChildProcess)
      const measured = await load(target)
      const { rss, queries } = await state(api as ChildProcess)
      return { ...measured, rss, trips: queries / (measured.perSecond * duration) }
    }
    // Opens every counter first, then lets the compiler see every path.
    for (const each of chosen.toReversed()) await run(each, 2)
    for (let round = 0; round < rounds; round += 1) {
      for (const each of chosen) results.set(each.name, [...(results.get(each.name) ?? []), await run(each, seconds)])
    }
    lines.push(
      '',
      `### ${connections} connections`,
      '',
      '| | requests/s | of the bare route | p50 ms | p99 ms | round trips per request | MB | errors |',
      '|---|--:|--:|--:|--:|--:|--:|--:|',
    )
    const ceiling = median((results.get('bare route') ?? []).map(({ perSecond }) => perSecond))
    for (const [name, measured] of results) {
      const of = (pick: (each: (typeof measured)[number]) => number) => median(measured.map(pick))
      const perSecond = of((each) => each.perSecond)
      lines.push(
        `| ${name} | ${Math.round(perSecond)} | ${(perSecond / ceiling).toFixed(2)} | ${of((each) => each.p50).toFixed(1)} | ` +
          `${of((each) => each.p99).toFixed(1)} | ${name.startsWith('plain') ? '1' : of((each) => each.trips).toFixed(3)} | ` +
          `${Math.round(of((each) => each.rss) / 1e6)} | ${measured.reduce((sum, each) => sum + each.errors, 0)} |`,
      )
    }
  }
  const table = `${lines.join('\n')}\n`
  process.stdout.write(table)
  const folder = new URL('results/', import.meta.url)
  await mkdir(folder, { recursive: true })
  await writeFile(new URL('gate.md', folder), table)
} finally {
  if (api?.connected) {
    api.send('stop')
    await once(api, 'exit')
  }
  await database.stop()
  await rm(dataDir, { recursive: true, force: true })
}

async function state(process: ChildProcess): Promise<{ rss: number; queries: number }> {
  process.send('state')
  const [answer] = (await once(process, 'message')) as [{ rss: number; queries: number }]
  return answer
}

function median(numbers: number[]): number {
  return numbers.toSorted((left, right) => left - right)[Math.floor(numbers.length / 2)] ?? 0
}
