import { Type } from 'typebox'
import { BusinessBody, presentBusiness } from '../businesses/presenter.ts'
import { actorOf, businessOf, userOf, type Routes } from '../http/request.ts'
import { closed, Email, Page, page, PageQuery, path, Token } from '../http/schemas.ts'
import { acrossBusinesses, withinBusiness } from '../http/transactions.ts'
import { MemberBody, presentMember } from '../members/presenter.ts'
import {
  hasAccount,
  inviteMember,
  listInvitations,
  lookUpInvitation,
  resendInvitation,
  revokeInvitation,
} from './invitations.ts'
import { acceptInvitation } from './joining.ts'
import { InvitationBody, Inviter, presentInvitation, presentInviter } from './presenter.ts'

/** Inviting people into a business, and accepting. */
export const invitationRoutes: Routes = (app, ctx) => {
  const tags = ['Invitations']

  app.get(
    '/v1/businesses/:businessId/invitations',
    {
      config: { access: 'invitations:read' },
      schema: {
        summary: 'The invitations, newest first',
        tags,
        params: path('businessId'),
        querystring: PageQuery,
        response: { 200: Page(InvitationBody) },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query
      const rows = await withinBusiness(request, (tx) => listInvitations(tx, businessOf(request).id, limit, cursor))
      return page(
        rows.map((each) => presentInvitation(ctx, each)),
        limit,
      )
    },
  )

  app.post(
    '/v1/businesses/:businessId/invitations',
    {
      config: { access: 'invitations:manage', limited: 'invitations' },
      schema: {
        summary: 'Invite an e-mail; the mailed link works for 7 days',
        tags,
        params: path('businessId'),
        body: Type.Object({ email: Email, role: Type.String({ minLength: 1, maxLength: 63 }) }, closed),
        response: { 201: InvitationBody },
      },
    },
    (request) => {
      const { id, permissions } = businessOf(request)
      return withinBusiness(request, async (tx) =>
        presentInvitation(ctx, await inviteMember(tx, ctx, actorOf(request), permissions, id, request.body)),
      )
    },
  )

  app.post(
    '/v1/businesses/:businessId/invitations/:id/resend',
    {
      config: { access: 'invitations:manage', limited: 'invitations' },
      schema: {
        summary: 'Mail a new link; the old one stops working',
        tags,
        params: path('businessId', 'id'),
        response: { 200: InvitationBody },
      },
    },
    (request) => {
      const { id, permissions } = businessOf(request)
      const invitationId = request.params.id
      return withinBusiness(request, async (tx) =>
        presentInvitation(ctx, await resendInvitation(tx, ctx, actorOf(request), permissions, id, invitationId)),
      )
    },
  )

  app.delete(
    '/v1/businesses/:businessId/invitations/:id',
    {
      config: { access: 'invitations:manage' },
      schema: {
        summary: 'Revoke an invitation',
        tags,
        params: path('businessId', 'id'),
        response: { 204: Type.Null() },
      },
    },
    async (request) => {
      const { id } = businessOf(request)
      await withinBusiness(request, (tx) => revokeInvitation(tx, ctx, actorOf(request), id, request.params.id))
      return null
    },
  )

  app.post(
    '/v1/invitations/lookup',
    {
      config: { access: 'public', limited: 'credentials' },
      schema: {
        summary: 'What an invitation’s link is for; changes nothing',
        tags,
        body: Type.Object({ token: Token }, closed),
        response: {
          200: Type.Object({
            email: Type.String(),
            role: Type.String(),
            business: Type.Object({ name: Type.String() }),
            invitedBy: Inviter,
            accountExists: Type.Boolean({ description: 'Sign in and accept; otherwise sign up with the token' }),
          }),
        },
      },
    },
    (request) =>
      acrossBusinesses(request, async (tx) => {
        const { invitation, business } = await lookUpInvitation(tx, ctx, request.body.token)
        const { email, role } = invitation
        return {
          email,
          role,
          business: { name: business.name },
          invitedBy: presentInviter(invitation),
          accountExists: await hasAccount(tx, email),
        }
      }),
  )

  app.post(
    '/v1/invitations/accept',
    {
      config: { access: 'user' },
      schema: {
        summary: 'Join, signed in with the invited e-mail',
        tags,
        body: Type.Object({ token: Token }, closed),
        response: { 200: Type.Object({ business: BusinessBody, member: MemberBody }) },
      },
    },
    (request) =>
      acrossBusinesses(request, async (tx) => {
        const { business, member } = await acceptInvitation(tx, ctx, userOf(request), request.body.token)
        return { business: presentBusiness(business), member: presentMember(member) }
      }),
  )
}
