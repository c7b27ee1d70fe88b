import type { FastifyRequest } from 'fastify'
import { Type, type Static } from 'typebox'
import { cursorOf } from '../audit/timeline.ts'
import { Csv, sendCsv, type Columns } from '../http/csv.ts'
import type { Routes } from '../http/request.ts'
import { closed, OptionalTime, Page, PageQuery, Time } from '../http/schemas.ts'
import { acrossBusinesses } from '../http/transactions.ts'
import { decimalOf } from '../invoices/money.ts'
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

const filters = {
  status: Type.Optional(
    Type.Enum([...listedStates], {
      description:
        'due: its cycle ends within a week; ending: with its cycle. Without it those that go on: in trial, active or past due',
    }),
  ),
  plan: Type.Optional(Type.String({ maxLength: 63, pattern: '^[^\\u0000]*$' })),
}
const SubscriptionQuery = Type.Object(
  {
    ...PageQuery.properties,
    cursor: Type.Optional(Type.String({ maxLength: 200, description: 'nextCursor of the page before' })),
    ...filters,
  },
  closed,
)

/** Staff look at the subscriptions of every business at once. */
export const staffSubscriptionListRoutes: Routes = (app, ctx) => {
  const config = { access: 'staff:read' } as const
  const tags = ['Staff']

  app.get(
    '/v1/staff/subscriptions',
    {
      config,
      schema: {
        summary: 'Subscriptions of every business, whose cycle ends first before the others',
        tags,
        querystring: SubscriptionQuery,
        response: { 200: Page(StaffSubscriptionBody) },
      },
    },
    (request) => listed(request, request.query),
  )

  app.get(
    '/v1/staff/subscriptions.csv',
    {
      config,
      schema: {
        summary: 'The same as a file for a spreadsheet, whole; amounts are in major units',
        tags,
        querystring: Type.Object(filters, closed),
        response: Csv,
      },
    },
    (request, reply) =>
      sendCsv(reply, 'subscriptions', columns, (query) => listed(request, { ...request.query, ...query })),
  )

  const listed = (request: FastifyRequest, query: Static<typeof SubscriptionQuery>) =>
    acrossBusinesses(request, async (tx) => {
      const { limit } = query
      const rows = await listSubscriptions(tx, ctx.now(), query)
      const last = rows.length > limit ? rows[limit - 1] : undefined
      const nextCursor = last ? cursorOf({ at: last.cycleEnd, id: last.id }) : null
      return { items: rows.slice(0, limit).map(present), nextCursor }
    })
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

const columns: Columns<ReturnType<typeof present>> = {
  id: ({ id }) => id,
  businessId: ({ business }) => business.id,
  businessName: ({ business }) => business.name,
  businessStatus: ({ business }) => business.status,
  plan: ({ plan }) => plan.key,
  planVersion: ({ plan }) => plan.version,
  price: ({ price }) => price.name,
  amount: ({ price }) => decimalOf(price.amount, price.currency),
  currency: ({ price }) => price.currency,
  every: ({ price: { interval } }) => `${interval.count} ${interval.unit}`,
  status: ({ status }) => status,
  cycleStart: ({ cycleStart }) => cycleStart,
  cycleEnd: ({ cycleEnd }) => cycleEnd,
  trialEnd: ({ trialEnd }) => trialEnd,
  graceEnd: ({ graceEnd }) => graceEnd,
  cancelAtCycleEnd: ({ cancelAtCycleEnd }) => cancelAtCycleEnd,
  endedAt: ({ endedAt }) => endedAt,
  overdue: ({ overdue, price }) => decimalOf(overdue, price.currency),
  overdueSince: ({ overdueSince }) => overdueSince,
}
