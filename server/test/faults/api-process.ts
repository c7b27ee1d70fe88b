import sessionRecorder from '../../../examples/session-recorder/freehold.config.ts'
import { serve } from './serve.ts'

/** One API process for fault tests: DATABASE_URL. */
await serve(sessionRecorder, process.argv[2] ?? '')
