import { auditSystem } from '../audit/audit.ts'
import type { Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { FreeholdError } from '../errors.ts'
import { sendMail } from '../mail/mail.ts'
import { socialProviders } from '../social-providers.ts'
import { addLogin, type Device } from './better-auth.ts'
import { linkedUser, type Identity } from './better-auth-social.ts'
import { loginLinkedMail } from './mail.ts'
import { auditMemberships } from './memberships.ts'
import { lockUser } from './passwords.ts'
import { holdIdentity } from './pending-identities.ts'
import { userById } from './presenter.ts'
import { admit, asActor } from './sign-in.ts'

/**
 * Signs in whom a provider vouches for: by the account that is linked, else by an e-mail that is proved on both sides.
 * Whoever is nobody here gets a token to finish signing up with.
 */
export async function signInAs(tx: Tx, ctx: Context, identity: Identity, device: Device) {
  const userId = (await userByAccount(tx, identity)) ?? (await userByEmail(tx, ctx, identity))
  if (userId !== undefined) return admit(tx, ctx, userId, device, identity.provider)
  if (ctx.product.signup.mode === 'closed') throw new FreeholdError('signup_closed')
  const { provider, email, firstName, lastName } = identity
  return {
    pendingToken: await holdIdentity(tx, ctx, identity),
    identity: { provider, email, firstName, lastName },
  }
}

/** Looked at again under the user's lock: who unlinks it at the same moment does so for good. */
async function userByAccount(tx: Tx, identity: Identity): Promise<string | undefined> {
  const linked = await linkedUser(tx, identity)
  if (!linked) return undefined
  await lockUser(tx, linked.userId)
  const still = await linkedUser(tx, identity)
  if (!still) throw new FreeholdError('social_sign_in_failed', 'It has just been unlinked')
  refuseDisabled(still)
  return still.userId
}

/**
 * The user who has this e-mail, linked from now on. An e-mail that the provider has not verified proves nothing. An account
 * whose own e-mail nobody ever proved may be somebody else's, who waits for its owner to come: it is neither merged nor
 * taken over unasked. Proving the e-mail first, by a mailed link, does take it over, and says so.
 */
async function userByEmail(tx: Tx, ctx: Context, identity: Identity): Promise<string | undefined> {
  const name = socialProviders[identity.provider]
  if (!identity.emailVerified) {
    throw new FreeholdError(
      'email_unverified',
      `${name} has not verified your e-mail. Confirm it there, then try again`,
    )
  }
  const user = await tx
    .selectFrom('users')
    .select(['id', 'emailVerified', 'disabledAt'])
    .where('email', '=', identity.email)
    .forNoKeyUpdate()
    .executeTakeFirst()
  if (!user) return undefined
  refuseDisabled(user)
  if (!user.emailVerified) {
    throw new FreeholdError(
      'account_unverified',
      `${identity.email} has an account here whose e-mail was never confirmed. Reset its password to make it yours, ` +
        `then sign in with ${name}`,
    )
  }
  // Of two sign-ins at once, the one that waited for the lock finds it linked.
  if ((await linkedUser(tx, identity))?.userId !== user.id) await link(tx, ctx, user.id, identity)
  return user.id
}

async function link(tx: Tx, ctx: Context, userId: string, identity: Identity): Promise<void> {
  const { provider } = identity
  await addLogin(tx, ctx, userId, identity)
  const user = await userById(tx, userId)
  const change = {
    action: 'user.login_linked',
    target: { kind: 'user', id: userId, name: user.email },
    after: { provider },
  }
  await auditSystem(tx, ctx, asActor(user), change)
  await auditMemberships(tx, ctx, asActor(user), userId, change)
  await sendMail(tx, ctx, user.email, loginLinkedMail(ctx, socialProviders[provider]))
}

function refuseDisabled({ disabledAt }: { disabledAt: Date | null }): void {
  if (disabledAt !== null) throw new FreeholdError('permission_denied', 'The account is disabled')
}
