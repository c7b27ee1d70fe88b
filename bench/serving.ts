import { pino } from 'pino'
import sessionRecorder from '../examples/session-recorder/freehold.config.ts'
import { createFreehold } from 'freehold'

/** Serves what is measured, with nothing beside it: DATABASE_URL SECRET. Tells its port to whoever started it. */
export async function serve() {
  const [database = '', secret = ''] = process.argv.slice(2)
  const freehold = await createFreehold({
    product: sessionRecorder,
    database,
    secret,
    migrate: false,
    rateLimits: false,
    logger: pino({ level: 'silent' }),
  })
  const server = await freehold.server()
  await server.listen({ port: 0, host: '127.0.0.1' })
  process.send?.((server.server.address() as { port: number }).port)
  return { freehold, server }
}
