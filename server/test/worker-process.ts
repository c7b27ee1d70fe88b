import { pino } from 'pino'
import sessionRecorder from '../../examples/session-recorder/freehold.config.ts'
import { createFreehold } from '../src/freehold.ts'
import type { EventHandlers } from '../src/product-hooks.ts'

/**
 * A worker in a process of its own, for tests that kill it: node worker-process.ts DATABASE_URL. It logs to stdout. With
 * `hang` or `finish` it tells about every business that changes, and then hangs in that handler or not.
 */
const [, , database = '', then] = process.argv
const product = then === undefined ? sessionRecorder : { ...sessionRecorder, on: handlers(then) }

await createFreehold({
  product,
  database,
  secret: 'a secret of at least thirty-two characters',
  migrate: false,
  worker: true,
  logger: pino({ level: 'debug' }),
})
console.log('ready')

function handlers(end: string): EventHandlers {
  return {
    'business.updated': async ({ businessId, data: { name }, attempt }) => {
      console.log(`handling ${businessId} ${name} attempt ${attempt}`)
      if (end === 'hang') await new Promise(() => {})
    },
  }
}
