import type { Selectable } from 'kysely'
import { auditSystem } from '../audit/audit.ts'
import type { Actor, Context } from '../context.ts'
import type { Queryable, Tx } from '../db/open.ts'
import type { AppKeysTable } from '../db/tables.ts'
import { FreeholdError, invalid } from '../errors.ts'
import { hashToken, newToken } from '../secrets.ts'
import { revokeCredential } from './revocations.ts'

/**
 * The credentials of the product's own backend, above all businesses: `meter` asks the gate, `admin` may also do what
 * staff do. Made on the command line and nowhere else.
 */
export type AppKey = Omit<Selectable<AppKeysTable>, 'hash'>

export const appKeyScopes = ['meter', 'admin'] as const
export type AppKeyScope = (typeof appKeyScopes)[number]

/** The key itself is in this answer and nowhere afterwards: only its hash is kept. */
export async function createAppKey(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  { name, scope }: { name: string; scope: AppKeyScope },
): Promise<{ id: string; key: string }> {
  if (!appKeyScopes.includes(scope)) throw invalid('scope', `must be one of ${appKeyScopes.join(', ')}`)
  if (name.trim() === '') throw invalid('name', 'is required: it stands in the log for whatever uses the key')
  const key = newToken('app')
  const id = ctx.newId('appKey')
  const appKey = { id, name: name.trim(), scope, hint: `app…${key.slice(-4)}`, createdAt: ctx.now() }
  await tx
    .insertInto('appKeys')
    .values({ ...appKey, hash: hashToken(key) })
    .execute()
  await auditSystem(tx, ctx, actor, {
    action: 'app_key.created',
    target: target(appKey),
    after: { scope, hint: appKey.hint },
  })
  return { id, key }
}

/** Newest first. Made by hand, so there are few. */
export function listAppKeys(db: Queryable): Promise<AppKey[]> {
  return db
    .selectFrom('appKeys')
    .select(['id', 'name', 'scope', 'hint', 'revokedAt', 'lastUsedAt', 'createdAt'])
    .orderBy('id', 'desc')
    .execute()
}

export async function revokeAppKey(tx: Tx, ctx: Context, actor: Actor, id: string): Promise<void> {
  const key = await tx.selectFrom('appKeys').selectAll().where('id', '=', id).forNoKeyUpdate().executeTakeFirst()
  if (!key) throw new FreeholdError('not_found', `There is no app key ${id}`)
  if (key.revokedAt !== null) return
  await tx.updateTable('appKeys').set({ revokedAt: ctx.now() }).where('id', '=', id).execute()
  await revokeCredential(tx, ctx, id)
  await auditSystem(tx, ctx, actor, {
    action: 'app_key.revoked',
    target: target(key),
    before: { scope: key.scope, hint: key.hint },
  })
}

const target = ({ id, name }: { id: string; name: string }) => ({ kind: 'app_key', id, name })
