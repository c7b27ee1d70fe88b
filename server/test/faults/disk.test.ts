import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, rmdirSync, statfsSync, writeFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { createTestFreehold, type TestFreehold } from '../harness.ts'
import { openJournal } from './journal.ts'

/** A small disk of its own, where whoever runs this may mount one. */
const disk = mountSmallDisk()
const tablespace = `small_${process.pid}`
const filler = join(disk ?? '', 'filler')

let freehold: TestFreehold
beforeAll(async () => {
  if (disk === undefined) return
  freehold = await createTestFreehold()
  const [{ data_directory: cluster }] = await freehold.sql('show data_directory')
  const { uid, gid } = await stat(cluster)
  execFileSync('chown', [`${uid}:${gid}`, disk])
  await freehold.sql(`create tablespace ${tablespace} location '${disk}'`)
  for (const table of ['usage_entries', 'audit_entries']) {
    await freehold.sql(`alter table freehold.${table} set tablespace ${tablespace}`)
  }
})
afterAll(async () => {
  if (disk === undefined) return
  await freehold.close()
  const admin = new pg.Client({ connectionString: inject('clusterUrl') })
  await admin.connect()
  await admin.query(`drop tablespace ${tablespace}`)
  await admin.end()
  execFileSync('umount', [disk])
  rmdirSync(disk)
})

function mountSmallDisk(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return undefined
  const folder = mkdtempSync(join(tmpdir(), 'freehold-small-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', folder], { stdio: 'ignore' })
    return folder
  } catch {
    rmdirSync(folder)
    return undefined
  }
}

/** All but a little of what is free: the next pages still find room, and soon none does. */
function fill() {
  const { bavail, bsize } = statfsSync(disk ?? '')
  writeFileSync(filler, Buffer.alloc(Math.max(0, bavail * bsize - 128 * 1024)))
}

describe.skipIf(disk === undefined)('a disk that is full (only root can mount one for it)', () => {
  test('is no false acknowledgement and nothing half written, and all goes on when there is room', async () => {
    const { business, token, apiKeys } = await freehold.signUp()
    await freehold.sql(
      `insert into freehold.limit_overrides (business_id, feature, value, reason, created_by, created_at)
       values ($1, 'recordings', 'null', 'test', 'test', $2)`,
      [business.id, freehold.ctx.now()],
    )
    const path = `/v1/businesses/${business.id}`
    const rename = (name: string) => freehold.api.patch(path, { name }, { token })
    const consume = (idempotencyKey: string) =>
      freehold.api.post('/v1/consume', { feature: 'recordings', idempotencyKey }, { token: apiKeys[0].key })
    const journal = openJournal(apiKeys[0].key, business.id)
    expect(await journal.send(freehold.base, 'before')).toBe('allowed')

    fill()
    for (let round = 0; journal.acknowledged.size === journal.attempted.size; round += 1) {
      await Promise.all(Array.from({ length: 50 }, (_, each) => journal.send(freehold.base, `${round}-${each}`)))
    }
    // A single one may find a place still where fifty found none.
    let last = 0
    while ((await journal.send(freehold.base, `last-${last}`)) === 'allowed') last += 1
    const told = await consume(`last-${last}`)
    expect(told).toMatchObject({ status: 503, body: { code: 'unavailable' } })
    expect(told.headers.get('retry-after')).toBe('1')
    expect(JSON.stringify(told.body)).not.toMatch(/space|disk|file|relation|extend/i)

    let acknowledged = business.name as string
    for (let change = 0; ; change += 1) {
      const name = `${change} ${'long '.repeat(20)}`.trim()
      const { status } = await rename(name)
      if (status === 200) acknowledged = name
      if (status !== 200) {
        expect(status).toBe(503)
        break
      }
    }
    expect(freehold.ok(await freehold.api.get(path, { token })).name).toBe(acknowledged)
    expect((await freehold.api.get('/readyz')).status).toBe(200)
    expect((await freehold.api.get(`${path}/entitlements`, { token })).status).toBe(200)

    rmSync(filler)
    const unknown = [...journal.attempted].filter((each) => !journal.acknowledged.has(each))
    for (const each of unknown) expect(await journal.send(freehold.base, each)).toBe('allowed')
    const { applied } = await journal.check(freehold)
    expect(applied).toBe(journal.attempted.size)
    expect((await rename('Room again')).status).toBe(200)
  })
})
