import { auditSystem } from '../audit/audit.ts'
import type { NewBusiness } from '../businesses/businesses.ts'
import { foundBusiness } from '../businesses/founding.ts'
import type { Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { violates } from '../db/transactions.ts'
import { FreeholdError } from '../errors.ts'
import { openInvitation } from '../invitations/invitations.ts'
import { join, type Joined } from '../invitations/joining.ts'
import { addLogin, createUser, linkedOnce, type NewUser } from './better-auth.ts'
import { auditMemberships } from './memberships.ts'
import { asActor, disown } from './sign-in.ts'
import { welcome } from './welcoming.ts'

/**
 * Signs up in one step: user, business, owner, subscription and the keys the product declares appear together or not
 * at all. The password is hashed before, outside the transaction.
 */
export async function signUp(tx: Tx, ctx: Context, user: NewUser, business: NewBusiness) {
  await ctx.product.hooks.beforeSignup?.(tx, { email: user.email, businessName: business.name })
  const userId = await newUser(tx, ctx, user)
  const founded = await foundBusiness(tx, ctx, asActor({ id: userId, ...user }), business, 'body/business')
  await record(tx, ctx, userId, user, 'user.signed_up')
  // Otherwise once their e-mail is proved.
  if (user.emailVerified) await welcome(tx, ctx, userId)
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
  person: Pick<NewUser, 'firstName' | 'lastName' | 'login'> & { email?: string },
): Promise<Joined> {
  const open = await openInvitation(tx, ctx, token)
  if (person.email !== undefined && person.email !== open.invitation.email) {
    throw new FreeholdError('permission_denied', 'The invitation is for another e-mail')
  }
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
  const joined = await join(tx, ctx, asActor({ id: userId, ...user }), open)
  if (!existing) await record(tx, ctx, userId, user, 'user.signed_up')
  await welcome(tx, ctx, userId)
  return joined
}

async function takeOver(tx: Tx, ctx: Context, userId: string, user: NewUser) {
  const { firstName, lastName, login } = user
  await disown(tx, ctx, userId)
  await addLogin(tx, ctx, userId, login)
  const name = `${firstName} ${lastName}`.trim()
  const proved = { firstName, lastName, name, emailVerified: true, updatedAt: ctx.now() }
  await tx.updateTable('users').set(proved).where('id', '=', userId).execute()

  await record(tx, ctx, userId, user, 'user.taken_over')
}

/** Creates the user; somebody who has the e-mail already is told so as the product's sign-up mode allows. */
export async function newUser(tx: Tx, ctx: Context, user: NewUser): Promise<string> {
  try {
    return (await createUser(tx, ctx, user)).id
  } catch (error) {
    if (violates(error, 'users_email_key')) throw new FreeholdError('email_taken')
    if (violates(error, linkedOnce)) {
      throw new FreeholdError('conflict', 'Somebody signs in with this account already: sign in with it')
    }
    throw error
  }
}

async function record(tx: Tx, ctx: Context, userId: string, user: NewUser, action: string): Promise<void> {
  const actor = asActor({ id: userId, ...user })
  const change = { action, target: { kind: 'user', id: userId, name: user.email } }
  await auditSystem(tx, ctx, actor, change)
  await auditMemberships(tx, ctx, actor, userId, change)
}
