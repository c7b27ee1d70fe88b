import { Type } from 'typebox'
import { sql } from 'kysely'
import { instant } from '../http/instants.ts'
import type { Routes } from '../http/request.ts'
import { closed, Page, PageQuery, page, path } from '../http/schemas.ts'
import { withinBusiness } from '../http/transactions.ts'
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
      const { limit, cursor, actor, action } = request.query
      const from = instant('querystring/from', request.query.from)
      const businessId = request.freehold.business?.id ?? ''
      const rows = await withinBusiness(request, (tx) => {
        let query = tx.selectFrom('auditEntries').selectAll().where('businessId', '=', businessId)
        if (cursor) query = query.where('id', '<', cursor)
        if (from) query = query.where('at', '>=', from)
        if (action) {
          query = query.where((where) =>
            where.or([where('action', '=', action), where(sql<string>`split_part(action, '.', 1)`, '=', action)]),
          )
        }
        if (actor) {
          query = query.where((where) =>
            where.or([
              where('actorId', '=', actor),
              where('actorKind', '=', actor),
              where('actorEmail', '=', actor.toLowerCase()),
            ]),
          )
        }
        return query
          .orderBy('id', 'desc')
          .limit(limit + 1)
          .execute()
      })
      return page(rows.map(presentAuditEntry), limit)
    },
  )
}
