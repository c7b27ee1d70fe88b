import { mkdir, rm, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { defaultDataDir, openEmbedded } from '../server/src/db/embedded.ts'
import { migrate } from '../server/src/db/migrate.ts'
import { startChild, type Child } from './child.ts'
import { generator, load, type Load, type Measured } from './load.ts'
import { businessOf, keyOf, seedBusinesses, seedSession } from './seed.ts'

/**
 * `npm run bench`: the gate beside a bare route and beside a plain handler, in one run, on a durable PostgreSQL, with
 * the load coming from another process. Rounds are interleaved, so that whatever disturbs the machine disturbs all.
 * `--quick` takes one short round; `--only NAME` takes the cases whose name contains it; `--soak MINUTES` keeps up the
 * load of a thousand businesses and prints the memory of every minute.
 */
const option = (name: string) => {
  const at = process.argv.indexOf(name)
  return at < 0 ? undefined : (process.argv[at + 1] ?? '')
}
const quick = process.argv.includes('--quick')
const only = option('--only') ?? ''
const soakMinutes = Number(option('--soak') ?? 0)
const rounds = quick ? 1 : 3
const seconds = quick ? 3 : 4
const secret = 'the benchmark signs with this secret of its own'

type Traffic = Pick<Load, 'keys' | 'body' | 'businesses' | 'idempotent'> & { process: ApiName; path: string }
type ApiName = 'peers' | 'first' | 'second'
type Case = {
  name: string
  /** All at once, each with its share of the connections. */
  traffic: Traffic[]
  /** Whether all are counted together, or only the first is looked at. */
  counted: 'all' | 'first'
  connections: number[]
  warmUpSeconds: number
}

const database = await openEmbedded({ dataDir: `${defaultDataDir(process.cwd())}-bench-${process.pid}` })
const processes = new Map<ApiName, Child>()
try {
  await migrate({ connectionString: database.url })
  processes.set('first', await start('api.ts'))
  await seedBusinesses(database.url, 1000)
  const session = await seedSession(database.url, 1000, secret)
  if (soakMinutes > 0) await soak(soakMinutes)
  else {
    processes.set('peers', await start('peers.ts'))
    processes.set('second', await start('api.ts'))
    await seedBusinesses(database.url, 100_000)
    await compare(casesWith(session).filter(({ name }) => name === 'bare route' || name.includes(only)))
  }
} finally {
  for (const { end } of processes.values()) await end()
  await database.stop()
  await rm(`${defaultDataDir(process.cwd())}-bench-${process.pid}`, { recursive: true, force: true })
}

function casesWith(session: string): Case[] {
  const keysOf = (count: number) => Array.from({ length: count }, (_, index) => keyOf(index + 1))
  const thousand = keysOf(1000)
  const hot = thousand.slice(0, 1)
  const body = { permission: 'recordings:create', feature: 'recordings' }
  const one = (name: string, traffic: Partial<Traffic>, more: Partial<Case> = {}): Case => ({
    name,
    traffic: [{ process: 'first', path: '/v1/consume', keys: thousand, body, ...traffic }],
    counted: 'all',
    connections: [64, 256],
    warmUpSeconds: 2,
    ...more,
  })
  const others: Traffic = { process: 'first', path: '/v1/consume', keys: thousand.slice(1), body }
  return [
    one('bare route', { process: 'peers', path: '/bare' }),
    one('plain handler, 1,000 businesses', { process: 'peers', path: '/plain' }),
    one('plain handler, one hot business', { process: 'peers', path: '/plain', keys: hot }),
    one('consume, 1,000 businesses', {}),
    one('consume, one hot business', { keys: hot }),
    one('consume with idempotency keys', { idempotent: true }),
    one('check of a permission', { path: '/v1/check', body: { permission: 'recordings:create' } }),
    one('check of a feature', { path: '/v1/check' }),
    one('consume with a session', {
      keys: thousand.map(() => session),
      businesses: thousand.map((_, index) => businessOf(index + 1)),
    }),
    one('consume, 1,000 businesses, two processes', {}, { traffic: [others, { ...others, process: 'second' }] }),
    one('consume, 10,000 businesses', { keys: keysOf(10_000) }, { connections: [256], warmUpSeconds: 4 }),
    one('consume, 100,000 businesses', { keys: keysOf(100_000) }, { connections: [256], warmUpSeconds: 15 }),
    one('1,000 beside 1,000 others', {}, { traffic: [others, others], counted: 'first', connections: [64] }),
    one(
      '1,000 beside one hot business',
      {},
      { traffic: [others, { ...others, keys: hot }], counted: 'first', connections: [64] },
    ),
  ]
}

type Result = Measured & { rss: number; trips: number }

async function compare(cases: Case[]): Promise<void> {
  const lines: string[] = [
    `Load from ${generator}, ${cpus().length} cores shared with it and the database, ${rounds} × ${seconds} s, medians.`,
  ]
  for (const connections of [64, 256]) {
    const chosen = cases.filter((each) => each.connections.includes(connections))
    const results = new Map<string, Result[]>()
    // Opens every counter first, then lets the compiler see every path.
    for (const each of chosen.toReversed()) await run(each, connections, each.warmUpSeconds)
    for (let round = 0; round < rounds; round += 1) {
      for (const each of chosen) {
        results.set(each.name, [...(results.get(each.name) ?? []), await run(each, connections, seconds)])
      }
    }
    lines.push('', `### ${connections} connections`, '', ...table(results))
  }
  const report = `${lines.join('\n')}\n`
  process.stdout.write(report)
  const folder = new URL('results/', import.meta.url)
  await mkdir(folder, { recursive: true })
  await writeFile(new URL('gate.md', folder), report)
}

function table(results: Map<string, Result[]>): string[] {
  const median = (measured: Result[] | undefined, pick: (each: Result) => number) => middle((measured ?? []).map(pick))
  const ceiling = median(results.get('bare route'), ({ perSecond }) => perSecond)
  return [
    '| | requests/s | of the bare route | p50 ms | p99 ms | round trips per request | MB | errors |',
    '|---|--:|--:|--:|--:|--:|--:|--:|',
    ...[...results].map(([name, measured]) => {
      const of = (pick: (each: Result) => number) => median(measured, pick)
      const perSecond = of((each) => each.perSecond)
      const trips = name.startsWith('plain') ? '1' : of((each) => each.trips).toFixed(3)
      const errors = measured.reduce((sum, each) => sum + each.errors, 0)
      return (
        `| ${name} | ${Math.round(perSecond)} | ${(perSecond / ceiling).toFixed(2)} | ${of((each) => each.p50).toFixed(1)} | ` +
        `${of((each) => each.p99).toFixed(1)} | ${trips} | ${Math.round(of((each) => each.rss) / 1e6)} | ${errors} |`
      )
    }),
  ]
}

/** One case under load. Memory is that of the process which is looked at. */
async function run({ traffic, counted }: Case, connections: number, duration: number): Promise<Result> {
  const names = new Set(traffic.map((each) => each.process))
  for (const name of names) await state(name)
  const measured = await Promise.all(
    traffic.map((each) =>
      load({
        ...each,
        url: `http://127.0.0.1:${processes.get(each.process)?.port}${each.path}`,
        connections: connections / traffic.length,
        seconds: duration,
      }),
    ),
  )
  const states = await Promise.all([...names].map(state))
  const total = measured.reduce((sum, { perSecond }) => sum + perSecond, 0)
  const looked = counted === 'all' ? measured : measured.slice(0, 1)
  return {
    perSecond: looked.reduce((sum, { perSecond }) => sum + perSecond, 0),
    p50: Math.max(...looked.map(({ p50 }) => p50)),
    p99: Math.max(...looked.map(({ p99 }) => p99)),
    errors: measured.reduce((sum, { errors }) => sum + errors, 0),
    rss: Math.max(...states.map(({ rss }) => rss)),
    trips: states.reduce((sum, { queries }) => sum + queries, 0) / (total * duration),
  }
}

async function soak(minutes: number): Promise<void> {
  const consuming = casesWith('').find(({ name }) => name === 'consume, 1,000 businesses')
  if (!consuming) return
  for (let minute = 1; minute <= minutes; minute += 1) {
    const { perSecond, p99, rss, errors } = await run(consuming, 64, 60)
    process.stdout.write(
      `minute ${minute}: ${Math.round(perSecond)}/s, p99 ${p99.toFixed(1)} ms, ${Math.round(rss / 1e6)} MB, ${errors} errors\n`,
    )
  }
}

// The package as it is published: compiled, not the sources. The memory as operations.md has it.
function start(script: string): Promise<Child> {
  return startChild(script, [database.url, secret], ['--max-semi-space-size=32', '--heap-growing-percent=100'])
}

async function state(name: ApiName): Promise<{ rss: number; queries: number }> {
  const child = processes.get(name)
  if (!child) throw new Error(`There is no process ${name}`)
  return child.ask('state')
}

function middle(numbers: number[]): number {
  return numbers.toSorted((left, right) => left - right)[Math.floor(numbers.length / 2)] ?? 0
}
