import type { Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { renderMail, type MailContent } from './layout.ts'

/** A mail as it is composed: what it says, and what it is. */
export type Mail = MailContent & {
  /** Which mail it is: `invitation`, `password-reset`. */
  template: string
  businessId?: string
}

/** What a mail is composed from beside its subject matter. */
export type Composing = Pick<Context, 'product' | 'settings'>

/**
 * Queues a mail in the transaction that causes it. The text is sealed, because it carries one-time links, and the job
 * carries only the mail's id. Delivery, retries and their log are `deliverMail`'s.
 */
export async function sendMail(tx: Tx, ctx: Context, to: string | string[], mail: Mail): Promise<void> {
  const { subject, text, html } = renderMail(ctx, mail)
  for (const recipient of [to].flat()) {
    const id = ctx.newId('mail')
    await tx
      .insertInto('mails')
      .values({
        id,
        businessId: mail.businessId ?? null,
        template: mail.template,
        recipient,
        subject,
        sealed: ctx.secrets.seal('mail', JSON.stringify({ text, html })),
        createdAt: ctx.now(),
      })
      .execute()
    await ctx.enqueue(tx, 'mails', { mailId: id })
  }
}
