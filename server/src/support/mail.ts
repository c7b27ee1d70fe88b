import type { Selectable } from 'kysely'
import type { Business } from '../businesses/businesses.ts'
import type { SupportSessionsTable } from '../db/tables.ts'
import type { Composing, Mail } from '../mail/mail.ts'
import { moment, named } from '../mail/wording.ts'

type Session = Pick<Selectable<SupportSessionsTable>, 'staffName' | 'reason' | 'minutes' | 'access'> & {
  expiresAt: Date | null
}
export type SupportMail = { business: Pick<Business, 'id' | 'name'>; session: Session }

export function supportStartedMail(ctx: Composing, { business, session }: SupportMail): Mail {
  const { staffName, minutes, access, expiresAt } = session
  const [who, where] = [`${named(staffName)} of ${ctx.product.name}`, named(business.name)]
  return {
    ...common(ctx, { business, session }),
    template: 'support-session-started',
    subject: `${who} looks into ${where}`,
    title: `Support is in your ${ctx.product.noun}`,
    paragraphs: [
      `${who} support can now see${access === 'write' ? ' and change' : ', without changing anything,'} “${where}” for ${minutes} minutes.`,
      `The reason given: ${session.reason}`,
    ],
    facts: { ...facts(session), Until: expiresAt && moment(expiresAt) },
    action: { label: 'See or end it', url: page(ctx, business) },
    note: 'Support never sees passwords or secret keys. You can switch support access off on the same page.',
  }
}

export function supportRequestedMail(ctx: Composing, { business, session }: SupportMail): Mail {
  const { staffName, minutes, access } = session
  const [who, where] = [`${named(staffName)} of ${ctx.product.name}`, named(business.name)]
  const what = access === 'write' ? 'look and make changes' : 'look, without changing anything'
  return {
    ...common(ctx, { business, session }),
    template: 'support-session-requested',
    subject: `${who} asks to look into ${where}`,
    title: `Support asks for access to your ${ctx.product.noun}`,
    paragraphs: [
      `${who} support asks for ${minutes} minutes in “${where}”, to ${what}.`,
      `The reason given: ${session.reason}`,
    ],
    facts: facts(session),
    action: { label: 'Answer', url: page(ctx, business) },
    note: 'Nobody looks in before you agree.',
  }
}

const common = (ctx: Composing, { business }: SupportMail) => ({
  businessId: business.id,
  why: `You get this as an owner of ${named(business.name)}.`,
})

const facts = ({ access, minutes }: Session) => ({
  'May do': access === 'write' ? 'See and change' : 'See only',
  'For how long': `${minutes} minutes`,
})

const page = (ctx: Composing, { id }: { id: string }) => `${ctx.settings.publicUrl}/b/${id}/support-access`
