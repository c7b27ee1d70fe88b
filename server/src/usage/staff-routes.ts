import { Type } from 'typebox'
import { Instant, instant } from '../http/instants.ts'
import { actorOf, type Routes } from '../http/request.ts'
import { Amount, closed, FeatureName, path, Reason } from '../http/schemas.ts'
import { acrossBusinesses } from '../http/transactions.ts'
import { correctUsage } from './corrections.ts'
import { createGrant } from './grants.ts'
import { overrideLimit, restoreLimit } from './overrides.ts'
import {
  CounterBody,
  GrantBody,
  LimitOverrideBody,
  LimitValue,
  presentCounter,
  presentGrant,
  presentOverride,
} from './presenter.ts'

const most = 1_000_000_000
const Difference = Type.Unsafe<number>({
  anyOf: [
    { type: 'integer', minimum: 1, maximum: most },
    { type: 'integer', minimum: -most, maximum: -1 },
  ],
  description: 'Added to what was counted; below zero takes away',
})

/** Staff give one business more, or another limit than its plan has, and set right what was counted wrongly. */
export const staffUsageRoutes: Routes = (app, ctx) => {
  const tags = ['Staff']

  app.post(
    '/v1/staff/businesses/:id/grants',
    {
      config: { access: 'staff:write' },
      schema: {
        summary: 'Credit units of a metered feature',
        tags,
        params: path('id'),
        body: Type.Object(
          {
            feature: FeatureName,
            amount: Amount,
            reason: Reason,
            priority: Type.Optional(Type.Integer({ minimum: 0, maximum: 1000 })),
            effectiveAt: Type.Optional(Instant),
            expiresAt: Type.Optional(Instant),
          },
          closed,
        ),
        response: { 201: GrantBody },
      },
    },
    (request) =>
      acrossBusinesses(request, async (tx) => {
        const { effectiveAt, expiresAt, ...body } = request.body
        return presentGrant(
          await createGrant(tx, ctx, actorOf(request), request.params.id, {
            ...body,
            effectiveAt: instant('body/effectiveAt', effectiveAt),
            expiresAt: instant('body/expiresAt', expiresAt),
          }),
        )
      }),
  )

  app.post(
    '/v1/staff/businesses/:id/usage-corrections',
    {
      config: { access: 'staff:write' },
      schema: {
        summary: 'Set a count right, up or down',
        tags,
        params: path('id'),
        body: Type.Object(
          {
            feature: FeatureName,
            amount: Difference,
            reason: Reason,
            at: Type.Optional({ ...Instant, description: 'In the current period, or the one before; now by default' }),
          },
          closed,
        ),
        response: { 201: CounterBody },
      },
    },
    (request) =>
      acrossBusinesses(request, async (tx) => {
        const { at, ...body } = request.body
        const correction = { ...body, at: instant('body/at', at) }
        return presentCounter(await correctUsage(tx, ctx, actorOf(request), request.params.id, correction))
      }),
  )

  app.put(
    '/v1/staff/businesses/:id/limits/:feature',
    {
      config: { access: 'staff:write' },
      schema: {
        summary: 'Override a limit',
        tags,
        params: path('id', 'feature'),
        body: Type.Object({ limit: LimitValue, reason: Reason, expiresAt: Type.Optional(Instant) }, closed),
        response: { 200: LimitOverrideBody },
      },
    },
    (request) =>
      acrossBusinesses(request, async (tx) => {
        const { id, feature } = request.params
        const { expiresAt, ...body } = request.body
        const override = { ...body, expiresAt: instant('body/expiresAt', expiresAt) }
        return presentOverride(await overrideLimit(tx, ctx, actorOf(request), id, feature, override))
      }),
  )

  app.delete(
    '/v1/staff/businesses/:id/limits/:feature',
    {
      config: { access: 'staff:write' },
      schema: {
        summary: "Let the plan's limit count again",
        tags,
        params: path('id', 'feature'),
        body: Type.Object({ reason: Reason }, closed),
        response: { 204: Type.Null() },
      },
    },
    async (request) => {
      const { id, feature } = request.params
      await acrossBusinesses(request, (tx) => restoreLimit(tx, ctx, actorOf(request), id, feature, request.body.reason))
      return null
    },
  )
}
