import { closeBusiness } from '../businesses/businesses.ts'
import type { Actor, Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { acrossBusinesses } from '../db/transactions.ts'
import { addCredit } from '../invoices/credit.ts'
import { cancelByStaff, changePlanByStaff, extendCycle } from '../subscriptions/staff-changes.ts'
import { followInvoices, voidBilled } from '../subscriptions/settlement.ts'
import { lockSubscription } from '../subscriptions/subscriptions.ts'
import { setSuspended } from '../subscriptions/suspension.ts'
import {
  answerSupportRequest,
  endOwnSupportSession,
  requestSupportSession,
  setSupportPolicy,
} from '../support/support.ts'
import { createGrant } from '../usage/grants.ts'
import { overrideLimit } from '../usage/overrides.ts'
import type { Chance } from './chance.ts'
import { fenced, unlessRefused, type Firm } from './deeds.ts'
import { featuresOf, included, type Offer } from './offers.ts'

/** What staff do for customers, each as the console does it, with a reason. */

const dayMilliseconds = 86_400_000
const after = (ctx: Context, days: number) => new Date(ctx.now().getTime() + days * dayMilliseconds)

export type Help = { ctx: Context; staff: Actor; chance: Chance; firm: Firm; offer: Offer }

const across = <T>({ ctx }: Help, work: (tx: Tx) => Promise<T>) => unlessRefused(acrossBusinesses(ctx.db, work))

/** Extra units; `days` until they expire. */
export async function giveUnits(help: Help, days = help.chance.whole(20, 120)): Promise<void> {
  const { ctx, staff, chance, firm, offer } = help
  const [feature] = featuresOf(ctx.product, 'metered')
  if (feature === undefined) return
  const amount = Math.max(
    10,
    Math.round((included(ctx.product, offer.plan, feature) * chance.pick([0.05, 0.1, 0.25])) / 10) * 10,
  )
  const reason = chance.pick([
    'Made good for the outage on Tuesday',
    'Launch week: more traffic than the plan is made for',
    'Thanks for the case study',
    'Counted twice while their SDK retried',
    'Promised by sales for the pilot',
  ])
  const expiresAt = after(ctx, days)
  await across(help, (tx) => createGrant(tx, ctx, staff, firm.id, { feature, amount, reason, expiresAt }))
}

/** A limit of their own. */
export async function liftLimit(help: Help, days: number | null = help.chance.pick([null, 90, 180])): Promise<void> {
  const { ctx, staff, chance, firm, offer } = help
  const feature = chance.pick([
    ...featuresOf(ctx.product, 'metered'),
    ...featuresOf(ctx.product, 'allocated'),
    'members',
  ])
  const limit = Math.ceil(included(ctx.product, offer.plan, feature) * chance.pick([1.5, 2, 3]))
  const reason = chance.pick([
    'Agreed in their contract of this year',
    'Two teams share the account until they are split',
    'Evaluating the next plan up',
  ])
  const expires = days === null ? {} : { expiresAt: after(ctx, days) }
  await across(help, (tx) => overrideLimit(tx, ctx, staff, firm.id, feature, { limit, reason, ...expires }))
}

export async function giveCredit(help: Help): Promise<void> {
  const { ctx, staff, chance, firm, offer } = help
  const amount = chance.pick([5_00, 10_00, 25_00, 49_00])
  const reason = chance.pick([
    'Apology for the slow week',
    'Refund of a day of downtime',
    'Referral',
    'Rounded in their favour',
  ])
  const credit = { businessId: firm.id, currency: offer.currency, amount, reason }
  await across(help, async (tx) => {
    const subscription = await lockSubscription(tx, ctx, firm.id)
    await addCredit(tx, ctx, staff, credit)
    await followInvoices(tx, ctx, staff, subscription)
  })
}

export async function lengthen(help: Help): Promise<void> {
  const { ctx, staff, chance, firm } = help
  const reason = chance.pick([
    'Their developer was ill',
    'Trial began before their app was out',
    'Waiting for their bank',
  ])
  const change = { days: chance.whole(3, 14), reason }
  await across(help, (tx) => extendCycle(tx, ctx, staff, firm.id, change))
}

export async function moveTo(help: Help, { plan, price }: Offer, reason: string): Promise<void> {
  const { ctx, staff, firm } = help
  const change = { plan, price, reason, when: 'now', charge: 'waive', replace: true } as const
  await across(help, (tx) => changePlanByStaff(tx, ctx, staff, firm.id, change))
}

export async function endFor(help: Help, reason: string): Promise<void> {
  const { ctx, staff, firm } = help
  await across(help, (tx) => cancelByStaff(tx, ctx, staff, firm.id, { reason, when: 'now', credit: 'rest' }))
}

export async function suspend(help: Help, status: 'suspended' | 'active', reason: string): Promise<void> {
  const { ctx, staff, firm } = help
  await across(help, (tx) => setSuspended(tx, ctx, staff, firm.id, { status, reason }))
}

/** Voids the newest invoice that is open. */
export async function voidOpenInvoice(help: Help, reason: string): Promise<void> {
  const { ctx, staff, firm } = help
  const invoice = await ctx.db.across
    .selectFrom('invoices')
    .select('id')
    .where('businessId', '=', firm.id)
    .where('status', '=', 'open')
    .orderBy('id', 'desc')
    .executeTakeFirst()
  if (!invoice) return
  await across(help, async (tx) => {
    const before = await lockSubscription(tx, ctx, firm.id)
    const closing = { businessId: firm.id, invoiceId: invoice.id, reason }
    await followInvoices(tx, ctx, staff, await voidBilled(tx, ctx, staff, before, closing))
  })
}

const supportReasons = [
  'Recordings do not arrive since yesterday, ticket 4471',
  'Asked for help with the first application',
  'Invoice does not show their address, ticket 4502',
  'Member cannot accept an invitation',
  'Checking what the outage of the night has touched',
  'Usage is higher than they expect, ticket 4519',
]

/** Looks into an account; answers the session's id. */
export async function lookInto(
  help: Help,
  minutes: number,
  access: 'read' | 'write' = 'read',
): Promise<string | undefined> {
  const { ctx, staff, chance, firm } = help
  const wanted = { businessId: firm.id, reason: chance.pick(supportReasons), minutes, access }
  const started = await across(help, (tx) => requestSupportSession(tx, ctx, staff, wanted))
  return started?.session.id
}

export async function lookAway(help: Help, sessionId: string): Promise<void> {
  await across(help, (tx) => endOwnSupportSession(tx, help.ctx, help.staff, sessionId))
}

// And what customers answer.

export const decideWhoLooksIn = async ({ ctx, firm }: Help, policy: 'always' | 'ask' | 'never') =>
  unlessRefused(fenced(ctx, firm, (tx) => setSupportPolicy(tx, ctx, firm.owner.actor, firm.id, policy)))

export const answerRequest = async ({ ctx, firm }: Help, sessionId: string, approve: boolean) =>
  unlessRefused(fenced(ctx, firm, (tx) => answerSupportRequest(tx, ctx, firm.owner.actor, firm.id, sessionId, approve)))

export const closeFor = async ({ ctx, firm }: Help) =>
  unlessRefused(fenced(ctx, firm, (tx) => closeBusiness(tx, ctx, firm.owner.actor, firm.id)))
