import { Type } from 'typebox'
import { auditSystem } from '../audit/audit.ts'
import type { Actor, Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { FreeholdError, invalid } from '../errors.ts'
import { userOf, type Routes } from '../http/request.ts'
import { closed } from '../http/schemas.ts'
import { acrossBusinesses } from '../http/transactions.ts'
import { sendMail } from '../mail/mail.ts'
import { confirmTwoFactor, prepareTwoFactor, removeTwoFactor } from './better-auth.ts'
import { twoFactorMail } from './mail.ts'
import { lockUser, proveAgain, stillProved } from './passwords.ts'
import { userById, UserBody } from './presenter.ts'

const PasswordBody = Type.Object({ password: Type.String({ minLength: 1, maxLength: 128 }) }, closed)

/** A second factor for signing in: prepared, switched on by a first code, removed with the password. */
export const twoFactorRoutes: Routes = (app, ctx) => {
  const tags = ['Me']
  const config = { access: 'user', limited: 'credentials' } as const

  app.post(
    '/v1/me/two-factor',
    {
      config,
      schema: {
        summary: 'Prepare a second factor; the first code confirms it',
        tags,
        body: PasswordBody,
        response: {
          200: Type.Object({
            uri: Type.String({ description: 'otpauth://, for an authenticator; shown once' }),
            backupCodes: Type.Array(Type.String(), { description: 'Each signs in once; shown once' }),
          }),
        },
      },
    },
    async (request) => {
      const user = userOf(request)
      const proved = await proveAgain(ctx, user.id, request.body.password)
      return acrossBusinesses(request, async (tx) => {
        if (!proved || !(await stillProved(tx, proved))) throw invalid('body/password', 'is not your password')
        await refuseTwice(tx, user.id)
        return prepareTwoFactor(tx, ctx, user.sessionId)
      })
    },
  )

  app.post(
    '/v1/me/two-factor/confirm',
    {
      config,
      schema: {
        summary: 'Switch the second factor on with its first code',
        tags,
        body: Type.Object({ code: Type.String({ minLength: 6, maxLength: 20 }) }, closed),
        response: { 200: UserBody },
      },
    },
    (request) =>
      acrossBusinesses(request, async (tx) => {
        const user = userOf(request)
        await lockUser(tx, user.id)
        await refuseTwice(tx, user.id)
        const isRight = await confirmTwoFactor(tx, ctx, user.id, user.sessionId, request.body.code.replace(/\s/g, ''))
        if (!isRight) throw invalid('body/code', 'is not the code of the authenticator now')
        await record(tx, ctx, user, true)
        return userById(tx, user.id)
      }),
  )

  app.post(
    '/v1/me/two-factor/removal',
    {
      config,
      schema: { summary: 'Remove the second factor', tags, body: PasswordBody, response: { 204: Type.Null() } },
    },
    async (request) => {
      const user = userOf(request)
      const proved = await proveAgain(ctx, user.id, request.body.password)
      return acrossBusinesses(request, async (tx) => {
        if (!proved || !(await stillProved(tx, proved))) throw invalid('body/password', 'is not your password')
        const { twoFactorEnabled } = await userById(tx, user.id)
        await removeTwoFactor(tx, ctx, user.id)
        if (twoFactorEnabled) await record(tx, ctx, user, false)
        return null
      })
    },
  )
}

async function refuseTwice(tx: Tx, userId: string): Promise<void> {
  const { twoFactorEnabled } = await userById(tx, userId)
  if (twoFactorEnabled) throw new FreeholdError('conflict', 'Two-factor sign-in is on already')
}

async function record(tx: Tx, ctx: Context, user: Extract<Actor, { kind: 'user' }>, isOn: boolean): Promise<void> {
  await auditSystem(tx, ctx, user, {
    action: isOn ? 'user.two_factor_enabled' : 'user.two_factor_removed',
    target: { kind: 'user', id: user.id, name: user.email },
  })
  await sendMail(tx, ctx, user.email, twoFactorMail(ctx, isOn))
}
