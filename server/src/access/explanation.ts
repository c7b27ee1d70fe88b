import { priceOf } from '../subscriptions/lifecycle.ts'
import { entitlementOf, isCounted } from '../usage/entitlements.ts'
import { remedyOf } from './remedies.ts'
import { holdersOf, overrideInEffect, stepOf, type Explanation, type Found, type Step, type StepName } from './steps.ts'

/** Says why the gate answered what it did. Pure: what was asked, answered and stands behind it in, steps out. */
export function explanationOf(found: Found): Explanation {
  const failed = failedStep(found)
  const names = stepsOf(found)
  const last = failed === null ? names.length : names.indexOf(failed)
  const steps = names.map((name, index): Step => {
    if (index > last) return { name, passed: null, saw: {} }
    const saw = seen[name](found)
    return name === failed ? { name, passed: false, saw, remedy: remedyOf(name, found) } : { name, passed: true, saw }
  })
  return { steps, failed }
}

function stepsOf({ ctx, asked: { route, feature } }: Found): StepName[] {
  const kind = kindOf(ctx, feature)
  // What is held may be given back whatever has become of the subscription.
  if (route === '/v1/release') return ['credential', 'permission', 'feature', 'counter']
  return [
    'credential',
    'permission',
    'business',
    'subscription',
    'plan',
    ...(kind === undefined ? [] : (['feature', 'override'] as const)),
    ...(kind === 'metered' ? (['grants'] as const) : []),
    ...(kind !== undefined && isCounted({ kind }) ? (['counter'] as const) : []),
  ]
}

const kindOf = ({ product }: Found['ctx'], feature: string | undefined) =>
  feature === undefined ? undefined : product.features[feature]?.kind

function failedStep({ answer: { code }, ...found }: Found): StepName | null {
  const failed = (code === null ? undefined : stepOf[code]) ?? null
  return failed === 'feature' && overrideInEffect(found) ? 'override' : failed
}

/** What each step looks at. `reason` is what staff wrote, and theirs to read. */
const seen: Record<StepName, (found: Found) => Record<string, unknown>> = {
  credential: ({ around }) => around.credential,

  permission: ({ ctx, asked: { permission, subject } }) => {
    if (permission === undefined) return { asked: null }
    const bearer = subject?.actor.kind === 'key' ? { keyType: subject.actor.type } : { role: subject?.role ?? null }
    // The product's own backend decides that itself.
    const who = subject?.permissions === undefined ? { trusted: true } : bearer
    return { asked: permission, ...who, heldBy: holdersOf(ctx, permission) }
  },

  business: ({ asked, around }) => ({ id: asked.subject?.businessId ?? null, ...around.business }),

  subscription: ({ around: { subscription, access } }) => {
    if (!subscription) return { status: null, access: 'none' }
    const { id, status, cycleStart, cycleEnd, trialEnd, graceEnd, endReason, endedAt } = subscription
    const ended = status === 'ended' ? { endReason, endedAt } : {}
    return { id, status, access, cycleStart, cycleEnd, trialEnd, graceEnd, ...ended }
  },

  plan: ({ around: { subscription } }) => {
    if (!subscription) return {}
    const { planKey: key, planName: name, version } = subscription.plan
    return { key, name, version, price: { name: subscription.price, ...priceOf(subscription) } }
  },

  feature: ({ ctx, asked, around: { subscription } }) => {
    const { feature: name = '', route, at } = asked
    const feature = ctx.product.features[name]
    if (!feature || !subscription || route === '/v1/release') return { name, kind: feature?.kind ?? null }
    const { value, source } = entitlementOf(feature, name, subscription.plan.includes, [], at)
    const included = source === 'plan'
    return { name, kind: feature.kind, included, ...(included ? { planValue: value } : {}) }
  },

  override: (found) => {
    const { override } = found.around
    return override ? { inEffect: overrideInEffect(found) !== undefined, ...override } : { inEffect: false }
  },

  grants: ({ around: { grants = [] } }) => ({
    left: grants.reduce((sum, { state, left }) => sum + (state === 'in effect' ? left : 0), 0),
    grants,
  }),

  counter: ({ asked: { amount, itemId }, answer: { limit, used, held, frozenAt }, around: { counter } }) => {
    const { periodStart, periodEnd, validUntil } = counter ?? {}
    return {
      ...(itemId === undefined ? { amount } : { itemId }),
      ...(frozenAt ? { frozenAt } : {}),
      used,
      held: held ?? counter?.held ?? 0,
      limit,
      // What is held item by item has one period, without an end.
      ...(itemId === undefined && counter ? { periodStart, periodEnd } : {}),
      ...(counter ? { validUntil } : {}),
    }
  },
}
