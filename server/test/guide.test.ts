import { execFile } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

/** What the README and the guide show in TypeScript compiles, with what they call as it is. */

const root = fileURLToPath(new URL('../../', import.meta.url))
const pages = ['README.md', ...readdirSync(join(root, 'docs/guide')).map((name) => `docs/guide/${name}`)]

type Example = { name: string; code: string }
const examples: Example[] = pages.flatMap((page) => {
  const lines = readFileSync(join(root, page), 'utf8').split('\n')
  const starts = lines.flatMap((line, index) => (line === '```ts' ? [index + 1] : []))
  return starts.map((start) => ({
    name: `${page.replaceAll(/\W/g, '-')}-line-${start + 1}.ts`,
    code: lines.slice(start, lines.indexOf('```', start)).join('\n'),
  }))
})

/** A definition as short as it may be; an example has the sections it is about instead. */
const definition = {
  name: "name: 'Example',",
  permissions:
    "permissions: { 'recordings:read': 'read', 'recordings:create': 'write', 'applications:manage': 'write' },",
  keys: "keys: { sdk: { prefix: 'pk', permissions: ['recordings:create'] } },",
  features:
    "features: { recordings: { kind: 'metered' }, minutes: { kind: 'metered' }, applications: { kind: 'allocated' } },",
  plans: "plans: { growth: { name: 'Growth', cycle: days(15), price: usd(0), includes: {} } },",
  signup: "signup: { plan: 'growth', keys: ['sdk'] },",
}
const sectionsBeside = (code: string) =>
  Object.entries(definition)
    .filter(([section]) => !new RegExp(`^(defineProduct\\({ |  )?${section}:`, 'm').test(code))
    .map(([, text]) => text)
    .join('\n')

const ours = ['createFreehold', 'days', 'defineProduct', 'fromKysely', 'FreeholdError', 'months', 'Type', 'usd']

/** Makes a module of an example: what it leaves out is put beside it, a section of a definition into one. */
function moduleOf({ code }: Example): string {
  const lines = code.replaceAll(/,?\s*…/g, '').split('\n')
  const imports = lines.filter((line) => line.startsWith('import '))
  const shown = lines
    .filter((line) => !line.startsWith('import '))
    .join('\n')
    .trim()
  const missing = ours.filter((name) => !imports.some((line) => new RegExp(`\\b${name}\\b`).test(line)))
  const given = `import { ${missing.join(', ')} } from 'freehold'`
  const isSection = /^\w+: /.test(shown)
  const whole = isSection ? `defineProduct({\n${shown}\n})` : shown
  const definition = whole.replace('defineProduct({', () => `defineProduct({\n${sectionsBeside(shown)}\n`)
  return [given, ...imports, definition].join('\n')
}

/** What the examples do not make themselves: it is the reader's. */
const readers = `
import type { createFreehold } from 'freehold'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Kysely, Transaction } from 'kysely'
import type pg from 'pg'
import type definition from './freehold.config.ts'

type Tables = { recordings: { businessId: string; title: string } }
declare global {
  var app: FastifyInstance
  var businessId: string
  var database: string
  var db: Kysely<Tables>
  var pool: pg.Pool
  var product: typeof definition
  var freehold: Awaited<ReturnType<typeof createFreehold<Names>>>
  var handler: (request: FastifyRequest) => Promise<object>
  var saveRecording: (tx: Transaction<Tables>, businessId: string, body: unknown) => Promise<{ id: string }>
}
type Names = typeof definition extends { names?: infer Found } ? Found : never
`

test('every example compiles', async () => {
  expect(examples.length).toBeGreaterThan(20)
  const folder = await mkdtemp(join(tmpdir(), 'freehold-guide-'))
  try {
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
    const product = examples.find(({ name }) => name.startsWith('docs-guide-product-definition'))
    await writeFile(join(folder, 'freehold.config.ts'), product?.code ?? '')
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
    await writeFile(join(folder, 'readers.ts'), readers)
    for (const example of examples) await writeFile(join(folder, example.name), moduleOf(example))
    const settings = {
      extends: join(root, 'tsconfig.json'),
      compilerOptions: { typeRoots: [join(root, 'node_modules/@types')] },
      include: ['*.ts'],
      exclude: [],
    }
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(settings))
    const compiling = promisify(execFile)(join(root, 'node_modules/.bin/tsc'), ['-p', '.', '--pretty', 'false'], {
      cwd: folder,
    })
    // What does not compile is said on stdout; a compiler that does not run says nothing there.
    const found = await compiling.then(
      ({ stdout }) => stdout,
      (error: Error & { stdout: string }) => error.stdout || error.message,
    )
    expect(found).toBe('')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
