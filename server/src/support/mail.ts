import type { Selectable } from 'kysely'
import type { Business } from '../businesses/businesses.ts'
import type { Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import type { SupportSessionsTable } from '../db/tables.ts'
import { sendMail } from '../mail/mail.ts'

type Session = Pick<Selectable<SupportSessionsTable>, 'staffName' | 'reason' | 'minutes' | 'access'>
export type SupportMail = { to: string; business: Business; session: Session }

export const mailSupportStarted = (tx: Tx, ctx: Context, { to, business, session }: SupportMail) =>
  sendMail(tx, ctx, {
    template: 'support-session-started',
    to,
    businessId: business.id,
    content: {
      subject: `${session.staffName} of ${ctx.product.name} looks into ${business.name}`,
      paragraphs: [
        `${session.staffName} of ${ctx.product.name} support ${may(session)} “${business.name}” for ${session.minutes} minutes.`,
        `The reason given: ${session.reason}`,
      ],
      action: { label: 'See or end it', url: page(ctx, business) },
      note: 'Support never sees passwords or secret keys. You can switch support access off on the same page.',
    },
  })

export const mailSupportRequested = (tx: Tx, ctx: Context, { to, business, session }: SupportMail) =>
  sendMail(tx, ctx, {
    template: 'support-session-requested',
    to,
    businessId: business.id,
    content: {
      subject: `${session.staffName} of ${ctx.product.name} asks to look into ${business.name}`,
      paragraphs: [
        `${session.staffName} of ${ctx.product.name} support asks for ${session.minutes} minutes in “${business.name}”, to ${session.access === 'write' ? 'look and make changes' : 'look, without changing anything'}.`,
        `The reason given: ${session.reason}`,
      ],
      action: { label: 'Answer', url: page(ctx, business) },
      note: 'Nobody looks in before you agree.',
    },
  })

const may = ({ access }: Session) =>
  access === 'write' ? 'can now see and change' : 'can now see, without changing anything,'

const page = (ctx: Context, { id }: Business) => `${ctx.settings.publicUrl}/b/${id}/support-access`
