import { openEmbedded } from 'freehold/embedded'
import { createApp } from './app.ts'

/** DATABASE_URL where there is one, otherwise a PostgreSQL of its own: in DATA_DIR, or in a folder of this project's. */
const { DATABASE_URL, DATA_DIR, PORT = '3000' } = process.env
const embedded = DATABASE_URL ? undefined : await openEmbedded({ dataDir: DATA_DIR || undefined })
const app = await createApp({ databaseUrl: DATABASE_URL || (embedded?.url ?? '') })
console.log(`Session Recorder is ready at ${await app.listen({ port: Number(PORT) })}`)

// npm passes Ctrl-C on once more, which must not cut short what the first one began.
let stopping: Promise<void> | undefined
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void (stopping ??= stop()))
async function stop() {
  await app.close()
  await embedded?.stop()
}
