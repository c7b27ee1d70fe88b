import type { Context } from '../context.ts'
import { acrossBusinesses } from '../db/transactions.ts'
import { nextTick } from './cron.ts'

/**
 * Code that runs from the queue, on a schedule, or both. `schedule` is a cron expression of five fields in UTC, read on
 * the domain's clock; `data` is what the job was sent with.
 *
 * A run that throws is tried again, and one whose process dies is started anew elsewhere, so a task has to be safe to
 * repeat from any point. One that takes longer than its schedule's interval, or ten minutes, may overlap itself.
 */
export type Task = { schedule?: string; run: (ctx: Context, data: Record<string, unknown>) => Promise<unknown> }

/**
 * Sends each task whose schedule had a tick since it was last sent, on the domain's clock. Every worker asks this again
 * and again; that a task is sent once is the row's doing. Many ticks missed, because no worker ran or the clock jumped,
 * are one run: tasks look at what is due, not at how often they were called.
 */
export async function runDueSchedules(ctx: Context, tasks: Record<string, Task>): Promise<void> {
  const scheduled = Object.entries(tasks).flatMap(([name, { schedule }]) => (schedule ? [{ name, schedule }] : []))
  const rows = await ctx.db.across.selectFrom('schedules').selectAll().execute()
  const lastRuns = new Map(rows.map(({ task, lastRunAt }) => [task, lastRunAt]))
  for (const { name, schedule } of scheduled) {
    const lastRunAt = lastRuns.get(name)
    if (lastRunAt === undefined) await noteFirstSight(ctx, name)
    else if (nextTick(schedule, lastRunAt) <= ctx.now()) await send(ctx, name, lastRunAt)
  }
}

/** A task that nobody has seen before begins with its next tick. */
async function noteFirstSight(ctx: Context, task: string): Promise<void> {
  await ctx.db.across
    .insertInto('schedules')
    .values({ task, lastRunAt: ctx.now() })
    .onConflict((conflict) => conflict.column('task').doNothing())
    .execute()
}

/** Of all workers that saw the tick, the one that moves the row on sends the job, in the same transaction. */
async function send(ctx: Context, task: string, lastRunAt: Date): Promise<void> {
  await acrossBusinesses(ctx.db, async (tx) => {
    const moved = await tx
      .updateTable('schedules')
      .set({ lastRunAt: ctx.now() })
      .where('task', '=', task)
      .where('lastRunAt', '=', lastRunAt)
      .executeTakeFirst()
    if (moved.numUpdatedRows > 0n) await ctx.enqueue(tx, 'tasks', { task })
  })
}
