import { Type } from 'typebox'
import { FreeholdError } from '../errors.ts'
import { Instant } from '../http/instants.ts'
import { businessOf, type Routes } from '../http/request.ts'
import { closed, FeatureName, path, Time } from '../http/schemas.ts'
import { withinBusiness } from '../http/transactions.ts'
import { entitlementsNow, EntitlementsBody } from '../usage/overview.ts'
import { usageSeries } from '../usage/series.ts'
import { presentSubscription, SubscriptionBody } from './presenter.ts'
import { currentSubscription } from './subscriptions.ts'

/** What a business has bought and how much of it is used. */
export const subscriptionRoutes: Routes = (app, ctx) => {
  const usage = ['Usage']
  const params = path('businessId')

  app.get(
    '/v1/businesses/:businessId/subscription',
    {
      config: { access: 'subscription:read' },
      schema: {
        summary: 'The subscription as it is now',
        tags: ['Subscription'],
        params,
        response: { 200: SubscriptionBody },
      },
    },
    async (request) => {
      const { id, status } = businessOf(request)
      const subscription = await withinBusiness(request, (tx) => currentSubscription(tx, ctx, id))
      if (!subscription) throw new FreeholdError('not_found', 'The business has no subscription')
      return presentSubscription(subscription, status === 'active', ctx.now())
    },
  )

  app.get(
    '/v1/businesses/:businessId/entitlements',
    {
      config: { access: 'usage:read' },
      schema: {
        summary: 'What the business may use now, by feature',
        tags: usage,
        params,
        response: { 200: EntitlementsBody },
      },
    },
    (request) => {
      const { id, status } = businessOf(request)
      return withinBusiness(request, (tx) => entitlementsNow(tx, ctx, id, status === 'active'))
    },
  )

  app.get(
    '/v1/businesses/:businessId/usage',
    {
      config: { access: 'usage:read' },
      schema: {
        summary: 'Usage over time: the current period by days, unless asked otherwise',
        tags: usage,
        params,
        querystring: Type.Object(
          {
            feature: Type.Optional(FeatureName),
            from: Type.Optional(Instant),
            to: Type.Optional(Instant),
            bucket: Type.Optional(Type.Enum(['hour', 'day'])),
          },
          closed,
        ),
        response: {
          200: Type.Object({
            feature: Type.String(),
            bucket: Type.Enum(['hour', 'day']),
            items: Type.Array(Type.Object({ start: Time, amount: Type.Integer() })),
          }),
        },
      },
    },
    (request) => withinBusiness(request, (tx) => usageSeries(tx, ctx, businessOf(request).id, request.query)),
  )
}
