import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import { fromKysely, PgBoss, type Db } from 'pg-boss'
import type pg from 'pg'
import type { Context } from '../context.ts'
import type { Database } from '../db/open.ts'

export const jobsSchema = 'freehold_jobs'

/** How often a worker looks for jobs whose process has died, which it starts anew. */
const lookAfterSeconds = 15

/** Sends jobs; a worker is the same with `work` called. */
export type Jobs = {
  enqueue: Context['enqueue']
  /** Starts working on a queue. A handler that throws is retried as the queue says. */
  work: (queue: string, concurrency: number, handler: (data: Record<string, unknown>) => Promise<void>) => Promise<void>
  /**
   * Does something now and again after each pause, on real time, until stopped. A failure is logged and passes. What it
   * answers cuts the pause short.
   */
  repeat: (name: string, pauseMilliseconds: () => number, work: () => Promise<void>) => () => void
  /** Waits for what is running and then stops. */
  stop: () => Promise<void>
}

/** Queues run on real time and share the application's pool, so that nothing else has to be configured. */
export async function openJobs(db: Database, log: Logger, worker: boolean): Promise<Jobs> {
  const boss = new PgBoss({
    db: onPool(db.acrossPool),
    schema: jobsSchema,
    migrate: false,
    createSchema: false,
    supervise: worker,
    schedule: false,
    superviseIntervalSeconds: lookAfterSeconds,
    monitorIntervalSeconds: lookAfterSeconds,
  })
  boss.on('error', (error) => log.warn({ error: error.message }, 'the job queue met an error'))
  try {
    await boss.start()
  } catch (error) {
    // It may have begun to look after its queues already.
    await boss.stop({ graceful: false }).catch(() => {})
    throw error
  }
  let stopping = false
  const repeating: { again: () => void; ended: Promise<void> }[] = []

  return {
    enqueue: async (tx, queue, data) => {
      await boss.send(queue, data, { db: fromKysely(tx) })
    },
    work: async (queue, concurrency, handler) => {
      await boss.work<Record<string, unknown>>(
        queue,
        { pollingIntervalSeconds: 0.5, batchSize: 1, localConcurrency: concurrency },
        async ([job]) => {
          if (job) await handler(job.data)
        },
      )
    },
    repeat: (name, pauseMilliseconds, work) => {
      let pause = new AbortController()
      const loop = async () => {
        while (!stopping) {
          pause = new AbortController()
          await work().catch((error: unknown) => log.warn({ err: error }, `${name} failed and will be tried again`))
          await delay(pauseMilliseconds(), undefined, { signal: pause.signal }).catch(() => {})
        }
      }
      const again = () => pause.abort()
      repeating.push({ again, ended: loop() })
      return again
    },
    stop: async () => {
      stopping = true
      for (const { again } of repeating) again()
      await Promise.all(repeating.map(({ ended }) => ended))
      await boss.stop({ graceful: true, timeout: 20_000 })
    },
  }
}

const onPool = (pool: pg.Pool): Db => ({
  executeSql: (text: string, values?: unknown[]) => pool.query(text, values),
})
