import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

/** `npm start` of the example, as a process of its own. */

let home: string
beforeEach(async () => {
  // As root it has to be a place that the database's user can enter.
  const parent = process.getuid?.() === 0 ? '/var/lib/freehold' : tmpdir()
  await mkdir(parent, { recursive: true })
  home = await mkdtemp(join(parent, 'recorder-'))
  await chmod(home, 0o755)
})
afterEach(() => rm(home, { recursive: true, force: true }))

test('without DATABASE_URL the database and the secret are in DATA_DIR', async () => {
  const dataDir = join(home, 'data')
  const child = spawn('npm', ['start'], {
    cwd: import.meta.dirname,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], DATA_DIR: dataDir, PORT: '0' },
    detached: true,
  })
  const ended = once(child, 'close')
  try {
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
    for await (const text of child.stdout.setEncoding('utf8')) {
      said += String(text)
      if (/ is ready at /.test(said)) break
    }
    const url = / is ready at (\S+)/.exec(said)?.[1]
    expect({ said, url }).toEqual({ said, url: expect.stringMatching(/^http:/) })
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
    expect(existsSync(join(dataDir, 'postgres', 'PG_VERSION'))).toBe(true)
    expect(existsSync(join(dataDir, 'secret'))).toBe(true)
  } finally {
    // The whole group, as Ctrl-C in a terminal does.
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGTERM')
    await ended
  }
  expect(existsSync(join(dataDir, 'postgres', 'postmaster.pid'))).toBe(false)
})
