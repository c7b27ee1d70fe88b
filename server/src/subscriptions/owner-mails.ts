import { sql } from 'kysely'
import type { Context } from '../context.ts'
import type { Queryable, Tx } from '../db/open.ts'
import { ownersAreMailed } from '../events/catalogue.ts'
import type { NewEvent } from '../events/emit.ts'
import { invoiceById, linesOf } from '../invoices/invoices.ts'
import { providerOf } from '../invoices/provider.ts'
import { businessesWith, oneByOne } from '../jobs/one-by-one.ts'
import { sendMail, type Mail } from '../mail/mail.ts'
import { ownerEmails } from '../members/owners.ts'
import { planCatalogue } from '../plans/plans.ts'
import { priceOf, type Terms } from './lifecycle.ts'
import {
  cancellationMail,
  changeOffMail,
  changeScheduledMail,
  endedMail,
  extendedMail,
  invoiceDueMail,
  invoiceVoidMail,
  pausedMail,
  paymentReceivedMail,
  planChangedMail,
  termsName,
  trialEndingMail,
  type Bill,
  type Owned,
} from './mail.ts'

/**
 * Mails the owners about their subscription and its money. What is told was marked in the transaction that made it true;
 * here it is taken and mailed in one transaction, so that of any number of workers one mails, once.
 *
 * All that waits of a business is looked at together: a plan that was changed, its invoice and the payment are one mail.
 * Reminders of what is overdue, and the end they come to, are mailed by dunning.ts itself.
 */
export async function mailOwners(ctx: Context): Promise<void> {
  await oneByOne(ctx, {
    read: businessesWith(ctx, 'events', sql`to_mail`),
    each: (tx, { businessId }) => mailOne(tx, ctx, businessId),
    failure: 'the owners of a business could not be told what happened',
  })
}

async function mailOne(tx: Tx, ctx: Context, businessId: string): Promise<void> {
  const events = await takeEvents(tx, businessId)
  const business = await tx
    .selectFrom('businesses')
    .select(['id', 'name', 'status'])
    .where('id', '=', businessId)
    .executeTakeFirstOrThrow()
  // Whoever has closed it has been told enough.
  if (events.length === 0 || business.status === 'closed') return
  const owners = await ownerEmails(tx, businessId)
  for (const mail of await compose(tx, ctx, business, events)) await sendMail(tx, ctx, owners, mail)
}

type Told = Extract<NewEvent, { type: (typeof ownersAreMailed)[number] }>

/** Who takes them holds them until the commit; a second worker finds none. */
async function takeEvents(tx: Tx, businessId: string): Promise<Told[]> {
  const rows = await tx
    .updateTable('events')
    .set({ toMail: false })
    .where('businessId', '=', businessId)
    .where('toMail', '=', true)
    .returning(['businessId', 'type', 'data', 'sequence'])
    .execute()
  return rows.toSorted((left, right) => left.sequence - right.sequence) as unknown as Told[]
}

type BillToTell = Bill & { tells: 'due' | 'paid' | 'void' }

async function compose(tx: Tx, ctx: Context, business: Owned, events: Told[]): Promise<Mail[]> {
  const { byId, current } = await planCatalogue(tx)
  const subscriptions = await tx.selectFrom('subscriptions').selectAll().where('businessId', '=', business.id).execute()
  const versions = new Map([...byId.values()].map((plan) => [versionKey(plan.planKey, plan.version), plan]))
  const nameOf = (planKey: string) => current.get(planKey)?.planName ?? planKey
  const bills = await billsToTell(tx, ctx, business.id, events, nameOf)
  const takeBill = (...kinds: BillToTell['tells'][]): Bill | null => {
    // What waits for its payment is told by itself: nothing has begun yet.
    const index = bills.findIndex(
      ({ tells, invoice }) => kinds.includes(tells) && (tells !== 'due' || invoice.change === null),
    )
    return index < 0 ? null : (bills.splice(index, 1)[0] ?? null)
  }
  const termsOf = ({ plan, version, price }: Named): Terms => {
    const found = versions.get(versionKey(plan, version))
    if (!found) throw new Error(`There is no version ${version} of the plan ${plan}`)
    return { plan: found, price }
  }
  const about = (id: string, terms: Named) => {
    const subscription = subscriptions.find((each) => each.id === id)
    if (!subscription) throw new Error(`There is no subscription ${id}`)
    return { business, terms: termsOf(terms), zone: subscription.zone, subscription }
  }
  const nextPlan = (after: Told): string | null => {
    const created = events.slice(events.indexOf(after)).find(({ type }) => type === 'subscription.created')
    return created?.type === 'subscription.created' ? termsOf(created.data).plan.planName : null
  }
  /** What a trial goes over into, when nobody does anything. */
  const afterTrial = (terms: Terms, pending: { planVersionId: string; price: string } | null): string | null => {
    const plan = pending && byId.get(pending.planVersionId)
    if (plan) return termsName({ plan, price: pending.price })
    const { fallbackPlan, onTrialEnd } = terms.plan
    if (priceOf(terms).amount === 0) return termsName(terms)
    return fallbackPlan === null || onTrialEnd === 'pause' ? null : (current.get(fallbackPlan)?.planName ?? null)
  }

  const mails = events.flatMap((event): Mail[] => {
    switch (event.type) {
      case 'subscription.plan_changed': {
        const { subscriptionId, from, to } = event.data
        const { subscription, ...rest } = about(subscriptionId, to)
        const { cycleStart, cycleEnd, trialEnd, status } = subscription
        // Who tried a plan from a free one is back on that.
        if (trialEnd?.getTime() === cycleStart.getTime() && priceOf(rest.terms).amount === 0) {
          const tried = { ...rest, terms: termsOf(from), endedAt: trialEnd, next: termsName(rest.terms) }
          return [endedMail(ctx, { ...tried, ending: 'trial' })]
        }
        const bill = takeBill('due', 'paid')
        const change = { before: termsOf(from), cycleEnd, isTrial: status === 'trialing', bill }
        return [planChangedMail(ctx, { ...rest, ...change })]
      }
      case 'subscription.created':
      case 'subscription.trial_converted':
      case 'subscription.resumed': {
        const { subscription, ...rest } = about(event.data.subscriptionId, event.data)
        const { cycleEnd, status } = subscription
        if (event.type === 'subscription.created') {
          // One that another falls back to is told with its end; the first one by the welcome, unless it was bought.
          const isBought = priceOf(rest.terms).amount > 0 && event.data.status !== 'trialing'
          if (events.some(isEnd) || (subscriptions.length === 1 && !isBought)) return []
        }
        const bill = takeBill('due', 'paid')
        return [planChangedMail(ctx, { ...rest, before: null, cycleEnd, isTrial: status === 'trialing', bill })]
      }
      case 'subscription.change_scheduled': {
        const { subscriptionId, from, to, effectiveAt } = event.data
        takeBill('void')
        const { subscription: _, ...rest } = about(subscriptionId, to)
        return [changeScheduledMail(ctx, { ...rest, before: termsOf(from), effectiveAt: new Date(effectiveAt) })]
      }
      case 'subscription.change_cancelled':
      case 'subscription.change_failed': {
        const { subscriptionId, from, to } = event.data
        takeBill('void')
        const { subscription: _, ...rest } = about(subscriptionId, to)
        const reason = event.type === 'subscription.change_cancelled' ? 'cancelled' : event.data.reason
        return [changeOffMail(ctx, { ...rest, before: termsOf(from), reason: reason as 'cancelled' })]
      }
      case 'subscription.trial_ending': {
        const { subscription, ...rest } = about(event.data.subscriptionId, event.data)
        const next = afterTrial(rest.terms, subscription.pendingChange)
        return [trialEndingMail(ctx, { ...rest, trialEnd: new Date(event.data.trialEnd), next })]
      }
      case 'subscription.trial_expired': {
        const { subscription: _, ...rest } = about(event.data.subscriptionId, event.data)
        const endedAt = new Date(event.data.at)
        const ending = event.data.paused ? 'trial_paused' : 'trial'
        return [endedMail(ctx, { ...rest, endedAt, ending, next: nextPlan(event) })]
      }
      case 'subscription.ended': {
        const { reason, endedAt } = event.data
        if (reason === 'unpaid' || reason === 'business_closed') return []
        const { subscription: _, ...rest } = about(event.data.subscriptionId, event.data)
        const ending = reason === 'cancelled' ? 'cancelled' : 'plan_ended'
        return [endedMail(ctx, { ...rest, endedAt: new Date(endedAt), ending, next: nextPlan(event) })]
      }
      case 'subscription.cancel_scheduled':
      case 'subscription.cancel_undone': {
        const { subscription: _, ...rest } = about(event.data.subscriptionId, event.data)
        const effectiveAt = event.type === 'subscription.cancel_scheduled' ? new Date(event.data.effectiveAt) : null
        return [cancellationMail(ctx, { ...rest, effectiveAt })]
      }
      case 'subscription.paused': {
        const { subscription: _, ...rest } = about(event.data.subscriptionId, event.data)
        return [pausedMail(ctx, rest)]
      }
      case 'subscription.extended': {
        const { subscription, ...rest } = about(event.data.subscriptionId, event.data)
        return [
          extendedMail(ctx, { ...rest, to: new Date(event.data.to), isTrial: subscription.status === 'trialing' }),
        ]
      }
      default:
        return []
    }
  })
  const composers = { due: invoiceDueMail, paid: paymentReceivedMail, void: invoiceVoidMail }
  return [...mails, ...bills.map(({ tells, ...bill }) => composers[tells](ctx, { business, bill }))]
}

type Named = { plan: string; version: number; price: string }

const versionKey = (plan: string, version: number) => `${plan} ${version}`

const isEnd = ({ type }: Told) => type === 'subscription.ended' || type === 'subscription.trial_expired'

/** Each invoice once, as it stands by now. What a provider charges is told when its answer is there. */
async function billsToTell(
  db: Queryable,
  ctx: Context,
  businessId: string,
  events: Told[],
  nameOf: (planKey: string) => string,
): Promise<BillToTell[]> {
  const happened = new Map<string, Set<string>>()
  for (const { type, data } of events) {
    if (!('invoiceId' in data) || !type.startsWith('invoice.')) continue
    const id = String(data.invoiceId)
    happened.set(id, (happened.get(id) ?? new Set()).add(type))
  }
  const bills: BillToTell[] = []
  for (const [id, types] of happened) {
    const invoice = await invoiceById(db, businessId, id)
    const tells = whatToTell(invoice.status, types, providerOf(ctx).charging !== undefined)
    if (!tells) continue
    const lines = await linesOf(db, businessId, id)
    const main = lines.find(({ amount }) => amount > 0)
    const what = !main ? 'your plan' : main.kind === 'overage' ? main.description : nameOf(main.plan)
    bills.push({ invoice, lines, what, tells })
  }
  return bills
}

function whatToTell(status: string, happened: Set<string>, isCharged: boolean): BillToTell['tells'] | undefined {
  if (status === 'paid') return happened.has('invoice.paid') ? 'paid' : undefined
  if (status === 'open') return happened.has('invoice.opened') && !isCharged ? 'due' : undefined
  // One that was opened and void before anybody was told of it never was.
  return status === 'void' && happened.has('invoice.voided') && !happened.has('invoice.opened') ? 'void' : undefined
}
