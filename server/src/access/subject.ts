import type { FastifyRequest } from 'fastify'
import { acrossBusinesses } from '../db/transactions.ts'
import type { Actor, Context } from '../context.ts'
import { FreeholdError, invalid } from '../errors.ts'
import { actorOf, type Credential } from '../http/request.ts'
import { openBusiness } from './access.ts'
import { authenticate } from './credentials.ts'
import type { Subject } from './gate.ts'
import { limitKey } from './key-rate.ts'

export type SubjectFields = {
  businessId?: string
  subject?: { businessId?: string; credential?: string }
}

/**
 * For whom the gate is asked: an API key's own business, the business a person names, or whoever the product's backend
 * names. Undefined when the backend asks about a credential that is not valid, which is an answer and not an error.
 */
export async function subjectOf(request: FastifyRequest, body: SubjectFields): Promise<Subject | undefined> {
  const { ctx, credential } = request.freehold
  const actor = actorOf(request)
  if (actor.kind !== 'app') {
    if (body.subject !== undefined) throw invalid('body/subject', 'is for app keys; leave it out')
    if (!credential) throw new FreeholdError('unauthenticated')
    return credentialSubject(ctx, credential, body.businessId, 'body/businessId')
  }

  const { businessId, credential: bearer } = body.subject ?? {}
  if (bearer !== undefined) {
    const found = await authenticate(ctx, bearer)
    if (!found || found.actor.kind === 'app') return undefined
    return credentialSubject(ctx, found, businessId, 'body/subject/businessId')
  }
  if (businessId === undefined)
    throw invalid('body/subject', 'name the business: { "businessId": … } or { "credential": … }')
  await mustExist(ctx, businessId)
  return { businessId, permissions: undefined, credentialId: actor.id, actor }
}

/** What a credential may do, and where; `path` is where a person has to name the business. */
export async function credentialSubject(
  ctx: Context,
  { actor, permissions, perMinute }: Credential,
  businessId: string | undefined,
  path: string,
): Promise<Subject> {
  if (actor.kind === 'key') {
    if (businessId !== undefined && businessId !== actor.businessId) throw new FreeholdError('not_found')
    if (perMinute !== undefined && ctx.settings.rateLimits) await limitKey(ctx, actor.id, perMinute)
    return { businessId: actor.businessId, permissions, credentialId: actor.id, actor }
  }
  const named = businessId ?? (actor.kind === 'staff' ? actor.supportSession.businessId : undefined)
  if (named === undefined) throw invalid(path, 'is required: a person may belong to several businesses')
  const opened = await openBusiness(ctx, actor, named)
  const { id, permissions: held, role } = opened
  return { businessId: id, permissions: held, credentialId: credentialIdOf(actor), actor, role }
}

/** What the ledger names as the one who used something, and what can be revoked. */
export const credentialIdOf = (actor: Actor): string => (actor.kind === 'staff' ? actor.supportSession.id : actor.id)

async function mustExist(ctx: Context, businessId: string): Promise<void> {
  const found = await acrossBusinesses(ctx.db, (tx) =>
    tx.selectFrom('businesses').select('id').where('id', '=', businessId).executeTakeFirst(),
  )
  if (!found) throw new FreeholdError('not_found')
}
