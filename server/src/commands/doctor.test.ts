import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { SMTPServer } from 'smtp-server'
import { openCommands, type Commands } from '../../test/command-line.ts'
import { databaseUrl } from '../../test/database.ts'
import { fakePostgres } from '../../test/fake-postgres.ts'
import { createTestFreehold, days, type TestFreehold } from '../../test/harness.ts'

let freehold: TestFreehold
let commands: Commands
beforeAll(async () => {
  commands = openCommands()
  freehold = await createTestFreehold({ worker: true })
})
afterAll(async () => {
  commands.close()
  await freehold.close()
})

type Finding = { check: string; state: string; detail: string; remedy?: string }

/** What the doctor finds, by check; the exit code is 1 when one fails, and only then. */
async function examine(env: Record<string, string | undefined> = {}): Promise<Record<string, Finding>> {
  const { exitCode, stdout } = await commands.run(['doctor', '--json'], { DATABASE_URL: freehold.database, ...env })
  const { checks } = JSON.parse(stdout) as { checks: Finding[] }
  expect(exitCode).toBe(checks.some(({ state }) => state === 'fail') ? 1 : 0)
  return Object.fromEntries(checks.map((finding) => [finding.check, finding]))
}

/** A port where nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

const production = {
  NODE_ENV: 'production',
  PUBLIC_URL: 'https://app.example.test',
  SMTP_URL: 'smtp://127.0.0.1:1',
  MAIL_FROM: 'app@example.test',
}

test('everything is in place: a line for each check, exit code 0', async () => {
  const { exitCode, stdout, stderr } = await commands.run(['doctor'], { DATABASE_URL: freehold.database })
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
  const lines = stdout.trimEnd().split('\n')
  expect(lines).toHaveLength(8)
  for (const line of lines) expect(line).toMatch(/^ok {7}[A-Z][a-z ]+: \S/)
})

test('it changes nothing', async () => {
  const count = () => freehold.sql('select count(*) from freehold.businesses')
  const before = await count()
  await examine()
  expect(await count()).toEqual(before)
})

test('a configuration that cannot work is named, and what rests on it is not looked at', async () => {
  const { Configuration, Database, Worker } = await examine({ PORT: 'eighty', SECRET: 'short' })
  expect(Configuration).toMatchObject({ state: 'fail', detail: expect.stringMatching(/PORT .*; SECRET /) })
  expect([Database?.state, Worker?.state]).toEqual(['skipped', 'skipped'])
})

test('a database that does not answer, or is too old', async () => {
  const away = await examine({ DATABASE_URL: `postgres://me:hidden-word@127.0.0.1:${await closedPort()}/none` })
  expect(away['Database']).toMatchObject({ state: 'fail', detail: expect.stringContaining('Nothing answers') })
  expect(JSON.stringify(away)).not.toContain('hidden-word')
  expect(away['Schema']?.state).toBe('skipped')
  const old = await fakePostgres(15)
  const { Database } = await examine({ DATABASE_URL: old.url })
  await old.close()
  expect(Database).toMatchObject({ state: 'fail', remedy: 'use PostgreSQL 16 or later' })
})

test('a schema that is not there, which it does not make', async () => {
  const name = `bare_${process.pid}`
  await freehold.sql(`create database ${name}`)
  try {
    const { Schema, Clock } = await examine({ DATABASE_URL: databaseUrl(inject('clusterUrl'), name) })
    expect(Schema).toMatchObject({
      state: 'fail',
      detail: '3 migrations missing',
      remedy: expect.stringMatching(/migrate$/),
    })
    expect(Clock?.state).toBe('skipped')
  } finally {
    await freehold.sql(`drop database ${name}`)
  }
})

test('a table without row level security, or a policy that lets everything through, is a hole in the fence', async () => {
  const fence = async () => (await examine())['Fence between businesses']
  await freehold.sql('alter table freehold.members disable row level security')
  expect(await fence()).toMatchObject({ state: 'fail', detail: expect.stringContaining('freehold.members') })
  await freehold.sql('alter table freehold.members enable row level security')

  await freehold.sql('alter policy own_business on freehold.businesses using (true)')
  expect(await fence()).toMatchObject({ state: 'fail', detail: expect.stringContaining('not its own') })
  await freehold.sql(
    "alter policy own_business on freehold.businesses using (id = current_setting('app.business_id', true))",
  )
  expect(await fence()).toMatchObject({ state: 'ok' })
})

test('a worker that has stopped beating', async () => {
  await freehold.sql("update freehold_jobs.instance set heartbeat_on = heartbeat_on - interval '1 hour'")
  const { Worker } = await examine()
  expect(Worker).toMatchObject({ state: 'fail', detail: expect.stringMatching(/^none since 20/) })
  await freehold.sql("update freehold_jobs.instance set heartbeat_on = heartbeat_on + interval '1 hour'")
  expect((await examine())['Worker']?.state).toBe('ok')
})

test('a mail server that answers, one that is away, and none in production', async () => {
  const server = new SMTPServer({ authOptional: true, disabledCommands: ['STARTTLS'] })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.server.address() as AddressInfo
  expect((await examine({ SMTP_URL: `smtp://127.0.0.1:${port}` }))['Mail']).toMatchObject({ state: 'ok' })
  await new Promise<void>((resolve) => server.close(resolve))
  expect((await examine({ SMTP_URL: `smtp://me:hidden-word@127.0.0.1:${port}` }))['Mail']).toMatchObject({
    state: 'fail',
    detail: expect.stringMatching(/^127\.0\.0\.1:\d+: .*ECONNREFUSED/),
  })
  const { Configuration, Mail } = await examine({ ...production, SMTP_URL: '' })
  expect(Configuration).toMatchObject({ state: 'fail', detail: expect.stringMatching(/^SMTP_URL is required/) })
  expect(Mail?.state).toBe('skipped')
})

test('a clock that was moved is fine in development and wrong in production', async () => {
  await freehold.advance(days(15))
  expect((await examine())['Clock']).toMatchObject({ state: 'ok', detail: expect.stringContaining('360 hours') })
  expect((await examine(production))['Clock']?.state).toBe('fail')
})
