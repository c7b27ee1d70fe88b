import { Type } from 'typebox'
import type { Routes } from '../http/request.ts'
import { closed, Page, page, PageQuery, Time } from '../http/schemas.ts'
import { acrossBusinesses } from '../http/transactions.ts'
import { presentSupportSession, SupportSessionBody } from './presenter.ts'
import { listedStates, sessionsOfAll } from './staff-list.ts'

const StaffSupportSessionBody = Type.Object(
  {
    ...SupportSessionBody.properties,
    business: Type.Object({ id: Type.String(), name: Type.String() }),
    requestedAt: Time,
  },
  { $id: 'StaffSupportSession' },
)

/** Staff see who of them looks into which business, and why. */
export const staffSupportListRoutes: Routes = (app, ctx) => {
  app.get(
    '/v1/staff/support-sessions',
    {
      config: { access: 'staff:read' },
      schema: {
        summary: 'Support sessions in every business, newest first',
        tags: ['Staff'],
        querystring: Type.Object(
          { ...PageQuery.properties, status: Type.Optional(Type.Enum([...listedStates])) },
          closed,
        ),
        response: { 200: Page(StaffSupportSessionBody) },
      },
    },
    (request) =>
      acrossBusinesses(request, async (tx) => {
        const now = ctx.now()
        const rows = await sessionsOfAll(tx, now, request.query)
        const items = rows.map(({ businessName, ...session }) => ({
          ...presentSupportSession(session, now),
          business: { id: session.businessId, name: businessName },
          requestedAt: session.requestedAt,
        }))
        return page(items, request.query.limit)
      }),
  )
}
