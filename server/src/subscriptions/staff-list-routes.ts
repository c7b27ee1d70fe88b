import { Type } from 'typebox'
import { cursorOf } from '../audit/timeline.ts'
import type { Routes } from '../http/request.ts'
import { closed, OptionalTime, Page, PageQuery, Time } from '../http/schemas.ts'
import { acrossBusinesses } from '../http/transactions.ts'
import { SubscriptionBody } from './presenter.ts'
import { listedStates, listSubscriptions, type SubscriptionRow } from './staff-list.ts'

const { plan, price, status } = SubscriptionBody.properties

const StaffSubscriptionBody = Type.Object(
  {
    id: Type.String(),
    business: Type.Object({
      id: Type.String(),
      name: Type.String(),
      status: Type.String({ enum: ['active', 'suspended', 'closed'] }),
    }),
    plan,
    price,
    status,
    cycleStart: Time,
    cycleEnd: Time,
    trialEnd: OptionalTime,
    graceEnd: OptionalTime,
    cancelAtCycleEnd: Type.Boolean(),
    endedAt: OptionalTime,
    overdue: Type.Integer({ description: 'Minor units that should have been paid by now' }),
    overdueSince: OptionalTime,
  },
  { $id: 'StaffSubscription' },
)

/** Staff look at the subscriptions of every business at once. */
export const staffSubscriptionListRoutes: Routes = (app, ctx) => {
  app.get(
    '/v1/staff/subscriptions',
    {
      config: { access: 'staff:read' },
      schema: {
        summary: 'Subscriptions of every business, whose cycle ends first before the others',
        tags: ['Staff'],
        querystring: Type.Object(
          {
            ...PageQuery.properties,
            cursor: Type.Optional(Type.String({ maxLength: 200, description: 'nextCursor of the page before' })),
            status: Type.Optional(
              Type.Enum([...listedStates], {
                description:
                  'due: its cycle ends within a week; ending: with its cycle. Without it those that go on: in trial, active or past due',
              }),
            ),
            plan: Type.Optional(Type.String({ maxLength: 63, pattern: '^[^\\u0000]*$' })),
          },
          closed,
        ),
        response: { 200: Page(StaffSubscriptionBody) },
      },
    },
    (request) =>
      acrossBusinesses(request, async (tx) => {
        const { limit } = request.query
        const rows = await listSubscriptions(tx, ctx.now(), request.query)
        const last = rows.length > limit ? rows[limit - 1] : undefined
        const nextCursor = last ? cursorOf({ at: last.cycleEnd, id: last.id }) : null
        return { items: rows.slice(0, limit).map(present), nextCursor }
      }),
  )
}

function present(row: SubscriptionRow) {
  const { businessId, businessName, businessStatus, planName, version, priceName, ...rest } = row
  return {
    ...rest,
    business: { id: businessId, name: businessName, status: businessStatus as 'active' },
    plan: { key: row.plan, name: planName, version },
    price: { name: priceName, ...row.price },
    status: row.status as 'active',
  }
}
