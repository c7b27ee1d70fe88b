import { auditSystem } from '../audit/audit.ts'
import type { Actor, Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { acrossBusinesses, violates } from '../db/transactions.ts'
import { FreeholdError } from '../errors.ts'
import { sendMail } from '../mail/mail.ts'
import { hashToken, newToken } from '../secrets.ts'
import { emailChangedMail, verificationMail } from './mail.ts'
import { auditMemberships } from './memberships.ts'
import { lockUser } from './passwords.ts'
import { mailHeldSignUp } from './pending-sign-ups.ts'
import { userById } from './presenter.ts'
import { asActor } from './sign-in.ts'
import { welcome } from './welcoming.ts'

const lifeMilliseconds = 24 * 3_600_000

/** Mails a link that proves an address: a user's own, or the one they want to change to. */
export async function sendVerification(tx: Tx, ctx: Context, userId: string, email: string): Promise<void> {
  const token = newToken('ver')
  const state = { email, tokenHash: hashToken(token), expiresAt: new Date(ctx.now().getTime() + lifeMilliseconds) }
  await tx
    .insertInto('emailVerifications')
    .values({ userId, ...state })
    .onConflict((conflict) => conflict.column('userId').doUpdateSet(state))
    .execute()
  await sendMail(tx, ctx, email, verificationMail(ctx, { token, email }))
}

/** Mails the link that moves the user to another e-mail; until it is opened nothing changes. */
export async function requestEmailChange(
  tx: Tx,
  ctx: Context,
  user: Extract<Actor, { kind: 'user' }>,
  email: string,
): Promise<void> {
  await sendVerification(tx, ctx, user.id, email)
  const target = { kind: 'user', id: user.id, name: user.email }
  await auditSystem(tx, ctx, user, { action: 'user.email_change_requested', target, after: { email } })
}

/** Sends the link again, as a job: asking does the same work for every e-mail. The older link stops working. */
export async function requestVerification(ctx: Context, data: Record<string, unknown>): Promise<void> {
  const email = String(data['email'])
  await acrossBusinesses(ctx.db, async (tx) => {
    const user = await tx
      .selectFrom('users')
      .select(['id', 'emailVerified', 'disabledAt'])
      .where('email', '=', email)
      .executeTakeFirst()
    if (!user) await mailHeldSignUp(tx, ctx, email)
    else if (!user.emailVerified && user.disabledAt === null) await sendVerification(tx, ctx, user.id, email)
  })
}

/** Takes the proof. Undefined when the token is not one of these. */
export async function confirmEmail(tx: Tx, ctx: Context, token: string): Promise<{ userId: string } | undefined> {
  const proof = await tx
    .deleteFrom('emailVerifications')
    .where('tokenHash', '=', hashToken(token))
    .returning(['userId', 'email', 'expiresAt'])
    .executeTakeFirst()
  if (!proof) return undefined
  if (proof.expiresAt <= ctx.now()) throw new FreeholdError('invalid_token', 'Ask for a new link')
  const { userId, email } = proof
  await lockUser(tx, userId)
  const before = await userById(tx, userId)
  try {
    await tx
      .updateTable('users')
      .set({ email, emailVerified: true, updatedAt: ctx.now() })
      .where('id', '=', userId)
      .execute()
  } catch (error) {
    if (violates(error, 'users_email_key')) throw new FreeholdError('email_taken')
    throw error
  }
  const actor = asActor({ ...before, email, emailVerified: true })
  const target = { kind: 'user', id: userId, name: email }
  if (email === before.email) {
    await auditSystem(tx, ctx, actor, { action: 'user.email_verified', target })
    if (!before.emailVerified) await welcome(tx, ctx, userId)
    return { userId }
  }
  // A reset that was asked for under the old address must not outlive it.
  await tx.deleteFrom('passwordResets').where('userId', '=', userId).execute()
  const change = { action: 'user.email_changed', target, before: { email: before.email }, after: { email } }
  await auditSystem(tx, ctx, actor, change)
  await auditMemberships(tx, ctx, actor, userId, change)
  await sendMail(tx, ctx, before.email, emailChangedMail(ctx, email))
  return { userId }
}
