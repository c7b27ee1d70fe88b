import { Type, type Static, type TObject, type TProperties } from 'typebox'
import { OptionalInteger, OptionalText, OptionalTime, Time } from '../http/schemas.ts'

/**
 * Every event and its data. One is written for what happened, never for what was asked for and is so already. Data is
 * for ever in the product's own systems: ids, names of plans and amounts, no secret and no e-mail.
 */

const event = <Properties extends TProperties>(description: string, properties: Properties): TObject<Properties> =>
  Type.Object(properties, { description, additionalProperties: false })

const key = Type.String
const Terms = Type.Object({
  plan: key({ description: 'The key of the plan' }),
  version: Type.Integer(),
  price: key({ description: 'The name of the price' }),
})
const cycle = { cycleStart: Time, cycleEnd: Time }
/** What every event about a subscription begins with. */
const subscription = { subscriptionId: key(), ...Terms.properties }
const invoice = {
  invoiceId: key(),
  subscriptionId: OptionalText,
  number: OptionalText,
  total: Type.Integer({ description: 'Minor units' }),
  currency: key(),
}
const member = { memberId: key(), userId: key(), role: key() }

export const eventCatalogue = {
  'subscription.created': event('A subscription began, in a trial or not', {
    ...subscription,
    status: key(),
    trialEnd: OptionalTime,
    ...cycle,
  }),
  'subscription.renewed': event('The next cycle began, perhaps on other terms', {
    ...subscription,
    cycleNumber: Type.Integer(),
    ...cycle,
  }),
  'subscription.trial_ending': event('A trial ends soon', { ...subscription, trialEnd: Time }),
  'subscription.trial_converted': event('A trial ended and the subscription goes on', { ...subscription, ...cycle }),
  'subscription.trial_expired': event('A trial ended, and with it the subscription or its plan, or it pauses', {
    ...subscription,
    at: Time,
    fallbackPlan: OptionalText,
    paused: Type.Boolean(),
  }),
  'subscription.past_due': event('A payment failed: everything works until graceEnd', {
    ...subscription,
    invoiceId: OptionalText,
    graceEnd: OptionalTime,
  }),
  'subscription.recovered': event('Nothing is overdue any more', subscription),
  'subscription.ended': event('It is over', { ...subscription, reason: OptionalText, endedAt: Time }),
  'subscription.plan_changed': event('Other terms from now on', { subscriptionId: key(), from: Terms, to: Terms }),
  'subscription.change_failed': event('A change did not happen', {
    subscriptionId: key(),
    from: Terms,
    to: Terms,
    reason: key(),
  }),
  'subscription.change_scheduled': event('Other terms from the end of the cycle', {
    subscriptionId: key(),
    from: Terms,
    to: Terms,
    effectiveAt: Time,
  }),
  'subscription.change_cancelled': event('A scheduled change will not happen', {
    subscriptionId: key(),
    from: Terms,
    to: Terms,
  }),
  'subscription.cancel_scheduled': event('It ends with its cycle', { ...subscription, effectiveAt: Time }),
  'subscription.cancel_undone': event('It does not end with its cycle after all', subscription),
  'subscription.paused': event('Nothing can be used and nothing is charged', subscription),
  'subscription.resumed': event('It goes on with a new cycle', { ...subscription, ...cycle }),
  'subscription.extended': event('The cycle became longer', { ...subscription, from: Time, to: Time }),
  'subscription.suspended': event('Its business was suspended; cycles go on', { ...subscription, reason: key() }),

  'invoice.opened': event('It has its number and is to be paid', { ...invoice, dueAt: OptionalTime }),
  'invoice.paid': event('Paid in full', { ...invoice, paidAt: Time }),
  'invoice.voided': event('It is to be paid no more: it was a mistake', invoice),
  'invoice.uncollectible': event('Nobody expects it to be paid', invoice),

  'business.created': event('A business signed up, or a user founded another', {
    name: key(),
    externalId: OptionalText,
    ownerId: key({ description: 'The user' }),
    plan: key(),
  }),
  'business.updated': event('Its name, externalId or fields changed', { name: key(), externalId: OptionalText }),
  'business.suspended': event('Staff suspended it: nothing can be used', { reason: key() }),
  'business.reactivated': event('Staff lifted the suspension', { reason: key() }),
  'business.closed': event('Its owner closed it; they may reopen it for 30 days', {}),
  'business.reopened': event('Its owner reopened it', {}),

  'member.joined': event('Somebody accepted an invitation', member),
  'member.role_changed': event('A member has another role', { ...member, previousRole: key() }),
  'member.suspended': event('A member may do nothing for now', member),
  'member.restored': event('A suspended member may act again', member),
  'member.removed': event('Somebody is no member any more', {
    ...member,
    left: Type.Boolean({ description: 'By themselves' }),
  }),

  'api_key.created': event('A key was made', { apiKeyId: key(), keyType: key(), name: key() }),
  'api_key.rotated': event('Another key takes its place; it works until then', {
    apiKeyId: key(),
    keyType: key(),
    replacedBy: key(),
    worksUntil: Time,
  }),
  'api_key.revoked': event('A key does not work any more', { apiKeyId: key(), keyType: key() }),

  'items.frozen': event('A limit became smaller: the newest items that do not fit it are not to be used', {
    feature: key(),
    itemIds: Type.Array(key(), { description: 'Oldest first; 1,000 in one event at most' }),
    limit: Type.Integer(),
    frozenAt: Time,
  }),
  'items.thawed': event('There is room again: these items may be used', {
    feature: key(),
    itemIds: Type.Array(key(), { description: 'Oldest first; 1,000 in one event at most' }),
    limit: OptionalInteger,
  }),

  'usage.limit_near': event('80 or 100 % of what a period allows is used', {
    feature: key(),
    threshold: Type.Integer(),
    used: Type.Integer(),
    limit: Type.Integer(),
    resetsAt: Time,
  }),
}

/** The name of an event: `subscription.renewed`. */
export type EventType = keyof typeof eventCatalogue
/** What an event of a type tells. */
export type EventData<Type extends EventType = EventType> = Static<(typeof eventCatalogue)[Type]>

/** What the owners are told of by mail, as far as it says more than another of the same moment; see owner-mails.ts. */
export const ownersAreMailed = [
  'subscription.created',
  'subscription.trial_ending',
  'subscription.trial_converted',
  'subscription.trial_expired',
  'subscription.ended',
  'subscription.plan_changed',
  'subscription.change_failed',
  'subscription.change_scheduled',
  'subscription.change_cancelled',
  'subscription.cancel_scheduled',
  'subscription.cancel_undone',
  'subscription.paused',
  'subscription.resumed',
  'subscription.extended',
  'invoice.opened',
  'invoice.paid',
  'invoice.voided',
] as const satisfies EventType[]

/** An event as a handler gets it. The same one may come again: its id is how to tell. */
export type FreeholdEvent<Type extends EventType = EventType> = {
  [Each in Type]: {
    id: string
    type: Each
    businessId: string
    /** 1, 2, 3 … within the business, in the order in which things happened. */
    sequence: number
    at: Date
    data: EventData<Each>
    /** 1 the first time. */
    attempt: number
  }
}[Type]

export const isEventType = (name: string): name is EventType => Object.hasOwn(eventCatalogue, name)
