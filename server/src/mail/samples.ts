import { invitationMail } from '../invitations/mail.ts'
import { overdueMail } from '../subscriptions/dunning-mail.ts'
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
  trialEndingMail,
  type Bill,
} from '../subscriptions/mail.ts'
import type { Terms } from '../subscriptions/lifecycle.ts'
import { supportRequestedMail, supportStartedMail } from '../support/mail.ts'
import { usageAlertMail } from '../usage/mail.ts'
import {
  alreadySignedUpMail,
  emailChangedMail,
  loginLinkedMail,
  loginUnlinkedMail,
  passwordChangedMail,
  passwordResetMail,
  twoFactorMail,
  verificationMail,
  welcomeMail,
} from '../users/mail.ts'
import type { Composing, Mail } from './mail.ts'

/** What people typed, for whoever wants to see it in every mail. */
export type Typed = { business: string; person: string; reason: string }

const usual: Typed = {
  business: 'Blue Bottle Studio',
  person: 'Ada Marsh',
  reason: 'You asked why the export is empty',
}

/** Every mail there is, with made-up content: for maintainers to look at, and for the tests that read them all. */
export function sampleMails(ctx: Composing, typed: Typed = usual): Record<string, Mail> {
  const business = { id: 'biz_00000000000000000000000000', name: typed.business }
  const named = { businessId: business.id, businessName: business.name }
  const common = { business, zone: 'UTC' }
  const [free, growth] = [
    { plan: plan('Free', 0), price: 'monthly' },
    { plan: plan('Growth', 49_00), price: 'monthly' },
  ]
  const session = {
    staffName: typed.person,
    reason: typed.reason,
    minutes: 30,
    access: 'read',
    expiresAt: at(28),
  } as const
  const [feature = 'recordings'] = Object.keys(ctx.product.features)
  const usage = { ...named, feature, limit: 12_000, resetsAt: at(31), goesOn: false }
  const change = { ...common, terms: growth, before: free }
  return {
    verification: verificationMail(ctx, { token: 'ver_sample', email: 'ada@blue-bottle.example' }),
    'already signed up': alreadySignedUpMail(ctx),
    'welcome, founder': welcomeMail(ctx, {
      firstName: typed.person,
      business,
      plan: { name: 'Growth', trialEnd: at(31), zone: 'UTC' },
    }),
    'welcome, invited': welcomeMail(ctx, { firstName: typed.person, business, role: 'member' }),
    'password reset': passwordResetMail(ctx, 'rst_sample'),
    'password changed': passwordChangedMail(ctx),
    'e-mail changed': emailChangedMail(ctx, 'ada@blue-bottle.example'),
    'two-factor on': twoFactorMail(ctx, true),
    'two-factor off': twoFactorMail(ctx, false),
    'sign-in linked': loginLinkedMail(ctx, 'GitHub'),
    'sign-in unlinked': loginUnlinkedMail(ctx, 'GitHub'),
    invitation: invitationMail(ctx, {
      token: 'inv_sample',
      role: 'member',
      inviter: typed.person,
      business,
      expiresAt: at(31),
    }),
    'usage 80%': usageAlertMail(ctx, { ...usage, threshold: 80, used: 9_600 }),
    'usage 100%': usageAlertMail(ctx, { ...usage, threshold: 100, used: 12_000 }),
    'invoice due, renewal': invoiceDueMail(ctx, { business, bill: bill({ cycleNumber: 2 }) }),
    'invoice due, to begin': invoiceDueMail(ctx, { business, bill: bill({ change: {}, cause: 'start' }) }),
    'payment received, renewal': paymentReceivedMail(ctx, { business, bill: paid({ cycleNumber: 2 }) }),
    'payment received, credit': paymentReceivedMail(ctx, { business, bill: paid({ creditApplied: 49_00 }) }),
    'payment overdue': overdueMail(ctx, {
      ...named,
      invoice: bill({}).invoice,
      next: { kind: 'read_only', at: at(28) },
    }),
    'payment overdue, last': overdueMail(ctx, {
      ...named,
      invoice: bill({}).invoice,
      next: { kind: 'ends', at: at(28) },
    }),
    'ended unpaid': overdueMail(ctx, { ...named, invoice: bill({}).invoice, next: { kind: 'ended' } }),
    'invoice void': invoiceVoidMail(ctx, { business, bill: bill({ status: 'void' }) }),
    'trial ending': trialEndingMail(ctx, { ...common, terms: growth, trialEnd: at(14), next: 'Free' }),
    'trial ended, paused': endedMail(ctx, {
      ...common,
      terms: growth,
      endedAt: at(14),
      ending: 'trial_paused',
      next: null,
    }),
    'trial ended': endedMail(ctx, { ...common, terms: growth, endedAt: at(14), ending: 'trial', next: 'Free' }),
    'plan changed, to pay': planChangedMail(ctx, { ...change, cycleEnd: at(31), isTrial: false, bill: bill({}) }),
    'plan changed, paid': planChangedMail(ctx, { ...change, cycleEnd: at(31), isTrial: false, bill: paid({}) }),
    'plan changed, free': planChangedMail(ctx, {
      ...common,
      terms: free,
      before: growth,
      cycleEnd: at(31),
      isTrial: false,
      bill: null,
    }),
    'change scheduled': changeScheduledMail(ctx, { ...common, terms: free, before: growth, effectiveAt: at(31) }),
    'change taken back': changeOffMail(ctx, { ...change, reason: 'cancelled' }),
    'change failed': changeOffMail(ctx, { ...change, reason: 'payment_failed' }),
    'cancellation scheduled': cancellationMail(ctx, { ...common, terms: growth, effectiveAt: at(31) }),
    'cancellation undone': cancellationMail(ctx, { ...common, terms: growth, effectiveAt: null }),
    'subscription ended': endedMail(ctx, {
      ...common,
      terms: growth,
      endedAt: at(31),
      ending: 'cancelled',
      next: null,
    }),
    'subscription paused': pausedMail(ctx, { ...common, terms: growth }),
    'trial extended': extendedMail(ctx, { ...common, terms: growth, to: at(31), isTrial: true }),
    'support asks': supportRequestedMail(ctx, { business, session: { ...session, expiresAt: null } }),
    'support started': supportStartedMail(ctx, { business, session }),
    'support started, may change': supportStartedMail(ctx, { business, session: { ...session, access: 'write' } }),
  }
}

const at = (day: number) => new Date(Date.UTC(2026, 11, day, 13))

const plan = (planName: string, amount: number): Terms['plan'] => ({
  id: 'plv_00000000000000000000000000',
  planKey: planName.toLowerCase(),
  planName,
  version: 1,
  prices: { monthly: { amount, currency: 'USD', interval: { unit: 'month', count: 1 } } },
  trialDays: 0,
  onTrialEnd: 'end',
  includes: {},
  onEnd: 'renew',
  fallbackPlan: null,
})

const bill = (more: Partial<Bill['invoice']>): Bill => ({
  invoice: {
    id: 'ivc_00000000000000000000000000',
    number: 'INV-000042',
    status: 'open',
    cause: 'cycle',
    cycleNumber: 1,
    total: 49_00,
    creditApplied: 0,
    amountDue: 49_00,
    currency: 'USD',
    dueAt: at(8),
    paidAt: null,
    overdueSince: null,
    change: null,
    ...more,
  },
  what: 'Growth',
  lines: [{ description: 'Growth', amount: 49_00, periodStart: at(1), periodEnd: at(31) }],
})

const paid = (more: Partial<Bill['invoice']>) => bill({ status: 'paid', amountDue: 0, paidAt: at(3), ...more })
