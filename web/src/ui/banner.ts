import type { Schemas } from '../api.ts'
import { text } from '../text/banner.ts'
import { list, money, utcDay } from './words.ts'

type Membership = Pick<Schemas['Membership'], 'business' | 'subscription' | 'permissions'>

export type Banner = {
  tone: 'info' | 'warning' | 'danger'
  title: string
  about: string
  /** Where whoever may do something about it does it. */
  leadsTo?: 'plan' | 'invoices'
}

type Overdue = Pick<Schemas['Invoice'], 'amountDue' | 'currency' | 'dueAt'>

/**
 * What stands above every screen of a business, if anything: the one thing that matters most about its subscription.
 * `overdue` are the invoices that should have been paid, once they are known.
 */
export function bannerOf({ business, subscription, permissions }: Membership, overdue?: Overdue[]): Banner | undefined {
  const mended = (banner: Banner, leadsTo: 'plan' | 'invoices'): Banner =>
    permissions.includes('subscription:manage')
      ? { ...banner, leadsTo }
      : { ...banner, about: `${banner.about} ${text.askOwner}` }
  if (business.status === 'suspended') return { tone: 'danger', ...text.suspended }
  if (business.status === 'closed') return { tone: 'danger', ...text.closed }
  if (!subscription || subscription.status === 'ended') {
    return mended({ tone: 'danger', ...text.ended }, 'plan')
  }
  const { status, access, plan, pendingChange } = subscription
  const end = utcDay(new Date(subscription.cycleEnd))
  switch (status) {
    case 'past_due': {
      const title = titleOf(overdue)
      if (access !== 'full') return mended({ tone: 'danger', title, about: text.readOnly }, 'invoices')
      const until = subscription.graceEnd
      const about = until === null ? text.stillOpen : text.openUntil(utcDay(new Date(until)))
      return mended({ tone: 'warning', title, about }, 'invoices')
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

/** That the banner says what is overdue: nothing below it has to say so again. */
export const tellsOverdue = ({ business, subscription }: Pick<Membership, 'business' | 'subscription'>) =>
  business.status === 'active' && subscription?.status === 'past_due'

/** What is owed and since when; in words alone while that is not known. */
function titleOf(overdue: Overdue[] = []): string {
  const since = overdue.flatMap(({ dueAt }) => dueAt ?? []).toSorted()[0]
  if (since === undefined) return text.somethingDue
  const sums = new Map<string, number>()
  for (const { amountDue, currency } of overdue) sums.set(currency, (sums.get(currency) ?? 0) + amountDue)
  const amounts = list([...sums].map(([currency, amount]) => money(amount, currency)))
  return text.pastDue(amounts, utcDay(new Date(since)))
}

/** Why nothing may be added or changed now; undefined while it may. Paying, leaving and revoking are never barred. */
export function barOf({ business, subscription }: Membership): string | undefined {
  if (business.status !== 'active') return text.bar[business.status]
  if (!subscription || subscription.access === 'none') return text.bar.ended
  return subscription.access === 'read_only' ? text.bar.readOnly : undefined
}
