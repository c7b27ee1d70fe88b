import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import sessionRecorder from '../../examples/session-recorder/freehold.config.ts'
import { createTestFreehold, type TestFreehold } from '../test/harness.ts'
import { createFreehold, type FreeholdOptions } from './index.ts'

/** What an application says when it makes a Freehold, and what is taken from the environment when it does not. */

let freehold: TestFreehold
beforeAll(async () => {
  freehold = await createTestFreehold()
})
afterAll(() => freehold.close())
afterEach(() => vi.unstubAllEnvs())

const silent = pino({ level: 'silent' })
const secret = 'another secret of at least thirty-two characters'
/** That of `createTestFreehold`, whose credentials another one then knows. */
const harnessSecret = 'a secret of at least thirty-two characters'

/** A way to a database that counts who is on it, can let those who come now wait, and can stop in the middle. */
async function openWay(database: string) {
  const url = new URL(database)
  const { hostname, port } = url
  const open = new Set<Socket>()
  const waiting: (() => void)[] = []
  const stops: (() => void)[] = []
  let passable = true
  const server = createServer((near) => {
    open.add(near)
    near.on('error', () => {}).on('close', () => open.delete(near))
    const pass = () => {
      const far = connect(Number(port), hostname).on('error', () => {})
      far.on('close', () => near.destroy())
      near.on('close', () => far.destroy())
      near.pipe(far).pipe(near)
      stops.push(() => void near.unpipe(far).pause())
      stops.push(() => void far.unpipe(near).pause())
    }
    if (passable) pass()
    else waiting.push(pass)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  url.port = String((server.address() as AddressInfo).port)
  return {
    url: url.href,
    open,
    waiting,
    cut: () => open.forEach((near) => near.destroy()),
    block: () => void (passable = false),
    unblock: () => void (passable = true),
    /** Nothing gets through any more, and nobody is told. */
    stop: () => {
      passable = false
      for (const stop of stops) stop()
    },
    letPass: () => waiting.splice(0).forEach((pass) => pass()),
    close: () => server.close(),
  }
}

type Way = Awaited<ReturnType<typeof openWay>>

/** Makes one on the database of this file, looks at it and closes it. */
async function made<T>(
  options: Partial<FreeholdOptions>,
  look: (made: Awaited<ReturnType<typeof createFreehold>>) => Promise<T> | T,
): Promise<T> {
  const settings = { product: sessionRecorder, database: freehold.database, migrate: false, logger: silent, ...options }
  const one = await createFreehold(settings)
  try {
    return await look(one)
  } finally {
    await one.close()
  }
}

const ready = async (path: string, { fetch }: { fetch: (request: Request) => Promise<Response> }) =>
  (await fetch(new Request(`http://localhost${path}`))).status

describe('a database', () => {
  test("may be a pool of the application's, made from a connection string", async () => {
    const pool = new pg.Pool({ connectionString: freehold.database })
    expect(await made({ database: pool, secret }, (one) => ready('/readyz', one))).toBe(200)
    // The pool stays the application's.
    expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    await pool.end()
  })

  test('may be a pool with its settings one by one, password included', async () => {
    const { hostname: host, port, username: user, password, pathname } = new URL(freehold.database)
    expect(password).not.toBe('')
    const pool = new pg.Pool({ host, port: Number(port), user, password, database: pathname.slice(1) })
    expect(await made({ database: pool, secret, migrate: true }, (one) => ready('/readyz', one))).toBe(200)
    await pool.end()
  })
})

test.runIf(process.platform === 'linux')('connections notice that the other machine is gone', async () => {
  await freehold.signUp()
  // The local address, and which timer is running: 02 is the one that asks whether anybody is there.
  const timers = async () => {
    const rows = await freehold.sql<{ port: number }>(
      `select client_port as port from pg_stat_activity
       where datname = current_database() and application_name = 'freehold' and state = 'idle'`,
    )
    const sockets = (await readFile('/proc/net/tcp', 'utf8')).split('\n').map((line) => line.trim().split(/\s+/))
    return rows.map(({ port }) => {
      const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
      return sockets.find(([, local]) => local?.endsWith(suffix))?.[5]?.split(':')[0]
    })
  }
  // Where something has just been sent, another timer runs for a moment.
  await freehold.eventually(async () => {
    const running = await timers()
    return running.length > 0 && running.every((timer) => timer === '02')
  })
})

describe('options', () => {
  test('that cannot work are said all at once, each with its remedy', async () => {
    const nowhere = { product: {}, database: '', portal: { basePath: 'my account' } } as unknown as FreeholdOptions
    await expect(createFreehold(nowhere)).rejects.toMatchObject({
      problems: [
        'product: must be what defineProduct answers',
        'database: must be a connection string that starts with postgres://, or a Pool of pg',
        'portal.basePath: must be a path of letters, digits, - and _, such as / or /account',
      ],
    })
  })

  test.each([undefined, 'nonsense', 'mysql://localhost/any', {}])('refuse the database %j', async (database) => {
    const making = made({ secret, database: database as string }, () => {})
    await expect(making).rejects.toThrow('database: must be a connection string')
  })

  test.each(['', 'account', '//account', '/my account', '/:tenant', '/*'])(
    'refuse the base path %j',
    async (basePath) => {
      await expect(made({ secret, portal: { basePath } }, () => {})).rejects.toThrow('portal.basePath: must be a path')
    },
  )

  test('say what to do about a database that does not let one in', async () => {
    const elsewhere = new URL(freehold.database)
    elsewhere.pathname = '/elsewhere'
    const settings = { secret, database: elsewhere.href, migrate: true }
    await expect(made(settings, () => {})).rejects.toThrow(/There is no database elsewhere at .* createdb elsewhere/)
    const pool = new pg.Pool({ connectionString: elsewhere.href })
    await expect(made({ ...settings, database: pool }, () => {})).rejects.toThrow(/There is no database elsewhere/)
    await pool.end()
  })
})

describe('settings that are left out', () => {
  test('come from the environment', async () => {
    vi.stubEnv('SECRET', secret)
    vi.stubEnv('PUBLIC_URL', 'https://recorder.example/')
    vi.stubEnv('NODE_ENV', 'production')
    await made({}, async (one) => {
      expect(one.ctx.settings).toMatchObject({ production: true, publicUrl: 'https://recorder.example' })
      expect(await ready('/v1/dev/clock', one)).toBe(404)
      expect(await ready('/dev/mailbox', one)).toBe(404)
    })
  })

  test('are said all at once where production needs them', async () => {
    vi.stubEnv('SECRET', '')
    vi.stubEnv('NODE_ENV', 'production')
    const making = made({}, () => {})
    await expect(making).rejects.toThrow(/SECRET is required[\s\S]*PUBLIC_URL is required/)
  })

  test('of the application itself are not looked at', async () => {
    vi.stubEnv('PORT', 'a named pipe')
    vi.stubEnv('LOG_LEVEL', 'verbose')
    expect(await made({ secret }, (one) => ready('/healthz', one))).toBe(200)
  })

  test('give way to what is said', async () => {
    vi.stubEnv('NODE_ENV', 'production')
    await made({ secret, production: false, publicUrl: 'http://localhost:4000' }, async (one) => {
      expect(one.ctx.settings).toMatchObject({ production: false, publicUrl: 'http://localhost:4000' })
      expect(await ready('/v1/dev/clock', one)).toBe(200)
    })
  })

  test('refuse a secret that is too short', async () => {
    await expect(made({ secret: 'short' }, () => {})).rejects.toThrow('SECRET must have at least 32 characters')
  })
})

/** Somebody who holds what others then wait for. */
async function hold(statement: string, values: unknown[] = []) {
  const holder = new pg.Client(freehold.database)
  await holder.connect()
  await holder.query('begin')
  await holder.query(`${statement} -- test`, values)
  const { processID } = holder as unknown as { processID: number }
  return {
    somebodyWaits: () =>
      freehold.eventually(async () => {
        const waiting = 'select from pg_stat_activity where $1 = any(pg_blocking_pids(pid))'
        return (await freehold.sql(waiting, [processID])).length > 0
      }),
    release: () => holder.end(),
  }
}

describe('what cannot be opened', () => {
  test.each([
    ['the clock', 'alter table freehold.clock_offset rename to elsewhere', 'clock_offset'],
    ['the job queue', 'alter table freehold_jobs.version rename to elsewhere', 'pg-boss is not installed'],
    ['the plans', 'alter table freehold.plans rename to elsewhere', 'plans'],
  ])('says why, and leaves nothing open: %s', async (_what, breaking, message) => {
    const own = await createTestFreehold()
    const way = await openWay(own.database)
    await own.sql(breaking)
    await expect(made({ database: way.url, secret, worker: true }, () => {})).rejects.toThrow(message)
    await own.eventually(async () => way.open.size === 0)
    way.close()
    await own.close()
  })

  test.each([
    ['breaks', 'hung up', async (way: Way) => way.cut()],
    [
      'is ended by the server',
      'ended the connection',
      () =>
        freehold.sql(
          `select pg_terminate_backend(pid) from pg_stat_activity
           where wait_event = 'advisory' and datname = current_database()`,
        ),
    ],
  ])('says what to do when its connection %s while the schema is brought up to date', async (_how, message, end) => {
    const way = await openWay(freehold.database)
    const { somebodyWaits, release } = await hold('select pg_advisory_xact_lock(7305808868)')
    const making = made({ database: way.url, secret, migrate: true }, () => {}).catch((error: unknown) => error)
    await somebodyWaits()
    await end(way)
    expect(await making).toMatchObject({ message: expect.stringContaining(message) })
    await release()
    way.close()
  })
})

describe('closing', () => {
  const own = { product: sessionRecorder, migrate: false, logger: silent, secret: harnessSecret }
  const asking = (path: string, bearer: string, body?: object) =>
    new Request(`http://localhost${path}`, {
      headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
      ...(body ? { method: 'POST', body: JSON.stringify(body) } : {}),
    })

  test('can be asked for at once by several, and again', async () => {
    const one = await createFreehold({ ...own, database: freehold.database, worker: true })
    expect(await Promise.all([one.close(), one.close()])).toEqual([undefined, undefined])
    await one.close()
  })

  test('waits for what came as a Request', async () => {
    const { token } = await freehold.signUp()
    const one = await createFreehold({ ...own, database: freehold.database })
    const { somebodyWaits, release } = await hold('lock table freehold.sessions')
    const answer = one.fetch(asking('/v1/me', token))
    await somebodyWaits()
    const closing = one.close()
    await Promise.race([closing, delay(200)])
    await release()
    expect((await answer).status).toBe(200)
    await closing
  })

  test('writes down what is only in memory: denials, and when keys were used', async () => {
    const [first, second] = [await freehold.signUp(), await freehold.signUp()].map(({ apiKeys: [apiKey] }) => apiKey)
    const one = await createFreehold({ ...own, database: freehold.database })
    const { somebodyWaits, release } = await hold('select from freehold.api_keys where id = $1 for update', [first.id])
    const check = (key: string, permission: string) => one.fetch(asking('/v1/check', key, { permission }))
    await check(first.key, 'recordings:create')
    await somebodyWaits()
    // Its use waits for the one that is being written.
    expect(await (await check(second.key, 'recordings:read')).json()).toMatchObject({ code: 'permission_denied' })
    const closing = one.close()
    await Promise.race([closing, delay(200)])
    await release()
    await closing
    const used = await freehold.sql('select from freehold.api_keys where id = any($1) and last_used_at is not null', [
      [first.id, second.id],
    ])
    expect(used).toHaveLength(2)
    const [{ businessId }] = await freehold.sql(
      'select business_id as "businessId" from freehold.api_keys where id = $1',
      [second.id],
    )
    expect(await freehold.sql('select code from freehold.denials where business_id = $1', [businessId])).toEqual([
      { code: 'permission_denied' },
    ])
  })

  test('does not wait for ever for a database that has stopped, nor for who waits for it', async () => {
    const way = await openWay(freehold.database)
    const one = await createFreehold({ ...own, database: way.url, worker: true })
    const { token } = await freehold.signUp()
    await one.fetch(asking('/v1/me', token))
    way.stop()
    const answer = one.fetch(asking('/v1/me', token))
    await one.close()
    expect((await answer).status).toBe(503)
    way.cut()
    way.close()
  })

  test('leaves nothing open that was just being connected anew', async () => {
    const way = await openWay(freehold.database)
    const one = await createFreehold({
      product: sessionRecorder,
      database: way.url,
      migrate: false,
      logger: silent,
      secret,
    })
    way.block()
    way.cut()
    await freehold.eventually(async () => way.waiting.length === 1)
    way.unblock()
    const closing = one.close()
    await Promise.race([closing, delay(1_000)])
    way.letPass()
    await closing
    await freehold.eventually(async () => way.open.size === 0)
    way.close()
  })
})
