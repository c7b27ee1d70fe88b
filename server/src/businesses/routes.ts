import { Type } from 'typebox'
import { businessOf, userOf, actorOf, type Routes } from '../http/request.ts'
import { closed, ExternalId, fieldsOf, Name, path } from '../http/schemas.ts'
import { acrossBusinesses, withinBusiness } from '../http/transactions.ts'
import { FreeholdError } from '../errors.ts'
import { MemberBody, presentMember } from '../members/presenter.ts'
import { presentSubscription, SubscriptionBody } from '../subscriptions/presenter.ts'
import { withdrawAwaited } from '../subscriptions/settlement.ts'
import { lockSubscription } from '../subscriptions/subscriptions.ts'
import { businessById, closeBusiness, reopenBusiness, updateBusiness } from './businesses.ts'
import { foundBusiness } from './founding.ts'
import { BusinessBody, presentBusiness } from './presenter.ts'

const Founded = Type.Object({
  business: BusinessBody,
  member: MemberBody,
  subscription: SubscriptionBody,
  apiKeys: Type.Array(Type.Object({ id: Type.String(), type: Type.String(), key: Type.String() })),
})

/** The businesses themselves: founding another, changing, closing and reopening one. */
export const businessRoutes: Routes = (app, ctx) => {
  const tags = ['Businesses']
  const params = path('businessId')

  app.post(
    '/v1/businesses',
    {
      config: { access: 'user', limited: 'signup' },
      schema: {
        summary: 'Found another business; you become its owner',
        tags,
        body: Type.Object(
          { name: Name, fields: Type.Optional(fieldsOf('business')), externalId: Type.Optional(ExternalId) },
          closed,
        ),
        response: { 201: Founded },
      },
    },
    async (request) => {
      // Where people do not sign up by themselves, one who was let into a business is not let into business.
      if (ctx.product.signup.mode !== 'open') throw new FreeholdError('signup_closed')
      return acrossBusinesses(request, async (tx) => {
        const founded = await foundBusiness(tx, ctx, userOf(request), request.body)
        return {
          business: presentBusiness(founded.business),
          member: presentMember(founded.member),
          subscription: presentSubscription(founded.subscription, true, ctx.now()),
          apiKeys: founded.apiKeys,
        }
      })
    },
  )

  app.get(
    '/v1/businesses/:businessId',
    {
      config: { access: 'business:read' },
      schema: { summary: 'The business', tags, params, response: { 200: BusinessBody } },
    },
    (request) => withinBusiness(request, async (tx) => presentBusiness(await businessById(tx, businessOf(request).id))),
  )

  app.patch(
    '/v1/businesses/:businessId',
    {
      config: { access: 'business:update' },
      schema: {
        summary: 'Change its name, external id or fields',
        tags,
        params,
        body: Type.Object(
          {
            name: Type.Optional(Name),
            externalId: Type.Optional(Type.Union([ExternalId, Type.Null()])),
            fields: Type.Optional(fieldsOf('business')),
          },
          { ...closed, minProperties: 1 },
        ),
        response: { 200: BusinessBody },
      },
    },
    (request) =>
      withinBusiness(request, async (tx) =>
        presentBusiness(await updateBusiness(tx, ctx, actorOf(request), businessOf(request).id, request.body)),
      ),
  )

  app.delete(
    '/v1/businesses/:businessId',
    {
      config: { access: 'business:close' },
      schema: {
        summary: 'Close it: only reading goes on, and it can be reopened for 30 days',
        tags,
        params,
        response: { 204: Type.Null() },
      },
    },
    async (request) => {
      const { id } = businessOf(request)
      await withinBusiness(request, async (tx) => {
        await closeBusiness(tx, ctx, actorOf(request), id)
        // Nothing is bought for a business that is closed.
        await withdrawAwaited(tx, ctx, actorOf(request), await lockSubscription(tx, ctx, id))
      })
      return null
    },
  )

  app.post(
    '/v1/businesses/:businessId/reopening',
    {
      config: { access: 'business:close', anyBusinessStatus: true },
      schema: {
        summary: 'Reopen a closed business, within 30 days',
        tags,
        params,
        response: { 200: BusinessBody },
      },
    },
    (request) =>
      withinBusiness(request, async (tx) =>
        presentBusiness(await reopenBusiness(tx, ctx, actorOf(request), businessOf(request).id)),
      ),
  )
}
