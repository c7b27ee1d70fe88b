import type { Business } from '../businesses/businesses.ts'
import type { Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { sendMail } from '../mail/mail.ts'

export type InvitationMail = { to: string; token: string; role: string; inviter: string; business: Business }

/** Opening the link changes nothing: mail scanners open links too. */
export const mailInvitation = (tx: Tx, ctx: Context, { to, token, role, inviter, business }: InvitationMail) =>
  sendMail(tx, ctx, {
    template: 'invitation',
    to,
    businessId: business.id,
    content: {
      subject: `${inviter} invites you to ${business.name}`,
      paragraphs: [
        `${inviter} invites you to join the ${ctx.product.noun} “${business.name}” on ${ctx.product.name} as ${role}.`,
      ],
      action: { label: `Join ${business.name}`, url: `${ctx.settings.publicUrl}/join#token=${token}` },
      note: 'The invitation is for this e-mail and is valid for 7 days. If you do not know the sender, ignore it.',
    },
  })
