import { sql } from 'kysely'
import { systemActor, type Context } from '../context.ts'
import { lockBusiness, type Business } from '../businesses/businesses.ts'
import type { Tx } from '../db/open.ts'
import { attemptsOf, requestCharges } from '../invoices/charges.ts'
import { markUncollectible } from '../invoices/closing.ts'
import { overdueInvoices, type Invoice } from '../invoices/invoices.ts'
import { providerOf } from '../invoices/provider.ts'
import { oneByOne, type Done } from '../jobs/one-by-one.ts'
import { sendMail } from '../mail/mail.ts'
import { ownerEmails } from '../members/owners.ts'
import { overdueMail, type Overdue } from './dunning-mail.ts'
import type { Subscription } from './lifecycle.ts'
import { endUnpaid, graceDays, markPastDue } from './payments.ts'
import { followInvoices } from './settlement.ts'
import { lockSubscription } from './subscriptions.ts'

/**
 * What happens while an invoice stays unpaid that is owed outright: a cycle's, or what staff have invoiced. From the day
 * it is found overdue the owners are reminded five times; for seven days everything works, then nothing new can be used;
 * with the last reminder the subscription is over and the invoice given up.
 *
 * The days count from when the invoice was first found overdue, so that nobody is cut off because a worker came late.
 * What is done is kept on the invoice, in the transaction that does it and sends the mail: a run may stop anywhere and be
 * repeated by anybody.
 */

const reminderDays = [0, 2, 7, 14, 21]
const lastDay = 21
/** On this day it is said when it will be over; nobody is ended who was not told. */
const warningDay = 14

const dayMilliseconds = 86_400_000
const batchSize = 500
const dunning = systemActor('dunning')

/** Brings everybody who owes something to where they should be by now. */
export async function chaseOverdue(ctx: Context): Promise<Done> {
  const result = await oneByOne(ctx, {
    read: (last) => readWaiting(ctx, last),
    each: (tx, { businessId }) => chase(tx, ctx, businessId),
    failure: 'what a business owes could not be followed up',
  })
  if (result.done + result.behind + result.failed > 0) ctx.log.info(result, 'overdue payments followed up')
  return result
}

/** Businesses where something is to be done, in key order: an invoice has come to its next day, or all is paid. */
async function readWaiting(ctx: Context, last = { businessId: '' }): Promise<{ businessId: string }[]> {
  const now = ctx.now()
  const days = reminderDays.map((each) => new Date(now.getTime() - each * dayMilliseconds))
  const { rows } = await sql<{ businessId: string }>`
    select business_id from (
      select i.business_id
      from freehold.invoices i
      join freehold.businesses b on b.id = i.business_id
      where i.status = 'open'
        and i.change is null
        and i.due_at <= ${now}
        and b.status <> 'closed'
        and (i.overdue_since is null or exists (
          select from unnest(${reminderDays}::int[], ${days}::timestamptz[]) as step (day, since)
          where i.overdue_since <= step.since and i.reminded_day < step.day))
      union
      select s.business_id
      from freehold.subscriptions s
      where s.status = 'past_due'
        and not exists (
          select from freehold.invoices i
          where i.business_id = s.business_id
            and i.subscription_id = s.id
            and i.status = 'open'
            and i.change is null
            and i.due_at <= ${now})
    ) as waiting
    where business_id > ${last.businessId}
    order by business_id
    limit ${batchSize}`.execute(ctx.db.across)
  return rows
}

async function chase(tx: Tx, ctx: Context, businessId: string): Promise<void> {
  const business = await lockBusiness(tx, businessId)
  let subscription = await lockSubscription(tx, ctx, businessId)
  const now = ctx.now()
  for (const invoice of await overdueInvoices(tx, businessId, now)) {
    const step = nextStep(invoice, now)
    if (!step || (await isBeingCharged(tx, ctx, invoice, step.day))) continue
    subscription = await followUp(tx, ctx, business, subscription, invoice, step)
  }
  await followInvoices(tx, ctx, dunning, subscription)
}

/** Where the provider charges, an attempt is made on each of the days, and its failure is what is followed up. */
async function isBeingCharged(tx: Tx, ctx: Context, invoice: Invoice, day: number): Promise<boolean> {
  if (!providerOf(ctx).charging) return false
  const attempts = await attemptsOf(tx, invoice.businessId, invoice.id)
  if (attempts.some(({ status }) => status === 'requested' || status === 'unknown')) return true
  const wanted = reminderDays.indexOf(day) + 1
  if (attempts.some(({ attempt }) => attempt >= wanted)) return false
  await requestCharges(tx, ctx, [invoice], wanted)
  return true
}

/** The same after a charge for an invoice has failed. The caller has locked the business and its subscription. */
export async function followUpUnpaid(
  tx: Tx,
  ctx: Context,
  business: Business,
  subscription: Subscription,
  invoice: Invoice,
): Promise<void> {
  const step = nextStep(invoice, ctx.now())
  if (invoice.change === null && step) await followUp(tx, ctx, business, subscription, invoice, step)
}

/** The latest day that has come and of which no reminder was sent: of several that were missed only that one. */
function nextStep({ overdueSince, remindedDay }: Invoice, now: Date) {
  const since = overdueSince ?? now
  const day = reminderDays.findLast((each) => since.getTime() + each * dayMilliseconds <= now.getTime()) ?? 0
  if (day === lastDay && (remindedDay ?? 0) < warningDay) {
    return { since: new Date(now.getTime() - warningDay * dayMilliseconds), day: warningDay }
  }
  return remindedDay === null || day > remindedDay ? { since, day } : undefined
}

async function followUp(
  tx: Tx,
  ctx: Context,
  business: Business,
  subscription: Subscription,
  invoice: Invoice,
  { since, day }: { since: Date; day: number },
): Promise<Subscription> {
  const { businessId, id: invoiceId } = invoice
  await tx
    .updateTable('invoices')
    .set({ overdueSince: since, remindedDay: day })
    .where('businessId', '=', businessId)
    .where('id', '=', invoiceId)
    .execute()
  // What is owed for a subscription that is over concerns no other.
  const isCurrent = invoice.subscriptionId === subscription.id
  let after = subscription
  if (isCurrent && after.status === 'active') after = await markPastDue(tx, ctx, dunning, invoice)
  const isPastDue = isCurrent && after.status === 'past_due'
  const isLast = day === lastDay
  if (isLast) {
    const reason = `Not paid within ${lastDay} days`
    if (isPastDue) after = await endUnpaid(tx, ctx, dunning, businessId)
    await markUncollectible(tx, ctx, dunning, { businessId, invoiceId, reason })
  }

  const next = isPastDue ? whatFollows(since, day) : ({ kind: 'owed' } as const)
  const mail = overdueMail(ctx, { businessId, businessName: business.name, invoice, next })
  await sendMail(tx, ctx, await ownerEmails(tx, businessId), mail)
  return after
}

function whatFollows(since: Date, day: number): Overdue['next'] {
  const at = (days: number) => new Date(since.getTime() + days * dayMilliseconds)
  if (day === lastDay) return { kind: 'ended' }
  return day < graceDays ? { kind: 'read_only', at: at(graceDays) } : { kind: 'ends', at: at(lastDay) }
}
