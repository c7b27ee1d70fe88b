import type { Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { FreeholdError } from '../errors.ts'
import { hashToken, newToken } from '../secrets.ts'
import type { SocialProvider } from '../social-providers.ts'
import type { Identity } from './better-auth-social.ts'

const lifeMilliseconds = 30 * 60_000

/**
 * Remembers somebody whom a provider vouches for and who is nobody here: there is no user without a business or an
 * invitation. The token is for whoever signed in there, in the answer to them and nowhere else.
 */
export async function holdIdentity(tx: Tx, ctx: Context, identity: Identity): Promise<string> {
  const token = newToken('pid')
  const { provider, subject, email, firstName, lastName } = identity
  const expiresAt = new Date(ctx.now().getTime() + lifeMilliseconds)
  const state = { email, firstName, lastName, tokenHash: hashToken(token), expiresAt }
  await tx
    .insertInto('pendingIdentities')
    .values({ provider, subject, ...state })
    .onConflict((conflict) => conflict.columns(['provider', 'subject']).doUpdateSet(state))
    .execute()
  return token
}

/** The identity a token belongs to, taken out of waiting: of two who finish it at once, one does. */
export async function takeIdentity(tx: Tx, ctx: Context, token: string) {
  const held = await tx
    .deleteFrom('pendingIdentities')
    .where('tokenHash', '=', hashToken(token))
    .where('expiresAt', '>', ctx.now())
    .returning(['provider', 'subject', 'email', 'firstName', 'lastName'])
    .executeTakeFirst()
  if (!held) throw new FreeholdError('invalid_token', 'Too much time has passed, or it is done: sign in again')
  return { ...held, provider: held.provider as SocialProvider }
}
