import { Type } from 'typebox'
import { actorOf, businessOf, type Routes } from '../http/request.ts'
import { closed, fieldsOf, Id, Page, page, PageQuery, path } from '../http/schemas.ts'
import { withinBusiness } from '../http/transactions.ts'
import { changeMember, listMembers, removeMember, transferOwnership } from './members.ts'
import { MemberBody, presentMember } from './presenter.ts'

/** Who belongs to a business, and as what. */
export const memberRoutes: Routes = (app, ctx) => {
  const tags = ['Members']

  app.get(
    '/v1/businesses/:businessId/members',
    {
      config: { access: 'members:read' },
      schema: {
        summary: 'The members',
        tags,
        params: path('businessId'),
        querystring: PageQuery,
        response: { 200: Page(MemberBody) },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query
      const members = await withinBusiness(request, (tx) => listMembers(tx, businessOf(request).id, limit, cursor))
      return page(members.map(presentMember), limit)
    },
  )

  app.patch(
    '/v1/businesses/:businessId/members/:memberId',
    {
      config: { access: 'members:manage' },
      schema: {
        summary: 'Change a member’s role or fields, suspend or restore them',
        tags,
        params: path('businessId', 'memberId'),
        body: Type.Object(
          {
            role: Type.Optional(Type.String({ minLength: 1, maxLength: 63 })),
            suspended: Type.Optional(Type.Boolean({ description: 'Suspending ends their access at once' })),
            fields: Type.Optional(fieldsOf('member')),
          },
          { ...closed, minProperties: 1 },
        ),
        response: { 200: MemberBody },
      },
    },
    (request) => {
      const { id, permissions } = businessOf(request)
      const { memberId } = request.params
      return withinBusiness(request, async (tx) =>
        presentMember(await changeMember(tx, ctx, actorOf(request), permissions, id, memberId, request.body)),
      )
    },
  )

  app.delete(
    '/v1/businesses/:businessId/members/:memberId',
    {
      config: { access: 'members:manage', orOneself: true },
      schema: {
        summary: 'Remove a member, or leave',
        tags,
        params: path('businessId', 'memberId'),
        response: { 204: Type.Null() },
      },
    },
    async (request) => {
      const { id, permissions } = businessOf(request)
      const { memberId } = request.params
      await withinBusiness(request, (tx) => removeMember(tx, ctx, actorOf(request), permissions, id, memberId))
      return null
    },
  )

  app.post(
    '/v1/businesses/:businessId/ownership-transfer',
    {
      config: { access: 'business:transfer' },
      schema: {
        summary: 'Make another member the owner; you become an admin',
        tags,
        params: path('businessId'),
        body: Type.Object({ memberId: Id }, closed),
        response: { 200: MemberBody },
      },
    },
    (request) =>
      withinBusiness(request, async (tx) =>
        presentMember(
          await transferOwnership(tx, ctx, actorOf(request), businessOf(request).id, request.body.memberId),
        ),
      ),
  )
}
