import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { connect, createServer, type AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, expect, inject, onTestFinished, test } from 'vitest'
import { begin, command, hasSaid, launch, launchWithNpm, type Process } from '../../test/command-line.ts'
import { createTestFreehold, password, type TestFreehold } from '../../test/harness.ts'
import { defaultDataDir } from '../db/embedded.ts'

let freehold: TestFreehold
beforeAll(async () => {
  freehold = await createTestFreehold()
})
afterAll(() => freehold.close())

const running: Process[] = []
const holding: pg.Client[] = []
afterEach(async () => {
  for (const { child, ended } of running.splice(0)) {
    child.kill('SIGKILL')
    await ended
  }
  for (const client of holding.splice(0)) await client.end()
})
/** Ends it after the test, whatever that finds. */
const watched = <Started extends Process>(started: Started): Started => {
  running.push(started)
  return started
}
const start = async (args: string[] = [], env: Record<string, string> = {}) =>
  watched(await launch(['start', ...args], { DATABASE_URL: freehold.database, PORT: '0', ...env }))

/** Somebody who holds what others then wait for. */
async function hold(statement: string) {
  const client = new pg.Client(freehold.database)
  holding.push(client)
  await client.connect()
  await client.query('begin')
  await client.query(`${statement} -- test`)
  return {
    somebodyWaits: () =>
      freehold.eventually(async () => {
        const waiting = 'select from pg_stat_activity where $1 = any(pg_blocking_pids(pid))'
        return (await freehold.sql(waiting, [(client as unknown as { processID: number }).processID])).length > 0
      }, 'waiting for it'),
    release: () => client.query('commit'),
  }
}
const holdBusiness = (id: string) => hold(`select from freehold.businesses where id = '${id}' for update`)

const rename = (url: string, { business, token }: { business: { id: string }; token: string }) =>
  fetch(`${url}/v1/businesses/${business.id}`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ name: 'Renamed' }),
  })

test('start says where everything is, and serves it', async () => {
  const { url, output } = await start()
  expect(output.stdout).toMatch(/\n {2}Reference {2}http:\/\/localhost:\d+\/docs\n/)
  expect(output.stdout).toMatch(/\n {2}Mailbox {4}http:\/\/localhost:\d+\/dev\/mailbox\n/)
  expect(output.stdout).toMatch(/\n {2}Staff {6}npm run freehold -- staff add /)
  expect((await fetch(`${url}/readyz`)).status).toBe(200)
  const reference = await fetch(`${url}/docs`)
  expect(reference.headers.get('content-type')).toMatch(/^text\/html/)
  expect((await fetch(`${url}/docs/js/scalar.js`)).headers.get('content-type')).toMatch(/javascript/)
})

test('links in mails lead to the port that is served, also to one that the system chose', async () => {
  const links = async (env: Record<string, string>) => {
    const { url } = await start([], env)
    const email = `ann-${randomBytes(4).toString('hex')}@start.test`
    const person = { email, password, firstName: 'Ann', lastName: 'Acme' }
    const answer = await fetch(`${url}/v1/signup`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ business: { name: 'Acme' }, ...person }),
    })
    expect(answer.status).toBe(201)
    const [mail] = await freehold.mails(email)
    return { url, link: /https?:\S+/.exec(mail?.text ?? '')?.[0] }
  }
  const chosen = await links({})
  expect(chosen.link?.split('/verify-email#')[0]).toBe(chosen.url)
  const said = await links({ PUBLIC_URL: 'http://localhost:4000' })
  expect(said.link).toMatch(/^http:\/\/localhost:4000\/verify-email#/)
})

test('logs are JSON lines, a line for each request, and nothing of it is an address or a secret', async () => {
  const { url, output } = await start()
  await fetch(`${url}/v1/me?x=hidden-word`, { headers: { authorization: 'Bearer hidden-word' } })
  await freehold.eventually(async () => output.stdout.includes('"route":"/v1/me"'))
  const lines = output.stdout.split('\n').filter((line) => line.startsWith('{'))
  expect(lines.map((line) => JSON.parse(line) as { msg: string })).toContainEqual(
    expect.objectContaining({ msg: 'request', method: 'GET', status: 401 }),
  )
  expect(output.stdout).not.toContain('hidden-word')
})

test('in production there is no banner between the logs', async () => {
  const env = {
    NODE_ENV: 'production',
    PUBLIC_URL: 'https://app.example.test',
    SMTP_URL: 'smtp://127.0.0.1:1',
    MAIL_FROM: 'app@example.test',
    HOST: '127.0.0.1',
  }
  const { output } = await start([], env)
  const lines = output.stdout.trimEnd().split('\n')
  expect(lines.map((line) => JSON.parse(line) as { api?: string })).toContainEqual(
    expect.objectContaining({ api: 'https://app.example.test/v1', msg: 'Session Recorder is ready' }),
  )
})

test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('%s ends it with exit code 0', async (signal) => {
  const { child, ended, output } = await start()
  child.kill(signal)
  expect(await ended).toBe(0)
  expect(output.stderr).toBe('')
})

test('a request that is running is answered, while new ones are not taken', async () => {
  const acme = await freehold.signUp()
  const { url, child, ended } = await start()
  const { somebodyWaits, release } = await holdBusiness(acme.business.id)
  const answer = rename(url, acme)
  await somebodyWaits()
  child.kill('SIGTERM')
  await freehold.eventually(() =>
    fetch(`${url}/healthz`).then(
      () => false,
      () => true,
    ),
  )
  await release()
  expect((await answer).status).toBe(200)
  expect(await ended).toBe(0)
})

test('who never sends the rest of a request is not waited for', async () => {
  const { url, child, ended } = await start()
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => {})
  socket.write('POST /v1/login HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{')
  await fetch(`${url}/healthz`)
  const gone = once(socket, 'close')
  child.kill('SIGTERM')
  expect(await ended).toBe(0)
  await gone
})

test('a second signal ends it at once, but not the same one that comes twice', async () => {
  const acme = await freehold.signUp()
  const { url, child, ended } = await start()
  const { somebodyWaits } = await holdBusiness(acme.business.id)
  // More than may wait at once, so that somebody waits for as long as this takes on a slow machine.
  const answers = Array.from({ length: 12 }, () => rename(url, acme).catch(() => undefined))
  await somebodyWaits()
  child.kill('SIGINT')
  child.kill('SIGINT')
  await delay(1_300)
  expect(child.exitCode).toBeNull()
  // Asked again until it is gone: a busy machine may hand it the first signal late, and the next soon after that.
  const insisting = setInterval(() => child.kill('SIGINT'), 1_300)
  child.kill('SIGINT')
  expect(await ended).toBe(1)
  clearInterval(insisting)
  expect(await Promise.all(answers)).toContain(undefined)
})

test('a signal while it is still starting ends it in order too', async () => {
  const { somebodyWaits, release } = await hold('lock table freehold.plans')
  const { child, ended } = watched(begin(['start'], { DATABASE_URL: freehold.database, PORT: '0' }))
  await somebodyWaits()
  child.kill('SIGTERM')
  await delay(200)
  expect(child.exitCode).toBeNull()
  await release()
  expect(await ended).toBe(0)
})

test('a start that hangs is broken off a while after a signal', async () => {
  const { somebodyWaits, release } = await hold('select pg_advisory_xact_lock(7305808868)')
  const { child, ended, output } = watched(begin(['start'], { DATABASE_URL: freehold.database, PORT: '0' }))
  await somebodyWaits()
  child.kill('SIGTERM')
  expect(await ended).toBe(1)
  expect(output.stderr).toBe('freehold: it did not come to its start within 25 seconds, and is broken off\n')
  await release()
})

test('a port in use is named', async () => {
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const { port } = other.address() as AddressInfo
  const { exitCode, stderr } = await command(['start'], { DATABASE_URL: freehold.database, PORT: String(port) })
  other.close()
  expect({ exitCode, stderr }).toEqual({
    exitCode: 1,
    stderr: `freehold: Port ${port} is in use: set PORT to a free one, such as PORT=${port + 1}\n`,
  })
})

test('an address that is not here is named', async () => {
  const { exitCode, stderr } = await command(['start'], {
    DATABASE_URL: freehold.database,
    PORT: '0',
    HOST: '192.0.2.1',
  })
  expect(exitCode).toBe(1)
  expect(stderr).toMatch(/^freehold: HOST=192\.0\.2\.1 is no address of this machine.*\n$/)
})

test('jobs wait while nobody works, and a worker of its own does them', async () => {
  await start(['--no-worker'])
  const { user } = await freehold.signUp()
  const sent = async () => {
    const mails = await freehold.sql<{ sent: boolean }>(
      'select sent_at is not null as sent from freehold.mails where recipient = $1',
      [user.email],
    )
    return mails.length > 0 && mails.every((mail) => mail.sent)
  }
  await delay(1_500)
  expect(await sent()).toBe(false)
  const worker = watched(begin(['work'], { DATABASE_URL: freehold.database }))
  await hasSaid(worker, /working for/)
  await freehold.eventually(sent)
  worker.child.kill('SIGTERM')
  expect(await worker.ended).toBe(0)
})

test('npm start passes a signal on, and leaves no process behind', async () => {
  const { child, ended, url } = watched(await launchWithNpm({ DATABASE_URL: freehold.database, PORT: '0' }))
  child.kill('SIGTERM')
  // Its output is closed only when nobody holds it any more: neither npm, nor a shell, nor the server.
  expect(await ended).toBe(0)
  await expect(fetch(`${url}/healthz`)).rejects.toThrow(/fetch failed/)
})

test('Ctrl-C reaches npm and the server, which ends in order', async () => {
  const { child, ended } = watched(await launchWithNpm({ DATABASE_URL: freehold.database, PORT: '0' }))
  process.kill(-(child.pid ?? 0), 'SIGINT')
  expect(await ended).toBe(0)
})

test('without DATABASE_URL it brings a database along, which commands share, and which survives a kill', async () => {
  const home = dirname(inject('clusterUrl') && defaultDataDir(process.cwd()))
  const dataDir = join(home, `freehold-start-test-${process.pid}`)
  const postgres = () =>
    readFile(join(dataDir, 'postgres/postmaster.pid'), 'utf8').then(Number.parseInt, () => undefined)
  try {
    const env = { DATA_DIR: dataDir, PORT: '0' }
    const first = watched(await launch(['start'], env))
    const signedUp = await fetch(`${first.url}/v1/signup`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        business: { name: 'Acme' },
        email: 'pat@example.test',
        password,
        firstName: 'Pat',
        lastName: 'Person',
      }),
    })
    const { token } = (await signedUp.json()) as { token: string }
    expect(await command(['staff', 'add', 'pat@example.test'], env)).toMatchObject({ exitCode: 0 })
    const server = await postgres()
    first.child.kill('SIGKILL')
    await first.ended
    process.kill(server ?? 0, 'SIGKILL')

    const second = watched(await launch(['start'], env))
    const staff = await fetch(`${second.url}/v1/staff/plans`, { headers: { authorization: `Bearer ${token}` } })
    expect(staff.status).toBe(200)
    second.child.kill('SIGTERM')
    expect(await second.ended).toBe(0)
    expect(existsSync(join(dataDir, 'postgres/postmaster.pid'))).toBe(false)
  } finally {
    await rm(dataDir, { recursive: true, force: true })
  }
})

test('a command that is broken off leaves no database running that it brought along', async () => {
  const dataDir = join(dirname(defaultDataDir(process.cwd())), `freehold-break-test-${process.pid}`)
  try {
    const demo = watched(begin(['start', '--demo'], { DATA_DIR: dataDir, PORT: '0' }))
    await hasSaid(demo, /Filling a year/)
    const server = Number.parseInt(await readFile(join(dataDir, 'postgres/postmaster.pid'), 'utf8'))
    onTestFinished(() => {
      if (existsSync(`/proc/${server}`)) process.kill(server, 'SIGQUIT')
    })
    demo.child.kill('SIGINT')
    demo.child.kill('SIGINT')
    expect(await demo.ended).toBe(1)
    expect(existsSync(join(dataDir, 'postgres/postmaster.pid'))).toBe(false)
  } finally {
    await rm(dataDir, { recursive: true, force: true })
  }
})
