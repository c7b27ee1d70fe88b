import type { Selectable } from 'kysely'
import { audit } from '../audit/audit.ts'
import { businessById, lockBusiness, type Business } from '../businesses/businesses.ts'
import type { Actor, Context } from '../context.ts'
import type { Queryable, Tx } from '../db/open.ts'
import type { InvitationsTable } from '../db/tables.ts'
import { asDatabaseUser } from '../db/transactions.ts'
import { FreeholdError } from '../errors.ts'
import { sendMail } from '../mail/mail.ts'
import { checkGrantable, checkRole } from '../members/members.ts'
import { businessOfToken, hashToken, newToken } from '../secrets.ts'
import { seatLimit } from '../subscriptions/seats.ts'
import { seatsTaken } from '../usage/counters.ts'
import { invitationMail } from './mail.ts'

const lifeMilliseconds = 7 * 86_400_000

/** The inviter's name is null when it was no person: the product's backend, or Freehold itself. */
export type Invitation = Omit<Selectable<InvitationsTable>, 'tokenHash'> & { inviterName: string | null }
export type InvitationState = 'pending' | 'accepted' | 'revoked' | 'expired'

export function stateOf(
  invitation: Pick<Invitation, 'acceptedAt' | 'revokedAt' | 'expiresAt'>,
  now: Date,
): InvitationState {
  if (invitation.acceptedAt) return 'accepted'
  if (invitation.revokedAt) return 'revoked'
  return invitation.expiresAt <= now ? 'expired' : 'pending'
}

const select = (db: Queryable, businessId: string) =>
  db
    .selectFrom('invitations')
    .leftJoin('users', 'users.id', 'invitations.invitedBy')
    .select([
      'invitations.businessId',
      'invitations.id',
      'invitations.email',
      'invitations.role',
      'invitations.invitedBy',
      'users.name as inviterName',
      'invitations.expiresAt',
      'invitations.acceptedAt',
      'invitations.revokedAt',
      'invitations.createdAt',
    ])
    .where('invitations.businessId', '=', businessId)

/** Newest first. */
export function listInvitations(
  db: Queryable,
  businessId: string,
  limit: number,
  cursor?: string,
): Promise<Invitation[]> {
  let query = select(db, businessId)
    .orderBy('invitations.id', 'desc')
    .limit(limit + 1)
  if (cursor !== undefined) query = query.where('invitations.id', '<', cursor)
  return query.execute()
}

export async function invitationById(db: Queryable, businessId: string, id: string): Promise<Invitation> {
  const invitation = await select(db, businessId).where('invitations.id', '=', id).executeTakeFirst()
  if (!invitation) throw new FreeholdError('not_found')
  return invitation
}

/**
 * Invites an e-mail. Works the same whether or not somebody has it already; the link proves it. Seats count pending
 * invitations, under the business's lock, so that of two who race for the last one only one wins.
 */
export async function inviteMember(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  granter: ReadonlySet<string>,
  businessId: string,
  body: { email: string; role: string },
): Promise<Invitation> {
  const email = body.email.toLowerCase()
  const { role } = body
  checkRole(ctx, role)
  checkGrantable(ctx, granter, role)
  const { beforeInvite } = ctx.product.hooks
  if (beforeInvite) await asDatabaseUser(tx, () => beforeInvite(tx, { businessId, email, role }))

  const business = await lockBusiness(tx, businessId)
  await checkNotMember(tx, businessId, email)
  const open = await select(tx, businessId)
    .where('invitations.email', '=', email)
    .where('acceptedAt', 'is', null)
    .where('revokedAt', 'is', null)
    .executeTakeFirst()
  if (open && stateOf(open, ctx.now()) === 'pending')
    throw new FreeholdError('already_invited', 'Resend the invitation instead')
  // An expired one makes room: there is one open invitation for an e-mail.
  if (open) await markRevoked(tx, ctx, actor, open)
  await checkSeat(tx, ctx, businessId)

  const token = newToken('inv', businessId)
  const id = ctx.newId('invitation')
  await tx
    .insertInto('invitations')
    .values({
      businessId,
      id,
      email,
      role,
      tokenHash: hashToken(token),
      invitedBy: actor.id,
      expiresAt: new Date(ctx.now().getTime() + lifeMilliseconds),
      createdAt: ctx.now(),
    })
    .execute()
  const invitation = await invitationById(tx, businessId, id)
  await audit(tx, ctx, actor, businessId, {
    action: 'invitation.created',
    target: target(invitation),
    after: { email, role },
  })
  const { expiresAt } = invitation
  await sendMail(tx, ctx, email, invitationMail(ctx, { token, role, inviter: actor.name, business, expiresAt }))
  return invitation
}

/**
 * Mails a new link for another seven days; the old link stops working. Whoever resends vouches for the invitation from
 * now on, so they must hold what it gives.
 */
export async function resendInvitation(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  granter: ReadonlySet<string>,
  businessId: string,
  id: string,
): Promise<Invitation> {
  const business = await lockBusiness(tx, businessId)
  const before = await invitationById(tx, businessId, id)
  refuseClosed(before)
  checkGrantable(ctx, granter, before.role)
  await checkNotMember(tx, businessId, before.email)
  // An expired one has given its seat back and has to find one again.
  if (stateOf(before, ctx.now()) === 'expired') await checkSeat(tx, ctx, businessId)
  const token = newToken('inv', businessId)
  await tx
    .updateTable('invitations')
    .set({
      tokenHash: hashToken(token),
      expiresAt: new Date(ctx.now().getTime() + lifeMilliseconds),
      invitedBy: actor.id,
    })
    .where('businessId', '=', businessId)
    .where('id', '=', id)
    .execute()
  const invitation = await invitationById(tx, businessId, id)
  await audit(tx, ctx, actor, businessId, {
    action: 'invitation.resent',
    target: target(invitation),
    before: { expiresAt: before.expiresAt, invitedBy: before.invitedBy },
    after: { expiresAt: invitation.expiresAt, invitedBy: invitation.invitedBy },
  })
  const { role, email, expiresAt } = invitation
  await sendMail(tx, ctx, email, invitationMail(ctx, { token, role, inviter: actor.name, business, expiresAt }))
  return invitation
}

export async function revokeInvitation(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  businessId: string,
  id: string,
): Promise<void> {
  await lockBusiness(tx, businessId)
  const invitation = await invitationById(tx, businessId, id)
  if (invitation.acceptedAt) throw new FreeholdError('invitation_accepted')
  if (!invitation.revokedAt) await markRevoked(tx, ctx, actor, invitation)
}

export type OpenInvitation = { invitation: Invitation; business: Business }

/** What a mailed link leads to, while it can still be accepted: for the form behind it. Changes and locks nothing. */
export async function lookUpInvitation(tx: Tx, ctx: Context, token: string): Promise<OpenInvitation> {
  const invitation = await invitationByToken(tx, token)
  const business = await businessById(tx, invitation.businessId)
  await checkAcceptable(tx, ctx, invitation, business)
  return { invitation, business }
}

/** The same for whoever accepts it now, under the business's lock. */
export async function openInvitation(tx: Tx, ctx: Context, token: string): Promise<OpenInvitation> {
  const { businessId } = await invitationByToken(tx, token)
  const business = await lockBusiness(tx, businessId)
  // Read again: it may have been accepted, revoked or resent while this waited for the lock.
  const invitation = await invitationByToken(tx, token)
  await checkAcceptable(tx, ctx, invitation, business)
  return { invitation, business }
}

/** Whether somebody signs in with the e-mail, be it proved or not. */
export async function hasAccount(db: Queryable, email: string): Promise<boolean> {
  const user = await db.selectFrom('users').select('id').where('email', '=', email).executeTakeFirst()
  return user !== undefined
}

async function invitationByToken(db: Queryable, token: string): Promise<Invitation> {
  const businessId = businessOfToken(token)
  const invitation =
    businessId === undefined
      ? undefined
      : await select(db, businessId).where('tokenHash', '=', hashToken(token)).executeTakeFirst()
  if (!invitation) throw new FreeholdError('invalid_token')
  return invitation
}

async function checkAcceptable(tx: Tx, ctx: Context, invitation: Invitation, business: Business): Promise<void> {
  refuseClosed(invitation)
  if (stateOf(invitation, ctx.now()) === 'expired')
    throw new FreeholdError('invitation_expired', 'Ask for a new invitation')
  if (business.status !== 'active') throw new FreeholdError('business_not_open')
  if (!(await isVouchedFor(tx, ctx, invitation)))
    throw new FreeholdError('invitation_revoked', 'Whoever invited you may not do that any more')
}

function refuseClosed({ acceptedAt, revokedAt }: Invitation): void {
  if (acceptedAt) throw new FreeholdError('invitation_accepted')
  if (revokedAt) throw new FreeholdError('invitation_revoked')
}

/**
 * An invitation ends with its inviter's right to give that role: whoever was removed, suspended, demoted or disabled
 * since lets nobody in.
 */
async function isVouchedFor(tx: Tx, ctx: Context, { businessId, invitedBy, role }: Invitation): Promise<boolean> {
  if (!invitedBy.startsWith('usr_')) return true
  const inviter = await tx
    .selectFrom('users')
    .leftJoin('members', (join) =>
      join.onRef('members.userId', '=', 'users.id').on('members.businessId', '=', businessId),
    )
    .leftJoin('staff', 'staff.userId', 'users.id')
    .select(['members.role', 'members.suspendedAt', 'staff.userId as staffId'])
    .where('users.id', '=', invitedBy)
    .where('users.disabledAt', 'is', null)
    .executeTakeFirst()
  if (!inviter || inviter.suspendedAt !== null) return false
  if (inviter.role === null) return inviter.staffId !== null && invitedInSupport(tx, businessId, invitedBy)
  const holds = ctx.permissions.roles[inviter.role]
  const gives = [...(ctx.permissions.roles[role] ?? [])]
  return holds !== undefined && holds.has('invitations:manage') && gives.every((permission) => holds.has(permission))
}

async function invitedInSupport(tx: Tx, businessId: string, staffId: string): Promise<boolean> {
  const session = await tx
    .selectFrom('supportSessions')
    .select('id')
    .where('businessId', '=', businessId)
    .where('staffId', '=', staffId)
    .limit(1)
    .executeTakeFirst()
  return session !== undefined
}

async function markRevoked(tx: Tx, ctx: Context, actor: Actor, invitation: Invitation): Promise<void> {
  const { businessId, id, email, role } = invitation
  await tx
    .updateTable('invitations')
    .set({ revokedAt: ctx.now() })
    .where('businessId', '=', businessId)
    .where('id', '=', id)
    .execute()
  await audit(tx, ctx, actor, businessId, {
    action: 'invitation.revoked',
    target: target(invitation),
    before: { email, role },
  })
}

async function checkNotMember(tx: Tx, businessId: string, email: string): Promise<void> {
  const member = await tx
    .selectFrom('members')
    .innerJoin('users', 'users.id', 'members.userId')
    .select('members.id')
    .where('businessId', '=', businessId)
    .where('email', '=', email)
    .executeTakeFirst()
  if (member) throw new FreeholdError('already_member')
}

async function checkSeat(tx: Tx, ctx: Context, businessId: string): Promise<void> {
  const limit = await seatLimit(tx, ctx, businessId)
  if (limit === null) return
  const used = await seatsTaken(tx, ctx, businessId)
  if (used + 1 <= limit) return
  throw new FreeholdError('limit_reached', `${used} of ${limit} seats are taken`, {
    extensions: { feature: 'members', limit, used, remaining: Math.max(0, limit - used), resetsAt: null },
  })
}

const target = ({ id, email }: Invitation) => ({ kind: 'invitation', id, name: email })
