import { pino } from 'pino'
import sessionRecorder from '../examples/session-recorder/freehold.config.ts'
import { createFreehold } from '../server/src/freehold.ts'
import { renewDue } from '../server/src/subscriptions/renewal.ts'

/** A process that serves, and renews what is due when it is told: DATABASE_URL SECRET. Answers how many it renewed. */
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
process.on('message', () => void renewDue(freehold.ctx).then(({ renewed }) => process.send?.(renewed)))
process.once('disconnect', () => process.exit(0))
