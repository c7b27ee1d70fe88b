import type { Schemas } from '../api.ts'
import { text } from '../text/banner.ts'
import { money, utcDay } from './words.ts'

type Membership = Pick<Schemas['Membership'], 'business' | 'subscription' | 'permissions'>

export type Banner = {
  tone: 'info' | 'warning' | 'danger'
  title: string
  about: string
  /** Where whoever may do something about it does it. */
  leadsTo?: 'plan' | 'invoices'
}

/** What stands above every screen of a business, if anything: the one thing that matters most about its subscription. */
export function bannerOf({ business, subscription, permissions }: Membership): Banner | undefined {
  const mended = (banner: Banner, leadsTo: 'plan' | 'invoices'): Banner =>
    permissions.includes('subscription:manage')
      ? { ...banner, leadsTo }
      : { ...banner, about: `${banner.about} ${text.askOwner}` }
  if (business.status === 'suspended') return { tone: 'danger', ...text.suspended }
  if (business.status === 'closed') return { tone: 'danger', ...text.closed }
  if (!subscription || subscription.status === 'ended') {
    return mended({ tone: 'danger', ...text.ended }, 'plan')
  }
  const { status, access, price, plan, pendingChange } = subscription
  const end = utcDay(new Date(subscription.cycleEnd))
  switch (status) {
    case 'past_due': {
      const due = text.pastDue(money(price.amount, price.currency), utcDay(new Date(subscription.cycleStart)))
      if (access === 'full') return mended({ tone: 'warning', title: due, about: text.stillOpen }, 'invoices')
      return mended({ tone: 'danger', title: due, about: text.readOnly }, 'invoices')
    }
    case 'paused':
      return mended({ tone: 'warning', ...text.paused }, 'plan')
  }
  if (subscription.cancelAtCycleEnd) return { tone: 'warning', title: text.ends(plan.name, end), about: text.untilThen }
  if (subscription.pauseAtCycleEnd) return { tone: 'info', title: text.pauses(plan.name, end), about: text.untilThen }
  if (pendingChange) {
    return { tone: 'info', title: text.changes(pendingChange.plan.name, end), about: text.untilThen }
  }
  return undefined
}

/** Why nothing may be added or changed now; undefined while it may. Paying, leaving and revoking are never barred. */
export function barOf({ business, subscription }: Membership): string | undefined {
  if (business.status !== 'active') return text.bar[business.status]
  if (!subscription || subscription.access === 'none') return text.bar.ended
  return subscription.access === 'read_only' ? text.bar.readOnly : undefined
}
