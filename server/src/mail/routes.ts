import type { FastifyReply } from 'fastify'
import type { NotNull } from 'kysely'
import { Type } from 'typebox'
import { acrossBusinesses } from '../db/transactions.ts'
import { FreeholdError } from '../errors.ts'
import type { Routes } from '../http/request.ts'
import { closed, OptionalTime, path, Time } from '../http/schemas.ts'
import { renderMail } from './layout.ts'
import { listPage, mailPage, mailPolicy, previewPolicy } from './preview.ts'
import { sampleMails } from './samples.ts'

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

/** The development mailbox: every mail, readable, and a sample of each that there is. It does not exist in production. */
export const mailboxRoutes: Routes = (app, ctx) => {
  const config = { access: 'public' } as const
  const tags = ['Development']
  const base = `${app.prefix}/dev/mailbox`
  const mailbox = async ({ to, id }: { to?: string | undefined; id?: string }) => {
    const rows = await acrossBusinesses(ctx.db, (tx) => {
      let query = tx
        .selectFrom('mails')
        .selectAll()
        .where('sealed', 'is not', null)
        .$narrowType<{ sealed: NotNull }>()
        .orderBy('id', 'desc')
        .limit(100)
      if (to) query = query.where('recipient', '=', to.toLowerCase())
      if (id) query = query.where('id', '=', id)
      return query.execute()
    })
    return rows.map(({ id: mailId, template, recipient, subject, sealed, createdAt, sentAt }) => {
      const { text, html } = JSON.parse(ctx.secrets.open('mail', sealed)) as { text: string; html: string }
      return { id: mailId, template, to: recipient, subject, text, html, createdAt, sentAt }
    })
  }
  const mailed = async (id: string) => {
    const [mail] = await mailbox({ id })
    if (!mail) throw new FreeholdError('not_found')
    return mail
  }
  const samples = Object.entries(sampleMails(ctx)).map(([name, mail]) => ({
    id: name.replaceAll(/[^a-z0-9]+/g, '-').replace(/-$/, ''),
    name,
    template: mail.template,
    to: 'ada@blue-bottle.example',
    ...renderMail(ctx, mail),
  }))
  const sample = (id: string) => {
    const found = samples.find((each) => each.id === id)
    if (!found) throw new FreeholdError('not_found')
    return found
  }
  const asPage = (reply: FastifyReply, policy: string) =>
    reply.type('text/html; charset=utf-8').header('content-security-policy', policy)

  app.get(
    '/dev/mailbox',
    {
      config,
      schema: {
        summary: 'Mails of this development server, newest first',
        description: 'A page for browsers',
        tags,
        querystring: Type.Object({ to: Type.Optional(Type.String({ maxLength: 254 })) }, closed),
        response: { 200: Type.Object({ items: Type.Array(MailboxMail) }) },
      },
    },
    async (request, reply) => {
      const items = await mailbox(request.query)
      if (!/text\/html/.test(request.headers.accept ?? '')) return { items }
      const listed = items.map(({ id, subject, to, createdAt }) => ({
        href: `${base}/${id}`,
        subject,
        about: `to ${to}, ${createdAt.toISOString()}`,
      }))
      const all = { href: `${base}/samples`, label: 'Samples of every mail' }
      // A page has a type of its own, which the answer's schema knows nothing of.
      asPage(reply, previewPolicy).serializer(String)
      return reply.send(listPage('Mailbox', all, listed) as never)
    },
  )

  app.get(
    '/dev/mailbox/:id',
    {
      config,
      schema: { hide: true, params: path('id') },
    },
    async (request, reply) => {
      const mail = await mailed(request.params.id)
      return asPage(reply, previewPolicy).send(mailPage(base, `${base}/${mail.id}/html`, mail))
    },
  )

  app.get(
    '/dev/mailbox/:id/html',
    {
      config,
      schema: { hide: true, params: path('id') },
    },
    async (request, reply) => asPage(reply, mailPolicy).send((await mailed(request.params.id)).html),
  )

  app.get('/dev/mailbox/samples', { config, schema: { hide: true } }, async (_, reply) => {
    const listed = samples.map(({ id, name, subject }) => ({
      href: `${base}/samples/${id}`,
      subject: name,
      about: subject,
    }))
    const mails = { href: base, label: 'The mails of this server' }
    return asPage(reply, previewPolicy).send(listPage('Samples of every mail', mails, listed))
  })

  app.get(
    '/dev/mailbox/samples/:sample',
    {
      config,
      schema: { hide: true, params: path('sample') },
    },
    async (request, reply) => {
      const mail = sample(request.params.sample)
      return asPage(reply, previewPolicy).send(mailPage(`${base}/samples`, `${base}/samples/${mail.id}/html`, mail))
    },
  )

  app.get(
    '/dev/mailbox/samples/:sample/html',
    {
      config,
      schema: { hide: true, params: path('sample') },
    },
    async (request, reply) => asPage(reply, mailPolicy).send(sample(request.params.sample).html),
  )
}
