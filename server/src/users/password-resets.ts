import { auditSystem } from '../audit/audit.ts'
import type { Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { acrossBusinesses } from '../db/transactions.ts'
import { FreeholdError } from '../errors.ts'
import { sendMail } from '../mail/mail.ts'
import { hashToken, newToken } from '../secrets.ts'
import { endSessions, setPassword } from './better-auth.ts'
import { passwordChangedMail, passwordResetMail } from './mail.ts'
import { auditMemberships } from './memberships.ts'
import { lockUser, type Proved } from './passwords.ts'
import { asActor, disown } from './sign-in.ts'

const lifeMilliseconds = 3_600_000

/** Makes the user's one reset token; an older one stops working. */
export async function newPasswordReset(tx: Tx, ctx: Context, userId: string): Promise<string> {
  const token = newToken('rst')
  const state = { tokenHash: hashToken(token), expiresAt: new Date(ctx.now().getTime() + lifeMilliseconds) }
  await tx
    .insertInto('passwordResets')
    .values({ userId, ...state })
    .onConflict((conflict) => conflict.column('userId').doUpdateSet(state))
    .execute()
  return token
}

/**
 * Mails a reset link to whoever has the e-mail. Runs as a job: the request that asks for it does the same work whether
 * or not somebody has it.
 */
export async function requestPasswordReset(ctx: Context, { email }: Record<string, unknown>): Promise<void> {
  await acrossBusinesses(ctx.db, async (tx) => {
    const user = await tx
      .selectFrom('users')
      .select(['id', 'email'])
      .where('email', '=', String(email))
      .where('disabledAt', 'is', null)
      .executeTakeFirst()
    if (!user) return
    const token = await newPasswordReset(tx, ctx, user.id)
    await sendMail(tx, ctx, user.email, passwordResetMail(ctx, token))
  })
}

/** The e-mail a valid token belongs to; the token is looked at again when it is used. */
export async function emailOfReset(tx: Tx, ctx: Context, token: string): Promise<string | undefined> {
  return (await resetOf(tx, ctx, token))?.email
}

/** Sets the new password. The link proves the e-mail; every session of the user ends, and what was asked for in one. */
export async function resetPassword(tx: Tx, ctx: Context, token: string, passwordHash: string): Promise<Proved> {
  const user = await resetOf(tx, ctx, token)
  if (!user) throw new FreeholdError('invalid_token', 'Ask for a new link')
  const { id: userId, email } = user
  await lockUser(tx, userId)
  const used = await tx.deleteFrom('passwordResets').where('tokenHash', '=', hashToken(token)).executeTakeFirst()
  if (used.numDeletedRows === 0n) throw new FreeholdError('invalid_token', 'Ask for a new link')
  if (user.emailVerified) {
    await endSessions(tx, userId)
    await tx.deleteFrom('emailVerifications').where('userId', '=', userId).execute()
  } else await disown(tx, ctx, userId)
  await setPassword(tx, ctx, userId, passwordHash)
  await tx.updateTable('users').set({ emailVerified: true, updatedAt: ctx.now() }).where('id', '=', userId).execute()
  await sendMail(tx, ctx, email, passwordChangedMail(ctx))

  const actor = asActor({ ...user, emailVerified: true })
  const change = { action: 'user.password_reset', target: { kind: 'user', id: userId, name: email } }
  await auditSystem(tx, ctx, actor, change)
  await auditMemberships(tx, ctx, actor, userId, change)
  return { userId, passwordHash }
}

const resetOf = (tx: Tx, ctx: Context, token: string) =>
  tx
    .selectFrom('passwordResets')
    .innerJoin('users', 'users.id', 'passwordResets.userId')
    .select(['users.id', 'email', 'emailVerified', 'firstName', 'lastName'])
    .where('tokenHash', '=', hashToken(token))
    .where('expiresAt', '>', ctx.now())
    .where('disabledAt', 'is', null)
    .executeTakeFirst()
