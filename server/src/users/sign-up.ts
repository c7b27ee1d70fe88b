import { createApiKey } from '../api-keys/api-keys.ts'
import { audit } from '../audit/audit.ts'
import { createBusiness, type NewBusiness } from '../businesses/businesses.ts'
import type { Actor, Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { violates } from '../db/transactions.ts'
import { FreeholdError } from '../errors.ts'
import { openInvitation } from '../invitations/invitations.ts'
import { join, type Joined } from '../invitations/joining.ts'
import { addMember } from '../members/members.ts'
import { currentPlanVersion, priceNamed } from '../plans/plans.ts'
import { startSubscription } from '../subscriptions/subscriptions.ts'
import { createUser, endSessions, setPassword, type NewUser } from './better-auth.ts'

/**
 * Signs up in one step: user, business, owner, subscription and the keys the product declares appear together or not
 * at all. The password is hashed before, outside the transaction.
 */
export async function signUp(tx: Tx, ctx: Context, user: NewUser, business: NewBusiness) {
  await ctx.product.hooks.beforeSignup?.(tx, { email: user.email, businessName: business.name })
  const userId = await newUser(tx, ctx, user)
  const founded = await foundBusiness(tx, ctx, signedUp(userId, user), business)
  await ctx.product.hooks.afterSignup?.(tx, { userId, businessId: founded.business.id, email: user.email })
  return { userId, ...founded }
}

/** A business with its owner, subscription and keys: at sign-up, and when a user founds another. */
export async function foundBusiness(tx: Tx, ctx: Context, owner: Actor, details: NewBusiness) {
  const { signup } = ctx.product
  const business = await createBusiness(tx, ctx, details)
  const member = await addMember(tx, ctx, business.id, owner.id, 'owner')
  const plan = await currentPlanVersion(tx, signup.plan)
  const { name: price } = priceNamed(plan)
  const subscription = await startSubscription(tx, ctx, {
    businessId: business.id,
    plan,
    price,
    start: ctx.now(),
    trial: true,
  })
  await audit(tx, ctx, owner, business.id, {
    action: 'business.created',
    target: { kind: 'business', id: business.id, name: business.name },
    after: { name: business.name, owner: member.email, plan: plan.planKey },
  })
  const apiKeys: { id: string; type: string; key: string }[] = []
  for (const type of signup.keys) {
    const { apiKey, key } = await createApiKey(tx, ctx, owner, business.id, { name: type, type })
    apiKeys.push({ id: apiKey.id, type, key })
  }
  return { business, member, subscription, apiKeys }
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
    .select(['id', 'emailVerified'])
    .where('email', '=', user.email)
    .forNoKeyUpdate()
    .executeTakeFirst()
  if (existing?.emailVerified) throw new FreeholdError('email_taken', 'Sign in and accept the invitation')
  if (existing) await takeOver(tx, ctx, existing.id, user)
  const userId = existing?.id ?? (await newUser(tx, ctx, user))
  return join(tx, ctx, signedUp(userId, user), open)
}

async function takeOver(tx: Tx, ctx: Context, userId: string, { firstName, lastName, passwordHash }: NewUser) {
  await endSessions(tx, userId)
  await tx.deleteFrom('accounts').where('userId', '=', userId).execute()
  await tx.deleteFrom('twoFactors').where('userId', '=', userId).execute()
  await setPassword(tx, ctx, userId, passwordHash)
  const name = `${firstName} ${lastName}`.trim()
  const proved = { firstName, lastName, name, emailVerified: true, twoFactorEnabled: false, updatedAt: ctx.now() }
  await tx.updateTable('users').set(proved).where('id', '=', userId).execute()
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
