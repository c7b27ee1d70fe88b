import { auditSystem } from '../audit/audit.ts'
import type { NewBusiness } from '../businesses/businesses.ts'
import { foundBusiness } from '../businesses/founding.ts'
import type { Actor, Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { violates } from '../db/transactions.ts'
import { FreeholdError } from '../errors.ts'
import { openInvitation } from '../invitations/invitations.ts'
import { join, type Joined } from '../invitations/joining.ts'
import { createUser, endSessions, setPassword, type NewUser } from './better-auth.ts'
import { auditMemberships } from './memberships.ts'

/**
 * Signs up in one step: user, business, owner, subscription and the keys the product declares appear together or not
 * at all. The password is hashed before, outside the transaction.
 */
export async function signUp(tx: Tx, ctx: Context, user: NewUser, business: NewBusiness) {
  await ctx.product.hooks.beforeSignup?.(tx, { email: user.email, businessName: business.name })
  const userId = await newUser(tx, ctx, user)
  const founded = await foundBusiness(tx, ctx, signedUp(userId, user), business, 'body/business')
  await ctx.product.hooks.afterSignup?.(tx, { userId, businessId: founded.business.id, email: user.email })
  return { userId, ...founded }
}

/**
 * Signs up with an invitation: the mailed link proves the e-mail. An account that somebody made with this e-mail and
 * never proved is taken over: its password, sessions and other logins were not its owner's.
 */
export async function joinAsNewUser(
  tx: Tx,
  ctx: Context,
  token: string,
  person: Pick<NewUser, 'firstName' | 'lastName' | 'passwordHash'>,
): Promise<Joined> {
  const open = await openInvitation(tx, ctx, token)
  const user: NewUser = { ...person, email: open.invitation.email, emailVerified: true }
  await ctx.product.hooks.beforeSignup?.(tx, { email: user.email, businessName: undefined })
  const existing = await tx
    .selectFrom('users')
    .select(['id', 'emailVerified', 'disabledAt'])
    .where('email', '=', user.email)
    .forNoKeyUpdate()
    .executeTakeFirst()
  if (existing?.emailVerified) throw new FreeholdError('email_taken', 'Sign in and accept the invitation')
  if (existing?.disabledAt) throw new FreeholdError('permission_denied', 'The account is disabled')
  if (existing) await takeOver(tx, ctx, existing.id, user)
  const userId = existing?.id ?? (await newUser(tx, ctx, user))
  return join(tx, ctx, signedUp(userId, user), open)
}

async function takeOver(tx: Tx, ctx: Context, userId: string, user: NewUser) {
  const { firstName, lastName, passwordHash } = user
  await endSessions(tx, userId)
  await tx.deleteFrom('accounts').where('userId', '=', userId).execute()
  await tx.deleteFrom('twoFactors').where('userId', '=', userId).execute()
  // A link mailed to an address that whoever came before asked to change to would move the account there.
  await tx.deleteFrom('emailVerifications').where('userId', '=', userId).execute()
  await tx.deleteFrom('passwordResets').where('userId', '=', userId).execute()
  await setPassword(tx, ctx, userId, passwordHash)
  const name = `${firstName} ${lastName}`.trim()
  const proved = { firstName, lastName, name, emailVerified: true, twoFactorEnabled: false, updatedAt: ctx.now() }
  await tx.updateTable('users').set(proved).where('id', '=', userId).execute()

  const change = { action: 'user.taken_over', target: { kind: 'user', id: userId, name: user.email } }
  await auditSystem(tx, ctx, signedUp(userId, user), change)
  await auditMemberships(tx, ctx, signedUp(userId, user), userId, change)
}

/** Creates the user; somebody who has the e-mail already is told so as the product's sign-up mode allows. */
export async function newUser(tx: Tx, ctx: Context, user: NewUser): Promise<string> {
  try {
    return (await createUser(tx, ctx, user)).id
  } catch (error) {
    if (violates(error, 'users_email_key')) throw new FreeholdError('email_taken')
    throw error
  }
}

/** The new user as the one who does what their sign-up does. */
export const signedUp = (userId: string, { email, firstName, lastName, emailVerified }: NewUser): Actor => ({
  kind: 'user',
  id: userId,
  name: `${firstName} ${lastName}`.trim(),
  email,
  sessionId: '',
  emailVerified,
  staff: false,
})
