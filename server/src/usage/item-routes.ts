import { Type } from 'typebox'
import { businessById } from '../businesses/businesses.ts'
import { businessOf, type Routes } from '../http/request.ts'
import { closed, FeatureName, OptionalTime, Page, page, path, Time } from '../http/schemas.ts'
import { acrossBusinesses, withinBusiness } from '../http/transactions.ts'
import { listItems, type HeldItem } from './items.ts'

const ItemBody = Type.Object(
  {
    itemId: Type.String(),
    allocatedAt: Time,
    frozenAt: Type.Unsafe<Date | null>({
      ...OptionalTime,
      description: 'Since when it is not to be used, because it does not fit the limit; null when it may be',
    }),
  },
  { $id: 'HeldItem' },
)

const query = Type.Object(
  {
    feature: Type.Optional(FeatureName),
    frozen: Type.Optional(Type.Boolean({ description: 'Only those that are frozen, or only those that are not' })),
    limit: Type.Integer({ minimum: 1, maximum: 100, default: 20 }),
    cursor: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 200,
        pattern: '^[^\\u0000]+$',
        description: 'nextCursor of the page before',
      }),
    ),
  },
  closed,
)

/** What is held item by item, and what of it does not fit. */
export const itemRoutes: Routes = (app, ctx) => {
  const schema = {
    summary: 'The items held of an allocated feature, by id: of the first, when none is named',
    querystring: query,
    response: { 200: Type.Object({ feature: Type.String(), ...Page(ItemBody).properties }) },
  }
  const present = ({ feature, items }: { feature: string; items: HeldItem[] }, limit: number) => {
    const { items: shown, nextCursor } = page(items, limit)
    return { feature, items: shown.map(({ id: itemId, ...item }) => ({ itemId, ...item })), nextCursor }
  }

  app.get(
    '/v1/businesses/:businessId/items',
    { config: { access: 'usage:read' }, schema: { ...schema, tags: ['Usage'], params: path('businessId') } },
    (request) =>
      withinBusiness(request, async (tx) =>
        present(await listItems(tx, ctx, businessOf(request).id, request.query), request.query.limit),
      ),
  )

  app.get(
    '/v1/staff/businesses/:id/items',
    { config: { access: 'staff:read' }, schema: { ...schema, tags: ['Staff'], params: path('id') } },
    (request) =>
      acrossBusinesses(request, async (tx) => {
        const { id } = await businessById(tx, request.params.id)
        return present(await listItems(tx, ctx, id, request.query), request.query.limit)
      }),
  )
}
