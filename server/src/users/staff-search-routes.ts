import { Type } from 'typebox'
import type { Routes } from '../http/request.ts'
import { closed, OptionalTime, Page, page, PageQuery, Time } from '../http/schemas.ts'
import { acrossBusinesses } from '../http/transactions.ts'
import { searchUsers } from './search.ts'

const FoundUserBody = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    email: Type.String(),
    disabledAt: OptionalTime,
    createdAt: Time,
    memberships: Type.Array(
      Type.Object({
        business: Type.Object({ id: Type.String(), name: Type.String() }),
        memberId: Type.String(),
        role: Type.String(),
        suspended: Type.Boolean(),
      }),
      { description: 'The last ten' },
    ),
  },
  { $id: 'FoundUser' },
)

/** Staff find people, wherever they are members. */
export const staffUserSearchRoutes: Routes = (app) => {
  app.get(
    '/v1/staff/users',
    {
      config: { access: 'staff:read' },
      schema: {
        summary: 'Find people by e-mail, name or id',
        tags: ['Staff'],
        querystring: Type.Object(
          {
            ...PageQuery.properties,
            search: Type.String({ maxLength: 200, default: '', pattern: '^[^\\u0000-\\u001f\\u007f]*$' }),
          },
          closed,
        ),
        response: { 200: Page(FoundUserBody) },
      },
    },
    (request) =>
      acrossBusinesses(request, async (tx) => page(await searchUsers(tx, request.query), request.query.limit)),
  )
}
