import type { NotNull } from 'kysely'
import { Type } from 'typebox'
import { acrossBusinesses } from '../db/transactions.ts'
import type { Routes } from '../http/request.ts'
import { closed, OptionalTime, Time } from '../http/schemas.ts'

const MailboxMail = Type.Object({
  id: Type.String(),
  template: Type.String(),
  to: Type.String(),
  subject: Type.String(),
  text: Type.String(),
  html: Type.String(),
  createdAt: Time,
  sentAt: OptionalTime,
})

/** The development mailbox: every mail, readable. It does not exist in production. */
export const mailboxRoutes: Routes = (app, ctx) => {
  app.get(
    '/dev/mailbox',
    {
      config: { access: 'public' },
      schema: {
        summary: 'Mails of this development server, newest first',
        tags: ['Development'],
        querystring: Type.Object({ to: Type.Optional(Type.String({ maxLength: 254 })) }, closed),
        response: { 200: Type.Object({ items: Type.Array(MailboxMail) }) },
      },
    },
    async (request) => {
      const { to } = request.query
      const rows = await acrossBusinesses(ctx.db, (tx) => {
        const query = tx
          .selectFrom('mails')
          .selectAll()
          .where('sealed', 'is not', null)
          .$narrowType<{ sealed: NotNull }>()
          .orderBy('id', 'desc')
          .limit(100)
        return (to ? query.where('recipient', '=', to.toLowerCase()) : query).execute()
      })
      return {
        items: rows.map(({ id, template, recipient, subject, sealed, createdAt, sentAt }) => {
          const { text, html } = JSON.parse(ctx.secrets.open('mail', sealed)) as { text: string; html: string }
          return { id, template, to: recipient, subject, text, html, createdAt, sentAt }
        }),
      }
    },
  )
}
