import type { FastifyRequest } from 'fastify'
import { Type, type Static } from 'typebox'
import { Csv, sendCsv } from '../http/csv.ts'
import { instant } from '../http/instants.ts'
import { businessOf, type Routes } from '../http/request.ts'
import { closed, Page, PageQuery, page, path } from '../http/schemas.ts'
import { withinBusiness } from '../http/transactions.ts'
import { listAudit } from './list.ts'
import { auditColumns, AuditEntry, presentAuditEntry } from './presenter.ts'

const filters = {
  actor: Type.Optional(Type.String({ maxLength: 254, description: 'An actor id, kind or e-mail' })),
  action: Type.Optional(
    Type.String({ maxLength: 100, description: 'invitation.created, or invitation for all of it' }),
  ),
  from: Type.Optional(Type.String({ format: 'date-time' })),
}
const AuditQuery = Type.Object({ ...PageQuery.properties, ...filters }, closed)

export const auditRoutes: Routes = (app) => {
  app.get(
    '/v1/businesses/:businessId/audit',
    {
      config: { access: 'audit:read' },
      schema: {
        summary: 'Everything done to and in the business, newest first',
        tags: ['Audit'],
        params: path('businessId'),
        querystring: AuditQuery,
        response: { 200: Page(AuditEntry) },
      },
    },
    (request) => entries(request, request.query),
  )

  app.get(
    '/v1/businesses/:businessId/audit.csv',
    {
      config: { access: 'audit:read' },
      schema: {
        summary: 'The same as a file for a spreadsheet, whole',
        tags: ['Audit'],
        params: path('businessId'),
        querystring: Type.Object(filters, closed),
        response: Csv,
      },
    },
    (request, reply) =>
      sendCsv(reply, `${businessOf(request).id}-audit`, auditColumns, (query) =>
        entries(request, { ...request.query, ...query }),
      ),
  )
}

async function entries(request: FastifyRequest, { limit, cursor, ...filters }: Static<typeof AuditQuery>) {
  const from = instant('querystring/from', filters.from)
  const rows = await withinBusiness(request, (tx) =>
    listAudit(tx, businessOf(request).id, { ...filters, from }, limit + 1, cursor),
  )
  return page(rows.map(presentAuditEntry), limit)
}
