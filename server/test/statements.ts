import { readFileSync } from 'node:fs'
import { afterAll } from 'vitest'
import pg from 'pg'

/**
 * Every statement that touches a tenant table must name business_id: a query that forgot its tenant fails the run, even
 * where row level security would have hidden the mistake.
 */
const schema = readFileSync(new URL('../schema.sql', import.meta.url), 'utf8')
const tenantTables = [...schema.matchAll(/create (?:unlogged )?table freehold\.(\w+) \(\n {2}business_id /g)].map(
  (match) => match[1],
)
const touchesTenant = new RegExp(`freehold"?\\."?(${tenantTables.join('|')})\\b`)

const offending = new Set<string>()
const original = pg.Client.prototype.query as (...args: unknown[]) => unknown
pg.Client.prototype.query = function (this: pg.Client, ...args: unknown[]) {
  const [statement] = args
  const text = typeof statement === 'string' ? statement : ((statement as { text?: string } | undefined)?.text ?? '')
  if (isOurs(text) && touchesTenant.test(text) && !text.includes('business_id')) offending.add(text)
  return original.apply(this, args)
} as never

// Migrations and what a test itself looks up are marked or are no single statement.
const isOurs = (text: string) => !text.includes('-- test') && /^\s*(with|select|insert|update|delete)\b/i.test(text)

afterAll(() => {
  // The next file of this process looks at its own statements.
  pg.Client.prototype.query = original as never
  if (offending.size > 0)
    throw new Error(`Statements on tenant tables without business_id:\n${[...offending].join('\n')}`)
})
