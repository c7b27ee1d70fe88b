import type { Transporter } from 'nodemailer'
import type { Context } from '../context.ts'
import { unfinished } from '../unfinished.ts'

export type Mailer = {
  deliver: (mailId: string) => Promise<void>
  /** Breaks off what a server takes too long for: it is sent again. */
  close: () => void
}

/**
 * Sends queued mails over SMTP. Without a server they stay in the mailbox and count as sent in development; in production
 * that is a failure like others. A failure is noted on the mail and thrown, so that the queue tries again with growing
 * pauses; nothing waits for it.
 */
export function openMailer(ctx: Context, smtpUrl: string | undefined, from: string): Mailer {
  let opening: Promise<Transporter> | undefined
  const closing = new AbortController()
  const transport = smtpUrl === undefined ? undefined : () => (opening ??= openTransport(smtpUrl))
  const { production, publicUrl } = ctx.settings
  if (!transport && production) ctx.log.warn(noServer)

  const deliver = async (mailId: string) => {
    const mail = await ctx.db.across.selectFrom('mails').selectAll().where('id', '=', mailId).executeTakeFirst()
    if (!mail || mail.sentAt || !mail.sealed) return
    const update = ctx.db.across.updateTable('mails').where('id', '=', mailId)
    try {
      if (!transport && production) throw new Error(noServer)
      if (transport) {
        const { text, html } = JSON.parse(ctx.secrets.open('mail', mail.sealed)) as { text: string; html: string }
        // The same id every time: a retry after a lost answer is recognisable as a duplicate.
        const messageId = `<${mail.id}@${new URL(publicUrl).hostname}>`
        const server = await transport()
        await server.sendMail({
          from,
          to: { name: '', address: mail.recipient },
          subject: mail.subject,
          text,
          html,
          messageId,
          signal: closing.signal,
        })
      }
      await update.set({ sentAt: ctx.now(), error: null, attempts: mail.attempts + 1 }).execute()
      ctx.log.info({ mail: mail.id, template: mail.template }, 'mail sent')
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      await update.set({ failedAt: ctx.now(), error: message.slice(0, 500), attempts: mail.attempts + 1 }).execute()
      throw error
    }
  }
  return {
    deliver: (mailId) => unfinished(ctx).add(deliver(mailId)),
    close: () => closing.abort(),
  }
}

const noServer = 'SMTP_URL is not set: mails wait for it and are given up after a day'

/** What is wrong with a mail server: whether it answers and takes our user and password. Sends nothing. */
export async function findMailServerProblem(smtpUrl: string): Promise<string | undefined> {
  const transport = await openTransport(smtpUrl)
  try {
    await transport.verify()
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  } finally {
    transport.close()
  }
}

// Loaded when the first mail is sent: development never sends one.
async function openTransport(smtpUrl: string): Promise<Transporter> {
  const { createTransport } = await import('nodemailer')
  return createTransport({
    url: smtpUrl,
    // The library's own time-outs are minutes; a dead server should free the worker sooner.
    connectionTimeout: 10_000,
    greetingTimeout: 10_000,
    socketTimeout: 30_000,
    socketCloseTimeout: 1_000,
    disableFileAccess: true,
    disableUrlAccess: true,
  } as never)
}
