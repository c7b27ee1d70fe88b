import { Type } from 'typebox'
import { moveClock } from '../clock.ts'
import { invalid } from '../errors.ts'
import { instant } from '../http/instants.ts'
import type { Routes } from '../http/request.ts'
import { closed, OptionalText, OptionalTime, Time } from '../http/schemas.ts'
import { acrossBusinesses } from '../http/transactions.ts'
import { sinceTheMove } from './since-the-move.ts'

/** Beyond the year 9999 times are no RFC 3339 any more, and the clock never goes back. */
const farthestSeconds = 20 * 366 * 86_400

/** Moves the domain's clock in every process: development and tests only. */
export const clockRoutes: Routes = (app, ctx) => {
  app.get(
    '/v1/dev/clock',
    {
      config: { access: 'public' },
      schema: {
        summary: 'What time it is for the domain',
        tags: ['Development'],
        response: { 200: Type.Object({ now: Time }) },
      },
    },
    async () => ({ now: ctx.now() }),
  )

  app.get(
    '/v1/dev/clock/effects',
    {
      config: { access: 'public' },
      schema: {
        summary: 'The newest events and mails since the clock was moved the last time',
        tags: ['Development'],
        response: {
          200: Type.Object({
            from: Type.Unsafe<Date | null>({
              ...OptionalTime,
              description: 'What time it was then; null if it never was',
            }),
            items: Type.Array(
              Type.Object({
                kind: Type.String({ enum: ['event', 'mail'] }),
                id: Type.String(),
                at: Time,
                name: Type.String({ description: 'An event’s type, a mail’s subject' }),
                business: Type.Union([Type.Object({ id: Type.String(), name: Type.String() }), Type.Null()]),
                to: Type.Unsafe<string | null>({ ...OptionalText, description: 'Of a mail' }),
              }),
            ),
          }),
        },
      },
    },
    (request) => acrossBusinesses(request, sinceTheMove),
  )

  app.post(
    '/v1/dev/clock',
    {
      config: { access: 'public' },
      schema: {
        summary: 'Move the clock forward',
        tags: ['Development'],
        body: Type.Object(
          {
            now: Type.Optional(Type.String({ format: 'date-time' })),
            advanceSeconds: Type.Optional(Type.Integer({ minimum: 0, maximum: farthestSeconds })),
          },
          closed,
        ),
        response: { 200: Type.Object({ now: Time }) },
      },
    },
    async (request) => {
      const { now, advanceSeconds } = request.body
      if ((now === undefined) === (advanceSeconds === undefined))
        throw invalid('body', 'send either now or advanceSeconds')
      const current = ctx.now()
      const to = instant('body/now', now) ?? new Date(current.getTime() + (advanceSeconds ?? 0) * 1000)
      if (to < current) throw invalid('body/now', 'the clock only moves forward')
      if (to.getTime() - current.getTime() > farthestSeconds * 1000)
        throw invalid('body/now', 'is more than 20 years ahead')
      await acrossBusinesses(request, async (tx) => {
        await moveClock(tx, current, to)
        await ctx.enqueue(tx, 'tasks', { task: 'schedules' })
      })
      await ctx.refreshClock()
      return { now: ctx.now() }
    },
  )
}
