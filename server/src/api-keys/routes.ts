import { Type } from 'typebox'
import { instant } from '../http/instants.ts'
import { actorOf, businessOf, type Routes } from '../http/request.ts'
import { closed, Name, Page, page, PageQuery, path } from '../http/schemas.ts'
import { withinBusiness } from '../http/transactions.ts'
import { countedByKey } from '../usage/by-key.ts'
import { isCounted } from '../usage/entitlements.ts'
import { createApiKey, listApiKeys, revokeApiKey, rotateApiKey, usedSince } from './api-keys.ts'
import { ApiKeyBody, ApiKeyUsageBody, presentApiKey } from './presenter.ts'

const HandedOut = Type.Object({
  apiKey: ApiKeyBody,
  key: Type.String({ description: 'Shown this once, unless it is publishable' }),
})

/** A business's keys: what its own programs call with. */
export const apiKeyRoutes: Routes = (app, ctx) => {
  const tags = ['API keys']
  const counted = Object.entries(ctx.product.features).flatMap(([name, feature]) => (isCounted(feature) ? name : []))

  app.get(
    '/v1/businesses/:businessId/api-keys',
    {
      config: { access: 'api-keys:read' },
      schema: {
        summary: 'The keys, newest first',
        tags,
        params: path('businessId'),
        querystring: PageQuery,
        response: { 200: Page(ApiKeyBody) },
      },
    },
    async (request) => {
      const { id, permissions } = businessOf(request)
      const { limit, cursor } = request.query
      const keys = await withinBusiness(request, (tx) => listApiKeys(tx, id, limit, cursor))
      return page(
        keys.map((key) => presentApiKey(key, permissions)),
        limit,
      )
    },
  )

  app.post(
    '/v1/businesses/:businessId/api-keys',
    {
      config: { access: 'api-keys:manage' },
      schema: {
        summary: 'Make a key of a type you may do everything of yourself',
        tags,
        params: path('businessId'),
        body: Type.Object(
          {
            name: Name,
            type: Type.String({ minLength: 1, maxLength: 63 }),
            expiresAt: Type.Optional(Type.String({ format: 'date-time' })),
          },
          closed,
        ),
        response: { 201: HandedOut },
      },
    },
    (request) => {
      const { id, permissions } = businessOf(request)
      const { name, type, expiresAt } = request.body
      const details = { name, type, expiresAt: instant('body/expiresAt', expiresAt) ?? null }
      return withinBusiness(request, async (tx) => {
        const { apiKey, key } = await createApiKey(tx, ctx, actorOf(request), permissions, id, details)
        return { apiKey: presentApiKey(apiKey, permissions), key }
      })
    },
  )

  app.get(
    '/v1/businesses/:businessId/api-keys/:id/usage',
    {
      config: { access: 'api-keys:read' },
      schema: {
        summary: 'What was counted with a key since it was rotated, or made',
        tags,
        params: path('businessId', 'id'),
        response: { 200: ApiKeyUsageBody },
      },
    },
    (request) =>
      withinBusiness(request, async (tx) => {
        const { id: businessId } = businessOf(request)
        const { id } = request.params
        const since = await usedSince(tx, businessId, id)
        return { since, ...(await countedByKey(tx, businessId, id, counted, since)) }
      }),
  )

  app.post(
    '/v1/businesses/:businessId/api-keys/:id/rotate',
    {
      config: { access: 'api-keys:manage' },
      schema: {
        summary: 'Make its successor; the old key goes on working for the grace',
        tags,
        params: path('businessId', 'id'),
        body: Type.Object({ graceSeconds: Type.Integer({ minimum: 0, maximum: 604_800, default: 86_400 }) }, closed),
        response: { 201: HandedOut },
      },
    },
    (request) => {
      const { id, permissions } = businessOf(request)
      const { graceSeconds } = request.body
      return withinBusiness(request, async (tx) => {
        const { apiKey, key } = await rotateApiKey(
          tx,
          ctx,
          actorOf(request),
          permissions,
          id,
          request.params.id,
          graceSeconds,
        )
        return { apiKey: presentApiKey(apiKey, permissions), key }
      })
    },
  )

  app.delete(
    '/v1/businesses/:businessId/api-keys/:id',
    {
      config: { access: 'api-keys:manage' },
      schema: {
        summary: 'Revoke a key at once',
        tags,
        params: path('businessId', 'id'),
        response: { 204: Type.Null() },
      },
    },
    async (request) => {
      const { id } = businessOf(request)
      await withinBusiness(request, (tx) => revokeApiKey(tx, ctx, actorOf(request), id, request.params.id))
      return null
    },
  )
}
