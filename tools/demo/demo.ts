import { rm } from 'node:fs/promises'
import { defaultDataDir } from '../../server/src/db/embedded.ts'
import { playDay } from './day.ts'
import { openStage } from './stage.ts'

/** `npm run demo`: the day, on a freshly started server with a database of its own that is removed afterwards. */
const dataDir = `${defaultDataDir(process.cwd())}-demo-${process.pid}`
const started = performance.now()
let failed = false
try {
  const stage = await openStage({ DATA_DIR: dataDir, DATABASE_URL: '' })
  process.stdout.write(`A fresh server is ready at ${stage.base}, with a second worker beside it\n\n`)
  try {
    await playDay(stage, (text) => process.stdout.write(`${text}\n`))
  } finally {
    await stage.close()
  }
} catch (error) {
  failed = true
  process.stderr.write(`\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
} finally {
  await rm(dataDir, { recursive: true, force: true })
}
const seconds = ((performance.now() - started) / 1000).toFixed(1)
process.stdout.write(failed ? `\nThe day went wrong after ${seconds} s\n` : `\nThat was the day: ${seconds} s\n`)
process.exitCode = failed ? 1 : 0
