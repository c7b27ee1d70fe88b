import type { FastifyRequest } from 'fastify'
import { Type, type Static } from 'typebox'
import { BusinessBody, presentBusiness } from '../businesses/presenter.ts'
import type { Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { FreeholdError, invalid } from '../errors.ts'
import type { Routes } from '../http/request.ts'
import { closed, Email, fieldsOf, Name, Password, Token } from '../http/schemas.ts'
import { sessionCookie } from '../http/cookies.ts'
import { acrossBusinesses } from '../http/transactions.ts'
import type { Joined } from '../invitations/joining.ts'
import { MemberBody, presentMember } from '../members/presenter.ts'
import { presentSubscription, SubscriptionBody } from '../subscriptions/presenter.ts'
import { createSession, type Device, type NewUser } from './better-auth.ts'
import { confirmEmail, sendVerification } from './email-verifications.ts'
import { checkPassword, hashPassword } from './passwords.ts'
import { takeIdentity } from './pending-identities.ts'
import { holdSignUp, takeHeldSignUp } from './pending-sign-ups.ts'
import { userById, UserBody } from './presenter.ts'
import { joinAsNewUser, signUp } from './sign-up.ts'

const SignUpBody = Type.Object(
  {
    business: Type.Optional(Type.Object({ name: Name, fields: Type.Optional(fieldsOf('business')) }, closed)),
    email: Type.Optional(Email),
    invitationToken: Type.Optional(Token),
    pendingToken: Type.Optional(Token),
    password: Type.Optional(Password),
    firstName: Type.Optional(Name),
    lastName: Type.Optional(Name),
  },
  {
    ...closed,
    description:
      'With business, email, password and names. With invitationToken instead of business and email: the e-mail is the ' +
      'invited one. With pendingToken, after signing in with a provider, instead of email and password: the provider ' +
      'says the e-mail and the names that are left out',
  },
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
      if (ctx.product.signup.mode === 'closed') throw new FreeholdError('signup_closed')
      const { pendingToken, invitationToken } = request.body
      const signedUp =
        pendingToken !== undefined
          ? await finishSocial(request, pendingToken)
          : invitationToken !== undefined
            ? await joinWithPassword(request, invitationToken)
            : await signUpWithPassword(request)
      if (signedUp === undefined) return reply.code(202).send(accepted)
      sessionCookie.set(reply, ctx.settings, signedUp.token)
      return reply.code(201).send(signedUp)
    },
  )

  type SignUpRequest = FastifyRequest & { body: Static<typeof SignUpBody> }

  async function signUpWithPassword(request: SignUpRequest) {
    refuseWithoutInvitation()
    const { business, email, password, ...person } = needed(request.body, [
      'business',
      'email',
      'password',
      'firstName',
      'lastName',
    ])
    checkPassword('body/password', password, email)
    const login = { passwordHash: await hashPassword(password) }
    const user: NewUser = { ...trimmed(person), email: email.toLowerCase(), emailVerified: false, login }
    if (ctx.product.signup.verifyEmail === 'before') {
      await acrossBusinesses(request, (tx) => holdSignUp(tx, ctx, user, business))
      return undefined
    }
    return acrossBusinesses(request, async (tx) => {
      const signedUp = await signUp(tx, ctx, user, business)
      await sendVerification(tx, ctx, signedUp.userId, user.email)
      return founded(tx, request, signedUp)
    })
  }

  /** The mailed token says whose e-mail it is. */
  async function joinWithPassword(request: SignUpRequest, invitationToken: string) {
    left(request.body, { business: 'with an invitation', email: 'the invitation says it' })
    const { password, ...person } = needed(request.body, ['password', 'firstName', 'lastName'])
    checkPassword('body/password', password, '')
    const login = { passwordHash: await hashPassword(password) }
    return acrossBusinesses(request, async (tx) => {
      const place = await joinAsNewUser(tx, ctx, invitationToken, { ...trimmed(person), login })
      const answer = await joined(tx, request, place)
      checkPassword('body/password', password, answer.user.email)
      return answer
    })
  }

  /** The provider has said who it is, and that the e-mail is theirs; names may be put right. */
  async function finishSocial(request: SignUpRequest, pendingToken: string) {
    left(request.body, { email: 'the provider says it', password: 'the provider signs in' })
    const { business, invitationToken } = request.body
    if (invitationToken === undefined) refuseWithoutInvitation()
    else left(request.body, { business: 'with an invitation' })
    return acrossBusinesses(request, async (tx) => {
      const identity = await takeIdentity(tx, ctx, pendingToken)
      const { firstName = identity.firstName, lastName = identity.lastName } = request.body
      if (firstName === '') throw invalid('body/firstName', 'is required')
      const person = { ...trimmed({ firstName, lastName }), email: identity.email, login: identity }
      if (invitationToken !== undefined) {
        return joined(tx, request, await joinAsNewUser(tx, ctx, invitationToken, person))
      }
      if (business === undefined) throw invalid('body/business', 'is required')
      return founded(tx, request, await signUp(tx, ctx, { ...person, emailVerified: true }, business))
    })
  }

  function refuseWithoutInvitation(): void {
    if (ctx.product.signup.mode === 'invite') throw new FreeholdError('signup_closed', 'Sign-up needs an invitation')
  }

  async function founded(tx: Tx, request: FastifyRequest, signedUp: Awaited<ReturnType<typeof signUp>>) {
    const { token } = await createSession(tx, ctx, signedUp.userId, deviceOf(request))
    return present(ctx, await userById(tx, signedUp.userId), signedUp, token)
  }

  async function joined(tx: Tx, request: FastifyRequest, { userId, business, member }: Joined) {
    const { token } = await createSession(tx, ctx, userId, deviceOf(request))
    return {
      user: await userById(tx, userId),
      business: presentBusiness(business),
      member: presentMember(member),
      token,
    }
  }

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
        return founded(tx, request, await signUp(tx, ctx, { ...held.user, emailVerified: true }, held.business))
      })
      if ('token' in answer) sessionCookie.set(reply, ctx.settings, answer.token)
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

/** Which fields a form needs, all of them said at once when they are not there. */
function needed<Body extends object, Field extends keyof Body & string>(body: Body, fields: Field[]) {
  const missing = fields.filter((field) => body[field] === undefined)
  if (missing.length > 0) {
    const errors = missing.map((field) => ({ path: `body/${field}`, message: 'is required' }))
    throw new FreeholdError('invalid_request', 'The request is not valid', { errors })
  }
  return body as { [Each in Field]: Exclude<Body[Each], undefined> }
}

/** Which fields another form has, and why not this one. */
function left<Body extends object>(body: Body, fields: { [Field in keyof Body]?: string }): void {
  for (const field of Object.keys(fields) as (keyof Body & string)[]) {
    if (body[field] !== undefined) throw invalid(`body/${field}`, `leave it out: ${fields[field]}`)
  }
}

const trimmed = ({ firstName, lastName }: { firstName: string; lastName: string }) => ({
  firstName: firstName.trim(),
  lastName: lastName.trim(),
})

export const deviceOf = (request: FastifyRequest): Device => ({
  address: request.ip,
  userAgent: request.headers['user-agent'] ?? '',
})
