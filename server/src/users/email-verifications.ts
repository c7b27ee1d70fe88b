import { auditSystem } from '../audit/audit.ts'
import type { Actor, Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { acrossBusinesses, violates } from '../db/transactions.ts'
import { FreeholdError } from '../errors.ts'
import { hashToken, newToken } from '../secrets.ts'
import { mailEmailChanged, mailVerification } from './mail.ts'
import { auditMemberships } from './memberships.ts'

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
  await mailVerification(tx, ctx, email, token)
}

/** Sends the link again, as a job: asking does the same work for every e-mail. */
export async function requestVerification(ctx: Context, { email }: Record<string, unknown>): Promise<void> {
  await acrossBusinesses(ctx.db, async (tx) => {
    const user = await tx
      .selectFrom('users')
      .select(['id', 'email'])
      .where('email', '=', String(email))
      .where('emailVerified', '=', false)
      .executeTakeFirst()
    if (user) await sendVerification(tx, ctx, user.id, user.email)
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
  const before = await tx
    .selectFrom('users')
    .select(['email', 'name'])
    .where('id', '=', userId)
    .executeTakeFirstOrThrow()
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
  const actor: Actor = {
    kind: 'user',
    id: userId,
    name: before.name,
    email,
    sessionId: '',
    emailVerified: true,
    staff: false,
  }
  const target = { kind: 'user', id: userId, name: email }
  if (email === before.email) {
    await auditSystem(tx, ctx, actor, { action: 'user.email_verified', target })
    return { userId }
  }
  // A reset that was asked for under the old address must not outlive it.
  await tx.deleteFrom('passwordResets').where('userId', '=', userId).execute()
  const change = { action: 'user.email_changed', target, before: { email: before.email }, after: { email } }
  await auditSystem(tx, ctx, actor, change)
  await auditMemberships(tx, ctx, actor, userId, change)
  await mailEmailChanged(tx, ctx, before.email, email)
  return { userId }
}
