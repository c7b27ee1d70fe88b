import type { Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { renderMail, type MailContent } from './layout.ts'

export type Mail = {
  /** Which mail it is: `invitation`, `password-reset`. */
  template: string
  to: string
  businessId?: string
  content: MailContent
}

/**
 * Queues a mail in the transaction that causes it. The text is sealed, because it carries one-time links, and the job
 * carries only the mail's id. Delivery, retries and their log are `deliverMail`'s.
 */
export async function sendMail(tx: Tx, ctx: Context, { template, to, businessId, content }: Mail): Promise<void> {
  const id = ctx.newId('mail')
  const { subject, text, html } = renderMail(ctx.product.name, content)
  await tx
    .insertInto('mails')
    .values({
      id,
      businessId: businessId ?? null,
      template,
      recipient: to,
      subject,
      sealed: ctx.secrets.seal('mail', JSON.stringify({ text, html })),
      createdAt: ctx.now(),
    })
    .execute()
  await ctx.enqueue(tx, 'mails', { mailId: id })
}
