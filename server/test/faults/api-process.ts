import module from 'node:module'
import { pino } from 'pino'
import sessionRecorder from '../../../examples/session-recorder/freehold.config.ts'
import { createFreehold } from '../../src/freehold.ts'

/** One API process for fault tests: serves the database it is given, tells its port, and waits to be killed. */
const [database = ''] = process.argv.slice(2)
const freehold = await createFreehold({
  product: sessionRecorder,
  database,
  secret: 'a secret of at least thirty-two characters',
  migrate: false,
  rateLimits: false,
  logger: pino({ level: 'silent' }),
})
const server = await freehold.server()
await server.listen({ port: 0, host: '127.0.0.1' })
// Whoever is killed keeps nothing of what it compiled.
module.flushCompileCache()
// A test that was cut off kills nothing any more.
process.once('disconnect', () => process.exit(1))
process.send?.((server.server.address() as { port: number }).port)
