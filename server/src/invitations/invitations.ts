import type { Selectable } from 'kysely'
import { audit } from '../audit/audit.ts'
import { lockBusiness, type Business } from '../businesses/businesses.ts'
import type { Actor, Context } from '../context.ts'
import type { Queryable, Tx } from '../db/open.ts'
import type { InvitationsTable } from '../db/tables.ts'
import { FreeholdError } from '../errors.ts'
import { checkGrantable, checkRole } from '../members/members.ts'
import { businessOfToken, hashToken, newToken } from '../secrets.ts'
import { seatLimit } from '../subscriptions/seats.ts'
import { seatsTaken } from '../usage/counters.ts'
import { mailInvitation } from './mail.ts'

const lifeMilliseconds = 7 * 86_400_000

export type Invitation = Omit<Selectable<InvitationsTable>, 'tokenHash'>
export type InvitationState = 'pending' | 'accepted' | 'revoked' | 'expired'

export function stateOf(
  invitation: Pick<Invitation, 'acceptedAt' | 'revokedAt' | 'expiresAt'>,
  now: Date,
): InvitationState {
  if (invitation.acceptedAt) return 'accepted'
  if (invitation.revokedAt) return 'revoked'
  return invitation.expiresAt <= now ? 'expired' : 'pending'
}

/** Newest first. */
export function listInvitations(
  db: Queryable,
  businessId: string,
  limit: number,
  cursor?: string,
): Promise<Invitation[]> {
  let query = db
    .selectFrom('invitations')
    .selectAll()
    .where('businessId', '=', businessId)
    .orderBy('id', 'desc')
    .limit(limit + 1)
  if (cursor !== undefined) query = query.where('id', '<', cursor)
  return query.execute()
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
  await ctx.product.hooks.beforeInvite?.(tx, { businessId, email, role })

  const business = await lockBusiness(tx, businessId)
  await checkNotMember(tx, businessId, email)
  const open = await tx
    .selectFrom('invitations')
    .select(['id', 'expiresAt', 'acceptedAt', 'revokedAt'])
    .where('businessId', '=', businessId)
    .where('email', '=', email)
    .where('acceptedAt', 'is', null)
    .where('revokedAt', 'is', null)
    .executeTakeFirst()
  if (open && stateOf(open, ctx.now()) === 'pending')
    throw new FreeholdError('already_invited', 'Resend the invitation instead')
  if (open)
    await tx
      .updateTable('invitations')
      .set({ revokedAt: ctx.now() })
      .where('businessId', '=', businessId)
      .where('id', '=', open.id)
      .execute()
  await checkSeat(tx, ctx, businessId)

  const token = newToken('inv', businessId)
  const invitation = await tx
    .insertInto('invitations')
    .values({
      businessId,
      id: ctx.newId('invitation'),
      email,
      role,
      tokenHash: hashToken(token),
      invitedBy: actor.id,
      expiresAt: new Date(ctx.now().getTime() + lifeMilliseconds),
      createdAt: ctx.now(),
    })
    .returningAll()
    .executeTakeFirstOrThrow()
  await audit(tx, ctx, actor, businessId, {
    action: 'invitation.created',
    target: target(invitation),
    after: { email, role },
  })
  await mailInvitation(tx, ctx, { to: email, token, role, inviter: actor.name, business })
  return invitation
}

/** Mails a new link for another seven days; the old link stops working. */
export async function resendInvitation(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  businessId: string,
  id: string,
): Promise<Invitation> {
  const business = await lockBusiness(tx, businessId)
  const before = await invitationById(tx, businessId, id)
  refuseClosed(before)
  await checkNotMember(tx, businessId, before.email)
  // An expired one has given its seat back and has to find one again.
  if (stateOf(before, ctx.now()) === 'expired') await checkSeat(tx, ctx, businessId)
  const token = newToken('inv', businessId)
  const invitation = await tx
    .updateTable('invitations')
    .set({
      tokenHash: hashToken(token),
      expiresAt: new Date(ctx.now().getTime() + lifeMilliseconds),
      invitedBy: actor.id,
    })
    .where('businessId', '=', businessId)
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow()
  await audit(tx, ctx, actor, businessId, { action: 'invitation.resent', target: target(invitation) })
  await mailInvitation(tx, ctx, { to: before.email, token, role: before.role, inviter: actor.name, business })
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
  if (invitation.revokedAt) return
  await tx
    .updateTable('invitations')
    .set({ revokedAt: ctx.now() })
    .where('businessId', '=', businessId)
    .where('id', '=', id)
    .execute()
  await audit(tx, ctx, actor, businessId, {
    action: 'invitation.revoked',
    target: target(invitation),
    before: { email: invitation.email, role: invitation.role },
  })
}

export type OpenInvitation = { invitation: Invitation; business: Business }

/**
 * The invitation a mailed link belongs to, when it can still be accepted. It ends with its inviter's right to give that
 * role: whoever was removed, suspended or demoted since lets nobody in.
 */
export async function openInvitation(tx: Tx, ctx: Context, token: string): Promise<OpenInvitation> {
  const businessId = businessOfToken(token)
  const invitation =
    businessId === undefined
      ? undefined
      : await tx
          .selectFrom('invitations')
          .selectAll()
          .where('businessId', '=', businessId)
          .where('tokenHash', '=', hashToken(token))
          .executeTakeFirst()
  if (!invitation) throw new FreeholdError('invalid_token')
  const business = await lockBusiness(tx, invitation.businessId)
  refuseClosed(invitation)
  if (stateOf(invitation, ctx.now()) === 'expired')
    throw new FreeholdError('invitation_expired', 'Ask for a new invitation')
  if (business.status !== 'active') throw new FreeholdError('business_not_open')
  await checkInviter(tx, ctx, invitation)
  return { invitation, business }
}

export async function invitationById(db: Queryable, businessId: string, id: string): Promise<Invitation> {
  const invitation = await db
    .selectFrom('invitations')
    .selectAll()
    .where('businessId', '=', businessId)
    .where('id', '=', id)
    .executeTakeFirst()
  if (!invitation) throw new FreeholdError('not_found')
  return invitation
}

function refuseClosed({ acceptedAt, revokedAt }: Invitation): void {
  if (acceptedAt) throw new FreeholdError('invitation_accepted')
  if (revokedAt) throw new FreeholdError('invitation_revoked')
}

async function checkInviter(tx: Tx, ctx: Context, { businessId, invitedBy, role }: Invitation): Promise<void> {
  if (!invitedBy.startsWith('usr_')) return
  const inviter = await tx
    .selectFrom('members')
    .select(['role', 'suspendedAt'])
    .where('businessId', '=', businessId)
    .where('userId', '=', invitedBy)
    .executeTakeFirst()
  const holds = inviter && inviter.suspendedAt === null ? ctx.permissions.roles[inviter.role] : undefined
  const mayStill =
    holds?.has('invitations:manage') && [...(ctx.permissions.roles[role] ?? [])].every((each) => holds.has(each))
  const staff = await tx
    .selectFrom('supportSessions')
    .select('id')
    .where('businessId', '=', businessId)
    .where('staffId', '=', invitedBy)
    .limit(1)
    .executeTakeFirst()
  if (!mayStill && !(staff && !inviter))
    throw new FreeholdError('invitation_revoked', 'Whoever invited you may not do that any more')
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
