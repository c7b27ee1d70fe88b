import { auditSystem } from '../audit/audit.ts'
import type { Actor, Context } from '../context.ts'
import type { Queryable, Tx } from '../db/open.ts'
import { FreeholdError } from '../errors.ts'
import { sendMail } from '../mail/mail.ts'
import { providersOf, socialProviders } from '../social-providers.ts'
import { endSessions } from './better-auth.ts'
import { loginUnlinkedMail } from './mail.ts'
import { auditMemberships } from './memberships.ts'
import { lockUser } from './passwords.ts'

type User = Extract<Actor, { kind: 'user' }>

/** How a user signs in. A provider that is not configured any more signs nobody in, and is not said. */
export async function waysIn(db: Queryable, ctx: Context, userId: string) {
  const rows = await db
    .selectFrom('accounts')
    .select(['providerId', 'createdAt'])
    .where('userId', '=', userId)
    .orderBy('id')
    .execute()
  const configured = providersOf(ctx.settings.socialSignIn)
  return {
    hasPassword: rows.some(({ providerId }) => providerId === 'credential'),
    providers: configured.flatMap((provider) => {
      const linked = rows.find(({ providerId }) => providerId === provider)
      return linked ? [{ provider, name: socialProviders[provider], linkedAt: linked.createdAt }] : []
    }),
  }
}

/**
 * Takes a provider's account off a user; false when there is none. Sessions elsewhere end, because some of them may have
 * begun with it. The last way in stays.
 */
export async function unlinkProvider(tx: Tx, ctx: Context, user: User, provider: string): Promise<boolean> {
  await lockUser(tx, user.id)
  const { hasPassword, providers } = await waysIn(tx, ctx, user.id)
  const linked = providers.find((each) => each.provider === provider)
  if (!linked) return false
  if (!hasPassword && providers.length === 1) {
    throw new FreeholdError('conflict', 'It is your only way to sign in: set a password first, by resetting it')
  }
  await tx.deleteFrom('accounts').where('userId', '=', user.id).where('providerId', '=', provider).execute()
  await endSessions(tx, user.id, user.sessionId)
  const target = { kind: 'user', id: user.id, name: user.email }
  const change = { action: 'user.login_unlinked', target, before: { provider } }
  await auditSystem(tx, ctx, user, change)
  await auditMemberships(tx, ctx, user, user.id, change)
  await sendMail(tx, ctx, user.email, loginUnlinkedMail(ctx, linked.name))
  return true
}
