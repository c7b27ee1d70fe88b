import type { Invoice } from '../invoices/invoices.ts'
import { formatMoney } from '../invoices/money.ts'
import type { Composing, Mail } from '../mail/mail.ts'
import { day, moment, named, span } from '../mail/wording.ts'
import type { Interval } from './cycle.ts'
import { priceOf, type Terms } from './lifecycle.ts'

/** What owners are told about their subscription and its money. */

export type Owned = { id: string; name: string }

/** An invoice and what stands on it, for whoever pays it. */
export type Bill = {
  invoice: Pick<
    Invoice,
    'id' | 'number' | 'status' | 'cause' | 'total' | 'creditApplied' | 'amountDue' | 'currency' | 'dueAt' | 'paidAt'
  > & { change: unknown; cycleNumber: number; overdueSince: Date | null }
  lines: { description: string; amount: number; periodStart: Date; periodEnd: Date }[]
  /** What it is for, in a word. */
  what: string
}

/** Something is to be paid: of a cycle that has begun, or for what begins with the payment. */
export function invoiceDueMail(ctx: Composing, { business, bill }: { business: Owned; bill: Bill }): Mail {
  const { invoice } = bill
  const amount = formatMoney(invoice.amountDue, invoice.currency)
  const what = bill.what
  const waits = invoice.change !== null
  const renews = isRenewal(bill)
  return {
    ...common(ctx, business),
    template: 'invoice-due',
    subject: `${named(business.name)}: ${amount} for ${what} ${waits || !invoice.dueAt ? 'to pay' : `due by ${day(invoice.dueAt)}`}`,
    title: renews ? `${what} is renewed` : `${amount} to pay`,
    paragraphs: [
      waits
        ? `${what} begins for “${named(business.name)}” as soon as ${amount} is paid. Until then everything stays as it is.`
        : renews
          ? `${what} goes on for “${named(business.name)}”. This is the invoice for it.`
          : `This is an invoice for “${named(business.name)}”.`,
    ],
    facts: dueFacts(ctx, bill),
    action: { label: 'See the invoice', url: invoicePage(ctx, business, bill) },
  }
}

/** An invoice is paid in full, by money or by what was in hand. */
export function paymentReceivedMail(ctx: Composing, { business, bill }: { business: Owned; bill: Bill }): Mail {
  const { invoice } = bill
  const paid = formatMoney(invoice.total - invoice.creditApplied, invoice.currency)
  const total = formatMoney(invoice.total, invoice.currency)
  const what = bill.what
  const isCredit = invoice.creditApplied === invoice.total
  return {
    ...common(ctx, business),
    template: 'payment-received',
    subject: `${named(business.name)}: ${isCredit ? `${total} paid from your credit` : `${paid} received`}`,
    title: isRenewal(bill) ? `${what} is renewed and paid` : 'Thank you for your payment',
    paragraphs: [
      isCredit
        ? `The invoice ${invoice.number} of “${named(business.name)}” was paid from your credit. There is nothing to do.`
        : `We have received ${paid} for the invoice ${invoice.number} of “${named(business.name)}”.`,
    ],
    facts: paidFacts(bill),
    action: { label: 'See the receipt', url: invoicePage(ctx, business, bill) },
  }
}

/** What was sent before is not to be paid. */
export function invoiceVoidMail(ctx: Composing, { business, bill }: { business: Owned; bill: Bill }): Mail {
  const { number } = bill.invoice
  return {
    ...common(ctx, business),
    template: 'invoice-void',
    subject: `${named(business.name)}: the invoice ${number} is void`,
    title: 'Nothing to pay',
    paragraphs: [
      `The invoice ${number} of “${named(business.name)}” is void: please do not pay it. What was paid of it already is your credit.`,
    ],
    facts: { Invoice: number, For: bill.what },
    action: { label: 'See the invoice', url: invoicePage(ctx, business, bill) },
  }
}

export type PlanMail = { business: Owned; terms: Terms; zone: string }

/** Other terms from now on: by a change, a trial's end, a resumption or a new beginning; with what it costs now. */
export function planChangedMail(
  ctx: Composing,
  {
    business,
    terms,
    zone,
    before,
    cycleEnd,
    isTrial,
    bill,
  }: PlanMail & { before: Terms | null; cycleEnd: Date; isTrial: boolean; bill: Bill | null },
): Mail {
  const isDue = bill?.invoice.status === 'open'
  const from = before && termsName(before) !== termsName(terms) ? termsName(before) : null
  return {
    ...common(ctx, business),
    template: 'plan-changed',
    subject: `${named(business.name)} is on ${termsName(terms)} now`,
    title: `You are on ${termsName(terms)}`,
    paragraphs: [
      `“${named(business.name)}” is on ${termsName(terms)} from now on${from === null ? '' : `; it was on ${from} before`}.`,
    ],
    facts: {
      Plan: termsName(terms),
      Price: priceText(terms),
      [isTrial ? 'Trial until' : 'This cycle until']: moment(cycleEnd, zone),
      ...(bill && (isDue ? dueFacts(ctx, bill) : paidFacts(bill))),
      // The plan and its cycle say so already.
      For: null,
      Period: null,
    },
    action:
      bill && isDue ? { label: 'See the invoice', url: invoicePage(ctx, business, bill) } : seePlan(ctx, business),
  }
}

export function changeScheduledMail(
  ctx: Composing,
  { business, terms, zone, before, effectiveAt }: PlanMail & { before: Terms; effectiveAt: Date },
): Mail {
  return {
    ...common(ctx, business),
    template: 'plan-change-scheduled',
    subject: `${named(business.name)} moves to ${termsName(terms)} on ${moment(effectiveAt, zone)}`,
    title: `${termsName(terms)} comes next`,
    paragraphs: [
      `“${named(business.name)}” moves to ${termsName(terms)} on ${moment(effectiveAt, zone)}. Until then it stays on ${termsName(before)}, with everything in it.`,
    ],
    facts: { 'New plan': termsName(terms), Price: priceText(terms), From: moment(effectiveAt, zone) },
    action: seePlan(ctx, business),
    note: 'You can take it back until then.',
  }
}

export function changeOffMail(
  ctx: Composing,
  {
    business,
    terms,
    before,
    reason,
  }: PlanMail & { before: Terms; reason: 'cancelled' | 'payment_failed' | 'cycle_ended' },
): Mail {
  const why = {
    cancelled: `The change to ${termsName(terms)} was taken back.`,
    payment_failed: `The payment for ${termsName(terms)} failed, so the change does not happen. Nothing was charged.`,
    cycle_ended: `${termsName(terms)} was not paid for within the cycle it was offered for, so the change does not happen.`,
  }[reason]
  return {
    ...common(ctx, business),
    template: reason === 'cancelled' ? 'plan-change-off' : 'plan-change-failed',
    subject: `${named(business.name)} stays on ${termsName(before)}`,
    title: `You stay on ${termsName(before)}`,
    paragraphs: [`${why} “${named(business.name)}” goes on with ${termsName(before)} as before.`],
    action: seePlan(ctx, business),
  }
}

export function trialEndingMail(
  ctx: Composing,
  { business, terms, zone, trialEnd, next }: PlanMail & { trialEnd: Date; next: string | null },
): Mail {
  const isOver = terms.plan.onTrialEnd === 'pause' ? 'is paused' : 'cannot be used any more'
  const otherwise = next === null ? isOver : `goes on with ${next}`
  return {
    ...common(ctx, business),
    template: 'trial-ending',
    subject: `${named(business.name)}: your trial of ${termsName(terms)} ends on ${moment(trialEnd, zone)}`,
    title: 'Your trial ends soon',
    paragraphs: [
      `“${named(business.name)}” is trying ${termsName(terms)} until ${moment(trialEnd, zone)}.`,
      next === termsName(terms)
        ? `After that “${named(business.name)}” goes on with it${priceOf(terms).amount === 0 ? ', at no charge' : ` for ${priceText(terms)}`}. There is nothing to do.`
        : `To keep ${termsName(terms)}, choose it before then. Otherwise “${named(business.name)}” ${otherwise}. Nothing is charged unless you choose it.`,
    ],
    facts: { Plan: termsName(terms), 'Trial until': moment(trialEnd, zone), 'Price afterwards': priceText(terms) },
    action: {
      ...seePlan(ctx, business),
      label: next === termsName(terms) ? 'See your plan' : `Keep ${terms.plan.planName}`,
    },
  }
}

export type Ending = 'trial' | 'trial_paused' | 'cancelled' | 'plan_ended'

/** It is over; `next` is the plan that it goes on with. */
export function endedMail(
  ctx: Composing,
  { business, terms, zone, endedAt, ending, next }: PlanMail & { endedAt: Date; ending: Ending; next: string | null },
): Mail {
  const isPaused = ending === 'trial_paused'
  const isTrial = ending === 'trial' || isPaused
  const until = isPaused
    ? `it is resumed, which begins ${termsName(terms)} for ${priceText(terms)}`
    : 'you choose a plan'
  return {
    ...common(ctx, business),
    template: isTrial ? 'trial-ended' : 'subscription-ended',
    subject: `${named(business.name)}: ${isTrial ? `your trial of ${termsName(terms)}` : termsName(terms)} has ended`,
    title: isTrial ? 'Your trial has ended' : `${termsName(terms)} has ended`,
    paragraphs: [
      next === null
        ? `Nothing new can be used in “${named(business.name)}” until ${until}. What is there stays, and can be read.`
        : `“${named(business.name)}” goes on with ${next}.`,
    ],
    facts: { Plan: termsName(terms), Ended: moment(endedAt, zone), 'Goes on with': next },
    action: { ...seePlan(ctx, business), label: isPaused ? 'Resume' : next === null ? 'Choose a plan' : 'See plans' },
  }
}

export function cancellationMail(
  ctx: Composing,
  { business, terms, zone, effectiveAt }: PlanMail & { effectiveAt: Date | null },
): Mail {
  const plan = termsName(terms)
  return effectiveAt === null
    ? {
        ...common(ctx, business),
        template: 'cancellation-undone',
        subject: `${named(business.name)}: ${plan} goes on`,
        title: `${plan} goes on`,
        paragraphs: [`The cancellation was taken back: “${named(business.name)}” keeps ${plan}.`],
        action: seePlan(ctx, business),
      }
    : {
        ...common(ctx, business),
        template: 'cancellation-scheduled',
        subject: `${named(business.name)}: ${plan} ends on ${moment(effectiveAt, zone)}`,
        title: 'Your plan is cancelled',
        paragraphs: [
          `${plan} ends for “${named(business.name)}” on ${moment(effectiveAt, zone)}. Until then everything works as before, and nothing more is charged.`,
        ],
        facts: { Plan: plan, Ends: moment(effectiveAt, zone) },
        action: { ...seePlan(ctx, business), label: 'Keep the plan' },
        note: 'You can take it back until then.',
      }
}

export function pausedMail(ctx: Composing, { business, terms }: PlanMail): Mail {
  return {
    ...common(ctx, business),
    template: 'subscription-paused',
    subject: `${named(business.name)}: ${termsName(terms)} is paused`,
    title: `${termsName(terms)} is paused`,
    paragraphs: [`Nothing can be used in “${named(business.name)}” and nothing is charged until you resume.`],
    action: { ...seePlan(ctx, business), label: 'Resume' },
  }
}

export function extendedMail(
  ctx: Composing,
  { business, terms, zone, to, isTrial }: PlanMail & { to: Date; isTrial: boolean },
): Mail {
  return {
    ...common(ctx, business),
    template: 'cycle-extended',
    subject: `${named(business.name)}: you have more time`,
    title: isTrial ? 'Your trial is extended' : 'Your cycle is extended',
    paragraphs: [
      isTrial
        ? `We have extended the trial of “${named(business.name)}”.`
        : `We have extended the current cycle of “${named(business.name)}”. The next one is charged from then.`,
    ],
    facts: { Plan: termsName(terms), Until: moment(to, zone) },
    action: seePlan(ctx, business),
  }
}

const common = (_: Composing, { id, name }: Owned) => ({
  businessId: id,
  why: `You get this as an owner of ${named(name)}.`,
})

const seePlan = (ctx: Composing, { id }: Owned) => ({
  label: 'See your plan',
  url: `${ctx.settings.publicUrl}/b/${id}/plan`,
})

const invoicePage = (ctx: Composing, { id }: Owned, { invoice }: Bill) =>
  `${ctx.settings.publicUrl}/b/${id}/invoices/${invoice.id}`

const isRenewal = ({ invoice }: Bill) => invoice.cause === 'cycle' && invoice.cycleNumber > 1

function dueFacts(ctx: Composing, bill: Bill) {
  const { amountDue, currency, dueAt, change } = bill.invoice
  return {
    ...billFacts(bill),
    'To pay': formatMoney(amountDue, currency),
    'Due by': change !== null || !dueAt ? 'Now' : day(dueAt),
    'How to pay': ctx.product.howToPay,
  }
}

function paidFacts(bill: Bill) {
  const { total, creditApplied, currency, paidAt } = bill.invoice
  const paid = total - creditApplied
  return {
    ...billFacts(bill),
    Paid: paid > 0 ? formatMoney(paid, currency) : null,
    'Paid on': paidAt && day(paidAt),
  }
}

function billFacts({ invoice, lines }: Bill) {
  const first = lines.find(({ amount }) => amount > 0)
  return {
    Invoice: invoice.number,
    For: lines.map(({ description }) => description).join('\n'),
    Period: first ? span(first.periodStart, first.periodEnd) : null,
    'From your credit': invoice.creditApplied > 0 ? formatMoney(invoice.creditApplied, invoice.currency) : null,
  }
}

/** The plan's name, with the price's where there are several. */
export const termsName = ({ plan, price }: Terms): string =>
  Object.keys(plan.prices).length > 1 ? `${plan.planName} (${price})` : plan.planName

function priceText(terms: Terms): string {
  const { amount, currency, interval } = priceOf(terms)
  return amount === 0 ? 'No charge' : `${formatMoney(amount, currency)} ${each(interval)}`
}

const each = ({ unit, count }: Interval) => (count === 1 ? `a ${unit}` : `every ${count} ${unit}s`)
