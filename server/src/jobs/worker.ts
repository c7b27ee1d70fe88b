import { realTime } from '../clock.ts'
import type { Context } from '../context.ts'
import { openDelivery, type HandleEvent } from '../events/deliver.ts'
import type { Jobs } from './jobs.ts'
import { runDueSchedules, type Task } from './schedules.ts'

export type Work = {
  tasks: Record<string, Task>
  deliverMail: (mailId: string) => Promise<void>
  /** What handles an event of one of these types. */
  events: { types: string[]; handle: HandleEvent }
}

export type Worker = {
  /** Looks for events now: a notification has come. */
  lookForEvents: () => void
  /** Hands over no more events, and waits for the handlers that run. The queues are stopped with `jobs`. */
  stop: () => Promise<void>
}

/** Runs what is queued: mails, and the tasks whose time has come; and hands events over. */
export async function startWorker(ctx: Context, jobs: Jobs, { tasks, deliverMail, events }: Work): Promise<Worker> {
  const schedules = () => runDueSchedules(ctx, tasks)
  const known: Record<string, Task> = { ...tasks, schedules: { run: schedules } }

  await jobs.work('mails', 4, async ({ mailId }) => {
    await ctx.refreshClock()
    await deliverMail(String(mailId))
  })
  await jobs.work('tasks', 4, async ({ task, ...data }) => {
    await ctx.refreshClock()
    await runTask(ctx, known, String(task), data)
  })
  jobs.repeat('schedules', untilNextLook(ctx), async () => {
    await ctx.refreshClock()
    await schedules()
  })
  const delivery = openDelivery(ctx, events.types, { handle: events.handle, again: () => lookForEvents() })
  const lookForEvents = jobs.repeat('handing over events', untilNextEvents(events.types), async () => {
    await ctx.refreshClock()
    await delivery.look()
  })
  return { lookForEvents, stop: delivery.stop }
}

/** A failure is logged here and tried again by the queue. */
async function runTask(ctx: Context, known: Record<string, Task>, name: string, data: Record<string, unknown>) {
  try {
    const task = known[name]
    // Sent by a newer version while this process is still of the older: it is tried again, by then elsewhere.
    if (!task) throw new Error(`This version has no task ${name}`)
    await task.run(ctx, data)
  } catch (error) {
    ctx.log.error({ err: error, task: name }, 'a task failed')
    throw error
  }
}

/** A clock that can be moved is looked at every second; otherwise schedules have ticks on the minute only. */
const untilNextLook = (ctx: Context) => () =>
  ctx.settings.production ? 60_000 - (realTime() % 60_000) + marginMilliseconds : 1000

/** A notification may be lost. Where nothing handles them, events are only ticked off. */
const untilNextEvents = (types: string[]) => () => (types.length > 0 ? 1000 : 60_000)

// Timers may fire a moment early.
const marginMilliseconds = 50
