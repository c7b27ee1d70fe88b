import { Type } from 'typebox'
import type { Context } from '../context.ts'
import { OptionalText, OptionalTime, Time } from '../http/schemas.ts'
import { stateOf, type Invitation } from './invitations.ts'

export const Inviter = Type.Object({ id: Type.String(), name: OptionalText })

export const InvitationBody = Type.Object(
  {
    id: Type.String(),
    email: Type.String(),
    role: Type.String(),
    state: Type.String({ enum: ['pending', 'accepted', 'revoked', 'expired'] }),
    invitedBy: Inviter,
    createdAt: Time,
    expiresAt: Time,
    acceptedAt: OptionalTime,
    revokedAt: OptionalTime,
  },
  { $id: 'Invitation' },
)

export const presentInvitation = (ctx: Context, invitation: Invitation) => ({
  id: invitation.id,
  email: invitation.email,
  role: invitation.role,
  state: stateOf(invitation, ctx.now()),
  invitedBy: presentInviter(invitation),
  createdAt: invitation.createdAt,
  expiresAt: invitation.expiresAt,
  acceptedAt: invitation.acceptedAt,
  revokedAt: invitation.revokedAt,
})

export const presentInviter = ({ invitedBy, inviterName }: Invitation) => ({ id: invitedBy, name: inviterName })
