import type { Context } from '../context.ts'
import type { Jobs } from './jobs.ts'

/**
 * Code that runs from the queue, on a schedule, or both. `schedule` is a cron expression in UTC, read on the domain's
 * clock; `data` is what the job was sent with.
 */
export type Task = { schedule?: string; run: (ctx: Context, data: Record<string, unknown>) => Promise<void> }

/** Runs what is queued: mails, and the tasks whose time has come. */
export async function startWorker(
  ctx: Context,
  jobs: Jobs,
  { tasks, deliverMail }: { tasks: Record<string, Task>; deliverMail: (mailId: string) => Promise<void> },
): Promise<void> {
  await jobs.work('mails', 4, async ({ mailId }) => deliverMail(String(mailId)))
  await jobs.work('tasks', 4, async ({ task, ...data }) => {
    await ctx.refreshClock()
    await tasks[String(task)]?.run(ctx, data)
  })
}
