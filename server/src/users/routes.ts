import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { BusinessBody, presentBusiness } from '../businesses/presenter.ts'
import type { Context } from '../context.ts'
import { FreeholdError, invalid } from '../errors.ts'
import type { Routes } from '../http/request.ts'
import { closed, Email, fieldsOf, Name, Password, Token } from '../http/schemas.ts'
import { setSessionCookie } from '../http/session-cookie.ts'
import { acrossBusinesses } from '../http/transactions.ts'
import { MemberBody, presentMember } from '../members/presenter.ts'
import { presentSubscription, SubscriptionBody } from '../subscriptions/presenter.ts'
import { createSession, type Device, type NewUser } from './better-auth.ts'
import { confirmEmail, sendVerification } from './email-verifications.ts'
import { checkPassword, hashPassword } from './passwords.ts'
import { holdSignUp, takeHeldSignUp } from './pending-sign-ups.ts'
import { userById, UserBody } from './presenter.ts'
import { joinAsNewUser, signUp } from './sign-up.ts'

const SignUpBody = Type.Object(
  {
    business: Type.Optional(Type.Object({ name: Name, fields: Type.Optional(fieldsOf('business')) }, closed)),
    email: Type.Optional(Email),
    invitationToken: Type.Optional(Token),
    password: Password,
    firstName: Name,
    lastName: Name,
  },
  { ...closed, description: 'With business and email, or with invitationToken: the e-mail is then the invited one' },
)

const SignedUp = Type.Object(
  {
    user: UserBody,
    business: BusinessBody,
    member: MemberBody,
    subscription: Type.Optional(SubscriptionBody),
    token: Type.String(),
    apiKeys: Type.Optional(Type.Array(Type.Object({ id: Type.String(), type: Type.String(), key: Type.String() }))),
  },
  { $id: 'SignedUp' },
)

export const Accepted = Type.Object({ status: Type.String({ enum: ['accepted'] }) })
export const accepted = { status: 'accepted' }

/** Signing up, and proving an e-mail. */
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
      const { business, email, invitationToken, password } = request.body
      const { mode, verifyEmail } = ctx.product.signup
      const device = deviceOf(request)
      const person = { firstName: request.body.firstName.trim(), lastName: request.body.lastName.trim() }
      if (mode === 'closed') throw new FreeholdError('signup_closed')

      if (invitationToken !== undefined) {
        if (business !== undefined) throw invalid('body/business', 'leave it out with an invitation')
        if (email !== undefined) throw invalid('body/email', 'leave it out: the invitation says it')
        checkPassword('body/password', password, '')
        const passwordHash = await hashPassword(password)
        const joined = await acrossBusinesses(request, async (tx) => {
          const { userId, ...place } = await joinAsNewUser(tx, ctx, invitationToken, { ...person, passwordHash })
          const user = await userById(tx, userId)
          checkPassword('body/password', password, user.email)
          const { token } = await createSession(tx, ctx, userId, device)
          return { user, business: presentBusiness(place.business), member: presentMember(place.member), token }
        })
        setSessionCookie(reply, ctx.settings, joined.token)
        return reply.code(201).send(joined)
      }

      if (mode === 'invite') throw new FreeholdError('signup_closed', 'Sign-up needs an invitation')
      if (business === undefined) throw invalid('body/business', 'is required')
      if (email === undefined) throw invalid('body/email', 'is required')
      checkPassword('body/password', password, email)
      const passwordHash = await hashPassword(password)
      const user: NewUser = { ...person, email: email.toLowerCase(), passwordHash, emailVerified: false }
      if (verifyEmail === 'before') {
        await acrossBusinesses(request, (tx) => holdSignUp(tx, ctx, user, business))
        return reply.code(202).send(accepted)
      }
      const answer = await acrossBusinesses(request, async (tx) => {
        const signedUp = await signUp(tx, ctx, user, business)
        await sendVerification(tx, ctx, signedUp.userId, user.email)
        const { token } = await createSession(tx, ctx, signedUp.userId, device)
        return present(ctx, await userById(tx, signedUp.userId), signedUp, token)
      })
      setSessionCookie(reply, ctx.settings, answer.token)
      return reply.code(201).send(answer)
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
        const session = await createSession(tx, ctx, signedUp.userId, deviceOf(request))
        return present(ctx, await userById(tx, signedUp.userId), signedUp, session.token)
      })
      if ('token' in answer) setSessionCookie(reply, ctx.settings, answer.token)
      return answer
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

export const deviceOf = (request: FastifyRequest): Device => ({
  address: request.ip,
  userAgent: request.headers['user-agent'] ?? '',
})
