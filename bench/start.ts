/**
 * How long `npm start` takes until the server answers /readyz, on an empty data folder and again on the same one:
 * node bench/start.ts [rounds]
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { defaultDataDir } from '../server/src/db/embedded.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const rounds = Number(process.argv[2] ?? 3)
const port = 3987
const dataDir = join(dirname(defaultDataDir(root)), `freehold-start-${process.pid}`)

for (let round = 1; round <= rounds; round++) {
  const first = await startOnce()
  const second = await startOnce()
  console.log(`first start ${first.toFixed(2)} s, second start ${second.toFixed(2)} s`)
  await rm(dataDir, { recursive: true, force: true })
}

async function startOnce(): Promise<number> {
  const started = performance.now()
  const child = spawn('npm', ['start'], {
    cwd: root,
    env: { ...process.env, PORT: String(port), DATA_DIR: dataDir, LOG_LEVEL: 'warn' },
    stdio: ['ignore', 'ignore', 'inherit'],
    detached: true,
  })
  const isReady = () =>
    fetch(`http://127.0.0.1:${port}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    )
  while (!(await isReady())) {
    if (child.exitCode !== null) throw new Error(`npm start ended with ${child.exitCode}`)
    await delay(10)
  }
  const seconds = (performance.now() - started) / 1000
  process.kill(-(child.pid ?? 0), 'SIGINT')
  await once(child, 'exit')
  return seconds
}
