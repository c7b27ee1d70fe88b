import { sql } from 'kysely'
import { Type } from 'typebox'
import { cursorOf, position } from '../audit/timeline.ts'
import type { Queryable } from '../db/open.ts'
import type { Routes } from '../http/request.ts'
import { closed, OptionalText, OptionalTime, Page, PageQuery, Time } from '../http/schemas.ts'
import { acrossBusinesses } from '../http/transactions.ts'

const StaffInvoiceBody = Type.Object(
  {
    id: Type.String(),
    business: Type.Object({ id: Type.String(), name: Type.String() }),
    number: OptionalText,
    currency: Type.String(),
    total: Type.Integer({ description: 'Minor units' }),
    amountDue: Type.Integer({ description: 'Minor units that are left to pay, or would be' }),
    dueAt: OptionalTime,
    createdAt: Time,
  },
  { $id: 'StaffInvoice' },
)

/** Staff see which invoices of every business need somebody: those that are overdue, and drafts that wait for them. */
export const staffInvoiceListRoutes: Routes = (app, ctx) => {
  app.get(
    '/v1/staff/invoices',
    {
      config: { access: 'staff:read' },
      schema: {
        summary: 'Invoices of every business that need somebody, the oldest first',
        tags: ['Staff'],
        querystring: Type.Object(
          {
            ...PageQuery.properties,
            cursor: Type.Optional(Type.String({ maxLength: 200, description: 'nextCursor of the page before' })),
            state: Type.Enum(['overdue', 'held'], { default: 'overdue' }),
          },
          closed,
        ),
        response: { 200: Page(StaffInvoiceBody) },
      },
    },
    (request) =>
      acrossBusinesses(request, async (tx) => {
        const { limit, state, cursor } = request.query
        const rows = await waiting(tx, ctx.now(), { limit, state, cursor })
        const last = rows.length > limit ? rows[limit - 1] : undefined
        return {
          items: rows.slice(0, limit).map(({ at: _, businessId, businessName, ...invoice }) => ({
            ...invoice,
            business: { id: businessId, name: businessName },
          })),
          nextCursor: last ? cursorOf(last) : null,
        }
      }),
  )
}

type Row = {
  at: Date
  id: string
  businessId: string
  businessName: string
  number: string | null
  currency: string
  total: number
  amountDue: number
  dueAt: Date | null
  createdAt: Date
}

async function waiting(
  db: Queryable,
  now: Date,
  { limit, state, cursor }: { limit: number; state: 'overdue' | 'held'; cursor: string | undefined },
): Promise<Row[]> {
  const after = cursor === undefined ? undefined : position(cursor)
  const at = state === 'overdue' ? sql.ref('i.due_at') : sql.ref('i.created_at')
  const { rows } = await sql<Row>`
    select ${at} as at, i.id, i.business_id as "businessId", b.name as "businessName", i.number, i.currency, i.total,
      i.total - i.credit_applied - i.amount_paid as "amountDue", i.due_at as "dueAt", i.created_at as "createdAt"
    from freehold.invoices i
    join freehold.businesses b on b.id = i.business_id
    where ${state === 'overdue' ? sql`i.status = 'open' and i.change is null and i.due_at <= ${now}::timestamptz` : sql`i.held`}
      ${after ? sql`and (${at}, i.id) > (${after.at}::timestamptz, ${after.id}::text collate "C")` : sql``}
    order by ${at}, i.id
    limit ${limit + 1}`.execute(db)
  return rows
}
