import { revokeCredential } from '../api-keys/revocations.ts'
import { auditSystem } from '../audit/audit.ts'
import type { Actor, Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { FreeholdError } from '../errors.ts'
import { endSessions } from './better-auth.ts'
import { auditMemberships } from './memberships.ts'

/** Locks somebody out of everything at once, or lets them sign in again. What they own and belong to stays as it is. */
export async function setUserDisabled(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  userId: string,
  { disabled, reason }: { disabled: boolean; reason: string },
): Promise<{ disabledAt: Date | null }> {
  if (disabled && userId === actor.id) throw new FreeholdError('conflict', 'You would lock yourself out')
  const user = await tx
    .selectFrom('users')
    .select(['email', 'disabledAt'])
    .where('id', '=', userId)
    .forNoKeyUpdate()
    .executeTakeFirst()
  if (!user) throw new FreeholdError('not_found')
  if ((user.disabledAt !== null) === disabled) return { disabledAt: user.disabledAt }

  const disabledAt = disabled ? ctx.now() : null
  await tx.updateTable('users').set({ disabledAt, updatedAt: ctx.now() }).where('id', '=', userId).execute()
  if (disabled) {
    await endSessions(tx, userId)
    await revokeCredential(tx, ctx, userId)
  } else {
    await tx.deleteFrom('recentRevocations').where('credentialId', '=', userId).execute()
  }
  const change = {
    action: disabled ? 'user.disabled' : 'user.enabled',
    target: { kind: 'user', id: userId, name: user.email },
    after: { reason },
  }
  await auditSystem(tx, ctx, actor, change)
  await auditMemberships(tx, ctx, actor, userId, change)
  return { disabledAt }
}
