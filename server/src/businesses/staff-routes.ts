import type { FastifyRequest } from 'fastify'
import { Type, type Static } from 'typebox'
import { Csv, sendCsv, type Columns } from '../http/csv.ts'
import { actorOf, type Routes } from '../http/request.ts'
import { closed, Page, page, PageQuery, path, Reason } from '../http/schemas.ts'
import { acrossBusinesses } from '../http/transactions.ts'
import { setSuspended } from '../subscriptions/suspension.ts'
import { businessById } from './businesses.ts'
import { searchBusinesses, searchedStatuses, searchOrders } from './search.ts'
import { businessPage, presentForStaff, StaffBusinessBody, StaffBusinessPage } from './staff-view.ts'

const filters = {
  search: Type.Optional(Type.String({ maxLength: 200, pattern: '^[^\\u0000-\\u001f\\u007f]*$' })),
  status: Type.Optional(
    Type.Enum(searchedStatuses, {
      description: 'Of an open business its subscription’s; ending with its cycle counts as one, too',
    }),
  ),
  plan: Type.Optional(Type.String({ maxLength: 63, pattern: '^[^\\u0000]*$' })),
  sort: Type.Optional(Type.Enum([...searchOrders], { description: 'The newest first when left out' })),
}
const BusinessQuery = Type.Object({ ...PageQuery.properties, ...filters }, closed)

const columns: Columns<Static<typeof StaffBusinessBody>> = {
  id: ({ id }) => id,
  externalId: ({ externalId }) => externalId,
  name: ({ name }) => name,
  status: ({ status }) => status,
  statusReason: ({ statusReason }) => statusReason,
  ownerName: ({ owner }) => owner?.name,
  ownerEmail: ({ owner }) => owner?.email,
  plan: ({ plan }) => plan?.key,
  subscription: ({ subscription }) => subscription?.status,
  cycleEnd: ({ subscription }) => subscription?.cycleEnd,
  cancelAtCycleEnd: ({ subscription }) => subscription?.cancelAtCycleEnd,
  createdAt: ({ createdAt }) => createdAt,
  closedAt: ({ closedAt }) => closedAt,
  fields: ({ fields }) => fields,
}

/** Staff find businesses, look at one, and suspend it. */
export const staffBusinessRoutes: Routes = (app, ctx) => {
  const tags = ['Staff']

  app.get(
    '/v1/staff/businesses',
    {
      config: { access: 'staff:read' },
      schema: {
        summary: 'Find businesses by name, e-mail, id or key',
        tags,
        querystring: BusinessQuery,
        response: { 200: Page(StaffBusinessBody) },
      },
    },
    (request) => found(request, request.query),
  )

  app.get(
    '/v1/staff/businesses.csv',
    {
      config: { access: 'staff:read' },
      schema: {
        summary: 'The same as a file for a spreadsheet, whole',
        tags,
        querystring: Type.Object(filters, closed),
        response: Csv,
      },
    },
    (request, reply) =>
      sendCsv(reply, 'businesses', columns, (query) => found(request, { ...request.query, ...query })),
  )

  const found = (request: FastifyRequest, query: Static<typeof BusinessQuery>) =>
    acrossBusinesses(request, async (tx) => {
      const { items, nextCursor } = page(await searchBusinesses(tx, ctx, query), query.limit)
      return { items: await presentForStaff(tx, ctx, items), nextCursor }
    })

  app.get(
    '/v1/staff/businesses/:id',
    {
      config: { access: 'staff:read' },
      schema: {
        summary: 'Everything about one business',
        tags,
        params: path('id'),
        response: { 200: StaffBusinessPage },
      },
    },
    (request) =>
      acrossBusinesses(request, async (tx) => businessPage(tx, ctx, await businessById(tx, request.params.id))),
  )

  app.patch(
    '/v1/staff/businesses/:id',
    {
      config: { access: 'staff:write' },
      schema: {
        summary: 'Suspend a business, or lift that',
        tags,
        params: path('id'),
        body: Type.Object({ status: Type.Enum(['suspended', 'active']), reason: Reason }, closed),
        response: { 200: StaffBusinessPage },
      },
    },
    (request) =>
      acrossBusinesses(request, async (tx) => {
        const business = await setSuspended(tx, ctx, actorOf(request), request.params.id, request.body)
        return businessPage(tx, ctx, business)
      }),
  )
}
