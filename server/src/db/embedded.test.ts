import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { defaultDataDir, openEmbedded } from './embedded.ts'

let dataDir: string
let children: ChildProcess[]

beforeEach(async () => {
  // As root it has to be a place that the database's user can enter.
  const parent = process.getuid?.() === 0 ? '/var/lib/freehold' : os.tmpdir()
  await mkdir(parent, { recursive: true })
  dataDir = path.join(await mkdtemp(path.join(parent, 'test-')), 'data')
  await chmod(path.dirname(dataDir), 0o755)
  children = []
})

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  const server = await serverPid()
  if (server && isAlive(server)) {
    process.kill(server, 'SIGQUIT')
    await until(() => !isAlive(server))
  }
  await rm(path.dirname(dataDir), { recursive: true, force: true })
})

test('the data of the first start is there at the second', async () => {
  const first = await openEmbedded({ dataDir })
  await query(first.url, 'create table kept as select 7 as n')
  await first.stop()
  expect(await serverPid()).toBeUndefined()

  const second = await openEmbedded({ dataDir })
  expect(await query(second.url, 'select n from kept')).toEqual([{ n: 7 }])
  await second.stop()
})

test('it is PostgreSQL 18, durable, on loopback only, and knows Unicode', async () => {
  const { url, stop } = await openEmbedded({ dataDir })
  const [row] = await query(
    url,
    `select current_setting('server_version_num')::int / 10000 as version, current_setting('fsync') as fsync,
      current_setting('listen_addresses') as addresses, current_setting('unix_socket_directories') as sockets,
      lower('ÄÉ') as lower, 'Ж' ilike 'ж' as alike`,
  )
  expect(row).toEqual({ version: 18, fsync: 'on', addresses: '127.0.0.1', sockets: '', lower: 'äé', alike: true })
  await stop()
})

test('a wrong password is refused', async () => {
  const { url, stop } = await openEmbedded({ dataDir, durable: false })
  const wrong = new URL(url)
  wrong.password = 'guess'
  await expect(query(wrong.href, 'select 1')).rejects.toThrow('password authentication failed')
  await stop()
})

test('a second process joins, and the server runs until the last one has left', async () => {
  const here = await openEmbedded({ dataDir, durable: false })
  const there = await startProcess()
  expect(there.url).toBe(here.url)

  await here.stop()
  await here.stop()
  expect(await query(there.url, 'select 1 as n')).toEqual([{ n: 1 }])

  await there.stop()
  expect(await serverPid()).toBeUndefined()
})

test('two processes that start at once on an empty folder share one server', async () => {
  const [one, two] = await Promise.all([startProcess(), startProcess()])
  expect(one.url).toBe(two.url)
  await Promise.all([one.stop(), two.stop()])
  expect(await serverPid()).toBeUndefined()
  expect((await readdir(dataDir)).sort()).toEqual(['postgres', 'postgres.log'])
})

test('processes that come while others go always get a server', async () => {
  const comeAndGo = async (rounds: number, sql: string) => {
    for (let round = 0; round < rounds; round++) {
      const visitor = await startProcess()
      await query(visitor.url, sql)
      expect(await visitor.stop()).toBe(0)
    }
  }
  await comeAndGo(1, 'create table visits (n int)')
  const visit = () => comeAndGo(4, 'insert into visits values (1)')
  await Promise.all([visit(), visit(), visit()])
  const last = await openEmbedded({ dataDir })
  expect(await query(last.url, 'select count(*)::int as n from visits')).toEqual([{ n: 12 }])
  await last.stop()
})

test('a killed process leaves a server that the next one adopts', async () => {
  const killed = await startProcess()
  await killed.kill()

  const next = await openEmbedded({ dataDir, durable: false })
  expect(next.url).toBe(killed.url)
  await next.stop()
  expect(await serverPid()).toBeUndefined()
})

test('after a kill of everything the next start finds what was committed', async () => {
  const killed = await startProcess()
  await query(killed.url, 'create table kept as select 7 as n')
  process.kill((await serverPid())!, 'SIGKILL')
  await killed.kill()

  const next = await openEmbedded({ dataDir, durable: false })
  expect(await query(next.url, 'select n from kept')).toEqual([{ n: 7 }])
  await next.stop()
})

test('the loss of the server neither crashes nor blocks those who used it', async () => {
  const survivor = await startProcess()
  process.kill((await serverPid())!, 'SIGKILL')
  await delay(200)
  expect(await survivor.stop()).toBe(0)
})

test('a postmaster.pid whose number now belongs to another program does not stand in the way', async () => {
  await openEmbedded({ dataDir, durable: false }).then(({ stop }) => stop())
  const lines = [process.pid, path.join(dataDir, 'postgres'), 0, 5432, '', '127.0.0.1', '', 'ready']
  await writeFile(path.join(dataDir, 'postgres/postmaster.pid'), lines.join('\n'))

  const { url, stop } = await openEmbedded({ dataDir, durable: false })
  expect(await query(url, 'select 1 as n')).toEqual([{ n: 1 }])
  await stop()
})

test('a kill while the cluster is made leaves nothing half', async () => {
  const starting = spawnProcess()
  await until(() => existsSync(dataDir))
  await until(async () => (await readdir(dataDir)).some((name) => name.startsWith('creating-')))
  await delay(100)
  starting.kill('SIGKILL')
  await new Promise((resolve) => starting.once('exit', resolve))
  expect(existsSync(path.join(dataDir, 'postgres'))).toBe(false)

  const { url, stop } = await openEmbedded({ dataDir, durable: false })
  expect(await query(url, 'select 1 as n')).toEqual([{ n: 1 }])
  await stop()
  expect((await readdir(dataDir)).sort()).toEqual(['postgres', 'postgres.log'])
})

test('the lock of a dead process, or of one with a reused number, is taken over', async () => {
  await mkdir(dataDir)
  await symlink(`${process.pid} 1`, path.join(dataDir, 'starting.lock'))
  const { stop } = await openEmbedded({ dataDir, durable: false })
  await stop()
})

test('a process whose own connection breaks still counts as present', async () => {
  const { url, stop } = await openEmbedded({ dataDir, durable: false })
  await query(url, "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'freehold:%'")
  const present = `select from pg_stat_activity where application_name like 'freehold:%' and backend_type = 'client backend'`
  await until(async () => (await query(url, present)).length === 1)

  await startProcess().then((visitor) => visitor.stop())
  expect(await query(url, 'select 1 as n')).toEqual([{ n: 1 }])
  await stop()
  expect(await serverPid()).toBeUndefined()
})

test('an open database does not keep a process alive', async () => {
  const child = spawnProcess('await openEmbedded({ dataDir: process.argv[1], durable: false })')
  expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(0)
})

test('the product database can be dropped while the server is in use', async () => {
  const { url, stop } = await openEmbedded({ dataDir, durable: false })
  const maintenance = new URL(url)
  maintenance.pathname = '/postgres'
  await query(maintenance.href, 'drop database freehold')
  await stop()
  const again = await openEmbedded({ dataDir, durable: false })
  expect(await query(again.url, 'select 1 as n')).toEqual([{ n: 1 }])
  await again.stop()
})

test('each project has a default folder of its own', () => {
  expect(defaultDataDir(import.meta.dirname)).toBe(defaultDataDir(import.meta.dirname))
  expect(defaultDataDir(import.meta.dirname)).not.toBe(defaultDataDir(os.tmpdir()))
})

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

/** Opens the database, prints the url, and stops when its standard input ends. */
const USE_UNTIL_TOLD = `
  const { url, stop } = await openEmbedded({ dataDir: process.argv[1], durable: false })
  console.log(url)
  for await (const _ of process.stdin);
  await stop()`

function spawnProcess(script = USE_UNTIL_TOLD): ChildProcess {
  const module = new URL('./embedded.ts', import.meta.url).href
  const code = `import { openEmbedded } from '${module}'\n${script}`
  const args = ['--no-warnings', '--input-type=module', '-e', code, dataDir]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  children.push(child)
  return child
}

async function startProcess() {
  const child = spawnProcess()
  const exit = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const url = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout!).once('line', resolve)
    void exit.then((code) => reject(new Error(`the process ended with ${code}`)))
  })
  return {
    url,
    stop: () => (child.stdin!.end(), exit),
    kill: () => (child.kill('SIGKILL'), exit),
  }
}

async function serverPid(): Promise<number | undefined> {
  const text = await readFile(path.join(dataDir, 'postgres/postmaster.pid'), 'utf8').catch(() => '')
  return Number.parseInt(text, 10) || undefined
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 1_000; tries++) {
    if (await condition()) return
    await delay(10)
  }
  throw new Error('the condition did not come true within 10 s')
}
