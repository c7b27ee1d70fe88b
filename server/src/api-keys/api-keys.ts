import type { Selectable } from 'kysely'
import { audit } from '../audit/audit.ts'
import { announceChange } from '../changes.ts'
import type { Actor, Context } from '../context.ts'
import type { Queryable, Tx } from '../db/open.ts'
import type { ApiKeysTable } from '../db/tables.ts'
import { FreeholdError, invalid } from '../errors.ts'
import { emit } from '../events/emit.ts'
import type { KeyType } from '../product.ts'
import { hashToken, newToken } from '../secrets.ts'
import { revokeCredential } from './revocations.ts'

export type ApiKey = Omit<Selectable<ApiKeysTable>, 'hash' | 'publishableKey'> & { key: string | null }

const select = (db: Queryable, businessId: string) =>
  db
    .selectFrom('apiKeys')
    .select([
      'businessId',
      'id',
      'type',
      'name',
      'hint',
      'publishableKey as key',
      'lineageId',
      'createdBy',
      'expiresAt',
      'revokedAt',
      'lastUsedAt',
      'createdAt',
    ])
    .where('businessId', '=', businessId)

export function listApiKeys(db: Queryable, businessId: string, limit: number, cursor?: string): Promise<ApiKey[]> {
  let query = select(db, businessId)
    .orderBy('id', 'desc')
    .limit(limit + 1)
  if (cursor !== undefined) query = query.where('id', '<', cursor)
  return query.execute()
}

/** Since when a key has a successor; else since it is there. */
export async function usedSince(db: Queryable, businessId: string, keyId: string): Promise<Date> {
  const key = await select(db, businessId).where('id', '=', keyId).executeTakeFirst()
  if (!key) throw new FreeholdError('not_found')
  const next = await select(db, businessId)
    .where('lineageId', '=', key.lineageId)
    .where('id', '>', key.id)
    .orderBy('id')
    .limit(1)
    .executeTakeFirst()
  return next?.createdAt ?? key.createdAt
}

/** A key as it is handed out; of a secret one only the hash is kept. */
export type NewApiKey = { apiKey: ApiKey; key: string }

/** `granter` is what the actor holds: nobody makes a key that may do more than they may. */
export async function createApiKey(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  granter: ReadonlySet<string>,
  businessId: string,
  { name, type, expiresAt = null }: { name: string; type: string; expiresAt?: Date | null },
): Promise<NewApiKey> {
  checkGrantable(ctx, granter, type)
  if (expiresAt !== null && expiresAt <= ctx.now()) throw invalid('body/expiresAt', 'must be in the future')
  const created = await insertKey(tx, ctx, actor, businessId, { name: name.trim(), type, expiresAt })
  await audit(tx, ctx, actor, businessId, {
    action: 'api_key.created',
    target: target(created.apiKey),
    after: { type, hint: created.apiKey.hint, expiresAt },
  })
  const { id: apiKeyId } = created.apiKey
  await emit(tx, ctx, { businessId, type: 'api_key.created', data: { apiKeyId, keyType: type, name: name.trim() } })
  return created
}

/**
 * Makes the next key of a lineage. The old one goes on working for the grace, never past its own expiry, and usage does
 * not care: counters belong to the business. A key is rotated once, so that two who do it at once leave one next key.
 */
export async function rotateApiKey(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  granter: ReadonlySet<string>,
  businessId: string,
  keyId: string,
  graceSeconds: number,
): Promise<NewApiKey> {
  const old = await lockKey(tx, businessId, keyId)
  const now = ctx.now()
  if (old.revokedAt !== null || (old.expiresAt !== null && old.expiresAt <= now)) throw new FreeholdError('key_revoked')
  const { name, type, lineageId } = old
  checkGrantable(ctx, granter, type)
  await checkNotRotated(tx, old)
  const created = await insertKey(tx, ctx, actor, businessId, { name, type, expiresAt: null, lineageId })
  const graceEnd = new Date(now.getTime() + graceSeconds * 1000)
  const expiresAt = old.expiresAt !== null && old.expiresAt < graceEnd ? old.expiresAt : graceEnd
  if (graceSeconds === 0) await markRevoked(tx, ctx, businessId, keyId)
  else {
    await tx
      .updateTable('apiKeys')
      .set({ expiresAt })
      .where('businessId', '=', businessId)
      .where('id', '=', keyId)
      .execute()
    await announceChange(tx, keyId)
  }
  const worksUntil = graceSeconds === 0 ? now : expiresAt
  await audit(tx, ctx, actor, businessId, {
    action: 'api_key.rotated',
    target: target(created.apiKey),
    before: { id: old.id, hint: old.hint },
    after: { hint: created.apiKey.hint, oldKeyWorksUntil: worksUntil },
  })
  const data = { apiKeyId: keyId, keyType: type, replacedBy: created.apiKey.id, worksUntil }
  await emit(tx, ctx, { businessId, type: 'api_key.rotated', data })
  return created
}

export async function revokeApiKey(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  businessId: string,
  keyId: string,
): Promise<void> {
  const key = await lockKey(tx, businessId, keyId)
  if (key.revokedAt !== null) return
  await markRevoked(tx, ctx, businessId, keyId)
  await audit(tx, ctx, actor, businessId, {
    action: 'api_key.revoked',
    target: target(key),
    before: { hint: key.hint },
  })
  await emit(tx, ctx, { businessId, type: 'api_key.revoked', data: { apiKeyId: keyId, keyType: key.type } })
}

function keyType(ctx: Context, type: string): KeyType {
  const known = Object.hasOwn(ctx.product.keys, type) ? ctx.product.keys[type] : undefined
  if (!known) throw invalid('body/type', `must be one of ${Object.keys(ctx.product.keys).join(', ')}`)
  return known
}

function checkGrantable(ctx: Context, granter: ReadonlySet<string>, type: string): void {
  const beyond = keyType(ctx, type).permissions.find((permission) => !granter.has(permission))
  if (beyond !== undefined) {
    throw new FreeholdError('permission_denied', `A key of type ${type} may do more than you: ${beyond}`)
  }
}

async function checkNotRotated(tx: Tx, { businessId, id, lineageId }: ApiKey): Promise<void> {
  const next = await tx
    .selectFrom('apiKeys')
    .select('id')
    .where('businessId', '=', businessId)
    .where('lineageId', '=', lineageId)
    .where('id', '>', id)
    .where('revokedAt', 'is', null)
    .limit(1)
    .executeTakeFirst()
  if (next) throw new FreeholdError('conflict', `The key has been rotated already; the next one is ${next.id}`)
}

async function insertKey(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  businessId: string,
  { name, type, expiresAt, lineageId }: { name: string; type: string; expiresAt: Date | null; lineageId?: string },
): Promise<NewApiKey> {
  const { prefix, publishable } = keyType(ctx, type)
  const key = newToken(prefix, businessId)
  const id = ctx.newId('apiKey')
  await tx
    .insertInto('apiKeys')
    .values({
      businessId,
      id,
      type,
      name,
      hash: hashToken(key),
      hint: `${prefix}…${key.slice(-4)}`,
      publishableKey: publishable ? key : null,
      lineageId: lineageId ?? id,
      createdBy: actor.id,
      expiresAt,
      createdAt: ctx.now(),
    })
    .execute()
  return { apiKey: await select(tx, businessId).where('id', '=', id).executeTakeFirstOrThrow(), key }
}

async function lockKey(tx: Tx, businessId: string, keyId: string): Promise<ApiKey> {
  const key = await select(tx, businessId).where('id', '=', keyId).forNoKeyUpdate().executeTakeFirst()
  if (!key) throw new FreeholdError('not_found')
  return key
}

// In both places at once: look-ups see the key's own row, the consuming statement the short list.
async function markRevoked(tx: Tx, ctx: Context, businessId: string, keyId: string): Promise<void> {
  await tx
    .updateTable('apiKeys')
    .set({ revokedAt: ctx.now() })
    .where('businessId', '=', businessId)
    .where('id', '=', keyId)
    .execute()
  await revokeCredential(tx, ctx, keyId)
}

const target = (key: { id: string; name: string }) => ({ kind: 'api_key', id: key.id, name: key.name })
