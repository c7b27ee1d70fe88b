import type { Logger } from 'pino'
import { remark } from './print.ts'

/** What goes on until somebody ends it. */
export type Running = { log: Logger; close: () => Promise<void> }

export const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Ctrl-C reaches the whole process group, and npm passes it on to us once more: what comes this soon is the same one. */
const sameMilliseconds = 1_000

/** A little less than what container platforms and load balancers commonly wait. */
const patienceMilliseconds = 25_000

type End = (exitCode: 0 | 1) => void

/** Ends in order when it is asked to, and at once when it is asked again. */
export function insistently(inOrder: (exitCode: 0 | 1) => Promise<unknown>): End {
  let asked: number | undefined
  return (exitCode) => {
    if (asked !== undefined) {
      if (performance.now() - asked < sameMilliseconds) return
      process.exit(1)
    }
    asked = performance.now()
    void inOrder(exitCode)
  }
}

/**
 * Goes on until a signal: ends in order at the first one, exit code 0, also while it is still starting; at once at a
 * second one. A fault that nobody caught ends it too, because what it left behind is unknown.
 */
export async function runUntilEnded(starting: Promise<Running>): Promise<never> {
  let running: Running | undefined
  const end = insistently(async (exitCode) => {
    setTimeout(() => {
      const within = `within ${patienceMilliseconds / 1000} seconds`
      if (running) running.log.error(`not everything ended ${within}`)
      else remark(`freehold: it did not come to its start ${within}, and is broken off`)
      process.exit(1)
    }, patienceMilliseconds).unref()
    // When starting fails there is nothing to end; whoever waits for it below reports that.
    const { log, close } = await starting.catch(() => new Promise<never>(() => {}))
    await close().catch((error: unknown) => {
      log.error({ err: error }, 'not everything could be closed')
      process.exit(1)
    })
    process.exit(exitCode)
  })
  for (const signal of signals) process.on(signal, () => end(0))

  running = await starting
  const { log } = running
  for (const fault of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(fault, (error: unknown) => {
      log.fatal({ err: error }, 'a fault that nobody caught')
      end(1)
    })
  }
  return new Promise<never>(() => {})
}
