import { readFileSync, readdirSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { errors } from '../src/errors.ts'
import { createTestFreehold, type TestFreehold } from './harness.ts'

/** The rules of the house, over every source file and the real schema. An exception is a line here, with its reason. */

const root = fileURLToPath(new URL('../src/', import.meta.url))
const migrations = fileURLToPath(new URL('../migrations/', import.meta.url))

const all = readdirSync(root, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map((entry) => relative(root, join(entry.parentPath, entry.name)))
  .toSorted()
const generated = new Set(['db/tables.ts', 'client/api.gen.ts'])
const sources = all.filter((file) => !/\.test(-d)?\.ts$/.test(file) && !generated.has(file))
const text = (file: string) => readFileSync(join(root, file), 'utf8')

/** The code of a file without its comments; what a rule forbids may well be explained. */
const code = (file: string) =>
  text(file)
    .replaceAll(/\/\*[\s\S]*?\*\//g, (comment) => comment.replaceAll(/[^\n]/g, ''))
    .replaceAll(/^(\s*)\/\/.*$/gm, '$1')

/** What a file imports of ours, as paths below src. */
const importsOf = (file: string): string[] =>
  [...text(file).matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map((match) =>
    relative(root, join(root, dirname(file), match[1] ?? '')),
  )
const imports = new Map(all.map((file) => [file, importsOf(file)]))

const features = new Set([
  'users',
  'businesses',
  'members',
  'invitations',
  'api-keys',
  'plans',
  'subscriptions',
  'invoices',
  'usage',
  'support',
  'audit',
  'mail',
  'metrics',
  'background',
])
const assembly = new Set([
  'freehold.ts',
  'create.ts',
  'open-context.ts',
  'options.ts',
  'routes.ts',
  'tasks.ts',
  'index.ts',
  'cli.ts',
  'openapi.ts',
])

const layers = ['base', 'feature', 'access', 'assembly'] as const
const layerOf = (file: string): (typeof layers)[number] => {
  const [folder = ''] = file.split('/')
  if (assembly.has(file) || folder === 'commands' || folder === 'demo' || folder === 'library') return 'assembly'
  if (folder === 'access') return 'access'
  return features.has(folder) ? 'feature' : 'base'
}
const isRoutes = (file: string) => /(^|[/-])routes\.ts$/.test(file)

/** `file: line` of every place in the code of these files that matches. */
const places = (pattern: RegExp, files = sources, read = code) =>
  files.flatMap((file) =>
    read(file)
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1} ${line.trim()}`] : [])),
  )
const except = (...files: string[]) => sources.filter((file) => !files.includes(file))

describe('imports', () => {
  test('go from assembly to access to features to what all of them stand on, never back', () => {
    // The definition of a product counts its cycles as subscriptions do; the calendar itself imports nothing.
    const allowed = ['prices.ts imports subscriptions/cycle.ts', 'product.ts imports subscriptions/cycle.ts']
    const back = sources.flatMap((file) =>
      (imports.get(file) ?? []).flatMap((imported) =>
        layers.indexOf(layerOf(imported)) > layers.indexOf(layerOf(file)) ? [`${file} imports ${imported}`] : [],
      ),
    )
    expect(back).toEqual(allowed)
  })

  test('form no circle, not even of types', () => {
    const circles: string[] = []
    const done = new Set<string>()
    const visit = (file: string, trail: string[]) => {
      if (trail.includes(file)) circles.push([...trail.slice(trail.indexOf(file)), file].join(' → '))
      if (trail.includes(file) || done.has(file)) return
      for (const imported of imports.get(file) ?? []) visit(imported, [...trail, file])
      done.add(file)
    }
    for (const file of sources) visit(file, [])
    expect(circles).toEqual([])
  })

  test('between features name functions, never routes', () => {
    const wrong = sources.flatMap((file) =>
      (imports.get(file) ?? []).flatMap((imported) =>
        isRoutes(imported) && layerOf(file) !== 'assembly' && dirname(imported) !== dirname(file)
          ? [`${file} imports ${imported}`]
          : [],
      ),
    )
    expect(wrong).toEqual([])
  })

  test('of requests are for routes: a rule knows nothing of HTTP but the vocabulary of values', () => {
    const vocabulary = new Set(['http/fields.ts', 'http/instants.ts', 'http/schemas.ts'])
    const wrong = sources.flatMap((file) =>
      layerOf(file) === 'feature' && !isRoutes(file) && !file.endsWith('presenter.ts')
        ? (imports.get(file) ?? [])
            .filter((imported) => imported.startsWith('http/') && !vocabulary.has(imported))
            .map((imported) => `${file} imports ${imported}`)
        : [],
    )
    expect(wrong).toEqual([])
  })

  test('reach every file from what the package exports and the command', () => {
    const reached = new Set<string>()
    const visit = (file: string) => {
      if (reached.has(file)) return
      reached.add(file)
      for (const imported of imports.get(file) ?? []) visit(imported)
    }
    for (const entry of ['index.ts', 'cli.ts', 'client/client.ts']) visit(entry)
    expect(all.filter((file) => !/\.test(-d)?\.ts$/.test(file) && !reached.has(file))).toEqual([])
  })
})

describe('one home', () => {
  test('for the environment', () => {
    expect(places(/process\s*\.\s*env|process\['env'\]/, except('environment.ts'))).toEqual([])
  })

  test('for the clock', () => {
    expect(places(/Date\.now\b|new Date\(\s*\)|(?<!new )\bDate\(\)/, except('clock.ts'))).toEqual([])
  })

  test('for chance', () => {
    const homes = [
      'ids.ts',
      'secrets.ts',
      // The embedded server's password and the names of its temporary files.
      'db/embedded.ts',
      // The secret of a development server, before there is anything to make it with.
      'development-secret.ts',
    ]
    expect(
      places(/Math\.random|random(Bytes|UUID|Int|Fill)|getRandomValues|nanoid|gen_random_uuid/, except(...homes)),
    ).toEqual([])
  })

  test('for SQL time: none but where the server tells how long connections stand still', () => {
    const sqlTime =
      /(?<![.\w])now\(\)|current_(timestamp|date|time)\b|localtime|(clock|statement|transaction)_timestamp/i
    expect(places(sqlTime, except('db/gate-activity.ts'))).toEqual([])
    // The job queue keeps real time; its tables are a library's.
    const files = readdirSync(migrations).filter((file) => file.endsWith('.sql') && file !== '0002_jobs.sql')
    const withoutComments = (file: string) => readFileSync(join(migrations, file), 'utf8').replaceAll(/--.*$/gm, '')
    expect(places(sqlTime, files, withoutComments)).toEqual([])
  })
})

describe('a source file', () => {
  test('is named for what it is about', () => {
    const nameless = /^(utils?|helpers?|common|misc|shared|lib|types|constants|service|services|repository|manager)$/
    expect(all.flatMap((file) => file.split('/').filter((part) => nameless.test(part.replace('.ts', ''))))).toEqual([])
    expect(all.filter((file) => !/^[a-z0-9-]+(\.(test|test-d|gen))?\.ts$/.test(basename(file)))).toEqual([])
  })

  test('exports what it has, nothing of others but index.ts', () => {
    const passesOn = /^export\s+(type\s+)?(\*|\{[^}]*\}\s*from\b)/m
    expect(except('index.ts').filter((file) => passesOn.test(code(file)))).toEqual([])
  })

  test('has at most 400 lines', () => {
    const longer: Record<string, string> = {
      'db/embedded.ts': 'one story told in order: start, join, adopt and stop a PostgreSQL server',
    }
    expect(sources.filter((file) => text(file).split('\n').length > 401 && !(file in longer))).toEqual([])
    expect(Object.keys(longer).filter((file) => !all.includes(file))).toEqual([])
  })

  test('has its tests beside it', () => {
    const tests = all.filter((file) => /\.test(-d)?\.ts$/.test(file))
    const stem = (file: string) => file.replace(/\.test(-d)?\.ts$/, '')
    // invitations.test.ts is about invitations.ts, staff.test.ts about all of staff-*.ts, commands.test.ts about commands/.
    const isBeside = (file: string) =>
      sources.some((each) => each === `${stem(file)}.ts` || each.startsWith(`${stem(file)}-`)) ||
      basename(stem(file)) === basename(dirname(file))
    expect(tests.filter((file) => !isBeside(file))).toEqual([])
  })

  test('says business, limit, staff, grant and support session, whatever others call them', () => {
    const banned: [RegExp, string, string[]][] = [
      // The name of SVG's namespace, in the icon of a page.
      [
        /organi[sz]ation|\borgs?\b|orgId|tenant_?id|workspace_?id|team_?id|customer_?id/i,
        'business',
        ['pages/page.ts'],
      ],
      [/account_?id/i, 'business or user', ['users/better-auth.ts', 'users/better-auth-social.ts']],
      [/quota/i, 'limit', []],
      // PostgreSQL's own superuser.
      [/superuser/i, 'staff', sources.filter((file) => file.startsWith('db/'))],
      [/impersonat/i, 'support session', []],
      [/bonus/i, 'grant', []],
      [/service_?account/i, 'app key', []],
    ]
    const wrong = banned.flatMap(([pattern, word, allowed]) =>
      places(pattern, except(...allowed)).map((place) => `${place} – say ${word}`),
    )
    expect(wrong).toEqual([])
  })
})

test('everything that index.ts exports says what it is', () => {
  const exported = [...text('index.ts').matchAll(/export (?:type )?\{([^}]+)\} from '\.\/([^']+)'/g)].flatMap(
    ([, names = '', file = '']) =>
      names
        .split(',')
        .map((name) => name.trim().replace(/^type /, ''))
        .filter(Boolean)
        .map((name) => ({ name: name.split(' as ')[0] ?? '', file })),
  )
  expect(exported.length).toBeGreaterThan(5)
  const silent = exported.filter(({ name, file }) => {
    const declaration = new RegExp(
      `\\*/\\nexport (declare )?(abstract )?(async )?(function\\*?|const|class|type|interface) ${name}\\b`,
    )
    return !declaration.test(text(file))
  })
  expect(silent.map(({ name, file }) => `${name} in ${file}`)).toEqual([])
})

test('every error is answered somewhere, and stands in the guide as it is', () => {
  const answered = (name: string) =>
    places(new RegExp(`'${name}'|\\b${name}\\b(?!:)`), except('errors.ts'), code).length > 0
  expect(Object.keys(errors).filter((name) => !answered(name))).toEqual([])
  const guide = readFileSync(fileURLToPath(new URL('../../docs/guide/errors.md', import.meta.url)), 'utf8')
  const told = [...guide.matchAll(/^\| (\d+) \| `(\w+)` \| ([^|]+) \|/gm)].map(([, status, name, title]) => [
    name,
    [Number(status), title],
  ])
  expect(Object.fromEntries(told)).toEqual(errors)
})

describe('a tenant table', () => {
  let freehold: TestFreehold
  let tables: string[]
  beforeAll(async () => {
    freehold = await createTestFreehold()
    const rows = await freehold.sql(
      `select c.relname as name
       from pg_class c join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'freehold'
       join pg_attribute a on a.attrelid = c.oid and a.attname = 'business_id' and a.attnotnull
       where c.relkind = 'r' order by 1`,
    )
    tables = rows.map(({ name }) => name)
  })
  afterAll(() => freehold.close())

  test('has business_id first in every key, and in every reference to another', async () => {
    const keys = await freehold.sql(
      `select c.conrelid::regclass::text as table, c.conname as name, c.contype as kind, a.attname as first,
              f.relname as target
       from pg_constraint c
       join pg_class t on t.oid = c.conrelid
       join pg_namespace n on n.oid = t.relnamespace and n.nspname = 'freehold'
       join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
       left join pg_class f on f.oid = c.confrelid
       where c.contype in ('p', 'u', 'f') and t.relname = any($1)`,
      [tables],
    )
    expect(tables.length).toBeGreaterThan(12)
    expect(keys.filter(({ kind }) => kind === 'p')).toHaveLength(tables.length)
    const isGlobal = ({ kind, target }: { kind: string; target: string }) =>
      kind === 'f' && target !== 'businesses' && !tables.includes(target)
    expect(keys.filter((key) => key.first !== 'business_id' && !isGlobal(key as never))).toEqual([])

    const indexes = await freehold.sql(
      `select i.indexrelid::regclass::text as name, a.attname as first
       from pg_index i join pg_class t on t.oid = i.indrelid
       join pg_namespace n on n.oid = t.relnamespace and n.nspname = 'freehold'
       join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
       where i.indisunique and t.relname = any($1)`,
      [tables],
    )
    expect(indexes.filter(({ first }) => first !== 'business_id')).toEqual([])
  })

  test('has row level security and one policy, which reads the setting and no other table', async () => {
    const rows = await freehold.sql(
      `select c.relname as name, c.relrowsecurity as secured, p.policyname, p.roles::text[] as roles, p.cmd, p.qual, p.with_check
       from pg_class c join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'freehold'
       left join pg_policies p on p.schemaname = 'freehold' and p.tablename = c.relname
       where c.relname = any($1) order by 1`,
      [[...tables, 'businesses']],
    )
    expect(rows).toEqual(
      [...tables, 'businesses'].toSorted().map((name) => {
        const condition = `(${name === 'businesses' ? 'id' : 'business_id'} = current_setting('app.business_id'::text, true))`
        return {
          name,
          secured: true,
          policyname: 'own_business',
          roles: ['freehold_tenant'],
          cmd: 'ALL',
          qual: condition,
          with_check: condition,
        }
      }),
    )
  })

  test('shows no row to a transaction that names no business, and only its own to one that does', async () => {
    const mine = await freehold.signUp()
    const theirs = await freehold.signUp()
    const { tenant } = freehold.ctx.db
    const seen = (businessId: string | undefined, table: string, key: string) =>
      tenant.transaction().execute(async (tx) => {
        if (businessId !== undefined) {
          await sql`select set_config('app.business_id', ${businessId}, true)`.execute(tx)
        }
        const { rows } = await sql<{ owner: string }>`
          select distinct ${sql.ref(key)} as owner from ${sql.table(`freehold.${table}`)}`.execute(tx)
        return rows.map(({ owner }) => owner)
      })

    for (const table of [...tables, 'businesses']) {
      const key = table === 'businesses' ? 'id' : 'business_id'
      expect({ [table]: await seen(undefined, table, key) }).toEqual({ [table]: [] })
      const own = await seen(mine.business.id, table, key)
      expect({ [table]: own.filter((owner) => owner !== mine.business.id) }).toEqual({ [table]: [] })
    }
    expect(await seen(mine.business.id, 'members', 'business_id')).toEqual([mine.business.id])
    expect(await seen(theirs.business.id, 'members', 'business_id')).toEqual([theirs.business.id])
    // The setting ends with its transaction, also on a connection that is used again.
    expect(await seen(undefined, 'members', 'business_id')).toEqual([])
  })

  test('takes no row for another business, and gives none away', async () => {
    const mine = await freehold.signUp()
    const theirs = await freehold.signUp()
    const within = <T>(work: Parameters<ReturnType<typeof freehold.ctx.db.tenant.transaction>['execute']>[0]) =>
      freehold.ctx.db.tenant.transaction().execute(async (tx) => {
        await sql`select set_config('app.business_id', ${mine.business.id}, true)`.execute(tx)
        return (await work(tx)) as T
      })
    const insert = within((tx) =>
      sql`insert into freehold.members (business_id, id, user_id, role, created_at)
          values (${theirs.business.id}, 'mem_intruder', ${mine.user.id}, 'owner', ${freehold.ctx.now()})`.execute(tx),
    )
    await expect(insert).rejects.toThrow(/row-level security/)
    const move = within((tx) =>
      sql`update freehold.members set business_id = ${theirs.business.id} where business_id = ${mine.business.id}`.execute(
        tx,
      ),
    )
    await expect(move).rejects.toThrow(/row-level security/)
    const take = await within<{ numAffectedRows: bigint }>((tx) =>
      sql`update freehold.members set role = 'member' where business_id = ${theirs.business.id}`.execute(tx),
    )
    expect(take.numAffectedRows).toBe(0n)
    const rename = await within<{ numAffectedRows: bigint }>((tx) =>
      sql`update freehold.businesses set name = 'taken' where id = ${theirs.business.id}`.execute(tx),
    )
    expect(rename.numAffectedRows).toBe(0n)
  })

  test('is changed by a role that owns nothing, is nothing more and has no way around', async () => {
    const [role] = await freehold.sql(
      `select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication,
              (select count(*)::int from pg_class where relowner = r.oid) as relations,
              (select count(*)::int from pg_namespace where nspowner = r.oid) as schemas,
              (select count(*)::int from pg_auth_members where member = r.oid) as memberships
       from pg_roles r where rolname = 'freehold_tenant'`,
    )
    expect(role).toEqual({
      rolsuper: false,
      rolbypassrls: false,
      rolcreaterole: false,
      rolcreatedb: false,
      rolreplication: false,
      relations: 0,
      schemas: 0,
      memberships: 0,
    })
  })

  // What one business must not see of what all of them share.
  test.each([
    ['jobs, which hold what other businesses sent', 'select * from freehold_jobs.job_common'],
    ['the data of jobs', 'select data from freehold_jobs.job_common'],
    ['mails', 'select * from freehold.mails'],
    ['sessions', 'select * from freehold.sessions'],
    ['passwords', 'select password from freehold.accounts'],
    ['second factors', 'select secret from freehold.two_factors'],
    ['who is staff', 'select * from freehold.staff'],
    ['app keys', 'select * from freehold.app_keys'],
    ['the log above businesses', 'select * from freehold.system_audit_entries'],
    ['reset links', 'select * from freehold.password_resets'],
    ['whether a user has a second factor', 'select two_factor_enabled from freehold.users'],
    ['a history to rewrite', `update freehold.audit_entries set action = 'nothing' where business_id = 'biz_x'`],
    ['a history to delete', `delete from freehold.audit_entries where business_id = 'biz_x'`],
    ['plans to change', `update freehold.plans set name = 'mine'`],
    ['a schema to change', 'create table freehold.mine (id int)'],
  ])('leaves its role without %s', async (_what, statement) => {
    await expect(sql.raw(`${statement} -- test`).execute(freehold.ctx.db.tenant)).rejects.toThrow(/permission denied/)
  })
})
