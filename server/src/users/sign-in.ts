import { auditSystem } from '../audit/audit.ts'
import type { Actor, Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { FreeholdError } from '../errors.ts'
import type { SocialProvider } from '../social-providers.ts'
import {
  createChallenge,
  createSession,
  endSessions,
  removeTwoFactor,
  type Device,
  type NewSession,
} from './better-auth.ts'
import { membershipsOf } from './memberships.ts'
import { holdUser, stillProved, type Proved } from './passwords.ts'
import { userById } from './presenter.ts'

/**
 * Signs in whoever has proved their password, or asks for the second factor. The password is looked at again under a
 * lock: a session that began with an old one must not outlive its change.
 */
export async function signIn(tx: Tx, ctx: Context, proved: Proved, device: Device) {
  if (!(await stillProved(tx, proved, holdUser))) throw new FreeholdError('invalid_credentials')
  return admit(tx, ctx, proved.userId, device)
}

/** Signs in whoever has proved who they are, under the user's lock, or asks for the second factor. */
export async function admit(tx: Tx, ctx: Context, userId: string, device: Device, provider?: SocialProvider) {
  const { twoFactorEnabled } = await userById(tx, userId)
  if (twoFactorEnabled) return { twoFactorRequired: true, challenge: await createChallenge(tx, ctx, userId) }
  return welcome(tx, ctx, userId, await createSession(tx, ctx, userId, device), device, provider)
}

/** What a new session answers with: who signed in, and where they belong. */
export async function welcome(
  tx: Tx,
  ctx: Context,
  userId: string,
  { id, token }: NewSession,
  device: Device,
  provider?: SocialProvider,
) {
  const user = await userById(tx, userId)
  await auditSystem(tx, ctx, asActor(user), {
    action: 'user.signed_in',
    target: { kind: 'session', id },
    after: { address: device.address, ...(provider ? { provider } : {}) },
  })
  return { user, token, memberships: await membershipsOf(tx, ctx, userId) }
}

/**
 * Takes every way in from whoever made an account before its e-mail was proved: they may have been somebody else, who
 * waits for the owner to come. A link mailed to an address that they wanted to change to would move the account there.
 */
export async function disown(tx: Tx, ctx: Context, userId: string): Promise<void> {
  await endSessions(tx, userId)
  await removeTwoFactor(tx, ctx, userId)
  await tx.deleteFrom('accounts').where('userId', '=', userId).execute()
  await tx.deleteFrom('emailVerifications').where('userId', '=', userId).execute()
  await tx.deleteFrom('passwordResets').where('userId', '=', userId).execute()
}

/** A person as the one who does something outside any session: with a mailed link, or while signing in. */
export const asActor = (user: {
  id: string
  email: string
  emailVerified: boolean
  firstName: string
  lastName: string
}): Actor => ({
  kind: 'user',
  id: user.id,
  name: `${user.firstName} ${user.lastName}`.trim(),
  email: user.email,
  sessionId: '',
  emailVerified: user.emailVerified,
  staff: false,
})
