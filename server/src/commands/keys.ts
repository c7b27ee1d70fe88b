import {
  appKeyScopes,
  createAppKey,
  listAppKeys,
  revokeAppKey,
  type AppKey,
  type AppKeyScope,
} from '../api-keys/app-keys.ts'
import { systemActor } from '../context.ts'
import { acrossBusinesses } from '../db/transactions.ts'
import { command, UsageError } from './command.ts'
import { withContext } from './open.ts'
import { plural, print, printJson, remark, table } from './print.ts'

const operator = systemActor('command line')

export const create = command({
  options: {
    scope: {
      type: 'string',
      value: appKeyScopes.join('|'),
      about: 'meter asks the gate; admin also does what staff do',
    },
    name: { type: 'string', value: 'NAME', about: 'What uses it, for the log (default: the scope)' },
    json: { type: 'boolean', about: 'Print JSON' },
  },
  about:
    "Makes a key for the product's own backend, above all businesses, and prints it: only now, because only its hash is " +
    'kept. Nothing but the key goes to stdout.',
  run: ({ options: { scope, name = scope, json }, config }) => {
    if (!isScope(scope)) throw new UsageError(`--scope must be one of ${appKeyScopes.join(', ')}`)
    return withContext(config, async (ctx) => {
      const named = { name: name ?? scope, scope }
      const { id, key } = await acrossBusinesses(ctx.db, (tx) => createAppKey(tx, ctx, operator, named))
      if (json) return printJson({ id, ...named, key })
      print(key)
      remark(`This is the key of ${id} (${named.name}, scope ${scope}). Keep it now: it is not shown again`)
    })
  },
})

export const list = command({
  options: { json: { type: 'boolean', about: 'Print JSON' } },
  about: 'Lists the app keys, newest first: never the keys themselves.',
  run: ({ options, config }) =>
    withContext(config, async (ctx) => {
      const items = await listAppKeys(ctx.db.across)
      if (options.json) return printJson({ items })
      if (items.length > 0) {
        const headings = ['ID', 'NAME', 'SCOPE', 'KEY', 'CREATED', 'LAST USED', 'REVOKED']
        const row = (key: AppKey) => [
          key.id,
          key.name,
          key.scope,
          key.hint,
          key.createdAt,
          key.lastUsedAt,
          key.revokedAt,
        ]
        print(table(headings, items.map(row)))
      }
      remark(plural(items.length, 'app key'))
    }),
})

export const revoke = command({
  positionals: ['ID'],
  about: 'Makes an app key useless, at once and for good.',
  run: ({ positionals: [id = ''], config }) =>
    withContext(config, async (ctx) => {
      await acrossBusinesses(ctx.db, (tx) => revokeAppKey(tx, ctx, operator, id))
      print(`${id} is revoked`)
    }),
})

const isScope = (scope: string | undefined): scope is AppKeyScope => appKeyScopes.includes(scope as AppKeyScope)
