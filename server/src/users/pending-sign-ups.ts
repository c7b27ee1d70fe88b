import type { NewBusiness } from '../businesses/businesses.ts'
import type { Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { hashToken, newToken } from '../secrets.ts'
import type { NewUser } from './better-auth.ts'
import { mailAlreadySignedUp, mailVerification } from './mail.ts'

const lifeMilliseconds = 24 * 3_600_000

/**
 * Sign-up where people are let in only after their e-mail is proved (`signup.verifyEmail: 'before'`). Every e-mail is
 * answered alike; the mail tells the rest. A second attempt replaces the first, so only the newest link works.
 */
export async function holdSignUp(tx: Tx, ctx: Context, user: NewUser, business: NewBusiness): Promise<void> {
  const { email } = user
  const taken = await tx.selectFrom('users').select('id').where('email', '=', email).executeTakeFirst()
  if (taken) return mailAlreadySignedUp(tx, ctx, email)
  const token = newToken('ver')
  const state = {
    tokenHash: hashToken(token),
    sealed: ctx.secrets.seal(JSON.stringify({ user, business })),
    expiresAt: new Date(ctx.now().getTime() + lifeMilliseconds),
  }
  await tx
    .insertInto('pendingSignups')
    .values({ id: ctx.newId('pendingSignup'), email, ...state })
    .onConflict((conflict) => conflict.column('email').doUpdateSet(state))
    .execute()
  await mailVerification(tx, ctx, email, token)
}

/** The sign-up a token belongs to, taken out of waiting. */
export async function takeHeldSignUp(
  tx: Tx,
  ctx: Context,
  token: string,
): Promise<{ user: NewUser; business: NewBusiness } | undefined> {
  const held = await tx
    .deleteFrom('pendingSignups')
    .where('tokenHash', '=', hashToken(token))
    .where('expiresAt', '>', ctx.now())
    .returning('sealed')
    .executeTakeFirst()
  return held && (JSON.parse(ctx.secrets.open(held.sealed)) as { user: NewUser; business: NewBusiness })
}
