import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { atTerminal, command, hasSaid, openCommands, type Commands, type Ran } from '../../test/command-line.ts'
import { databaseUrl } from '../../test/database.ts'
import { createTestFreehold, password, type TestFreehold } from '../../test/harness.ts'
import { version } from '../version.ts'
import { fakePostgres } from '../../test/fake-postgres.ts'

let freehold: TestFreehold
let folder: string
let commands: Commands
beforeAll(async () => {
  freehold = await createTestFreehold()
  commands = openCommands()
  folder = await mkdtemp(join(tmpdir(), 'freehold-commands-'))
})
afterAll(async () => {
  commands.close()
  await freehold.close()
  await rm(folder, { recursive: true })
})

/** A command on the test's database, beside the server that runs on it. */
const run = (...args: string[]): Promise<Ran> => commands.run(args, { DATABASE_URL: freehold.database })

/** A product definition in a file of its own. */
async function definition(name: string, text: string): Promise<string> {
  const path = join(folder, name)
  const source = JSON.stringify(fileURLToPath(new URL('../index.ts', import.meta.url)))
  await writeFile(path, `import { days, defineProduct, months, usd } from ${source}\n${text}`)
  return path
}

describe('the command line', () => {
  test('without a command, or asked for help, it says what there is', async () => {
    for (const args of [[], ['--help'], ['-h']]) {
      const { exitCode, stdout, stderr } = await run(...args)
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
      expect(stdout).toContain('Usage: freehold <command> [options]')
      for (const each of ['start', 'work', 'migrate', 'doctor', 'explain', 'openapi', 'staff add', 'plans push']) {
        expect(stdout).toContain(`\n  ${each} `)
      }
    }
  })

  test.each(['start', 'work', 'migrate', 'doctor', 'explain', 'openapi', 'staff add', 'keys create', 'plans push'])(
    '%s says how it is used, and does nothing',
    async (name) => {
      const { exitCode, stdout } = await run(...name.split(' '), '--help')
      expect(exitCode).toBe(0)
      expect(stdout).toMatch(new RegExp(`^Usage: freehold ${name}`))
      expect(stdout).toContain('--config FILE')
    },
  )

  test('a group of commands says what is in it', async () => {
    const { exitCode, stdout } = await run('staff', '--help')
    expect(exitCode).toBe(0)
    expect(stdout).toContain('staff remove')
    expect(stdout).not.toContain('migrate')
  })

  test('it says its version', async () => {
    expect(await run('--version')).toEqual({ exitCode: 0, stdout: `${version}\n`, stderr: '' })
  })

  test.each([
    [['nothing'], 'Unknown command nothing'],
    [['staff'], 'staff needs one of add, list, remove'],
    [['staff', 'fire'], 'staff needs one of add, list, remove'],
    [['staff', 'add'], 'EMAIL is missing'],
    [['staff', 'add', 'a@example.test', 'b@example.test'], 'Unexpected argument b@example.test'],
    [['staff', 'list', '--jsno'], "Unknown option '--jsno'"],
    [['start', '--port', '1'], "Unknown option '--port'"],
    [['keys', 'create'], '--scope must be one of meter, admin'],
    [['keys', 'create', '--scope', 'all'], '--scope must be one of meter, admin'],
    [['keys', 'create', '--scope'], "Option '--scope <value>' argument missing"],
    [['explain'], 'REQUEST_ID or --business is missing'],
    [['explain', 'req_1', 'req_2'], 'Unexpected argument req_2'],
    [['explain', 'req_1', '--business', 'biz_1'], 'Either REQUEST_ID or --business, not both'],
    [['explain', '--business', 'biz_1'], '--feature or --permission is missing'],
    [['explain', '--business', 'biz_1', '--feature', 'x', '--amount', '0'], '--amount must be a whole number from 1'],
  ])('%j is refused with a hint, exit code 2', async (args, message) => {
    const { exitCode, stdout, stderr } = await run(...args)
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(stderr).toContain(message)
    expect(stderr).toMatch(/See: freehold .*--help\n$/)
  })

  test('--config stands before or after the command', async () => {
    const config = await definition('named.ts', productText.replace("'Recorder'", "'Somewhere Else'"))
    const { stdout } = await run('openapi', '--config', config)
    expect(JSON.parse(stdout).info.title).toBe('Somewhere Else API')
  })
})

describe('a configuration that cannot work', () => {
  test('names every problem, and no stack', async () => {
    const config = await definition('wrong.ts', wrongProduct)
    const { exitCode, stdout, stderr } = await command(['staff', 'list', '--config', config], {
      NODE_ENV: 'production',
      PORT: 'eighty',
      DATABASE_URL: 'mysql://localhost/freehold',
      SECRET: 'short',
      MAIL_FROM: 'nobody',
      TRUSTED_PROXIES: '10.0.0.0/8, loopback, proxy.example',
      LOG_LEVEL: 'loud',
      RATE_LIMITS: 'off',
    })
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' })
    const missing = ['PUBLIC_URL', 'SMTP_URL', 'MAIL_FROM']
    const said = [
      'PORT',
      'DATABASE_URL',
      'SECRET',
      ...missing,
      'MAIL_FROM',
      'TRUSTED_PROXIES',
      'LOG_LEVEL',
      'RATE_LIMITS',
    ]
    const defined = ['plans.free.includes.recordings', 'plans.free.price', 'signup.plan']
    for (const each of [...said, ...defined]) expect(stderr).toContain(`\n  - ${each}`)
    expect(stderr).not.toMatch(/\n\s+at /)
  })

  test.each([
    ['nowhere.ts', 'nowhere.ts does not exist'],
    ['broken.ts', /broken\.ts cannot be loaded: nothing is what it seems \(\S*broken\.ts:2\)/],
    ['unfinished.ts', /unfinished\.ts cannot be loaded: Expected .+ \(\S*unfinished\.ts:4\)/],
    ['lost.ts', /lost\.ts cannot be loaded: Cannot find module '\S*missing\.ts'/],
    ['empty.ts', 'empty.ts must export what defineProduct answers as its default'],
    ['raw.ts', 'raw.ts must export what defineProduct answers as its default'],
  ])('a definition in %s: %s', async (name, message) => {
    if (name === 'broken.ts') await definition(name, "throw new Error('nothing is what it seems')")
    if (name === 'unfinished.ts') await definition(name, "export default {\n  name: 'Acme'\n  features: {},\n}")
    if (name === 'lost.ts') await definition(name, "export { default } from './missing.ts'")
    if (name === 'empty.ts') await definition(name, 'export const product = 1')
    if (name === 'raw.ts') await definition(name, "export default { name: 'Raw', features: {}, plans: {} }")
    const { exitCode, stderr } = await run('openapi', '--config', join(folder, name))
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(message)
    expect(stderr).not.toMatch(/\n\s+at /)
  })

  test('in a folder without a definition it makes no database', async () => {
    const dataDir = join(folder, 'data')
    const missing = join(folder, 'nowhere.ts')
    expect(await commands.run(['staff', 'list', '--config', missing], { DATA_DIR: dataDir })).toMatchObject({
      exitCode: 1,
    })
    expect(existsSync(dataDir)).toBe(false)
  })

  test('a stack is there for whoever looks for a fault', async () => {
    const config = await definition('thrown.ts', "throw new Error('nothing is what it seems')")
    const { stderr } = await commands.run(['openapi', '--config', config], { LOG_LEVEL: 'debug' })
    expect(stderr).toMatch(/\[cause\]: Error: nothing is what it seems\n\s+at \S*thrown\.ts:2/)
  })
})

describe('a database that does not let us in', () => {
  const at = (url: string) => commands.run(['staff', 'list'], { DATABASE_URL: url })
  const changed = (change: (url: URL) => void) => {
    const url = new URL(freehold.database)
    change(url)
    return at(url.href)
  }
  const secretOf = () => new URL(freehold.database).password

  test('nothing answers', async () => {
    const { exitCode, stdout, stderr } = await at('postgres://me:hidden-word@127.0.0.1:1/none')
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' })
    expect(stderr).toBe('freehold: Nothing answers at 127.0.0.1:1: start PostgreSQL there, or mend DATABASE_URL\n')
  })

  test('something else answers, and hangs up', async () => {
    const other = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const { exitCode, stderr } = await at(`postgres://me:hidden-word@127.0.0.1:${port}/none`)
    other.close()
    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr: `freehold: 127.0.0.1:${port} hung up: mend DATABASE_URL if that is no PostgreSQL\n`,
    })
  })

  test('the host is unknown', async () => {
    const { exitCode, stderr } = await at('postgres://me:hidden-word@nowhere.invalid/none')
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/^freehold: The host nowhere\.invalid of DATABASE_URL is not known here.*\n$/)
  })

  test('the password is wrong', async () => {
    const { exitCode, stderr } = await changed((url) => (url.password = 'hidden-word'))
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/^freehold: The database refuses the password of freehold.*\n$/)
    expect(stderr).not.toContain('hidden-word')
  })

  test('there is no such database', async () => {
    const { exitCode, stderr } = await changed((url) => (url.pathname = '/nonesuch'))
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/^freehold: There is no database nonesuch at .*createdb nonesuch\n$/)
    expect(stderr).not.toContain(secretOf())
  })

  test('it is too old', async () => {
    const old = await fakePostgres(15)
    const { exitCode, stderr } = await at(old.url)
    await old.close()
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/^freehold: The database is PostgreSQL 15\. Freehold needs PostgreSQL 16 or later.*\n$/)
  })

  test('its user may not make the role: it says what to run, and then works', async () => {
    const cluster = inject('clusterUrl')
    const name = `limited_${process.pid}`
    const url = new URL(databaseUrl(cluster, name))
    url.username = name
    url.password = 'limited'
    await freehold.sql(`create role ${name} login password 'limited'`)
    await freehold.sql(`create database ${name} owner ${name}`)
    try {
      const refused = await commands.run(['migrate'], { DATABASE_URL: url.href })
      expect(refused.exitCode).toBe(1)
      const remedy = `grant freehold_tenant to ${name} with set true, inherit false;`
      expect(refused.stderr).toContain(remedy)
      await freehold.sql(remedy)
      expect(await commands.run(['migrate'], { DATABASE_URL: url.href })).toMatchObject({ exitCode: 0 })
      const { stdout } = await commands.run(['doctor'], { DATABASE_URL: url.href })
      expect(stdout).toContain('ok       Fence between businesses')
    } finally {
      await freehold.sql(`drop database ${name} with (force)`)
      await freehold.sql(`drop role ${name}`)
    }
  })
})

describe('migrate', () => {
  test('says what is missing, runs it once, and says so', async () => {
    const name = `empty_${process.pid}`
    const env = { DATABASE_URL: databaseUrl(inject('clusterUrl'), name), NODE_ENV: 'production', SECRET: undefined }
    await freehold.sql(`create database ${name}`)
    try {
      const missing = await commands.run(['migrate', '--check'], env)
      expect(missing.exitCode).toBe(1)
      expect(missing.stdout).toContain('missing 0001_tables.sql\n')
      const [first, second] = await Promise.all([command(['migrate'], env), command(['migrate'], env)])
      expect([first.exitCode, second.exitCode]).toEqual([0, 0])
      expect(`${first.stdout}${second.stdout}`.match(/ran 0001_tables\.sql/g)).toHaveLength(1)
      expect(await commands.run(['migrate', '--check'], env)).toEqual({
        exitCode: 0,
        stdout: 'The schema is up to date\n',
        stderr: '',
      })
    } finally {
      await freehold.sql(`drop database ${name} with (force)`)
    }
  })

  test('refuses a migration that was changed after it ran', async () => {
    await freehold.sql("update freehold.migrations set checksum = checksum || '!' where name = '0002_jobs.sql'")
    const { exitCode, stderr } = await run('migrate', '--check')
    await freehold.sql("update freehold.migrations set checksum = rtrim(checksum, '!')")
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/^freehold: Migration 0002_jobs\.sql was changed after it ran here.*\n$/)
  })
})

describe('openapi', () => {
  test('prints what the server answers, without a database', async () => {
    const { exitCode, stdout, stderr } = await commands.run(['openapi'], {
      DATABASE_URL: 'postgres://127.0.0.1:1/none',
    })
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(JSON.parse(stdout)).toEqual((await freehold.api.get('/openapi.json')).body)
  })

  test('writes it to a file', async () => {
    const file = join(folder, 'openapi.json')
    expect(await run('openapi', '--out', file)).toEqual({ exitCode: 0, stdout: '', stderr: '' })
    expect(JSON.parse(await readFile(file, 'utf8')).openapi).toBe('3.1.0')
  })

  test('a file that cannot be written is one clear line', async () => {
    const { exitCode, stderr } = await run('openapi', '--out', join(folder, 'no', 'such', 'folder.json'))
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/^freehold: ENOENT.*\n$/)
  })
})

describe('staff', () => {
  test('an existing user becomes staff beside a running server, sessions included', async () => {
    const { token, user } = await freehold.signUp()
    const added = await run('staff', 'add', user.email.toUpperCase())
    expect(added).toMatchObject({ exitCode: 0, stdout: `${user.email} is staff\n` })
    expect((await freehold.api.get('/v1/staff/plans', { token })).status).toBe(200)
    expect(await run('staff', 'add', user.email)).toMatchObject({ exitCode: 0, stdout: `${user.email} is staff\n` })

    const listed = await run('staff', 'list')
    expect(listed.stdout).toContain(user.email)
    const { items } = JSON.parse((await run('staff', 'list', '--json')).stdout)
    expect(items).toContainEqual(expect.objectContaining({ userId: user.id, email: user.email, signsIn: true }))

    expect(await run('staff', 'remove', user.email)).toMatchObject({ exitCode: 0 })
    expect((await freehold.api.get('/v1/staff/plans', { token })).status).toBe(403)
    const again = await run('staff', 'remove', user.email)
    expect(again).toEqual({ exitCode: 1, stdout: '', stderr: `freehold: ${user.email} is not staff\n` })
  })

  test('somebody unknown is printed a link that sets the password, on stdout and in no mail', async () => {
    const email = 'colleague@example.test'
    const { exitCode, stdout } = await run('staff', 'add', email)
    expect(exitCode).toBe(0)
    const [, token] = /http:\/\/localhost:3000\/reset-password#token=(\S+)/.exec(stdout) ?? []
    const confirmed = await freehold.api.post('/v1/password-resets/confirm', { token, password })
    expect(confirmed.status).toBe(200)
    expect((await freehold.api.get('/v1/staff/plans', { token: confirmed.body.token })).status).toBe(200)
    const mails = await freehold.mails(email)
    expect(mails.map(({ template }) => template)).not.toContain('password-reset')
  })

  test('in production, an e-mail that nobody has proved makes nobody staff unless one says so', async () => {
    const { user } = await freehold.signUp()
    const env = {
      DATABASE_URL: freehold.database,
      NODE_ENV: 'production',
      PUBLIC_URL: 'https://app.example.test',
      SMTP_URL: 'smtp://127.0.0.1:1',
      MAIL_FROM: 'app@example.test',
    }
    const refused = await commands.run(['staff', 'add', user.email], env)
    expect(refused).toMatchObject({ exitCode: 1, stdout: '' })
    expect(refused.stderr).toContain('has not proved that e-mail')
    expect(await freehold.sql('select from freehold.staff where user_id = $1', [user.id])).toEqual([])
    expect((await commands.run(['staff', 'add', user.email, '--unverified'], env)).exitCode).toBe(0)
  })

  test('what is no e-mail is refused', async () => {
    const { exitCode, stderr } = await run('staff', 'add', 'nobody')
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: 'freehold: EMAIL: nobody is no e-mail address\n' })
  })
})

describe('keys', () => {
  test('a key is printed alone, works at the gate, is listed without itself, and stops when revoked', async () => {
    const acme = await freehold.signUp()
    const { exitCode, stdout } = await run('keys', 'create', '--scope', 'meter', '--name', 'backend')
    expect(exitCode).toBe(0)
    const key = stdout.trim()
    expect(key).toMatch(/^app_\w{32}$/)
    const consume = () =>
      freehold.api.post(
        '/v1/consume',
        { subject: { businessId: acme.business.id }, feature: 'recordings' },
        { token: key },
      )
    expect(await consume()).toMatchObject({ status: 200, body: { allowed: true, used: 1 } })

    const listed = await run('keys', 'list', '--json')
    expect(listed.stdout).not.toContain(key)
    const [item] = JSON.parse(listed.stdout).items
    expect(item).toMatchObject({ name: 'backend', scope: 'meter', revokedAt: null })
    expect((await run('keys', 'list')).stdout).toContain(item.id)

    expect(await run('keys', 'revoke', item.id)).toMatchObject({ exitCode: 0, stdout: `${item.id} is revoked\n` })
    expect((await consume()).status).toBe(401)
    expect(await run('keys', 'revoke', item.id)).toMatchObject({ exitCode: 0 })
  })

  test('an event is skipped for a reason, and only one that is stuck', async () => {
    expect(await run('events', 'stuck', '--json')).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('[]') })
    expect(await run('events', 'skip', 'evt_unknown')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('--reason is missing'),
    })
    expect(await run('events', 'skip', 'evt_unknown', '--reason', 'gone for good')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('No event evt_unknown has failed and waits'),
    })
  })

  test('an unknown key cannot be revoked', async () => {
    const { exitCode, stderr } = await run('keys', 'revoke', 'app_unknown')
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: 'freehold: There is no app key app_unknown\n' })
  })

  test('as JSON the key comes with what it is', async () => {
    const { stdout } = await run('keys', 'create', '--scope', 'admin', '--json')
    expect(JSON.parse(stdout)).toEqual({
      id: expect.stringMatching(/^app_/),
      name: 'admin',
      scope: 'admin',
      key: expect.stringMatching(/^app_/),
    })
  })
})

describe('explain', () => {
  test('says of a denied request what every step saw, which one failed and what would mend it', async () => {
    const { business, apiKeys } = await freehold.signUp()
    const token = apiKeys[0].key
    const body = { permission: 'recordings:read', feature: 'recordings' }
    const { requestId } = freehold.ok(await freehold.api.post('/v1/check', body, { token }))
    await freehold.eventually(async () => {
      const rows = await freehold.sql('select from freehold.denials where request_id = $1', [requestId])
      return rows.length > 0
    })
    const { exitCode, stdout, stderr } = await run('explain', requestId)
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(stdout.split('\n')[0]).toMatch(new RegExp(`^${requestId} {2}\\S+ {2}POST /v1/check {2}permission_denied$`))
    expect(stdout).toContain('asked: amount: 1, feature: recordings, permission: recordings:read')
    expect(stdout).toMatch(/^ok +credential +.*kind: key, /m)
    expect(stdout).toMatch(/^FAILED +permission +.*keyType: sdk/m)
    expect(stdout).toMatch(/^ +→ Keys of type sdk may not do recordings:read\. Use a key of a type that may: server$/m)
    expect(stdout).toContain(`→ call POST /v1/businesses/${business.id}/api-keys`)
    expect(stdout).toMatch(/^- +counter +not reached$/m)
    expect(stdout).not.toContain(token)
    const { stdout: json } = await run('explain', requestId, '--json')
    expect(JSON.parse(json)).toMatchObject({
      requestId,
      businessId: business.id,
      explanation: { failed: 'permission' },
    })
  })

  test('says what the answer would be now, for whoever asks or for one role or key type', async () => {
    const { business, apiKeys } = await freehold.signUp()
    const amount = 98
    freehold.ok(await freehold.api.post('/v1/consume', { feature: 'recordings', amount }, { token: apiKeys[0].key }))
    const ask = async (...args: string[]) => {
      const { exitCode, stdout, stderr } = await run(
        'explain',
        '--business',
        business.id,
        '--feature',
        'recordings',
        ...args,
      )
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
      return stdout
    }
    const fits = await ask('--amount', '2', '--permission', 'recordings:create')
    expect(fits).toMatch(/^now .* allowed$/m)
    expect(fits).toMatch(/^ok +permission +asked: recordings:create, trusted: true, heldBy: /m)
    expect(fits).toMatch(/^ok +counter +amount: 2, used: 98, held: 0, limit: 100/m)
    const tooMuch = await ask('--amount', '3')
    expect(tooMuch).toMatch(/^FAILED +counter +amount: 3, used: 98/m)
    expect(tooMuch).toContain('→ 98 of 100 recordings are used. Ask for 2 at most')
    expect(await ask('--permission', 'recordings:create', '--as', 'viewer')).toMatch(
      /^FAILED +permission .*role: viewer/m,
    )
    expect(await ask('--permission', 'recordings:create', '--as', 'sdk')).toMatch(/^ok +permission .*keyType: sdk/m)
    const [counter] = await freehold.sql('select used::int from freehold.usage_counters where business_id = $1', [
      business.id,
    ])
    expect(counter.used).toBe(98)
    expect(await freehold.sql('select from freehold.denials where business_id = $1', [business.id])).toEqual([])
  })

  test('what there is nothing to say about is one clear line', async () => {
    const { business } = await freehold.signUp()
    const now = ['explain', '--business', business.id]
    for (const [args, message] of [
      [['explain', 'req_nothing'], 'Nothing is known of req_nothing'],
      [['explain', '--business', 'biz_nobody', '--feature', 'recordings'], 'There is no business biz_nobody'],
      [[...now, '--feature', 'nothing'], 'there is no feature nothing'],
      [[...now, '--permission', 'nothing:do'], 'there is no permission nothing:do'],
      [
        [...now, '--feature', 'recordings', '--as', 'nobody'],
        '--as must be a role or a key type: owner, admin, member',
      ],
    ] as const) {
      const { exitCode, stdout, stderr } = await run(...args)
      expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' })
      expect(stderr).toMatch(/^freehold: .*\n$/)
      expect(stderr).toContain(message)
    }
  })
})

describe('plans', () => {
  test('what is defined is compared, shown and, with --yes only, written', async () => {
    expect((await run('plans', 'diff')).stdout).toBe('The plans in the database are as defined\n')
    const acme = await freehold.signUp()
    await freehold.api.post('/v1/consume', { feature: 'recordings', amount: 9 }, { token: acme.apiKeys[0].key })
    const config = await definition('changed.ts', productText)

    const shown = await run('plans', 'diff', '--config', config)
    expect(shown.exitCode).toBe(0)
    expect(shown.stdout).toMatch(
      /^free: changed from version 1; \d+ business(es)? on the plan keeps? (its|their) versions?$/m,
    )
    expect(shown.stdout).toContain('includes.recordings  100 → 5')
    expect(shown.stdout).toContain('prices.default  USD 0.00 every 15 days → USD 9.00 per month')
    expect(shown.stdout).toContain(`${acme.business.name} (${acme.business.id}): recordings 9 of 5`)
    expect(shown.stdout).toContain('team: new')
    expect(shown.stdout).toContain('growth: in the database only')

    const { plans } = JSON.parse((await run('plans', 'diff', '--config', config, '--json')).stdout)
    expect(plans.map(({ plan, state }: { plan: string; state: string }) => [plan, state])).toEqual([
      ['free', 'changed'],
      ['team', 'new'],
      ['growth', 'not_defined'],
      ['unlimited', 'not_defined'],
    ])

    const unasked = await run('plans', 'push', '--config', config)
    expect(unasked.exitCode).toBe(1)
    expect(unasked.stderr).toContain('repeat with --yes')
    expect((await freehold.api.get('/v1/plans')).body.items).toHaveLength(2)

    const written = await run('plans', 'push', '--yes', '--config', config)
    expect(written.exitCode).toBe(0)
    expect(written.stdout).toContain('Written: free, team')
    expect((await run('plans', 'diff', '--config', config)).stdout).toContain(
      'The plans in the database are as defined',
    )
    const { subscription } = await freehold.signUp()
    expect(subscription.plan).toMatchObject({ key: 'free', version: 2 })
  })

  test('what somebody agrees to is written as it was shown, or not at all', async () => {
    const config = await definition('agreed.ts', productText.replace('recordings: 5', 'recordings: 50'))
    const push = () => atTerminal(['plans', 'push', '--config', config], { DATABASE_URL: freehold.database })
    const versions = () => freehold.sql(`select version, includes from freehold.plan_versions where plan_key = 'free'`)
    const before = await versions()

    const refused = push()
    await hasSaid(refused, /Write this\? \[y\/N\]/)
    refused.child.stdin?.write('\r')
    expect(await refused.ended).toBe(1)
    expect(await versions()).toEqual(before)

    // Somebody else is faster, with another limit.
    const late = push()
    await hasSaid(late, /Write this\? \[y\/N\]/)
    const other = await definition('faster.ts', productText.replace('recordings: 5', 'recordings: 70'))
    expect((await run('plans', 'push', '--yes', '--config', other)).exitCode).toBe(0)
    late.child.stdin?.write('y\r')
    expect({ exitCode: await late.ended, said: late.output.stdout }).toEqual({
      exitCode: 1,
      said: expect.stringContaining('The plans have changed since they were shown. Nothing is written: look again'),
    })
    expect((await versions()).map(({ includes }) => includes.recordings)).toEqual([100, 5, 70])

    // One business more is on the plan now: that is no other plan.
    const agreed = push()
    await hasSaid(agreed, /includes\.recordings {2}70 → 50[^]*Write this\? \[y\/N\]/)
    await freehold.signUp()
    agreed.child.stdin?.write('y\r')
    expect({ exitCode: await agreed.ended, said: agreed.output.stdout }).toEqual({
      exitCode: 0,
      said: expect.stringContaining('Written: free'),
    })
    expect((await versions()).map(({ includes }) => includes.recordings)).toEqual([100, 5, 70, 50])
  })

  test('existing subscriptions are moved by choice, which is shown first', async () => {
    const config = await definition('moving.ts', productText.replace('recordings: 5', 'recordings: 500'))
    const wrong = await run('plans', 'push', '--existing', 'later', '--config', config)
    expect(wrong).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('keep, renewal or now') })
    const asked = await run('plans', 'push', '--existing', 'renewal', '--config', config)
    expect(asked.stderr).toMatch(/^free: changed from version 4; \d+ businesses on the plan move with the next cycle$/m)
    const written = await run('plans', 'push', '--existing', 'now', '--yes', '--config', config)
    expect(written).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('on the plan move now') })
    const [job] = await freehold.sql(`select data from freehold_jobs.job where data ->> 'task' = 'move-subscriptions'`)
    expect(job.data).toMatchObject({ plan: 'free', version: 5, existing: 'now', actor: { id: 'command line' } })
  })
})

test('a process of its own ends by itself with its exit code, and prints no logs', async () => {
  const env = { DATABASE_URL: freehold.database }
  expect(await command(['staff', 'list', '--json'], env)).toMatchObject({ exitCode: 0, stderr: '' })
  expect(await command(['keys', 'revoke', 'app_unknown'], env)).toMatchObject({ exitCode: 1, stdout: '' })
  expect(await command(['staff', 'fire'], env)).toMatchObject({ exitCode: 2, stdout: '' })
  const workers = await freehold.sql('select from freehold_jobs.instance where supervise')
  expect(workers).toEqual([])
})

const productText = `
export default defineProduct({
  name: 'Recorder',
  permissions: { 'recordings:create': 'write' },
  keys: { sdk: { prefix: 'pk', permissions: ['recordings:create'] } },
  features: { recordings: { kind: 'metered' }, exports: { kind: 'switch' } },
  plans: {
    free: { name: 'Free', cycle: months(1), price: usd(9_00), includes: { recordings: 5, members: 3 } },
    team: { name: 'Team', cycle: days(30), price: usd(20_00), includes: { recordings: null, exports: true } },
  },
  signup: { plan: 'free', keys: ['sdk'] },
})`

const wrongProduct = `
export default defineProduct({
  name: 'Wrong',
  features: { recordings: { kind: 'metered' } },
  plans: { free: { name: 'Free', cycle: days(15), price: usd(-1), includes: { recordings: -5 } } },
  signup: { plan: 'gratis' },
})`
