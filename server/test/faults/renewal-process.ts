import { once } from 'node:events'
import module from 'node:module'
import pg from 'pg'
import { pino } from 'pino'
import { createFreehold } from '../../src/freehold.ts'
import { renewDue } from '../../src/subscriptions/renewal.ts'
import product from './renewing-product.ts'

/** What a process is told: at which statement of its run it dies or stands still, and whether that has been sent by then. */
export type Fate = { signal: 'SIGKILL' | 'SIGSTOP'; statement: number; sent: boolean }

/** One renewal run in a process of its own, which ends as it is told: node renewal-process.ts DATABASE_URL. */
const [database = ''] = process.argv.slice(2)
const freehold = await createFreehold({
  product,
  database,
  secret: 'a secret of at least thirty-two characters',
  migrate: false,
  logger: pino({ level: 'silent' }),
})
module.flushCompileCache()
// Nobody is left to say how it ends.
process.once('disconnect', () => process.exit(1))
process.send?.('ready')
const [fate] = (await once(process, 'message')) as [Fate]
await freehold.ctx.refreshClock()

let statements = 0
type Query = (...values: unknown[]) => unknown
const prototype = pg.Client.prototype as unknown as { query: Query }
const query = prototype.query
prototype.query = function (this: pg.Client, ...values: unknown[]) {
  // That is the notification connection's heartbeat.
  const isOurs = values[0] !== 'select 1'
  const isTheOne = isOurs && ++statements === fate.statement
  if (isTheOne && !fate.sent) process.kill(process.pid, fate.signal)
  const answer = query.apply(this, values)
  if (isTheOne && fate.sent) process.kill(process.pid, fate.signal)
  return answer
}
const renewed = await renewDue(freehold.ctx).catch((error: Error) => error.message)
await freehold.close().catch(() => {})
process.send?.({ statements, renewed }, () => process.exit(0))
