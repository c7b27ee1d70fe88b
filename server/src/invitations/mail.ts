import type { Business } from '../businesses/businesses.ts'
import type { Composing, Mail } from '../mail/mail.ts'
import { moment, named } from '../mail/wording.ts'

export type InvitationMail = {
  token: string
  role: string
  inviter: string
  business: Pick<Business, 'id' | 'name'>
  expiresAt: Date
}

/** Opening the link changes nothing: mail scanners open links too. */
export function invitationMail(ctx: Composing, invitation: InvitationMail): Mail {
  const { name, noun } = ctx.product
  const { token, role, expiresAt } = invitation
  const [inviter, business] = [named(invitation.inviter), named(invitation.business.name)]
  return {
    template: 'invitation',
    businessId: invitation.business.id,
    subject: `${inviter} invites you to ${business}`,
    title: `Join ${business}`,
    paragraphs: [`${inviter} invites you to join the ${noun} “${business}” on ${name} as ${role}.`],
    facts: { 'Your role': role, 'Valid until': moment(expiresAt) },
    action: { label: `Join ${business}`, url: `${ctx.settings.publicUrl}/join#token=${token}` },
    note: 'The invitation is for this e-mail only. If you do not know the sender, ignore it: nothing happens.',
  }
}
