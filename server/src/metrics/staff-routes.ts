import { Type } from 'typebox'
import type { Routes } from '../http/request.ts'
import { closed, Time } from '../http/schemas.ts'
import { acrossBusinesses } from '../http/transactions.ts'
import { metrics } from './metrics.ts'

const Money = (description: string) => Type.Integer({ description: `Minor units; ${description}` })

const MetricsBody = Type.Object(
  {
    months: Type.Array(
      Type.Object({
        month: Time,
        signUps: Type.Integer(),
        active: Type.Integer({ description: 'Open, with a subscription that goes on, at its end or now' }),
      }),
      { description: 'The oldest first; the last is not over' },
    ),
    revenue: Type.Array(
      Type.Object({
        currency: Type.String(),
        months: Type.Array(
          Type.Object({
            month: Time,
            mrr: Money('what subscriptions come to a month, at its end or now'),
            new: Money('of those who paid nothing before'),
            reactivation: Money('of those who had paid before, but not then'),
            expansion: Money('of those who pay more'),
            contraction: Money('below zero, of those who pay less'),
            churn: Money('below zero, of those who pay nothing any more'),
            paying: Type.Integer({ description: 'Businesses that pay, at its end or now' }),
            churned: Type.Integer({ description: 'Businesses that pay nothing any more' }),
            churnRate: Type.Unsafe<number | null>({
              type: ['number', 'null'],
              description: 'Of those that paid at its beginning; null where none did',
            }),
          }),
        ),
      }),
    ),
  },
  { $id: 'Metrics' },
)

/** Staff see how the product does. */
export const staffMetricRoutes: Routes = (app, ctx) => {
  app.get(
    '/v1/staff/metrics',
    {
      config: { access: 'staff:read' },
      schema: {
        summary: 'Sign-ups, active businesses and recurring revenue by months',
        description:
          'Months are those of UTC. Trials, paused subscriptions and what is used beyond a limit are no recurring revenue',
        tags: ['Staff'],
        querystring: Type.Object({ months: Type.Integer({ minimum: 1, maximum: 36, default: 12 }) }, closed),
        response: { 200: MetricsBody },
      },
    },
    (request) => acrossBusinesses(request, (tx) => metrics(tx, ctx.now(), request.query.months)),
  )
}
