import { existsSync, statfsSync, statSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { openEmbedded } from '../src/db/embedded.ts'
import { migrate } from '../src/db/migrate.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The cluster's own database; every test file makes one of its own from `template`. */
    clusterUrl: string
  }
}

export const template = 'freehold_template'

/** One PostgreSQL for the whole run, in memory where there is room, and a migrated database to copy. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const home = roomy('/dev/shm') ? '/dev/shm' : process.getuid?.() === 0 ? '/var/lib/freehold' : tmpdir()
  await sweep(home)
  const dataDir = join(home, `freehold-test-${process.pid}`)
  const embedded = await openEmbedded({ dataDir, durable: false })
  project.provide('clusterUrl', embedded.url)

  const admin = new pg.Client({ connectionString: embedded.url })
  await admin.connect()
  await admin.query(`create database ${template}`)
  await admin.end()
  await migrate({ connectionString: databaseUrl(embedded.url, template) })

  return async () => {
    await embedded.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}

export function databaseUrl(clusterUrl: string, name: string): string {
  const url = new URL(clusterUrl)
  url.pathname = `/${name}`
  return url.href
}

const roomy = (folder: string) => {
  if (!existsSync(folder)) return false
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize > 2 * 1024 ** 3
}

/** Clusters of this user's runs that were killed: their process is gone. */
async function sweep(home: string): Promise<void> {
  for (const name of await readdir(home).catch(() => [])) {
    const pid = /^freehold-test-(\d+)$/.exec(name)?.[1]
    if (pid === undefined || isAlive(Number(pid))) continue
    const folder = join(home, name)
    if (statSync(folder, { throwIfNoEntry: false })?.uid !== process.getuid?.()) continue
    await openEmbedded({ dataDir: folder, durable: false }).then(
      (left) => left.stop(),
      () => {},
    )
    await rm(folder, { recursive: true, force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
