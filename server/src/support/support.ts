import type { Selectable } from 'kysely'
import { revokeCredential } from '../api-keys/revocations.ts'
import { audit } from '../audit/audit.ts'
import { businessById, lockBusiness } from '../businesses/businesses.ts'
import type { Actor, Context } from '../context.ts'
import type { Queryable, Tx } from '../db/open.ts'
import type { SupportSessionsTable } from '../db/tables.ts'
import { FreeholdError } from '../errors.ts'
import { sendMail } from '../mail/mail.ts'
import { hashToken, newToken } from '../secrets.ts'
import { supportRequestedMail, supportStartedMail } from './mail.ts'

/**
 * Staff inside one business's account: with a reason, an end, and a customer who sees it, can end it, and decides
 * whether it is allowed at all. What a session may do stands in permissions.ts.
 */
export type SupportPolicy = 'always' | 'ask' | 'never'
export type SupportSession = Omit<Selectable<SupportSessionsTable>, 'tokenHash'>
export type SupportStatus = 'requested' | 'refused' | 'active' | 'ended' | 'expired'

/** A question that nobody has answered by then is not a permission to be found later. */
export const requestMilliseconds = 7 * 86_400_000

export function statusOf(session: SupportSession, now: Date): SupportStatus {
  if (session.refusedAt) return 'refused'
  if (session.endedAt) return 'ended'
  if (!session.startedAt) {
    return now.getTime() - session.requestedAt.getTime() >= requestMilliseconds ? 'expired' : 'requested'
  }
  return session.expiresAt !== null && session.expiresAt > now ? 'active' : 'expired'
}

export type NewSupportSession = {
  businessId: string
  reason: string
  minutes: number
  access: 'read' | 'write'
}

/**
 * Starts a session, or asks for one where the customer wants to be asked. The token is handed out either way and works
 * only while the session is active. The product's own back office starts one with its app key, under the key's name.
 */
export async function requestSupportSession(
  tx: Tx,
  ctx: Context,
  staff: Actor,
  { businessId, reason, minutes, access }: NewSupportSession,
): Promise<{ session: SupportSession; token: string }> {
  const business = await lockBusiness(tx, businessId)
  if (business.status === 'closed') throw new FreeholdError('business_closed')
  if (business.supportAccess === 'never') throw new FreeholdError('support_access_refused')
  const startsNow = business.supportAccess === 'always'
  const now = ctx.now()
  const token = newToken('sup', businessId)
  const session = await tx
    .insertInto('supportSessions')
    .values({
      businessId,
      id: ctx.newId('supportSession'),
      staffId: staff.id,
      staffName: staff.name,
      staffEmail: 'email' in staff ? staff.email : null,
      reason,
      access,
      minutes,
      tokenHash: hashToken(token),
      requestedAt: now,
      ...(startsNow ? begin(now, minutes) : {}),
    })
    .returning(columns)
    .executeTakeFirstOrThrow()
  await audit(tx, ctx, staff, businessId, {
    action: startsNow ? 'support_session.started' : 'support_session.requested',
    target: target(session),
    after: details(session),
  })
  const mail = startsNow ? supportStartedMail : supportRequestedMail
  await sendMail(tx, ctx, await owners(tx, businessId), mail(ctx, { business, session }))
  return { session, token }
}

/** The customer's answer to a request; the session's time begins with the approval. */
export async function answerSupportRequest(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  businessId: string,
  id: string,
  approve: boolean,
): Promise<SupportSession> {
  const business = await lockBusiness(tx, businessId)
  const before = await sessionById(tx, businessId, id)
  const now = ctx.now()
  const status = statusOf(before, now)
  if (before.answeredAt && (approve ? status === 'active' : status === 'refused')) return before
  if (status !== 'requested') {
    throw new FreeholdError(
      status === 'active' ? 'conflict' : 'support_session_ended',
      status === 'active' ? 'The session has started: end it instead' : `The request is ${status}`,
    )
  }
  const answer = { answeredAt: now, answeredBy: actor.id }
  const session = await tx
    .updateTable('supportSessions')
    .set(approve ? { ...answer, ...begin(now, before.minutes) } : { ...answer, refusedAt: now })
    .where('businessId', '=', businessId)
    .where('id', '=', id)
    .returning(columns)
    .executeTakeFirstOrThrow()
  await audit(tx, ctx, actor, businessId, {
    action: approve ? 'support_session.approved' : 'support_session.refused',
    target: target(session),
    after: details(session),
  })
  if (approve) await sendMail(tx, ctx, await owners(tx, businessId), supportStartedMail(ctx, { business, session }))
  return session
}

/** Ends a session or takes a request back. Ending again changes nothing. */
export async function endSupportSession(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  businessId: string,
  id: string,
): Promise<void> {
  await lockBusiness(tx, businessId)
  await end(tx, ctx, actor, await sessionById(tx, businessId, id))
}

/** Staff end a session they started themselves, wherever it is. */
export async function endOwnSupportSession(tx: Tx, ctx: Context, staff: Actor, id: string): Promise<void> {
  const found = await tx
    .selectFrom('supportSessions')
    .select(['businessId', 'staffId'])
    .where('id', '=', id)
    .executeTakeFirst()
  if (!found) throw new FreeholdError('not_found')
  if (found.staffId !== staff.id) throw new FreeholdError('permission_denied', 'It is the session of somebody else')
  await endSupportSession(tx, ctx, staff, found.businessId, id)
}

/** Decides who may look in. `never` also ends what is going on. */
export async function setSupportPolicy(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  businessId: string,
  policy: SupportPolicy,
): Promise<void> {
  const business = await lockBusiness(tx, businessId)
  if (business.supportAccess === policy) return
  await tx.updateTable('businesses').set({ supportAccess: policy }).where('id', '=', businessId).execute()
  await audit(tx, ctx, actor, businessId, {
    action: 'support_access.changed',
    target: { kind: 'business', id: businessId, name: business.name },
    before: { policy: business.supportAccess },
    after: { policy },
  })
  if (policy !== 'never') return
  const open = await select(tx, businessId)
    .where('endedAt', 'is', null)
    .where('refusedAt', 'is', null)
    .orderBy('id')
    .execute()
  for (const session of open) await end(tx, ctx, actor, session)
}

export async function supportPolicy(db: Tx, businessId: string): Promise<SupportPolicy> {
  return (await businessById(db, businessId)).supportAccess as SupportPolicy
}

/** Newest first. */
export function listSupportSessions(
  db: Queryable,
  businessId: string,
  limit: number,
  cursor?: string,
): Promise<SupportSession[]> {
  let query = select(db, businessId)
    .orderBy('id', 'desc')
    .limit(limit + 1)
  if (cursor !== undefined) query = query.where('id', '<', cursor)
  return query.execute()
}

async function end(tx: Tx, ctx: Context, actor: Actor, session: SupportSession): Promise<void> {
  const now = ctx.now()
  if (!['requested', 'active'].includes(statusOf(session, now))) return
  const { businessId, id } = session
  await tx
    .updateTable('supportSessions')
    .set({ endedAt: now, endedBy: actor.id })
    .where('businessId', '=', businessId)
    .where('id', '=', id)
    .execute()
  await revokeCredential(tx, ctx, id)
  await audit(tx, ctx, actor, businessId, {
    action: 'support_session.ended',
    target: target(session),
    before: details(session),
  })
}

/** Also asked for within the business, where nobody sees whether a person is disabled. */
async function owners(tx: Tx, businessId: string): Promise<string[]> {
  const rows = await tx
    .selectFrom('members')
    .innerJoin('users', 'users.id', 'members.userId')
    .select('users.email')
    .where('members.businessId', '=', businessId)
    .where('members.role', '=', 'owner')
    .where('members.suspendedAt', 'is', null)
    .orderBy('members.id')
    .execute()
  return rows.map(({ email }) => email)
}

async function sessionById(db: Queryable, businessId: string, id: string): Promise<SupportSession> {
  const session = await select(db, businessId).where('id', '=', id).executeTakeFirst()
  if (!session) throw new FreeholdError('not_found')
  return session
}

const columns = [
  'businessId',
  'id',
  'staffId',
  'staffName',
  'staffEmail',
  'reason',
  'access',
  'minutes',
  'requestedAt',
  'answeredAt',
  'answeredBy',
  'refusedAt',
  'startedAt',
  'expiresAt',
  'endedAt',
  'endedBy',
] as const

const select = (db: Queryable, businessId: string) =>
  db.selectFrom('supportSessions').select(columns).where('businessId', '=', businessId)

const begin = (now: Date, minutes: number) => ({
  startedAt: now,
  expiresAt: new Date(now.getTime() + minutes * 60_000),
})

const details = ({ reason, access, minutes, expiresAt }: SupportSession) => ({ reason, access, minutes, expiresAt })

const target = ({ id, staffName }: SupportSession) => ({ kind: 'support_session', id, name: staffName })
