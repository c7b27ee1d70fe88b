import { overageIn } from '../usage/entitlements.ts'
import { holdersOf, overrideInEffect, type Found, type Remedy, type SeenCredential, type StepName } from './steps.ts'

/** What would mend the step that failed. Pure. */
export function remedyOf(failed: StepName, found: Found): Remedy {
  const remedies: Partial<Record<StepName, (found: Found) => Remedy>> = {
    credential: ofCredential,
    permission: ofPermission,
    business: ofBusiness,
    subscription: ofSubscription,
    feature: ofFeature,
    override: ofOverride,
    counter: ofCounter,
  }
  return remedies[failed]?.(found) ?? { text: 'Try again' }
}

const businessIdOf = ({ asked }: Found) => asked.subject?.businessId ?? ''
const portal = (found: Found, page: string) => `/b/${businessIdOf(found)}${page}`
const businessRoute = (found: Found, method: string, path: string) =>
  `${method} /v1/businesses/${businessIdOf(found)}${path}`
const staff = (found: Found, tab: string, method: string, path: string) => ({
  page: `/console/businesses/${businessIdOf(found)}?tab=${tab}`,
  call: `${method} /v1/staff/businesses/${businessIdOf(found)}${path}`,
})

const badKeys: Partial<Record<SeenCredential['state'], string>> = {
  revoked: 'The key is revoked. Make a new one',
  expired: 'The key has expired. Make a new one',
  unknown: 'There is no such key. Check that all of it is sent, and to the right server; or make a new one',
}

function ofCredential({ around: { credential } }: Found): Remedy {
  const { kind, state, businessId } = credential
  const of = typeof businessId === 'string' ? businessId : undefined
  switch (kind) {
    case 'key':
      return {
        text: badKeys[state] ?? 'Use another key',
        ...(of === undefined ? {} : { page: `/b/${of}/api-keys`, call: `POST /v1/businesses/${of}/api-keys` }),
      }
    case 'user':
      if (state === 'disabled') return { text: 'Staff have locked this person out. Ask them' }
      return { text: 'The session is over. Sign in again', page: '/sign-in', call: 'POST /v1/login' }
    case 'staff':
      return {
        text: 'The support session is over. Begin another',
        staff: { page: `/console/businesses/${of}?tab=support`, call: 'POST /v1/staff/support-sessions' },
      }
    case 'app':
      return { text: 'An app key acts for nobody. Name the business: { "subject": { "businessId": … } }' }
    default:
      return { text: 'This is neither a key nor a session. Send what the caller presented, whole' }
  }
}

function ofPermission(found: Found): Remedy {
  const { ctx, asked } = found
  const { permission = '', subject } = asked
  const { roles, keyTypes } = holdersOf(ctx, permission)
  switch (subject?.actor.kind) {
    case 'key': {
      const types = keyTypes.length > 0 ? `Use a key of a type that may: ${keyTypes.join(', ')}` : 'No key may'
      return {
        text: `Keys of type ${subject.actor.type} may not do ${permission}. ${types}`,
        page: portal(found, '/api-keys'),
        call: businessRoute(found, 'POST', '/api-keys'),
      }
    }
    case 'staff': {
      const { access } = subject.actor.supportSession
      const wouldWrite = asked.permission === undefined || ctx.permissions.kinds[permission] === 'write'
      return {
        text: `A support session with access ${access} does not ${asked.permission === undefined ? 'count' : `allow ${permission}`}`,
        ...(wouldWrite && access === 'read'
          ? { staff: { page: staff(found, 'support', '', '').page, call: 'POST /v1/staff/support-sessions' } }
          : {}),
      }
    }
    default:
      return {
        text: `The role ${subject?.role ?? 'nobody'} does not have ${permission}. Change it to one that has: ${roles.join(', ')}`,
        page: portal(found, '/team'),
        call: businessRoute(found, 'PATCH', '/members/:memberId'),
        staff: staff(found, 'people', 'PATCH', '/members/:memberId'),
      }
  }
}

function ofBusiness(found: Found): Remedy {
  if (found.around.business?.status === 'closed') {
    return {
      text: 'The business is closed. Its owner can reopen it within 30 days',
      page: portal(found, '/settings'),
      call: businessRoute(found, 'POST', '/reopening'),
    }
  }
  return {
    text: 'Staff have suspended the business. Ask them to lift that',
    staff: staff(found, 'overview', 'PATCH', ''),
  }
}

const planPage = (found: Found) => ({
  page: portal(found, '/plan'),
  call: businessRoute(found, 'PUT', '/subscription/plan'),
  staff: staff(found, 'subscription', 'PUT', '/plan'),
})

function ofSubscription(found: Found): Remedy {
  const where = planPage(found)
  const { subscription } = found.around
  switch (subscription?.status) {
    case 'past_due': {
      const text = `A payment is overdue, and its grace ended at ${moment(subscription.graceEnd)}. Pay it`
      return { ...where, call: businessRoute(found, 'GET', '/invoices'), text }
    }
    case 'paused': {
      const text = 'The subscription is paused. Resume it'
      return { ...where, call: businessRoute(found, 'DELETE', '/subscription/pause'), text }
    }
    case 'ended':
      return { ...where, text: `The subscription ended at ${moment(subscription.endedAt)}. Choose a plan` }
    default:
      return { ...where, text: 'There is no subscription. Choose a plan' }
  }
}

function ofFeature(found: Found): Remedy {
  const { asked, around } = found
  const plan = around.subscription?.plan
  return {
    ...planPage(found),
    text: `The plan ${plan?.planName} (version ${plan?.version}) does not include ${asked.feature}. Choose a plan that does`,
  }
}

const overrideCall = (found: Found, method: string) => staff(found, 'usage', method, `/limits/${found.asked.feature}`)

function ofOverride(found: Found): Remedy {
  const until = overrideInEffect(found)?.expiresAt
  return {
    text: `Staff have switched ${found.asked.feature} off for this business${until ? ` until ${moment(until)}` : ''}. Ask them`,
    staff: overrideCall(found, 'DELETE'),
  }
}

/** The cheapest way first: what is there already, then time, then another limit. */
function ofCounter(found: Found): Remedy {
  const { ctx, asked, answer, around } = found
  const { feature = '', amount } = asked
  const { limit, used, remaining, resetsAt, frozenAt } = answer
  const isMetered = ctx.product.features[feature]?.kind === 'metered'
  const override = overrideInEffect(found)
  const held = answer.held ?? 0
  const ways = [
    remaining !== null && remaining > 0 && amount > remaining ? `ask for ${remaining} at most` : [],
    held > 0 ? `confirm or give back the ${held} that reservations hold` : [],
    feature === 'members' ? 'remove a member or revoke an invitation' : [],
    !isMetered && feature !== 'members' ? (frozenAt ? 'release an older item' : 'release an item') : [],
    isMetered && resetsAt !== null && amount <= (limit ?? 0) ? `wait until ${moment(resetsAt)}` : [],
    override ? 'ask staff for another limit: they have set this one' : 'choose a plan with a higher limit',
  ].flat()
  const call = whatFreesUnits(found)
  return {
    text: `${frozenAt ? `${asked.itemId} is frozen since ${moment(frozenAt)}: ` : ''}${used} of ${limit} ${feature} are used${spentCap(found)}${lostGrants(around)}. ${sentence(ways.join(', or '))}`,
    page: portal(found, feature === 'members' ? '/team' : '/plan'),
    ...(call === undefined ? {} : { call }),
    staff: override || !isMetered ? overrideCall(found, 'PUT') : staff(found, 'usage', 'POST', '/grants'),
  }
}

function whatFreesUnits(found: Found): string | undefined {
  const { feature = '' } = found.asked
  if (feature === 'members') return undefined
  if (found.ctx.product.features[feature]?.kind !== 'metered') return 'POST /v1/release'
  return overrideInEffect(found) ? undefined : planPage(found).call
}

const spentCap = ({ asked, around }: Found) =>
  overageIn(around.subscription?.plan.includes[asked.feature ?? ''])?.spendCap
    ? ', and what may be spent beyond the limit is spent'
    : ''

/** Credit that is gone is the usual reason for a limit that was higher yesterday. */
function lostGrants({ grants = [] }: Found['around']): string {
  const expired = grants.filter(({ state, left }) => state === 'expired' && left > 0)
  const drawn = grants.filter(({ state, left }) => state === 'in effect' && left === 0)
  const said = [
    drawn.length > 0 ? 'credit is drawn' : [],
    expired.length > 0 ? `credit of ${expired.reduce((sum, { left }) => sum + left, 0)} has expired` : [],
  ].flat()
  return said.length > 0 ? `, ${said.join(' and ')}` : ''
}

const sentence = (text: string) => text.slice(0, 1).toUpperCase() + text.slice(1)

const moment = (at: Date | null) => at?.toISOString() ?? 'an unknown time'
