import { Readable } from 'node:stream'
import { Type } from 'typebox'
import { instant } from '../http/instants.ts'
import { businessOf, type Routes } from '../http/request.ts'
import { closed, Page, PageQuery, page, path } from '../http/schemas.ts'
import { withinBusiness } from '../http/transactions.ts'
import { auditLines } from './csv.ts'
import { listAudit } from './list.ts'
import { AuditEntry, presentAuditEntry } from './presenter.ts'

const AuditQuery = Type.Object(
  {
    ...PageQuery.properties,
    actor: Type.Optional(Type.String({ maxLength: 254, description: 'An actor id, kind or e-mail' })),
    action: Type.Optional(
      Type.String({ maxLength: 100, description: 'invitation.created, or invitation for all of it' }),
    ),
    from: Type.Optional(Type.String({ format: 'date-time' })),
  },
  closed,
)

const { limit: _limit, cursor: _cursor, ...filters } = AuditQuery.properties
const AuditFilters = Type.Object(filters, closed)

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
    async (request) => {
      const { limit, cursor, ...filters } = request.query
      const from = instant('querystring/from', filters.from)
      const rows = await withinBusiness(request, (tx) =>
        listAudit(tx, businessOf(request).id, { ...filters, from }, limit + 1, cursor),
      )
      return page(rows.map(presentAuditEntry), limit)
    },
  )

  app.get(
    '/v1/businesses/:businessId/audit.csv',
    {
      config: { access: 'audit:read' },
      schema: {
        summary: 'The same as a file for a spreadsheet, whole',
        tags: ['Audit'],
        params: path('businessId'),
        querystring: AuditFilters,
        response: {
          200: { description: 'Lines', content: { 'text/csv': { schema: Type.Unsafe<Readable>({ type: 'string' }) } } },
        },
      },
    },
    async (request, reply) => {
      const { id } = businessOf(request)
      const from = instant('querystring/from', request.query.from)
      const lines = auditLines((cursor, limit) =>
        withinBusiness(request, (tx) => listAudit(tx, id, { ...request.query, from }, limit, cursor)),
      )
      return reply
        .type('text/csv; charset=utf-8')
        .header('content-disposition', `attachment; filename="${id}-audit.csv"`)
        .send(Readable.from(lines))
    },
  )
}
