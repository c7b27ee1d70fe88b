import pg from 'pg'
import { explained } from '../db/explain.ts'
import { migrate as bringUpToDate, pendingMigrations } from '../db/migrate.ts'
import { readEnvironment } from '../environment.ts'
import { command } from './command.ts'
import { openServerMeanwhile, type Server } from './open.ts'
import { plural, print } from './print.ts'

export const migrate = command({
  options: {
    check: { type: 'boolean', about: 'Only say what is missing, and exit with 1 when something is' },
  },
  about:
    'Brings the schema up to date and prints what ran. Serving does so by itself; this is for deployments that do it ' +
    'first, with a database user of their own. It needs DATABASE_URL and nothing else.',
  run: async ({ options }) => {
    const server = await openServerMeanwhile(readEnvironment(undefined, 'database'))
    try {
      return await explained(server.url, () => (options.check ? check(server) : update(server)))
    } finally {
      await server.close()
    }
  },
})

async function update({ url }: Server): Promise<0> {
  const ran = await bringUpToDate({ connectionString: url })
  for (const name of ran) print(`ran ${name}`)
  print('The schema is up to date')
  return 0
}

async function check({ url }: Server): Promise<0 | 1> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 })
  try {
    await client.connect()
    const missing = await pendingMigrations(client)
    for (const { name } of missing) print(`missing ${name}`)
    print(missing.length > 0 ? `${plural(missing.length, 'migration')} to run` : 'The schema is up to date')
    return missing.length > 0 ? 1 : 0
  } finally {
    await client.end()
  }
}
