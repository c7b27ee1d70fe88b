import sessionRecorder from '../../../examples/session-recorder/freehold.config.ts'
import type { Tx } from '../../src/db/open.ts'
import type { Hooks } from '../../src/product-hooks.ts'
import { fromKysely } from '../../src/usage/ports.ts'
import { serve } from './serve.ts'

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

const hooks = {
  beforeSignup: hook('beforeSignup'),
  afterSignup: hook('afterSignup'),
  beforeInvite: hook('beforeInvite'),
  afterJoin: hook('afterJoin'),
}

await serve({ ...sessionRecorder, hooks }, database)
