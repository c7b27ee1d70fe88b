import { Type } from 'typebox'
import { auditSystem } from '../audit/audit.ts'
import { BusinessBody, presentBusiness } from '../businesses/presenter.ts'
import { businessById } from '../businesses/businesses.ts'
import type { Actor, Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { FreeholdError, invalid } from '../errors.ts'
import { changedFields } from '../http/fields.ts'
import { actorOf, userOf, type Routes } from '../http/request.ts'
import {
  closed,
  Email,
  fieldsOf,
  Name,
  OptionalText,
  page,
  Page,
  PageQuery,
  Password,
  path,
  Time,
} from '../http/schemas.ts'
import { acrossBusinesses } from '../http/transactions.ts'
import { sendMail } from '../mail/mail.ts'
import { presentSubscription, SubscriptionBody } from '../subscriptions/presenter.ts'
import { currentSubscription } from '../subscriptions/subscriptions.ts'
import { supportPermissions } from '../permissions.ts'
import { endSessions, setPassword } from './better-auth.ts'
import { requestEmailChange } from './email-verifications.ts'
import { passwordChangedMail } from './mail.ts'
import { auditMemberships, Membership, membershipsOf } from './memberships.ts'
import { checkPassword, hashPassword, proveAgain, stillProved } from './passwords.ts'
import { userById, UserBody } from './presenter.ts'
import { accepted, Accepted } from './routes.ts'
import { endOtherSessions, endSession, listSessions } from './sessions.ts'

const Me = Type.Object(
  {
    user: Type.Optional(UserBody),
    staff: Type.Optional(Type.Boolean()),
    memberships: Type.Optional(Type.Array(Membership)),
    invitations: Type.Optional(
      Type.Array(
        Type.Object({
          id: Type.String(),
          business: Type.Object({ id: Type.String(), name: Type.String() }),
          role: Type.String(),
          expiresAt: Time,
        }),
      ),
    ),
    apiKey: Type.Optional(Type.Object({ id: Type.String(), name: Type.String(), type: Type.String() })),
    appKey: Type.Optional(Type.Object({ id: Type.String(), name: Type.String(), scope: Type.String() })),
    supportSession: Type.Optional(Type.Object({ id: Type.String(), access: Type.String() })),
    business: Type.Optional(BusinessBody),
    permissions: Type.Optional(Type.Array(Type.String())),
    subscription: Type.Optional(Type.Union([SubscriptionBody, Type.Null()])),
  },
  { $id: 'Me' },
)

const Session = Type.Object(
  {
    id: Type.String(),
    current: Type.Boolean(),
    ipAddress: OptionalText,
    userAgent: OptionalText,
    createdAt: Time,
    lastUsedAt: Time,
    expiresAt: Time,
  },
  { $id: 'Session' },
)

/** What a person sees and changes about themselves; a key sees what it is. */
export const meRoutes: Routes = (app, ctx) => {
  const tags = ['Me']
  const config = { access: 'user' } as const

  app.get(
    '/v1/me',
    {
      config: { access: 'credential' },
      schema: { summary: 'Who this credential is, and what it may do', tags, response: { 200: Me } },
    },
    (request) => acrossBusinesses(request, (tx) => describe(tx, ctx, actorOf(request))),
  )

  app.patch(
    '/v1/me',
    {
      config,
      schema: {
        summary: 'Change your name or fields',
        tags,
        body: Type.Object(
          { firstName: Type.Optional(Name), lastName: Type.Optional(Name), fields: Type.Optional(fieldsOf('user')) },
          closed,
        ),
        response: { 200: UserBody },
      },
    },
    (request) => acrossBusinesses(request, (tx) => updateProfile(tx, ctx, userOf(request), request.body)),
  )

  app.put(
    '/v1/me/password',
    {
      config: { ...config, limited: 'credentials' },
      schema: {
        summary: 'Change your password; every other session ends',
        tags,
        body: Type.Object(
          { currentPassword: Type.String({ minLength: 1, maxLength: 128 }), password: Password },
          closed,
        ),
        response: { 200: UserBody },
      },
    },
    async (request) => {
      const user = userOf(request)
      const { currentPassword, password } = request.body
      checkPassword('body/password', password, user.email)
      const proved = await proveAgain(ctx, user.id, currentPassword)
      const passwordHash = proved && (await hashPassword(password))
      return acrossBusinesses(request, async (tx) => {
        if (!passwordHash || !(await stillProved(tx, proved))) throw invalid('body/currentPassword', notYours)
        return changePassword(tx, ctx, user, passwordHash)
      })
    },
  )

  app.post(
    '/v1/me/email-changes',
    {
      config: { ...config, limited: 'credentials' },
      schema: {
        summary: 'Ask to change your e-mail; the link mailed to the new one completes it',
        tags,
        body: Type.Object({ email: Email, password: Type.String({ minLength: 1, maxLength: 128 }) }, closed),
        response: { 202: Accepted },
      },
    },
    async (request) => {
      const user = userOf(request)
      const email = request.body.email.toLowerCase()
      const proved = await proveAgain(ctx, user.id, request.body.password)
      await acrossBusinesses(request, async (tx) => {
        if (!proved || !(await stillProved(tx, proved))) throw invalid('body/password', notYours)
        if (email === user.email) throw invalid('body/email', 'is your e-mail already')
        // Whether somebody else has it shows only to whoever reads that mailbox.
        await requestEmailChange(tx, ctx, user, email)
      })
      return accepted
    },
  )

  app.get(
    '/v1/me/sessions',
    {
      config,
      schema: { summary: 'Where you are signed in', tags, querystring: PageQuery, response: { 200: Page(Session) } },
    },
    async (request) => {
      const user = userOf(request)
      const { limit, cursor } = request.query
      const rows = await acrossBusinesses(request, (tx) => listSessions(tx, ctx, user.id, limit, cursor))
      return page(
        rows.map((row) => ({ ...row, current: row.id === user.sessionId })),
        limit,
      )
    },
  )

  app.delete(
    '/v1/me/sessions/others',
    { config, schema: { summary: 'Sign out everywhere else', tags, response: { 204: Type.Null() } } },
    async (request) => {
      const user = userOf(request)
      await acrossBusinesses(request, (tx) => endOtherSessions(tx, ctx, user))
      return null
    },
  )

  app.delete(
    '/v1/me/sessions/:id',
    { config, schema: { summary: 'Sign out one device', tags, params: path('id'), response: { 204: Type.Null() } } },
    async (request) => {
      const user = userOf(request)
      const ended = await acrossBusinesses(request, (tx) => endSession(tx, ctx, user, request.params.id))
      if (!ended) throw new FreeholdError('not_found')
      return null
    },
  )
}

async function describe(tx: Tx, ctx: Context, actor: Actor) {
  switch (actor.kind) {
    case 'user':
      return {
        user: await userById(tx, actor.id),
        staff: actor.staff,
        memberships: await membershipsOf(tx, ctx, actor.id),
        invitations: actor.emailVerified ? await invitationsFor(tx, ctx, actor.email) : [],
      }
    case 'key':
      return {
        apiKey: { id: actor.id, name: actor.name, type: actor.type },
        permissions: [...(ctx.product.keys[actor.type]?.permissions ?? [])],
        ...(await place(tx, ctx, actor.businessId)),
      }
    case 'staff': {
      const { id, access, businessId } = actor.supportSession
      const permissions = [...supportPermissions(ctx.permissions, access)]
      return { supportSession: { id, access }, permissions, ...(await place(tx, ctx, businessId)) }
    }
    case 'app':
      return { appKey: { id: actor.id, name: actor.name, scope: actor.scope } }
    case 'system':
      throw new FreeholdError('unauthenticated')
  }
}

async function place(tx: Tx, ctx: Context, businessId: string) {
  const business = await businessById(tx, businessId)
  const subscription = await currentSubscription(tx, ctx, businessId)
  return {
    business: presentBusiness(business),
    subscription: subscription ? presentSubscription(subscription, business.status === 'active', ctx.now()) : null,
  }
}

// Only for a proved e-mail: an invitation tells that a business exists.
async function invitationsFor(tx: Tx, ctx: Context, email: string) {
  const rows = await tx
    .selectFrom('invitations')
    .innerJoin('businesses', 'businesses.id', 'invitations.businessId')
    .select([
      'invitations.id',
      'invitations.businessId',
      'businesses.name',
      'invitations.role',
      'invitations.expiresAt',
    ])
    .where('invitations.email', '=', email)
    .where('acceptedAt', 'is', null)
    .where('revokedAt', 'is', null)
    .where('invitations.expiresAt', '>', ctx.now())
    .where('businesses.status', '=', 'active')
    .orderBy('invitations.id')
    .execute()
  return rows.map(({ id, businessId, name, role, expiresAt }) => ({
    id,
    business: { id: businessId, name },
    role,
    expiresAt,
  }))
}

type ProfileChange = { firstName?: string; lastName?: string; fields?: Record<string, unknown> }

async function updateProfile(tx: Tx, ctx: Context, user: Extract<Actor, { kind: 'user' }>, change: ProfileChange) {
  const before = await userById(tx, user.id)
  const firstName = change.firstName?.trim() ?? before.firstName
  const lastName = change.lastName?.trim() ?? before.lastName
  const fields = change.fields && changedFields(ctx.product.fields.user, before.fields, change.fields)
  await tx
    .updateTable('users')
    .set({
      firstName,
      lastName,
      name: `${firstName} ${lastName}`.trim(),
      fields: JSON.stringify(fields ?? before.fields),
      updatedAt: ctx.now(),
    })
    .where('id', '=', user.id)
    .execute()
  await auditSystem(tx, ctx, user, {
    action: 'user.updated',
    target: { kind: 'user', id: user.id, name: user.email },
    before: { firstName: before.firstName, lastName: before.lastName, fields: before.fields },
    after: { firstName, lastName, fields: fields ?? before.fields },
  })
  return userById(tx, user.id)
}

async function changePassword(tx: Tx, ctx: Context, user: Extract<Actor, { kind: 'user' }>, passwordHash: string) {
  await setPassword(tx, ctx, user.id, passwordHash)
  await endSessions(tx, user.id, user.sessionId)
  // What was asked for with the old password must not outlive it.
  await tx.deleteFrom('passwordResets').where('userId', '=', user.id).execute()
  await tx.deleteFrom('emailVerifications').where('userId', '=', user.id).where('email', '<>', user.email).execute()
  await sendMail(tx, ctx, user.email, passwordChangedMail(ctx))
  const change = { action: 'user.password_changed', target: { kind: 'user', id: user.id, name: user.email } }
  await auditSystem(tx, ctx, user, change)
  await auditMemberships(tx, ctx, user, user.id, change)
  return userById(tx, user.id)
}

const notYours = 'is not your password'
