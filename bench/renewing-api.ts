import { renewDue } from '../server/src/subscriptions/renewal.ts'
import { serve } from './serving.ts'

/** A process that serves, from the sources, and renews what is due when it is told. Answers how many it renewed. */
const { freehold } = await serve()
process.on('message', () => void renewDue(freehold.ctx).then(({ renewed }) => process.send?.(renewed)))
process.once('disconnect', () => process.exit(0))
