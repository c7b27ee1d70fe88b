import type { FastifyRequest } from 'fastify'
import { Type, type Static } from 'typebox'
import { Csv, sendCsv, type Columns } from '../http/csv.ts'
import { Instant, instant } from '../http/instants.ts'
import type { Routes } from '../http/request.ts'
import { closed, Id, Page, page, PageQuery } from '../http/schemas.ts'
import { acrossBusinesses } from '../http/transactions.ts'
import { auditColumns, AuditEntry, presentAuditEntry } from './presenter.ts'
import { staffLog, staffLogKinds, type StaffLogRow } from './staff-log.ts'

const StaffAuditEntry = Type.Object(
  {
    ...AuditEntry.properties,
    business: Type.Union([Type.Object({ id: Type.String(), name: Type.String() }), Type.Null()], {
      description: 'null where it concerns no single one',
    }),
  },
  { $id: 'StaffAuditEntry' },
)

const filters = {
  actorKind: Type.Optional(
    Type.Enum([...staffLogKinds], { description: 'People and app keys when left out; system is Freehold itself' }),
  ),
  actor: Type.Optional(Type.String({ maxLength: 254, description: 'An actor’s id or e-mail' })),
  action: Type.Optional(Type.String({ maxLength: 100, description: 'invoice.voided, or invoice for all of it' })),
  businessId: Type.Optional(Id),
  from: Type.Optional(Instant),
  to: Type.Optional(Instant),
}
const StaffLogQuery = Type.Object({ ...PageQuery.properties, ...filters }, closed)

/** What staff did, wherever it was. */
export const staffLogRoutes: Routes = (app) => {
  const config = { access: 'staff:read' } as const
  const tags = ['Staff']

  app.get(
    '/v1/staff/audit',
    {
      config,
      schema: {
        summary: 'Everything staff and admin app keys did, or Freehold itself, newest first',
        tags,
        querystring: StaffLogQuery,
        response: { 200: Page(StaffAuditEntry) },
      },
    },
    (request) => entries(request, request.query),
  )

  app.get(
    '/v1/staff/audit.csv',
    {
      config,
      schema: {
        summary: 'The same as a file for a spreadsheet, whole',
        tags,
        querystring: Type.Object(filters, closed),
        response: Csv,
      },
    },
    (request, reply) =>
      sendCsv(reply, 'staff-log', columns, (query) => entries(request, { ...request.query, ...query })),
  )
}

const entries = (request: FastifyRequest, { from, to, ...query }: Static<typeof StaffLogQuery>) =>
  acrossBusinesses(request, async (tx) => {
    const rows = await staffLog(tx, {
      ...query,
      from: instant('querystring/from', from),
      to: instant('querystring/to', to),
    })
    return page(rows.map(present), query.limit)
  })

const present = (row: StaffLogRow) => ({
  ...presentAuditEntry(row),
  business: row.businessId === null ? null : { id: row.businessId, name: row.businessName ?? row.businessId },
})

const { at, ...others } = auditColumns
const columns: Columns<ReturnType<typeof present>> = {
  at,
  businessId: ({ business }) => business?.id,
  businessName: ({ business }) => business?.name,
  ...others,
}
