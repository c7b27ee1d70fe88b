import { pino } from 'pino'
import sessionRecorder from '../../examples/session-recorder/freehold.config.ts'
import { createFreehold } from '../src/freehold.ts'

/** A worker in a process of its own, for tests that kill it: node worker-process.ts DATABASE_URL. It logs to stdout. */
await createFreehold({
  product: sessionRecorder,
  database: process.argv[2] ?? '',
  secret: 'a secret of at least thirty-two characters',
  migrate: false,
  worker: true,
  logger: pino({ level: 'debug' }),
})
console.log('ready')
