import { auditSystem } from '../audit/audit.ts'
import type { Actor, Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { violates } from '../db/transactions.ts'
import { FreeholdError } from '../errors.ts'

/**
 * Ties a user to what the product's own system calls them. Not theirs to say: whoever could would pass for somebody
 * else's row there.
 */
export async function setExternalId(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  userId: string,
  { externalId, reason }: { externalId: string | null; reason: string },
): Promise<void> {
  const user = await tx
    .selectFrom('users')
    .select(['email', 'externalId'])
    .where('id', '=', userId)
    .forNoKeyUpdate()
    .executeTakeFirst()
  if (!user) throw new FreeholdError('not_found')
  if (user.externalId === externalId) return
  try {
    await tx.updateTable('users').set({ externalId, updatedAt: ctx.now() }).where('id', '=', userId).execute()
  } catch (error) {
    if (violates(error, 'users_external_id_key')) throw new FreeholdError('external_id_taken')
    throw error
  }
  await auditSystem(tx, ctx, actor, {
    action: 'user.updated',
    target: { kind: 'user', id: userId, name: user.email },
    before: { externalId: user.externalId },
    after: { externalId, reason },
  })
}
