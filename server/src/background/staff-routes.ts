import { Type } from 'typebox'
import { auditSystem } from '../audit/audit.ts'
import { cursorOf } from '../audit/timeline.ts'
import { FreeholdError } from '../errors.ts'
import { actorOf, type Routes } from '../http/request.ts'
import { closed, OptionalText, OptionalTime, Page, PageQuery, path, Reason, Time } from '../http/schemas.ts'
import { acrossBusinesses } from '../http/transactions.ts'
import { workerActivity } from '../jobs/activity.ts'
import { nextTick } from '../jobs/cron.ts'
import type { Task } from '../jobs/schedules.ts'
import { renewalsDue } from '../subscriptions/renewal.ts'
import { jobStates, listJobs } from './runs.ts'

const JobBody = Type.Object(
  {
    id: Type.String(),
    task: Type.String({ description: 'mail for the sending of one' }),
    mailId: OptionalText,
    state: Type.Enum([...jobStates]),
    attempts: Type.Integer(),
    error: OptionalText,
    createdAt: Time,
    startAfter: Time,
    startedAt: OptionalTime,
    endedAt: OptionalTime,
  },
  { $id: 'Job' },
)

const ScheduleBody = Type.Object(
  {
    task: Type.String(),
    schedule: Type.String({ description: 'A cron expression in UTC' }),
    lastRunAt: OptionalTime,
    nextRunAt: OptionalTime,
  },
  { $id: 'Schedule' },
)

/** Staff look after what runs in the background. The tasks are the assembly's: features do not know of each other's. */
export const staffJobRoutes =
  (tasks: Record<string, Task>): Routes =>
  (app, ctx) => {
    const tags = ['Staff']
    const scheduled = Object.entries(tasks).flatMap(([task, { schedule }]) => (schedule ? [{ task, schedule }] : []))

    app.get(
      '/v1/staff/jobs',
      {
        config: { access: 'staff:read' },
        schema: {
          summary: 'Runs of tasks and sendings of mails, newest first',
          description:
            'Those that are over are kept for some days. Times are real ones, also where the clock was moved',
          tags,
          querystring: Type.Object(
            {
              ...PageQuery.properties,
              cursor: Type.Optional(Type.String({ maxLength: 200, description: 'nextCursor of the page before' })),
              state: Type.Optional(Type.Enum([...jobStates])),
              task: Type.Optional(Type.String({ maxLength: 100, pattern: '^[^\\u0000]*$' })),
            },
            closed,
          ),
          response: { 200: Page(JobBody) },
        },
      },
      (request) =>
        acrossBusinesses(request, async (tx) => {
          const { limit } = request.query
          const rows = await listJobs(tx, request.query)
          const last = rows.length > limit ? rows[limit - 1] : undefined
          return {
            items: rows.slice(0, limit).map(({ at, ...job }) => ({ ...job, createdAt: at })),
            nextCursor: last ? cursorOf(last) : null,
          }
        }),
    )

    app.get(
      '/v1/staff/tasks',
      {
        config: { access: 'staff:read' },
        schema: {
          summary:
            'What runs on a schedule, when it last did and will next, whether workers are there to run it, and how far ' +
            'renewals are',
          tags,
          response: {
            200: Type.Object({
              items: Type.Array(ScheduleBody),
              workers: Type.Object({ alive: Type.Integer(), lastSeenAt: OptionalTime }),
              renewals: Type.Object(
                {
                  due: Type.Integer({ description: 'Subscriptions that no worker has brought up to now yet' }),
                  oldestAt: Type.Unsafe<Date | null>({
                    ...OptionalTime,
                    description: 'When the first of their cycles ended',
                  }),
                },
                { description: 'Nothing waits for these: what is read or written is right before they are' },
              ),
            }),
          },
        },
      },
      (request) =>
        acrossBusinesses(request, async (tx) => {
          const rows = await tx.selectFrom('schedules').selectAll().execute()
          const lastRuns = new Map(rows.map(({ task, lastRunAt }) => [task, lastRunAt]))
          return {
            items: scheduled.map(({ task, schedule }) => {
              const lastRunAt = lastRuns.get(task) ?? null
              return { task, schedule, lastRunAt, nextRunAt: lastRunAt && nextTick(schedule, lastRunAt) }
            }),
            workers: await workerActivity(tx),
            renewals: await renewalsDue(tx, ctx),
          }
        }),
    )

    app.post(
      '/v1/staff/tasks/:task/runs',
      {
        config: { access: 'staff:write' },
        schema: {
          summary: 'Run a scheduled task now',
          description: 'It is sent to the queue, as its schedule would do',
          tags,
          params: path('task'),
          body: Type.Object({ reason: Reason }, closed),
          response: { 202: Type.Object({ task: Type.String() }) },
        },
      },
      (request) =>
        acrossBusinesses(request, async (tx) => {
          const { task } = request.params
          if (!scheduled.some((each) => each.task === task)) throw new FreeholdError('not_found')
          await ctx.enqueue(tx, 'tasks', { task })
          await auditSystem(tx, ctx, actorOf(request), {
            action: 'task.run_now',
            target: { kind: 'task', id: task },
            after: { reason: request.body.reason },
          })
          return { task }
        }),
    )
  }
