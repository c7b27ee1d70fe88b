import { pino, type Logger } from 'pino'
import { openClock, type Clock } from './clock.ts'
import type { Context } from './context.ts'
import { explained } from './db/explain.ts'
import { migrate } from './db/migrate.ts'
import { connectionOf, openDatabase, type Database } from './db/open.ts'
import { newId } from './ids.ts'
import type { Jobs } from './jobs/jobs.ts'
import { complete, type CompleteOptions, type FreeholdOptions } from './options.ts'
import { permissionTable } from './permissions.ts'
import { openSecrets } from './secrets.ts'

/**
 * What a command needs beside servers that may be running: the context alone. It serves nothing, listens to nothing and
 * opens the job queue only when it sends a job.
 */
export async function openContext(given: FreeholdOptions): Promise<{ ctx: Context; close: () => Promise<void> }> {
  const options = await complete(given)
  const { log, db, clock } = await explained(options.database, () => openStorage(options))
  let jobs: Promise<Jobs> | undefined
  const openQueue = async () => (await import('./jobs/jobs.ts')).openJobs(db, log, false)
  const enqueue: Context['enqueue'] = async (tx, queue, data) => (await (jobs ??= openQueue())).enqueue(tx, queue, data)
  const close = async () => {
    await (await jobs)?.stop()
    await db.close()
  }
  return { ctx: contextOf(options, { log, db, clock }, enqueue, { heard: () => false, subscribe: () => {} }), close }
}

export async function openStorage(options: CompleteOptions) {
  const { database, production } = options
  const log = options.logger ?? pino({ level: 'warn' })
  const connection = connectionOf(database)
  if (options.migrate ?? true) {
    const ran = await migrate(connection)
    if (ran.length > 0) log.info({ migrations: ran }, 'the schema is up to date')
  }
  const db = openDatabase(database)
  try {
    return { connection, log, db, clock: await openClock(db, !production) }
  } catch (error) {
    await db.close()
    throw error
  }
}

export function contextOf(
  { product, secret, production, publicUrl, rateLimits = true, socialSignIn = {} }: CompleteOptions,
  { log, db, clock }: { log: Logger; db: Database; clock: Clock },
  enqueue: Context['enqueue'],
  changes: Context['changes'],
): Context {
  return {
    product,
    permissions: permissionTable(product),
    db,
    now: clock.now,
    refreshClock: clock.refresh,
    newId: (kind) => newId(kind, clock.now()),
    log,
    secrets: openSecrets(secret),
    enqueue,
    changes,
    settings: { production, publicUrl, rateLimits, socialSignIn },
  }
}
