import type { Logger } from 'pino'

/** What goes on until somebody ends it. */
export type Running = { log: Logger; close: () => Promise<void> }

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Ctrl-C reaches the whole process group, and npm passes it on to us once more: what comes this soon is the same one. */
const sameMilliseconds = 1_000

/** A little less than what container platforms and load balancers commonly wait. */
const patienceMilliseconds = 25_000

/**
 * Goes on until a signal: ends in order at the first one, exit code 0, also while it is still starting; at once at a
 * second one. A fault that nobody caught ends it too, because what it left behind is unknown.
 */
export async function runUntilEnded(starting: Promise<Running>): Promise<never> {
  let asked: number | undefined
  const end = async (exitCode: 0 | 1) => {
    if (asked !== undefined) {
      if (performance.now() - asked < sameMilliseconds) return
      process.exit(1)
    }
    asked = performance.now()
    const { log, close } = await starting
    setTimeout(() => {
      log.error(`not everything ended within ${patienceMilliseconds / 1000} seconds`)
      process.exit(1)
    }, patienceMilliseconds).unref()
    await close().catch((error: unknown) => {
      log.error({ err: error }, 'not everything could be closed')
      process.exit(1)
    })
    process.exit(exitCode)
  }
  // When starting fails there is nothing to end; whoever waits for it below reports that.
  for (const signal of signals) process.on(signal, () => void end(0).catch(() => {}))

  const { log } = await starting
  for (const fault of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(fault, (error: unknown) => {
      log.fatal({ err: error }, 'a fault that nobody caught')
      void end(1)
    })
  }
  return new Promise<never>(() => {})
}
