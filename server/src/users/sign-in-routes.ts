import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { auditSystem } from '../audit/audit.ts'
import * as transactions from '../db/transactions.ts'
import { FreeholdError } from '../errors.ts'
import { userOf, type Routes } from '../http/request.ts'
import { closed, Email, Password, Token } from '../http/schemas.ts'
import { sessionCookie } from '../http/cookies.ts'
import { acrossBusinesses } from '../http/transactions.ts'
import { answerChallenge } from './better-auth.ts'
import { Membership } from './memberships.ts'
import { emailOfReset, resetPassword } from './password-resets.ts'
import { checkCredentials, checkPassword, hashPassword } from './passwords.ts'
import { UserBody } from './presenter.ts'
import { accepted, Accepted, deviceOf } from './routes.ts'
import { endSession } from './sessions.ts'
import { signIn, welcome } from './sign-in.ts'

export const SignedIn = Type.Object(
  {
    user: Type.Optional(UserBody),
    token: Type.Optional(Type.String()),
    memberships: Type.Optional(Type.Array(Membership)),
    twoFactorRequired: Type.Optional(Type.Boolean()),
    challenge: Type.Optional(Type.String({ description: 'For POST /v1/login/two-factor' })),
  },
  { $id: 'SignedIn' },
)

/** Signing in and out, with a second factor where there is one; a forgotten password. */
export const signInRoutes: Routes = (app, ctx) => {
  const tags = ['People']

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
    (request, reply) =>
      recordingFailure(request, async () => {
        const { email, password } = request.body
        const proved = await checkCredentials(ctx, email.toLowerCase(), password)
        const answer = await acrossBusinesses(request, (tx) => {
          if (!proved) throw new FreeholdError('invalid_credentials')
          return signIn(tx, ctx, proved, deviceOf(request))
        })
        if ('token' in answer) sessionCookie.set(reply, ctx.settings, answer.token)
        return answer
      }),
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
    (request, reply) =>
      recordingFailure(request, async () => {
        const { challenge, code } = request.body
        const device = deviceOf(request)
        const answered = await answerChallenge(ctx, challenge, code.replace(/\s/g, ''), device)
        const answer = await acrossBusinesses(request, (tx) => {
          if (!answered) throw new FreeholdError('invalid_code')
          return welcome(tx, ctx, answered.userId, answered, device)
        })
        sessionCookie.set(reply, ctx.settings, answer.token)
        return answer
      }),
  )

  app.post(
    '/v1/logout',
    { config: { access: 'user' }, schema: { summary: 'End this session', tags, response: { 204: Type.Null() } } },
    async (request, reply) => {
      const user = userOf(request)
      await acrossBusinesses(request, (tx) => endSession(tx, ctx, user, user.sessionId))
      sessionCookie.clear(reply, ctx.settings)
      return reply.code(204).send(null)
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
      const email = await transactions.acrossBusinesses(ctx.db, (tx) => emailOfReset(tx, ctx, token))
      if (email !== undefined) checkPassword('body/password', password, email)
      // Hashing is dear: only for a token that is good. A repeat of what succeeded does not get to the refusal.
      const passwordHash = email === undefined ? undefined : await hashPassword(password)
      const answer = await acrossBusinesses(request, async (tx) => {
        if (passwordHash === undefined) throw new FreeholdError('invalid_token', 'Ask for a new link')
        return signIn(tx, ctx, await resetPassword(tx, ctx, token, passwordHash), deviceOf(request))
      })
      if ('token' in answer) sessionCookie.set(reply, ctx.settings, answer.token)
      return answer
    },
  )
}

// The same for an unknown e-mail and a wrong password, and without the e-mail: people type passwords there too.
export async function recordingFailure<T>(request: FastifyRequest, signingIn: () => Promise<T>): Promise<T> {
  try {
    return await signingIn()
  } catch (error) {
    if (error instanceof FreeholdError && (error.status === 401 || error.status === 403)) {
      const { ctx } = request.freehold
      const after = { code: error.code, address: request.ip }
      ctx.log.warn({ requestId: request.id, ...after }, 'sign-in failed')
      await transactions.acrossBusinesses(ctx.db, (tx) =>
        auditSystem(tx, ctx, null, { action: 'user.sign_in_failed', after }),
      )
    }
    throw error
  }
}
