/**
 * Writes what the migrations result in: server/schema.sql, for people and reviews, and server/src/db/tables.ts, the row
 * types. With --check it writes nothing and fails when either is not current.
 */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { defaultDataDir, openEmbedded } from '../../server/src/db/embedded.ts'
import { migrate } from '../../server/src/db/migrate.ts'

const server = fileURLToPath(new URL('../../server/', import.meta.url))

/** What a JSON column holds; SQL cannot say. */
const jsonTypes: Record<string, string> = {
  'plan_versions.prices':
    'Record<string, { amount: number; currency: string; interval: { unit: "day" | "week" | "month" | "year"; count: number } }>',
  'plan_versions.includes':
    'Record<string, number | boolean | null | { limit: number; overage: { price: { amount: number; currency: string }; unitsPerPrice?: number; spendCap?: { amount: number; currency: string } } }>',
  'subscriptions.pending_change':
    "{ planVersionId: string; price: string; reason?: string; charge?: 'invoice' | 'waive' }",
  'subscriptions.awaiting':
    "{ kind: 'change' | 'start' | 'resume'; planVersionId: string; price: string; invoiceId: string }",
  'usage_counters.overages':
    '{ subscriptionId: string; cycleNumber: number; plan: string; price: string; terms: { price: { amount: number; currency: string }; unitsPerPrice?: number; spendCap?: { amount: number; currency: string } }; units: number; amount: number; credited: number; isOver: boolean }[]',
  'limit_overrides.value': 'number | boolean | null',
  'audit_entries.on_behalf_of': '{ kind: "business"; id: string; name: string }',
}

const columnTypes: Record<string, string> = {
  text: 'string',
  varchar: 'string',
  bool: 'boolean',
  int4: 'number',
  int8: 'number',
  timestamptz: 'Date',
  bytea: 'Buffer',
  jsonb: 'Record<string, unknown>',
}

const temporary = `${defaultDataDir(process.cwd())}-snapshot-${process.pid}`
const database = await openEmbedded({ dataDir: temporary, durable: false })
const client = new pg.Client(database.url)
let stale = false
try {
  await migrate({ connectionString: database.url })
  await client.connect()
  await client.query("set search_path = ''")
  await keep(join(server, 'schema.sql'), await schemaText())
  await keep(join(server, 'src/db/tables.ts'), await tablesText())
} finally {
  await client.end()
  await database.stop()
  await rm(temporary, { recursive: true, force: true })
}
if (stale) {
  console.error('Generated files are not current: run `npm run schema` and commit the result')
  process.exitCode = 1
}

async function keep(path: string, text: string) {
  if (!process.argv.includes('--check')) return writeFile(path, text)
  if ((await readFile(path, 'utf8').catch(() => '')) !== text) stale = true
}

async function rows<Row>(text: string): Promise<Row[]> {
  return (await client.query(text)).rows as Row[]
}

type Column = {
  table: string
  unlogged: boolean
  column: string
  type: string
  nullable: boolean
  default: string | null
  generated: boolean
  collation: string | null
  full_type: string
}

async function columns(): Promise<Column[]> {
  return rows<Column>(`
    select c.relname as table, c.relpersistence = 'u' as unlogged, a.attname as column, t.typname as type, not a.attnotnull as nullable,
           pg_get_expr(d.adbin, d.adrelid) as default, a.attidentity <> '' as generated,
           case when co.collname = 'C' then 'C' end as collation, format_type(a.atttypid, a.atttypmod) as full_type
    from pg_catalog.pg_attribute a
    join pg_catalog.pg_class c on c.oid = a.attrelid and c.relkind = 'r'
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace and n.nspname = 'freehold'
    join pg_catalog.pg_type t on t.oid = a.atttypid
    left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    left join pg_catalog.pg_collation co on co.oid = a.attcollation
    where a.attnum > 0 and not a.attisdropped and c.relname <> 'migrations'
    order by c.relname, a.attnum`)
}

async function schemaText(): Promise<string> {
  const all = await columns()
  const constraints = await rows<{ table: string; name: string; definition: string }>(`
    select c.conrelid::regclass::text as table, c.conname as name, pg_get_constraintdef(c.oid) as definition
    from pg_catalog.pg_constraint c join pg_catalog.pg_namespace n on n.oid = c.connamespace and n.nspname = 'freehold'
    where c.contype in ('p', 'u', 'f', 'c')
    order by 1, case c.contype when 'p' then 0 when 'u' then 1 when 'f' then 2 else 3 end, 2`)
  const indexes = await rows<{ table: string; definition: string }>(`
    select i.indrelid::regclass::text as table, pg_get_indexdef(i.indexrelid) as definition
    from pg_catalog.pg_index i
    join pg_catalog.pg_class c on c.oid = i.indexrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace and n.nspname = 'freehold'
    where not exists (select from pg_catalog.pg_constraint k where k.conindid = i.indexrelid)
    order by 1, 2`)
  const policies = await rows<{ table: string; name: string; using: string; check: string }>(`
    select format('freehold.%I', tablename) as table, policyname as name, qual as using, with_check as check
    from pg_catalog.pg_policies where schemaname = 'freehold' order by 1, 2`)
  const grants = await rows<{ table: string; privileges: string }>(`
    select table_name as table, string_agg(lower(privilege_type), ', ' order by privilege_type) as privileges
    from information_schema.role_table_grants
    where grantee = 'freehold_tenant' and table_schema = 'freehold' group by 1 order by 1`)

  const tables = [...new Set(all.map((column) => column.table))]
  const text = tables.map((table) => {
    const qualified = `freehold.${table}`
    const lines = [
      ...all
        .filter((column) => column.table === table)
        .map(
          (column) =>
            `  ${column.column} ${column.full_type}${column.collation ? ` collate "${column.collation}"` : ''}` +
            `${column.nullable ? '' : ' not null'}${column.default === null ? '' : ` default ${column.default}`}`,
        ),
      ...constraints
        .filter((each) => each.table === qualified)
        .map((each) => `  constraint ${each.name} ${each.definition}`),
    ]
    const after = [
      ...indexes.filter((each) => each.table === qualified).map((each) => `${each.definition};`),
      ...policies
        .filter((each) => each.table === qualified)
        .map((each) => `-- row level security: ${each.name} using ${each.using} with check ${each.check}`),
      ...grants.filter((each) => each.table === table).map((each) => `-- freehold_tenant: ${each.privileges}`),
    ]
    const unlogged = all.some((column) => column.table === table && column.unlogged) ? 'unlogged ' : ''
    return `create ${unlogged}table ${qualified} (\n${lines.join(',\n')}\n);\n${after.map((line) => `${line}\n`).join('')}`
  })
  return `-- Generated by \`npm run schema\` from server/migrations; not run by anything.\n\n${text.join('\n')}`
}

async function tablesText(): Promise<string> {
  const all = await columns()
  const tables = [...new Set(all.map((column) => column.table))]
  const camel = (name: string) => name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
  const pascal = (name: string) => camel(`_${name}`)
  const interfaces = tables.map((table) => {
    const fields = all
      .filter((column) => column.table === table)
      .map((column) => {
        const json = jsonTypes[`${table}.${column.column}`]?.replaceAll('"', "'")
        const base = json ?? columnTypes[column.type]
        if (base === undefined) throw new Error(`No TypeScript type for ${table}.${column.column} (${column.type})`)
        const nullable = column.nullable ? ' | null' : ''
        const type =
          json !== undefined || column.type === 'jsonb'
            ? `ColumnType<${base}${nullable}, string${column.nullable ? ' | null' : ''}${column.default === null && !column.nullable ? '' : ' | undefined'}, string${nullable}>`
            : column.default !== null || column.generated
              ? `Generated<${base}${nullable}>`
              : `${base}${nullable}`
        return `  ${camel(column.column)}: ${type}`
      })
    return `export interface ${pascal(table)}Table {\n${fields.join('\n')}\n}\n`
  })
  const map = tables.map((table) => `  ${camel(table)}: ${pascal(table)}Table`)
  return (
    '// Generated by `npm run schema` from server/migrations. jsonb columns are written as JSON text.\n' +
    "import type { ColumnType, Generated } from 'kysely'\n\n" +
    `${interfaces.join('\n')}\nexport interface Tables {\n${map.join('\n')}\n}\n`
  )
}
