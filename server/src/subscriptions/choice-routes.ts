import { Type, type Static } from 'typebox'
import { actorOf, businessOf, type Routes } from '../http/request.ts'
import { closed, path, Time } from '../http/schemas.ts'
import { withinBusiness } from '../http/transactions.ts'
import { choosePlan, endPause, previewPlan, scheduleCancellation, schedulePause, undoCancellation } from './choices.ts'
import type { Subscription } from './lifecycle.ts'
import { presentSubscription, SubscriptionBody } from './presenter.ts'

const PlainText = Type.String({ minLength: 1, maxLength: 63, pattern: '^[^\\u0000]+$' })

export const PlanChangePreview = Type.Object(
  {
    direction: Type.Enum(['upgrade', 'downgrade', 'sidegrade', 'start', 'trial', 'none']),
    effectiveAt: Type.Unsafe<Date>({ ...Time, description: 'Of what is paid first: the earliest' }),
    currency: Type.String(),
    lines: Type.Array(
      Type.Object({
        kind: Type.Enum(['cycle', 'proration_credit', 'proration_charge', 'overage']),
        description: Type.String(),
        amount: Type.Integer({ description: 'Minor units; below zero for a credit' }),
        periodStart: Time,
        periodEnd: Time,
        plan: Type.String(),
        price: Type.String(),
      }),
    ),
    dueNow: Type.Integer({ description: 'Minor units, with what is in hand taken off' }),
    nextAmount: Type.Integer({ description: 'Of a whole cycle, minor units' }),
    blockers: Type.Array(Type.Object({ feature: Type.String(), used: Type.Integer(), limit: Type.Integer() }), {
      description: 'What is in use and does not fit',
    }),
    freezes: Type.Array(
      Type.Object({
        feature: Type.String(),
        used: Type.Integer(),
        limit: Type.Integer(),
        frozen: Type.Integer({ description: 'Items, the newest' }),
      }),
      { description: 'What is in use, does not fit and would be frozen' },
    ),
    quoteId: Type.String({ description: 'Sent with the change, it happens as previewed or not at all' }),
    expiresAt: Time,
  },
  { $id: 'PlanChangePreview' },
)

/** What a business decides about its subscription. */
export const choiceRoutes: Routes = (app, ctx) => {
  const tags = ['Subscription']
  const params = path('businessId')
  const config = { access: 'subscription:manage' } as const
  // A write needs an open business, so this one is.
  const present = (subscription: Subscription) => presentSubscription(subscription, true, ctx.now())

  app.put(
    '/v1/businesses/:businessId/subscription/plan',
    {
      config,
      schema: {
        summary: 'Choose a plan, or see what it would come to',
        description:
          'A plan that costs more begins once its invoice is paid (`awaitingPayment` says so until then), one that costs less at the end of the cycle.',
        tags,
        params,
        body: Type.Object(
          {
            plan: PlainText,
            price: Type.Optional(PlainText),
            preview: Type.Boolean({ default: false, description: 'Answer what it would come to; change nothing' }),
            quoteId: Type.Optional(
              Type.String({ minLength: 1, maxLength: 1000, pattern: '^[A-Za-z0-9_-]+$', description: 'Of a preview' }),
            ),
            replace: Type.Boolean({ default: false, description: 'Takes the place of a pending change' }),
            trial: Type.Boolean({
              default: false,
              description: 'Begin with the trial of the plan, which costs nothing',
            }),
          },
          closed,
        ),
        response: { 200: Type.Union([SubscriptionBody, PlanChangePreview]) },
      },
    },
    (request) => {
      const { preview, ...choice } = request.body
      const { id } = businessOf(request)
      const actor = actorOf(request)
      return withinBusiness(
        request,
        async (tx): Promise<Static<typeof SubscriptionBody> | Static<typeof PlanChangePreview>> =>
          preview ? previewPlan(tx, ctx, actor, id, choice) : present(await choosePlan(tx, ctx, actor, id, choice)),
      )
    },
  )

  app.post(
    '/v1/businesses/:businessId/subscription/cancellation',
    {
      config,
      schema: {
        summary: 'Cancel, at the end of the cycle or now',
        tags,
        params,
        body: Type.Object({ when: Type.Enum(['cycleEnd', 'now'], { default: 'cycleEnd' }) }, closed),
        response: { 200: SubscriptionBody },
      },
    },
    (request) =>
      withinBusiness(request, async (tx) => {
        const { id } = businessOf(request)
        return present(await scheduleCancellation(tx, ctx, actorOf(request), id, request.body.when))
      }),
  )

  app.delete(
    '/v1/businesses/:businessId/subscription/cancellation',
    {
      config,
      schema: { summary: 'Take a scheduled cancellation back', tags, params, response: { 204: Type.Null() } },
    },
    async (request) => {
      await withinBusiness(request, (tx) => undoCancellation(tx, ctx, actorOf(request), businessOf(request).id))
      return null
    },
  )

  app.post(
    '/v1/businesses/:businessId/subscription/pause',
    {
      config,
      schema: {
        summary: 'Pause from the end of the cycle on',
        tags,
        params,
        response: { 200: SubscriptionBody },
      },
    },
    (request) =>
      withinBusiness(request, async (tx) =>
        present(await schedulePause(tx, ctx, actorOf(request), businessOf(request).id)),
      ),
  )

  app.delete(
    '/v1/businesses/:businessId/subscription/pause',
    {
      config,
      schema: {
        summary: 'Take a scheduled pause back, or resume',
        description: 'What is paused goes on with a new cycle at the full price, once that is paid.',
        tags,
        params,
        response: { 204: Type.Null() },
      },
    },
    async (request) => {
      await withinBusiness(request, (tx) => endPause(tx, ctx, actorOf(request), businessOf(request).id))
      return null
    },
  )
}
