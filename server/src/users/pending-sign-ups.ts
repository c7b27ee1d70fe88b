import type { NewBusiness } from '../businesses/businesses.ts'
import type { Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { checkFields } from '../http/fields.ts'
import { sendMail } from '../mail/mail.ts'
import { hashToken, newToken } from '../secrets.ts'
import type { NewUser } from './better-auth.ts'
import { alreadySignedUpMail, verificationMail } from './mail.ts'

const lifeMilliseconds = 24 * 3_600_000

/**
 * Sign-up where people are let in only after their e-mail is proved (`signup.verifyEmail: 'before'`). Every e-mail is
 * answered alike, after the same work; the mail tells the rest. A second attempt replaces the first, so only the newest
 * link works. One that is held for somebody who has an account is never mailed, and expires.
 */
export async function holdSignUp(tx: Tx, ctx: Context, user: NewUser, business: NewBusiness): Promise<void> {
  const { email } = user
  checkFields(ctx.product.fields.business, business.fields ?? {}, 'body/business/fields')
  const taken = await tx.selectFrom('users').select('id').where('email', '=', email).executeTakeFirst()
  const token = newToken('ver')
  const state = { ...validity(ctx, token), sealed: ctx.secrets.seal('sign-up', JSON.stringify({ user, business })) }
  await tx
    .insertInto('pendingSignups')
    .values({ id: ctx.newId('pendingSignup'), email, ...state })
    .onConflict((conflict) => conflict.column('email').doUpdateSet(state))
    .execute()
  await sendMail(tx, ctx, email, taken ? alreadySignedUpMail(ctx) : verificationMail(ctx, { token, email }))
}

/** Mails a new link for a sign-up that still waits; the older one stops working. */
export async function mailHeldSignUp(tx: Tx, ctx: Context, email: string): Promise<void> {
  const token = newToken('ver')
  const held = await tx
    .updateTable('pendingSignups')
    .set(validity(ctx, token))
    .where('email', '=', email)
    .where('expiresAt', '>', ctx.now())
    .executeTakeFirst()
  if (held.numUpdatedRows > 0n) await sendMail(tx, ctx, email, verificationMail(ctx, { token, email }))
}

const validity = (ctx: Context, token: string) => ({
  tokenHash: hashToken(token),
  expiresAt: new Date(ctx.now().getTime() + lifeMilliseconds),
})

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
  return held && (JSON.parse(ctx.secrets.open('sign-up', held.sealed)) as { user: NewUser; business: NewBusiness })
}
