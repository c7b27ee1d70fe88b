import { announceChange } from '../changes.ts'
import type { Context } from '../context.ts'
import type { Tx } from '../db/open.ts'

/**
 * Makes a credential stop everywhere at once: consuming statements look at this short list whatever anybody remembers,
 * and whoever remembers it is told. The credential's own row is the caller's to close.
 */
export async function revokeCredential(tx: Tx, ctx: Context, credentialId: string): Promise<void> {
  const revokedAt = ctx.now()
  await tx
    .insertInto('recentRevocations')
    .values({ credentialId, revokedAt })
    .onConflict((conflict) => conflict.column('credentialId').doUpdateSet({ revokedAt }))
    .execute()
  await announceChange(tx, credentialId)
}
