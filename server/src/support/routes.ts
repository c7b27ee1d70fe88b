import { Type } from 'typebox'
import type { Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { actorOf, businessOf, type Routes } from '../http/request.ts'
import { closed, Id, OptionalTime, Page, page, PageQuery, path, Reason } from '../http/schemas.ts'
import { acrossBusinesses, withinBusiness } from '../http/transactions.ts'
import { presentSupportSession, SupportSessionBody } from './presenter.ts'
import {
  answerSupportRequest,
  endOwnSupportSession,
  endSupportSession,
  listSupportSessions,
  requestSupportSession,
  setSupportPolicy,
  statusOf,
  supportPolicy,
} from './support.ts'

const Policy = Type.Enum(['always', 'ask', 'never'])

const SupportAccessBody = Type.Object({ policy: Policy, sessions: Page(SupportSessionBody) })

/** The customer's own switch and log of support sessions, and how staff start one. */
export const supportRoutes: Routes = (app, ctx) => {
  const tags = ['Support']
  // Also while the business is suspended: whoever looks in may be sent away.
  const manage = { access: 'support:manage', anyBusinessStatus: true } as const

  app.get(
    '/v1/businesses/:businessId/support-access',
    {
      config: { access: 'support:read' },
      schema: {
        summary: 'Who may look in, and who did',
        tags,
        params: path('businessId'),
        querystring: PageQuery,
        response: { 200: SupportAccessBody },
      },
    },
    (request) => withinBusiness(request, (tx) => supportAccess(tx, ctx, businessOf(request).id, request.query)),
  )

  app.put(
    '/v1/businesses/:businessId/support-access',
    {
      config: manage,
      schema: {
        summary: 'Decide who may look in; never ends every session',
        tags,
        params: path('businessId'),
        body: Type.Object({ policy: Policy }, closed),
        response: { 200: SupportAccessBody },
      },
    },
    (request) =>
      withinBusiness(request, async (tx) => {
        const { id } = businessOf(request)
        await setSupportPolicy(tx, ctx, actorOf(request), id, request.body.policy)
        return supportAccess(tx, ctx, id, { limit: 20 })
      }),
  )

  app.post(
    '/v1/businesses/:businessId/support-access/requests/:id',
    {
      config: manage,
      schema: {
        summary: 'Answer a request to look in',
        tags,
        params: path('businessId', 'id'),
        body: Type.Object({ approve: Type.Boolean() }, closed),
        response: { 200: SupportSessionBody },
      },
    },
    (request) =>
      withinBusiness(request, async (tx) => {
        const { approve } = request.body
        const business = businessOf(request)
        const session = await answerSupportRequest(tx, ctx, actorOf(request), business.id, request.params.id, approve)
        return presentSupportSession(session, ctx.now())
      }),
  )

  app.delete(
    '/v1/businesses/:businessId/support-access/sessions/:id',
    {
      config: manage,
      schema: {
        summary: 'End a support session',
        tags,
        params: path('businessId', 'id'),
        response: { 204: Type.Null() },
      },
    },
    async (request) => {
      await withinBusiness(request, (tx) =>
        endSupportSession(tx, ctx, actorOf(request), businessOf(request).id, request.params.id),
      )
      return null
    },
  )

  app.post(
    '/v1/staff/support-sessions',
    {
      config: { access: 'staff:write' },
      schema: {
        summary: "Look into a business's account, or ask to",
        tags: ['Staff'],
        body: Type.Object(
          {
            businessId: Id,
            reason: Reason,
            minutes: Type.Integer({ minimum: 5, maximum: 60, default: 30 }),
            access: Type.Enum(['read', 'write'], { default: 'read' }),
          },
          closed,
        ),
        response: {
          201: Type.Object({
            id: Type.String(),
            token: Type.String({ description: 'Works while the session is active' }),
            expiresAt: OptionalTime,
            status: SupportSessionBody.properties.status,
          }),
        },
      },
    },
    (request) =>
      acrossBusinesses(request, async (tx) => {
        const { session, token } = await requestSupportSession(tx, ctx, actorOf(request), request.body)
        return { id: session.id, token, expiresAt: session.expiresAt, status: statusOf(session, ctx.now()) }
      }),
  )

  app.delete(
    '/v1/staff/support-sessions/:id',
    {
      config: { access: 'staff:write' },
      schema: {
        summary: 'End a support session of your own',
        tags: ['Staff'],
        params: path('id'),
        response: { 204: Type.Null() },
      },
    },
    async (request) => {
      await acrossBusinesses(request, (tx) => endOwnSupportSession(tx, ctx, actorOf(request), request.params.id))
      return null
    },
  )
}

async function supportAccess(tx: Tx, ctx: Context, businessId: string, { limit, cursor }: PageQuery) {
  const policy = await supportPolicy(tx, businessId)
  const sessions = await listSupportSessions(tx, businessId, limit, cursor)
  return {
    policy,
    sessions: page(
      sessions.map((each) => presentSupportSession(each, ctx.now())),
      limit,
    ),
  }
}
