import { sql } from 'kysely'
import { Type } from 'typebox'
import { cursorOf, position } from '../audit/timeline.ts'
import type { Queryable } from '../db/open.ts'
import type { Routes } from '../http/request.ts'
import { closed, Page, PageQuery, Time } from '../http/schemas.ts'
import { acrossBusinesses } from '../http/transactions.ts'

const ExpiringGrantBody = Type.Object(
  {
    id: Type.String(),
    business: Type.Object({ id: Type.String(), name: Type.String() }),
    feature: Type.String(),
    amount: Type.Integer(),
    remaining: Type.Integer({ description: 'When it was last reckoned; counting draws on it later' }),
    reason: Type.String(),
    expiresAt: Time,
  },
  { $id: 'ExpiringGrant' },
)

/** Staff see which credit runs out soon, so that nobody is surprised. */
export const expiringGrantRoutes: Routes = (app, ctx) => {
  app.get(
    '/v1/staff/grants',
    {
      config: { access: 'staff:read' },
      schema: {
        summary: 'Credit of every business that expires soon and is not used up',
        tags: ['Staff'],
        querystring: Type.Object(
          {
            ...PageQuery.properties,
            cursor: Type.Optional(Type.String({ maxLength: 200, description: 'nextCursor of the page before' })),
            withinDays: Type.Integer({ minimum: 1, maximum: 366, default: 7 }),
          },
          closed,
        ),
        response: { 200: Page(ExpiringGrantBody) },
      },
    },
    (request) =>
      acrossBusinesses(request, async (tx) => {
        const { limit } = request.query
        const rows = await expiring(tx, ctx.now(), request.query)
        const last = rows.length > limit ? rows[limit - 1] : undefined
        return {
          items: rows.slice(0, limit).map(({ businessId, businessName, ...grant }) => ({
            ...grant,
            business: { id: businessId, name: businessName },
          })),
          nextCursor: last ? cursorOf({ at: last.expiresAt, id: last.id }) : null,
        }
      }),
  )
}

type Row = {
  id: string
  businessId: string
  businessName: string
  feature: string
  amount: number
  remaining: number
  reason: string
  expiresAt: Date
}

async function expiring(
  db: Queryable,
  now: Date,
  { limit, cursor, withinDays }: { limit: number; cursor?: string; withinDays: number },
): Promise<Row[]> {
  const after = cursor === undefined ? undefined : position(cursor)
  const until = new Date(now.getTime() + withinDays * 86_400_000)
  const { rows } = await sql<Row>`
    select g.id, g.business_id as "businessId", b.name as "businessName", g.feature, g.amount,
      g.amount - g.drawn as remaining, g.reason, g.expires_at as "expiresAt"
    from freehold.grants g
    join freehold.businesses b on b.id = g.business_id
    where g.expires_at > ${now}::timestamptz and g.expires_at <= ${until}::timestamptz and g.drawn < g.amount
      ${after ? sql`and (g.expires_at, g.id) > (${after.at}::timestamptz, ${after.id}::text collate "C")` : sql``}
    order by g.expires_at, g.id
    limit ${limit + 1}`.execute(db)
  return rows
}
