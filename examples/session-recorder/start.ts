import { defaultDataDir, openEmbedded } from 'freehold/embedded'
import { createApp } from './app.ts'

/** DATABASE_URL where there is one, otherwise a PostgreSQL of this folder's own. */
const { DATABASE_URL, PORT = '3000' } = process.env
const dataDir = defaultDataDir(process.cwd())
const embedded = DATABASE_URL === undefined ? await openEmbedded({ dataDir }) : undefined
const app = await createApp({ databaseUrl: DATABASE_URL ?? embedded?.url ?? '' })
console.log(`Session Recorder is ready at ${await app.listen({ port: Number(PORT) })}`)

process.once('SIGINT', stop)
process.once('SIGTERM', stop)
async function stop() {
  await app.close()
  await embedded?.stop()
}
