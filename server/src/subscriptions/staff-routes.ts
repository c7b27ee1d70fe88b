import { Type } from 'typebox'
import { businessById } from '../businesses/businesses.ts'
import type { Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { Instant, instant } from '../http/instants.ts'
import { actorOf, type Routes } from '../http/request.ts'
import { closed, path, Reason } from '../http/schemas.ts'
import { acrossBusinesses } from '../http/transactions.ts'
import type { Subscription } from './lifecycle.ts'
import { presentSubscription, SubscriptionBody } from './presenter.ts'
import { cancelByStaff, changePlanByStaff, convertByStaff, extendCycle } from './staff-changes.ts'

const When = Type.Enum(['now', 'cycleEnd'], { default: 'now' })
const Charge = Type.Enum(['invoice', 'waive'], { default: 'waive', description: 'Whether what it costs now is owed' })
const PlainText = Type.String({ minLength: 1, maxLength: 63, pattern: '^[^\\u0000]+$' })

/** Staff change one business's subscription. */
export const staffSubscriptionRoutes: Routes = (app, ctx) => {
  const tags = ['Staff']
  const config = { access: 'staff:write' } as const

  app.put(
    '/v1/staff/businesses/:id/plan',
    {
      config,
      schema: {
        summary: 'Move a business to a plan, now or at the end of its cycle',
        tags,
        params: path('id'),
        body: Type.Object(
          {
            plan: PlainText,
            price: Type.Optional(PlainText),
            reason: Reason,
            when: When,
            charge: Charge,
            replace: Type.Boolean({ default: false, description: 'Takes the place of a pending change' }),
          },
          closed,
        ),
        response: { 200: SubscriptionBody },
      },
    },
    (request) =>
      acrossBusinesses(request, async (tx) =>
        present(tx, ctx, await changePlanByStaff(tx, ctx, actorOf(request), request.params.id, request.body)),
      ),
  )

  app.post(
    '/v1/staff/businesses/:id/extension',
    {
      config,
      schema: {
        summary: 'Lengthen the cycle, or the trial',
        tags,
        params: path('id'),
        body: Type.Object(
          {
            cycleEnd: Type.Optional(Instant),
            days: Type.Optional(Type.Integer({ minimum: 1, maximum: 3660 })),
            reason: Reason,
          },
          { ...closed, description: 'With cycleEnd or with days' },
        ),
        response: { 200: SubscriptionBody },
      },
    },
    (request) =>
      acrossBusinesses(request, async (tx) => {
        const { cycleEnd, ...body } = request.body
        const extension = { ...body, cycleEnd: instant('body/cycleEnd', cycleEnd) }
        return present(tx, ctx, await extendCycle(tx, ctx, actorOf(request), request.params.id, extension))
      }),
  )

  app.post(
    '/v1/staff/businesses/:id/conversion',
    {
      config,
      schema: {
        summary: 'Make a trial what it is a trial of, now',
        tags,
        params: path('id'),
        body: Type.Object({ reason: Reason, charge: Charge }, closed),
        response: { 200: SubscriptionBody },
      },
    },
    (request) =>
      acrossBusinesses(request, async (tx) =>
        present(tx, ctx, await convertByStaff(tx, ctx, actorOf(request), request.params.id, request.body)),
      ),
  )

  app.post(
    '/v1/staff/businesses/:id/cancellation',
    {
      config,
      schema: {
        summary: 'End the subscription, now or at the end of its cycle',
        tags,
        params: path('id'),
        body: Type.Object(
          {
            reason: Reason,
            when: When,
            credit: Type.Enum(['none', 'rest'], {
              default: 'none',
              description: 'What the rest of the cycle was billed',
            }),
          },
          closed,
        ),
        response: { 200: SubscriptionBody },
      },
    },
    (request) =>
      acrossBusinesses(request, async (tx) =>
        present(tx, ctx, await cancelByStaff(tx, ctx, actorOf(request), request.params.id, request.body)),
      ),
  )
}

export async function present(tx: Tx, ctx: Context, subscription: Subscription) {
  const { status } = await businessById(tx, subscription.businessId)
  return presentSubscription(subscription, status === 'active', ctx.now())
}
