import { sql, type RawBuilder } from 'kysely'
import { Type } from 'typebox'
import type { Queryable } from '../db/open.ts'
import { FreeholdError } from '../errors.ts'
import type { Routes } from '../http/request.ts'
import { closed, Id, OptionalText, OptionalTime, Page, page, PageQuery, path, Time } from '../http/schemas.ts'
import { acrossBusinesses } from '../http/transactions.ts'
import { mailPolicy } from './preview.ts'

const mailStatuses = ['waiting', 'retrying', 'sent'] as const

const StaffMailBody = Type.Object(
  {
    id: Type.String(),
    template: Type.String(),
    to: Type.String(),
    subject: Type.String(),
    business: Type.Union([Type.Object({ id: Type.String(), name: Type.String() }), Type.Null()]),
    status: Type.Enum([...mailStatuses], {
      description: 'retrying: it could not be sent yet, or was given up after a day',
    }),
    attempts: Type.Integer(),
    error: OptionalText,
    createdAt: Time,
    sentAt: OptionalTime,
    failedAt: OptionalTime,
  },
  { $id: 'StaffMail' },
)

const MailPreview = Type.Object(
  {
    ...StaffMailBody.properties,
    text: Type.Unsafe<string | null>({
      type: ['string', 'null'],
      description: 'Without the secrets of its links; null once it is too old to be kept',
    }),
  },
  { $id: 'StaffMailPreview' },
)

/** Staff see what was mailed to whom, and whether it arrived at the mail server; never a link that would let them in. */
export const staffMailRoutes: Routes = (app, ctx) => {
  const tags = ['Staff']
  const config = { access: 'staff:read' } as const

  app.get(
    '/v1/staff/mails',
    {
      config,
      schema: {
        summary: 'Mails to everybody, newest first',
        tags,
        querystring: Type.Object(
          {
            ...PageQuery.properties,
            status: Type.Optional(Type.Enum([...mailStatuses])),
            to: Type.Optional(Type.String({ maxLength: 254, pattern: '^[^\\u0000]*$' })),
            template: Type.Optional(Type.String({ maxLength: 100, pattern: '^[^\\u0000]*$' })),
            businessId: Type.Optional(Id),
          },
          closed,
        ),
        response: { 200: Page(StaffMailBody) },
      },
    },
    (request) =>
      acrossBusinesses(request, async (tx) => {
        const { status, to, template, businessId, cursor, limit } = request.query
        const conditions = [
          status && statusIs[status],
          to && sql`m.recipient = ${to.toLowerCase()}`,
          template && sql`m.template = ${template}`,
          businessId && sql`m.business_id = ${businessId}`,
          cursor && sql`m.id < ${cursor}::text collate "C"`,
        ]
        const wanted = conditions.filter((each): each is RawBuilder<unknown> => typeof each === 'object')
        return page((await mails(tx, wanted, limit + 1)).map(present), limit)
      }),
  )

  app.get(
    '/v1/staff/mails/:id',
    {
      config,
      schema: { summary: 'One mail as it reads', tags, params: path('id'), response: { 200: MailPreview } },
    },
    (request) =>
      acrossBusinesses(request, async (tx) => {
        const [mail] = await mails(tx, [sql`m.id = ${request.params.id}`], 1)
        if (!mail) throw new FreeholdError('not_found')
        const { text } = mail.sealed
          ? (JSON.parse(ctx.secrets.open('mail', mail.sealed)) as { text: string })
          : { text: null }
        return { ...present(mail), text: text === null ? null : withoutSecrets(text) }
      }),
  )

  app.get(
    '/v1/staff/mails/:id/html',
    {
      config,
      schema: {
        summary: 'One mail as it looks, without the secrets of its links',
        tags,
        params: path('id'),
        response: { 200: { description: 'A page', content: { 'text/html': { schema: Type.String() } } } },
      },
    },
    async (request, reply) => {
      const [mail] = await acrossBusinesses(request, (tx) => mails(tx, [sql`m.id = ${request.params.id}`], 1))
      if (!mail?.sealed) throw new FreeholdError('not_found')
      const { html } = JSON.parse(ctx.secrets.open('mail', mail.sealed)) as { html: string }
      return reply
        .type('text/html; charset=utf-8')
        .header('content-security-policy', mailPolicy)
        .send(withoutSecrets(html))
    },
  )
}

/** Links carry their one-time token in the fragment. */
export const withoutSecrets = (text: string) => text.replaceAll(/#token=[\w.~%-]+/g, '#token=…')

type Row = {
  id: string
  template: string
  recipient: string
  subject: string
  businessId: string | null
  businessName: string | null
  sealed: Buffer | null
  attempts: number
  error: string | null
  createdAt: Date
  sentAt: Date | null
  failedAt: Date | null
}

const statusIs: Record<(typeof mailStatuses)[number], RawBuilder<unknown>> = {
  waiting: sql`m.sent_at is null and m.failed_at is null`,
  retrying: sql`m.sent_at is null and m.failed_at is not null`,
  sent: sql`m.sent_at is not null`,
}

async function mails(db: Queryable, conditions: RawBuilder<unknown>[], limit: number): Promise<Row[]> {
  const { rows } = await sql<Row>`
    select m.id, m.template, m.recipient, m.subject, m.business_id as "businessId", b.name as "businessName", m.sealed,
      m.attempts, m.error, m.created_at as "createdAt", m.sent_at as "sentAt", m.failed_at as "failedAt"
    from freehold.mails m
    left join freehold.businesses b on b.id = m.business_id
    where ${conditions.length === 0 ? sql`true` : sql.join(conditions, sql` and `)}
    order by m.id desc
    limit ${limit}`.execute(db)
  return rows
}

const present = ({ recipient, businessId, businessName, sealed: _, ...mail }: Row) => ({
  ...mail,
  to: recipient,
  business: businessId === null ? null : { id: businessId, name: businessName ?? businessId },
  status: mail.sentAt ? ('sent' as const) : mail.failedAt ? ('retrying' as const) : ('waiting' as const),
})
