import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import pg from 'pg'
import { pino } from 'pino'
import { inject } from 'vitest'
import sessionRecorder from '../../examples/session-recorder/freehold.config.ts'
import { createFreehold, type Freehold } from '../src/freehold.ts'
import type { FreeholdOptions } from '../src/options.ts'
import { answerChecker } from './answers.ts'
import { databaseUrl, template } from './database.ts'

/**
 * A whole Freehold on a database of its own, behind a real socket. Tests talk to it as clients do; `sql` is for looking
 * at what was written, and for breaking it on purpose.
 */
export type TestFreehold = Awaited<ReturnType<typeof createTestFreehold>>

export type Answer<Body = any> = { status: number; body: Body; headers: Headers }
export type CallOptions = { token?: string | undefined; headers?: Record<string, string> }

export const password = 'correct horse battery'

// The description of an API hangs on the product, and on whether it is in production; it takes long to make.
const checkers = new WeakMap<object, ReturnType<typeof answerChecker>>()

async function checkerFor(
  server: FastifyInstance,
  { product = sessionRecorder, production }: Partial<FreeholdOptions>,
) {
  const known = production ? undefined : checkers.get(product)
  if (known) return known
  const checker = answerChecker((await server.inject('/openapi.json')).json())
  if (!production) checkers.set(product, checker)
  return checker
}

export async function createTestFreehold(options: Partial<FreeholdOptions> & { database?: string } = {}) {
  const clusterUrl = inject('clusterUrl')
  const name = `test_${randomBytes(6).toString('hex')}`
  const database = options.database ?? databaseUrl(clusterUrl, name)
  const ownDatabase = options.database === undefined
  if (ownDatabase) await onCluster(clusterUrl, `create database ${name} template ${template} strategy file_copy`)
  const freehold: Freehold = await createFreehold({
    product: sessionRecorder,
    database,
    secret: 'a secret of at least thirty-two characters',
    publicUrl: 'http://localhost:3000',
    migrate: false,
    rateLimits: false,
    worker: false,
    logger: pino({ level: 'silent' }),
    ...options,
  })
  const server = await freehold.server()
  await server.listen({ port: 0, host: '127.0.0.1' })
  const { port } = server.server.address() as { port: number }
  const base = `http://127.0.0.1:${port}`
  const admin = new pg.Pool({ connectionString: database, max: 2 })

  const checkAnswer = await checkerFor(server, options)

  /** Calls the API, and fails when an answer is not what the API's own description says. */
  const call = async (
    method: string,
    path: string,
    body?: unknown,
    { token, headers = {} }: CallOptions = {},
  ): Promise<Answer> => {
    const response = await fetch(base + path, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    const type = response.headers.get('content-type') ?? ''
    const answer = { status: response.status, body: /json/.test(type) && text !== '' ? JSON.parse(text) : text }
    const wrong = checkAnswer(method, path, { ...answer, type, text })
    if (wrong !== undefined) throw new Error(wrong)
    return { ...answer, headers: response.headers }
  }
  const api = {
    get: (path: string, options?: CallOptions) => call('GET', path, undefined, options),
    post: (path: string, body?: unknown, options?: CallOptions) => call('POST', path, body ?? {}, options),
    put: (path: string, body?: unknown, options?: CallOptions) => call('PUT', path, body ?? {}, options),
    patch: (path: string, body?: unknown, options?: CallOptions) => call('PATCH', path, body ?? {}, options),
    delete: (path: string, options?: CallOptions) => call('DELETE', path, undefined, options),
    call,
  }

  let people = 0
  const created = <Body>(answer: Answer<Body>): Body => {
    if (answer.status >= 300) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body
  }

  return {
    ...freehold,
    server,
    base,
    database,
    api,
    /** The body of an answer that must be a success. */
    ok: created,
    /** Rows as they are, seen by the superuser. */
    sql: async <Row = any>(text: string, values: unknown[] = []): Promise<Row[]> =>
      (await admin.query(`${text} -- test`, values)).rows as Row[],
    /** A new business with its owner: `{ token, user, business, member, subscription, apiKeys }`. */
    signUp: async (overrides: Record<string, unknown> = {}) =>
      created(
        await api.post('/v1/signup', {
          business: { name: `Business ${++people}` },
          email: `person${people}-${randomBytes(3).toString('hex')}@example.test`,
          password,
          firstName: 'Pat',
          lastName: 'Person',
          ...overrides,
        }),
      ),
    /** Invites somebody and lets them join as a new user. */
    join: async (
      business: { id: string },
      ownerToken: string,
      role = 'member',
      email = `joiner${++people}-${randomBytes(3).toString('hex')}@example.test`,
    ) => {
      created(await api.post(`/v1/businesses/${business.id}/invitations`, { email, role }, { token: ownerToken }))
      const invitationToken = await mailedToken(email)
      return created(await api.post('/v1/signup', { invitationToken, password, firstName: 'Jo', lastName: 'Joiner' }))
    },
    /** Makes a user staff. */
    makeStaff: async (userId: string) => {
      await admin.query('insert into freehold.staff (user_id, created_at) values ($1, $2) -- test', [
        userId,
        freehold.ctx.now(),
      ])
    },
    mails,
    mailedToken,
    /** Moves the domain's clock forward. */
    advance: async (seconds: number) => created(await api.post('/v1/dev/clock', { advanceSeconds: seconds })),
    /** Waits until something has come true, for what happens in the background. */
    eventually: async <T>(look: () => Promise<T | undefined | false>, what = 'it'): Promise<T> => {
      for (const started = performance.now(); performance.now() - started < 60_000; await delay(50)) {
        const seen = await look()
        if (seen) return seen
      }
      throw new Error(`${what} did not happen within a minute`)
    },
    close: async () => {
      await server.close()
      await freehold.close()
      await admin.end()
      if (ownDatabase) await drop(clusterUrl, name)
    },
  }

  async function mails(to: string): Promise<{ template: string; subject: string; text: string; html: string }[]> {
    return created(await api.get(`/dev/mailbox?to=${encodeURIComponent(to)}`)).items
  }

  /** The token in the newest mail to somebody. */
  async function mailedToken(to: string, template?: string): Promise<string> {
    const mail = (await mails(to)).find((each) => template === undefined || each.template === template)
    const token = mail && /#token=([\w.-]+)/.exec(mail.text)?.[1]
    if (!token) throw new Error(`No mail with a link to ${to}`)
    return token
  }
}

export const days = (count: number) => count * 86_400

async function onCluster(clusterUrl: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: clusterUrl })
  await client.connect()
  await client.query(statement)
  await client.end()
}

/** Pools answer before their connections are gone; what is cut off meanwhile would be an error nobody listens for. */
async function drop(clusterUrl: string, name: string): Promise<void> {
  const client = new pg.Client({ connectionString: clusterUrl })
  await client.connect()
  const sessions = async () =>
    (await client.query('select from pg_stat_activity where datname = $1', [name])).rows.length
  for (const started = performance.now(); performance.now() - started < 2000 && (await sessions()) > 0;) await delay(10)
  await client.query(`drop database ${name} with (force)`)
  await client.end()
}
