import type { Composing, Mail } from '../mail/mail.ts'
import { count, moment, named } from '../mail/wording.ts'

export type UsageAlert = {
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

export function usageAlertMail(ctx: Composing, alert: UsageAlert): Mail {
  const { businessId, feature, threshold, used, limit, resetsAt, goesOn } = alert
  const business = named(alert.businessName)
  const unit = ctx.product.features[feature]?.unit
  const what = unit === undefined ? feature : `${unit}s`
  const isReached = threshold === 100
  const resets = moment(resetsAt)
  return {
    template: 'usage-alert',
    businessId,
    subject: isReached
      ? `${business} has reached its limit of ${what}`
      : `${business} has used ${threshold}% of its ${what}`,
    title: isReached ? `The limit of ${what} is reached` : `${threshold}% of the ${what} are used`,
    paragraphs: [
      isReached
        ? `“${business}” has used all of its ${what}. Further ones are ${goesOn ? 'charged as the plan says' : 'refused'} until ${resets}.`
        : `“${business}” is close to its limit of ${what}. It resets on ${resets}.`,
    ],
    facts: {
      Used: `${count(used)} of ${count(limit)} ${what}`,
      Left: `${count(Math.max(0, limit - used))} ${what}`,
      Resets: resets,
    },
    action: {
      label: isReached ? 'See plans' : 'See usage',
      url: `${ctx.settings.publicUrl}/b/${businessId}/${isReached ? 'plan' : 'usage'}`,
    },
    why: `You get this as an owner of ${business}.`,
  }
}
