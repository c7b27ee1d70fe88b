import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { auditSystem } from '../audit/audit.ts'
import { BusinessBody, presentBusiness } from '../businesses/presenter.ts'
import type { Context } from '../context.ts'
import * as transactions from '../db/transactions.ts'
import { FreeholdError, invalid } from '../errors.ts'
import { userOf, type Routes } from '../http/request.ts'
import { closed, Email, Fields, Name, Password, Token } from '../http/schemas.ts'
import { clearSessionCookie, setSessionCookie } from '../http/session-cookie.ts'
import { acrossBusinesses } from '../http/transactions.ts'
import { MemberBody, presentMember } from '../members/presenter.ts'
import { presentSubscription, SubscriptionBody } from '../subscriptions/presenter.ts'
import {
  createSession,
  hashPassword,
  signIn,
  signInWithCode,
  type Device,
  type NewUser,
  type SignIn,
} from './better-auth.ts'
import { confirmEmail, sendVerification } from './email-verifications.ts'
import { Membership, membershipsOf } from './memberships.ts'
import { checkPassword } from './passwords.ts'
import { emailOfReset, resetPassword } from './password-resets.ts'
import { holdSignUp, takeHeldSignUp } from './pending-sign-ups.ts'
import { userById, UserBody } from './presenter.ts'
import { joinAsNewUser, signUp } from './sign-up.ts'

const SignUpBody = Type.Object(
  {
    business: Type.Optional(Type.Object({ name: Name, fields: Type.Optional(Fields) }, closed)),
    email: Type.Optional(Email),
    invitationToken: Type.Optional(Token),
    password: Password,
    firstName: Name,
    lastName: Name,
  },
  { ...closed, description: 'With business and email, or with invitationToken: the e-mail is then the invited one' },
)

const SignedUp = Type.Object({
  user: UserBody,
  business: BusinessBody,
  member: MemberBody,
  subscription: Type.Optional(SubscriptionBody),
  token: Type.String(),
  apiKeys: Type.Optional(Type.Array(Type.Object({ id: Type.String(), type: Type.String(), key: Type.String() }))),
})

const SignedIn = Type.Object({
  user: Type.Optional(UserBody),
  token: Type.Optional(Type.String()),
  memberships: Type.Optional(Type.Array(Membership)),
  twoFactorRequired: Type.Optional(Type.Boolean()),
  challenge: Type.Optional(Type.String({ description: 'For POST /v1/login/two-factor' })),
})

const Accepted = Type.Object({ status: Type.String({ enum: ['accepted'] }) })
const accepted = { status: 'accepted' }

/** Signing up, in and out; proving an e-mail; a forgotten password. */
export const userRoutes: Routes = (app, ctx) => {
  const tags = ['People']

  app.post(
    '/v1/signup',
    {
      config: { access: 'public', limited: 'signup' },
      schema: {
        summary: 'Sign up with a new business, or with an invitation',
        tags,
        body: SignUpBody,
        response: { 201: SignedUp, 202: Accepted },
      },
    },
    async (request, reply) => {
      const { business, email, invitationToken, password, firstName, lastName } = request.body
      const { mode, verifyEmail } = ctx.product.signup
      if (invitationToken !== undefined) {
        if (business !== undefined) throw invalid('body/business', 'leave it out with an invitation')
        if (email !== undefined) throw invalid('body/email', 'leave it out: the invitation says it')
        checkPassword('body/password', password, '')
        const passwordHash = await hashPassword(password)
        const joined = await acrossBusinesses(request, async (tx) => {
          const result = await joinAsNewUser(tx, ctx, invitationToken, { firstName, lastName, passwordHash })
          const token = await createSession(tx, ctx, result.userId, deviceOf(request))
          return {
            user: await userById(tx, result.userId),
            business: presentBusiness(result.business),
            member: presentMember(result.member),
            token,
          }
        })
        setSessionCookie(reply, ctx.settings, joined.token)
        return reply.code(201).send(joined)
      }

      if (mode !== 'open') {
        throw new FreeholdError('signup_closed', mode === 'invite' ? 'Sign-up needs an invitation' : undefined)
      }
      if (business === undefined) throw invalid('body/business', 'is required')
      if (email === undefined) throw invalid('body/email', 'is required')
      checkPassword('body/password', password, email)
      const user: NewUser = {
        email: email.toLowerCase(),
        firstName: firstName.trim(),
        lastName: lastName.trim(),
        passwordHash: await hashPassword(password),
        emailVerified: false,
      }
      if (verifyEmail === 'before') {
        await acrossBusinesses(request, (tx) => holdSignUp(tx, ctx, user, business))
        return reply.code(202).send(accepted)
      }
      const answer = await acrossBusinesses(request, async (tx) => {
        const signedUp = await signUp(tx, ctx, user, business)
        await sendVerification(tx, ctx, signedUp.userId, user.email)
        return present(
          ctx,
          await userById(tx, signedUp.userId),
          signedUp,
          await createSession(tx, ctx, signedUp.userId, deviceOf(request)),
        )
      })
      setSessionCookie(reply, ctx.settings, answer.token)
      return reply.code(201).send(answer)
    },
  )

  app.post(
    '/v1/login',
    {
      config: { access: 'public', limited: 'credentials' },
      schema: {
        summary: 'Sign in',
        tags,
        body: Type.Object({ email: Email, password: Type.String({ minLength: 1, maxLength: 128 }) }, closed),
        response: { 200: SignedIn },
      },
    },
    async (request, reply) => {
      const email = request.body.email.toLowerCase()
      const outcome = await signIn(ctx, email, request.body.password, deviceOf(request))
      if (!outcome) {
        await recordFailure(request, ctx, 'invalid_credentials')
        throw new FreeholdError('invalid_credentials')
      }
      return signedIn(request, reply, ctx, outcome)
    },
  )

  app.post(
    '/v1/login/two-factor',
    {
      config: { access: 'public', limited: 'credentials' },
      schema: {
        summary: 'Answer the challenge of a login',
        tags,
        body: Type.Object(
          {
            challenge: Type.String({ minLength: 1, maxLength: 500 }),
            code: Type.String({ minLength: 6, maxLength: 20 }),
          },
          closed,
        ),
        response: { 200: SignedIn },
      },
    },
    async (request, reply) => {
      const { challenge, code } = request.body
      const outcome = await signInWithCode(ctx, challenge, code.trim(), deviceOf(request))
      if (!outcome) {
        await recordFailure(request, ctx, 'invalid_code')
        throw new FreeholdError('invalid_code')
      }
      return signedIn(request, reply, ctx, outcome)
    },
  )

  app.post(
    '/v1/logout',
    { config: { access: 'user' }, schema: { summary: 'End this session', tags, response: { 204: Type.Null() } } },
    async (request, reply) => {
      const user = userOf(request)
      await acrossBusinesses(request, (tx) => tx.deleteFrom('sessions').where('id', '=', user.sessionId).execute())
      clearSessionCookie(reply, ctx.settings)
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/v1/email-verifications',
    {
      config: { access: 'public', limited: 'credentials' },
      schema: {
        summary: 'Send the verification mail again',
        tags,
        body: Type.Object({ email: Email }, closed),
        response: { 202: Accepted },
      },
    },
    async (request) => {
      const email = request.body.email.toLowerCase()
      await acrossBusinesses(request, (tx) => ctx.enqueue(tx, 'tasks', { task: 'email-verification', email }))
      return accepted
    },
  )

  app.post(
    '/v1/email-verifications/confirm',
    {
      config: { access: 'public', limited: 'credentials' },
      schema: {
        summary: 'Prove an e-mail; completes a sign-up that waited for it',
        tags,
        body: Type.Object({ token: Token }, closed),
        response: { 200: Type.Object({ ...Type.Partial(SignedUp).properties, user: UserBody }) },
      },
    },
    async (request, reply) => {
      const { token } = request.body
      const answer = await acrossBusinesses(request, async (tx) => {
        const confirmed = await confirmEmail(tx, ctx, token)
        if (confirmed) return { user: await userById(tx, confirmed.userId) }
        const held = await takeHeldSignUp(tx, ctx, token)
        if (!held) throw new FreeholdError('invalid_token', 'Ask for a new link')
        const signedUp = await signUp(tx, ctx, { ...held.user, emailVerified: true }, held.business)
        return present(
          ctx,
          await userById(tx, signedUp.userId),
          signedUp,
          await createSession(tx, ctx, signedUp.userId, deviceOf(request)),
        )
      })
      if ('token' in answer) setSessionCookie(reply, ctx.settings, answer.token)
      return answer
    },
  )

  app.post(
    '/v1/password-resets',
    {
      config: { access: 'public', limited: 'credentials' },
      schema: {
        summary: 'Mail a link that resets the password',
        tags,
        body: Type.Object({ email: Email }, closed),
        response: { 202: Accepted },
      },
    },
    async (request) => {
      const email = request.body.email.toLowerCase()
      await acrossBusinesses(request, (tx) => ctx.enqueue(tx, 'tasks', { task: 'password-reset', email }))
      return accepted
    },
  )

  app.post(
    '/v1/password-resets/confirm',
    {
      config: { access: 'public', limited: 'credentials' },
      schema: {
        summary: 'Set a new password; every other session ends',
        tags,
        body: Type.Object({ token: Token, password: Password }, closed),
        response: { 200: SignedIn },
      },
    },
    async (request, reply) => {
      const { token, password } = request.body
      // Hashing is dear: only for a token that is good.
      const email = await transactions.acrossBusinesses(ctx.db, (tx) => emailOfReset(tx, ctx, token))
      checkPassword('body/password', password, email)
      const passwordHash = await hashPassword(password)
      await acrossBusinesses(request, (tx) => resetPassword(tx, ctx, token, passwordHash))
      const outcome = await signIn(ctx, email, password, deviceOf(request))
      if (!outcome) throw new FreeholdError('invalid_credentials')
      return signedIn(request, reply, ctx, outcome)
    },
  )
}

function present(
  ctx: Context,
  user: Awaited<ReturnType<typeof userById>>,
  { business, member, subscription, apiKeys }: Awaited<ReturnType<typeof signUp>>,
  token: string,
) {
  return {
    user,
    business: presentBusiness(business),
    member: presentMember(member),
    subscription: presentSubscription(subscription, true, ctx.now()),
    token,
    apiKeys,
  }
}

async function signedIn(request: FastifyRequest, reply: FastifyReply, ctx: Context, outcome: NonNullable<SignIn>) {
  if ('challenge' in outcome) return { twoFactorRequired: true, challenge: outcome.challenge }
  const { token } = outcome
  setSessionCookie(reply, ctx.settings, token)
  return transactions.acrossBusinesses(ctx.db, async (tx) => {
    const session = await tx
      .selectFrom('sessions')
      .innerJoin('users', 'users.id', 'sessions.userId')
      .select(['users.id', 'users.name', 'users.email', 'sessions.id as sessionId'])
      .where('token', '=', ctx.secrets.verifySession(token) ?? '')
      .executeTakeFirstOrThrow()
    const { id, name, email, sessionId } = session
    const actor = { kind: 'user', id, name, email, sessionId, emailVerified: true, staff: false } as const
    await auditSystem(tx, ctx, actor, {
      action: 'user.signed_in',
      target: { kind: 'session', id: sessionId },
      after: { address: request.ip },
    })
    return { user: await userById(tx, id), token, memberships: await membershipsOf(tx, ctx, id) }
  })
}

// The same for an unknown e-mail and a wrong password, and without the e-mail: people type passwords there too.
async function recordFailure(request: FastifyRequest, ctx: Context, code: string): Promise<void> {
  request.log.warn({ code, address: request.ip }, 'sign-in failed')
  await transactions.acrossBusinesses(ctx.db, (tx) =>
    auditSystem(tx, ctx, null, { action: 'user.sign_in_failed', after: { code, address: request.ip } }),
  )
}

export const deviceOf = (request: FastifyRequest): Device => ({
  address: request.ip,
  userAgent: request.headers['user-agent'] ?? '',
})
