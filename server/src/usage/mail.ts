import type { Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { sendMail } from '../mail/mail.ts'

export type UsageMail = {
  to: string
  businessId: string
  businessName: string
  feature: string
  threshold: number
  used: number
  limit: number
  resetsAt: Date
  /** Whether counting goes on beyond the limit, for a price. */
  goesOn: boolean
}

export const mailUsageAlert = (tx: Tx, ctx: Context, mail: UsageMail) => {
  const { to, businessId, businessName, feature, threshold, used, limit, resetsAt, goesOn } = mail
  const unit = ctx.product.features[feature]?.unit
  const what = unit === undefined ? feature : `${unit}s`
  const resets = `${resetsAt.toISOString().slice(0, 16).replace('T', ' ')} UTC`
  return sendMail(tx, ctx, {
    template: 'usage-alert',
    to,
    businessId,
    content: {
      subject:
        threshold === 100
          ? `${businessName} has reached its limit of ${what}`
          : `${businessName} has used ${threshold} % of its ${what}`,
      paragraphs: [
        `“${businessName}” has used ${used} of ${limit} ${what}.`,
        threshold === 100
          ? `Further ones are ${goesOn ? 'charged as the plan says' : 'refused'} until ${resets}.`
          : `The count starts again at ${resets}.`,
      ],
      action: { label: 'See plans', url: `${ctx.settings.publicUrl}/b/${businessId}/plan` },
    },
  })
}
