import { Type } from 'typebox'
import { Instant, instant } from '../http/instants.ts'
import type { Routes } from '../http/request.ts'
import { closed, Id, Page, page, PageQuery } from '../http/schemas.ts'
import { acrossBusinesses } from '../http/transactions.ts'
import { AuditEntry } from './presenter.ts'
import { staffLog, type StaffLogRow } from './staff-log.ts'

const StaffAuditEntry = Type.Object(
  {
    ...AuditEntry.properties,
    business: Type.Union([Type.Object({ id: Type.String(), name: Type.String() }), Type.Null()], {
      description: 'null where it concerns no single one',
    }),
  },
  { $id: 'StaffAuditEntry' },
)

/** What staff did, wherever it was. */
export const staffLogRoutes: Routes = (app) => {
  app.get(
    '/v1/staff/audit',
    {
      config: { access: 'staff:read' },
      schema: {
        summary: 'Everything staff and admin app keys did, newest first',
        tags: ['Staff'],
        querystring: Type.Object(
          {
            ...PageQuery.properties,
            actor: Type.Optional(Type.String({ maxLength: 254, description: 'An actor’s id or e-mail' })),
            action: Type.Optional(
              Type.String({ maxLength: 100, description: 'invoice.voided, or invoice for all of it' }),
            ),
            businessId: Type.Optional(Id),
            from: Type.Optional(Instant),
            to: Type.Optional(Instant),
          },
          closed,
        ),
        response: { 200: Page(StaffAuditEntry) },
      },
    },
    (request) =>
      acrossBusinesses(request, async (tx) => {
        const { from, to, ...query } = request.query
        const rows = await staffLog(tx, {
          ...query,
          from: instant('querystring/from', from),
          to: instant('querystring/to', to),
        })
        return page(rows.map(present), request.query.limit)
      }),
  )
}

const present = (row: StaffLogRow) => ({
  id: row.id,
  at: row.at,
  actor: { kind: row.actorKind, id: row.actorId, name: row.actorName, email: row.actorEmail },
  ...(row.onBehalfOf ? { onBehalfOf: row.onBehalfOf } : {}),
  action: row.action,
  target: row.target,
  before: row.before,
  after: row.after,
  business: row.businessId === null ? null : { id: row.businessId, name: row.businessName ?? row.businessId },
})
