import { audit, auditSystem } from '../audit/audit.ts'
import type { Actor, Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { FreeholdError } from '../errors.ts'
import { emit } from '../events/emit.ts'
import { addMember, type Member } from '../members/members.ts'
import type { Business } from '../businesses/businesses.ts'
import { openInvitation, type OpenInvitation } from './invitations.ts'

export type Joined = { business: Business; member: Member; userId: string }

/** Accepts as somebody who is signed in with the invited e-mail. */
export async function acceptInvitation(
  tx: Tx,
  ctx: Context,
  user: Extract<Actor, { kind: 'user' }>,
  token: string,
): Promise<Joined> {
  const open = await openInvitation(tx, ctx, token)
  if (open.invitation.email !== user.email) {
    throw new FreeholdError('permission_denied', 'The invitation is for another e-mail: sign in with that one')
  }
  if (!user.emailVerified) await proveEmail(tx, ctx, user)
  return join(tx, ctx, user, open)
}

// The link came by mail.
async function proveEmail(tx: Tx, ctx: Context, user: Extract<Actor, { kind: 'user' }>): Promise<void> {
  await tx.updateTable('users').set({ emailVerified: true, updatedAt: ctx.now() }).where('id', '=', user.id).execute()
  await auditSystem(tx, ctx, user, {
    action: 'user.email_verified',
    target: { kind: 'user', id: user.id, name: user.email },
  })
}

/** Makes the user a member and the invitation used; the caller has opened it in this transaction, under the business's lock. */
export async function join(
  tx: Tx,
  ctx: Context,
  user: Actor,
  { invitation, business }: OpenInvitation,
): Promise<Joined> {
  await tx
    .updateTable('invitations')
    .set({ acceptedAt: ctx.now() })
    .where('businessId', '=', business.id)
    .where('id', '=', invitation.id)
    .execute()
  const member = await addMember(tx, ctx, business.id, user.id, invitation.role)
  await ctx.product.hooks.afterJoin?.(tx, { businessId: business.id, userId: user.id, memberId: member.id })
  await audit(tx, ctx, user, business.id, {
    action: 'member.joined',
    target: { kind: 'member', id: member.id, name: member.email },
    after: { role: member.role, invitation: invitation.id },
  })
  const { id: memberId, userId, role } = member
  await emit(tx, ctx, { businessId: business.id, type: 'member.joined', data: { memberId, userId, role } })
  return { business, member, userId: user.id }
}
