import { command } from './command.ts'
import { openFreehold } from './open.ts'
import { runUntilEnded, type Running } from './stopping.ts'

export const work = command({
  about:
    'Runs jobs and tasks without serving, until it is told to end (Ctrl-C, SIGTERM): it then finishes what it is working ' +
    'on. Any number of processes may work on one database.',
  run: ({ config }) => runUntilEnded(working(config)),
})

async function working(config: string | undefined): Promise<Running> {
  const { freehold, log, close } = await openFreehold(config, { worker: true })
  log.info(`working for ${freehold.ctx.product.name}`)
  return { log, close }
}
