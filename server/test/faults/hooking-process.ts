import module from 'node:module'
import { pino } from 'pino'
import sessionRecorder from '../../../examples/session-recorder/freehold.config.ts'
import type { Tx } from '../../src/db/open.ts'
import { createFreehold } from '../../src/freehold.ts'
import type { Hooks } from '../../src/product-hooks.ts'
import { fromKysely } from '../../src/usage/ports.ts'

/** Where a process dies: in which hook, before or after it has written its row. */
export type Death = { hook: keyof Hooks; moment: 'before' | 'after' }

/** One API process whose product has a hook everywhere, and which dies in one of them: DATABASE_URL [HOOK MOMENT]. */
const [database = '', dies, moment] = process.argv.slice(2)

const hook =
  (name: keyof Hooks) =>
  async (tx: Tx): Promise<void> => {
    if (name === dies && moment === 'before') process.kill(process.pid, 'SIGKILL')
    await fromKysely(tx).query('insert into public.hooked (name) values ($1)', [name])
    if (name === dies) process.kill(process.pid, 'SIGKILL')
  }

const freehold = await createFreehold({
  product: {
    ...sessionRecorder,
    hooks: {
      beforeSignup: hook('beforeSignup'),
      afterSignup: hook('afterSignup'),
      beforeInvite: hook('beforeInvite'),
      afterJoin: hook('afterJoin'),
    },
  },
  database,
  secret: 'a secret of at least thirty-two characters',
  migrate: false,
  rateLimits: false,
  worker: false,
  logger: pino({ level: 'silent' }),
})
const server = await freehold.server()
await server.listen({ port: 0, host: '127.0.0.1' })
module.flushCompileCache()
// A test that was cut off kills nothing any more.
process.once('disconnect', () => process.exit(1))
process.send?.((server.server.address() as { port: number }).port)
