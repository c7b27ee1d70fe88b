import { brandProblems, type Brand } from './brand.ts'
import { fieldProblems } from './http/fields.ts'
import { scheduleProblem } from './jobs/cron.ts'
import { builtInPermissions, type BuiltInPermission } from './permissions.ts'
import { isWhole, months, overageProblems, years, type Money, type Price, type SoftLimit } from './prices.ts'
import { ProductDefinitionError } from './product-definition-error.ts'
import { shapeProblems } from './product-shape.ts'
import type { EventHandlers, Hooks, ProductTask } from './product-hooks.ts'
import {
  downgradePolicies,
  type DowngradePolicy,
  type FeatureDefinition,
  type FeatureKind,
  type FieldsOf,
  type KindsOf,
  type ProductFields,
  type ProductNames,
} from './product-names.ts'
import type { Interval } from './subscriptions/cycle.ts'
import { suggest } from './suggest.ts'

/**
 * The product definition: what a product sells, who may do what, and what its keys are for. Unknown permissions,
 * features, plans, roles and values of the wrong kind do not compile; what only a run can tell is checked at start.
 */

export type Feature = {
  kind: FeatureKind
  unit: string | undefined
  resets: 'cycle' | 'month'
  onDowngrade: DowngradePolicy
  rollover: number
}

/** How much of a feature a plan includes: `null` is unlimited, `false` and absent are none. */
export type IncludedValue = number | boolean | null | SoftLimit

type ValueOf<Definition extends FeatureDefinition> = Definition extends { kind: 'switch' }
  ? boolean
  : Definition extends { kind: 'value' }
    ? number
    : Definition extends { kind: 'metered' }
      ? number | null | SoftLimit
      : number | null

type Includes<Features extends Record<string, FeatureDefinition>> = {
  [Name in keyof Features]?: ValueOf<Features[Name]>
} & { members?: number | null }

type PlanDefinition<
  Features extends Record<string, FeatureDefinition>,
  PlanKey extends string,
  Fields extends ProductFields,
> = {
  name: string
  /** Not in the public catalogue; staff may still move a business to it. */
  hidden?: boolean
  /** A trial of this many days (`days(14)`) before the first paid cycle. */
  trial?: Interval & { unit: 'day' }
  /** What happens at the end of a trial that nobody has paid for: it ends (the default), or pauses until somebody does. */
  onTrialEnd?: 'end' | 'pause'
  /** What happens at the end of a cycle: renew (the default), end, or fall back to another plan. */
  onEnd?: 'renew' | 'end' | { fallback: PlanKey }
  includes: Includes<Features>
  /** The product's own fields of a plan, as `fields.plan` declares them. */
  fields?: FieldsOf<Fields, 'plan'>
} & ({ price: Money; cycle: Interval } | { prices: { monthly?: Money; quarterly?: Money; yearly?: Money } })

type KeyDefinition<Permission extends string> = {
  /** Lower-case letters before the underscore: `pk` makes `pk_…`. */
  prefix: string
  permissions: readonly Permission[]
  /** May be shipped in clients: stays readable, may be used from any origin. */
  publishable?: boolean
  rateLimit?: { perMinute: number }
}

/** What `defineProduct` takes. */
export type ProductDefinition<
  Permission extends string,
  Role extends string,
  KeyType extends string,
  Features extends Record<string, FeatureDefinition>,
  PlanKey extends string,
  Fields extends ProductFields,
> = {
  /** The product's name, in mails and on screens. */
  name: string
  /** What a business is called on screens and in mails: `workspace`, `team`. */
  noun?: string
  /** How the portal and the console look: one colour (`#3538cd`; darkened or lightened where it would be hard to read) and a logo. */
  brand?: Brand
  /** How people pay where nothing charges them: your bank and account. Stands on every invoice that is open. */
  howToPay?: string
  permissions?: Record<Permission, 'read' | 'write'>
  /** What a role may do beyond what every member may. `owner` and `admin` hold all of the product's permissions. */
  roles?: Record<Role, readonly (NoInfer<Permission> | BuiltInPermission)[]> & { owner?: never; admin?: never }
  keys?: Record<KeyType, KeyDefinition<NoInfer<Permission>>>
  features: Features
  plans: Record<PlanKey, PlanDefinition<NoInfer<Features>, NoInfer<PlanKey>, NoInfer<Fields>>>
  signup: {
    /** The plan a new business starts on. */
    plan: NoInfer<PlanKey>
    /** Keys made with a new business. */
    keys?: readonly NoInfer<KeyType>[]
    /** `open` (the default), `invite` (only with an invitation) or `closed`. */
    mode?: 'open' | 'invite' | 'closed'
    /** Whether people get in before (`after`, the default) or only after their e-mail is proved. */
    verifyEmail?: 'after' | 'before'
  }
  /** Extra fields of the product's own, kept in `fields`: `{ business: Type.Object({ vatId: Type.String() }) }`. */
  fields?: Fields
  hooks?: Hooks
  /** What becomes of a paid cycle that was over before anybody renewed it: a draft for staff (`hold`, the default), an invoice or nothing. */
  catchUp?: 'hold' | 'bill' | 'waive'
  /** Periodic tasks: whatever the number of processes, one of them runs a tick. */
  tasks?: Record<string, ProductTask<NoInfer<KindsOf<Features>>>>
  /** What to do when something has happened: `on: { 'subscription.renewed': async ({ businessId }) => … }`. */
  on?: EventHandlers<NoInfer<KindsOf<Features>>>
}

/** The definition in the shape the server works with: nothing optional, prices by name. */
export type Product = {
  name: string
  noun: string
  brand: Brand
  howToPay: string | null
  permissions: Record<string, 'read' | 'write'>
  roles: Record<string, readonly string[]>
  keys: Record<string, KeyType>
  features: Record<string, Feature>
  plans: Record<string, ProductPlan>
  signup: { plan: string; keys: readonly string[]; mode: 'open' | 'invite' | 'closed'; verifyEmail: 'after' | 'before' }
  fields: ProductFields
  hooks: Hooks
  catchUp: 'hold' | 'bill' | 'waive'
  tasks: Record<string, ProductTask>
  on: EventHandlers
}

export type KeyType = {
  prefix: string
  permissions: readonly string[]
  publishable: boolean
  perMinute: number | undefined
}

export type ProductPlan = {
  name: string
  hidden: boolean
  trialDays: number
  onTrialEnd: 'end' | 'pause'
  onEnd: 'renew' | 'end' | 'fallback'
  fallbackPlan: string | null
  prices: Record<string, Price>
  includes: Record<string, IncludedValue>
  /** The product's own; they belong to the plan and not to a version of it. */
  fields?: Record<string, unknown>
}

/** A product together with the names it declares; the property exists in types only. */
export type TypedProduct<Names extends ProductNames = ProductNames> = Product & { readonly names?: Names }

/** By its shape, not its class: it may have been made by another copy of this package. */
export function isProduct(value: unknown): value is Product {
  const { plans, hooks } = (value ?? {}) as Partial<Product>
  return Boolean(plans && hooks)
}

/** Checks and completes a product definition. Throws one error that lists every problem with its path. */
export function defineProduct<
  const Permission extends string,
  const Features extends Record<string, FeatureDefinition>,
  const Role extends string = never,
  const KeyType extends string = never,
  const PlanKey extends string = string,
  Fields extends ProductFields = ProductFields,
>(
  definition: ProductDefinition<Permission, Role, KeyType, Features, PlanKey, Fields>,
): TypedProduct<{ permission: Permission; features: KindsOf<Features>; fields: Fields }> {
  const misshapen = shapeProblems(definition)
  if (misshapen.length > 0) throw new ProductDefinitionError(misshapen)
  const loose = definition as unknown as LooseDefinition
  const product: Product = {
    name: loose.name,
    noun: loose.noun ?? 'business',
    brand: loose.brand ?? {},
    howToPay: loose.howToPay ?? null,
    permissions: loose.permissions ?? {},
    roles: loose.roles ?? {},
    keys: mapValues(loose.keys ?? {}, (key) => ({
      prefix: key.prefix,
      permissions: key.permissions ?? [],
      publishable: key.publishable ?? false,
      perMinute: key.rateLimit?.perMinute,
    })),
    features: {
      ...mapValues(loose.features ?? {}, (feature) => ({
        kind: feature.kind,
        unit: 'unit' in feature ? feature.unit : undefined,
        resets: ('resets' in feature && feature.resets) || 'cycle',
        onDowngrade: ('onDowngrade' in feature && feature.onDowngrade) || 'block',
        rollover: ('rollover' in feature && feature.rollover) || 0,
      })),
      members: { kind: 'allocated', unit: 'member', resets: 'cycle', onDowngrade: 'block', rollover: 0 },
    },
    plans: mapValues(loose.plans ?? {}, normalisePlan),
    signup: { keys: [], mode: 'open', verifyEmail: 'after', ...loose.signup },
    fields: loose.fields ?? {},
    hooks: loose.hooks ?? {},
    catchUp: loose.catchUp ?? 'hold',
    tasks: loose.tasks ?? {},
    on: loose.on ?? {},
  }
  const problems = problemsOf(product)
  // The built-in one would silently take its place.
  if ('members' in (loose.features ?? {})) problems.push('features.members: is built in')
  if (problems.length > 0) throw new ProductDefinitionError(problems)
  return product
}

type LoosePlan = PlanDefinition<Record<string, FeatureDefinition>, string, ProductFields>
type LooseDefinition = Omit<
  ProductDefinition<string, string, string, Record<string, FeatureDefinition>, string, ProductFields>,
  'roles' | 'signup'
> & {
  roles?: Record<string, readonly string[]>
  signup: { plan: string; keys?: string[]; mode?: 'open'; verifyEmail?: 'after' }
}

const namedIntervals = { monthly: months(1), quarterly: months(3), yearly: years(1) }

function normalisePlan(plan: LoosePlan): ProductPlan {
  const prices: Record<string, Price> =
    'price' in plan
      ? { default: { ...plan.price, interval: plan.cycle } }
      : Object.fromEntries(
          Object.entries(plan.prices ?? {}).map(([name, money]) => [
            name,
            { ...money, interval: namedIntervals[name as keyof typeof namedIntervals] },
          ]),
        )
  const onEnd = plan.onEnd ?? 'renew'
  return {
    name: plan.name,
    hidden: plan.hidden ?? false,
    trialDays: plan.trial?.count ?? 0,
    onTrialEnd: plan.onTrialEnd ?? 'end',
    onEnd: typeof onEnd === 'object' ? 'fallback' : onEnd,
    fallbackPlan: typeof onEnd === 'object' ? onEnd.fallback : null,
    prices,
    includes: { ...(plan.includes as Record<string, IncludedValue>) },
    fields: plan.fields ?? {},
  }
}

const permissionShape = /^[a-z][a-z0-9-]*:[a-z][a-z0-9-]*$/
const plainName = 'must begin with a letter and go on with letters, digits, _ or -'
const nameShape = /^[a-zA-Z][a-zA-Z0-9_-]{0,62}$/
const featureKinds = ['switch', 'value', 'allocated', 'metered']

/** What does not compile is refused at start too, for those who do not compile. */
const choice = (path: string, value: unknown, choices: readonly string[]): string[] =>
  choices.includes(value as string) ? [] : [`${path}: must be one of ${choices.join(', ')}`]

function problemsOf(product: Product): string[] {
  const problems: string[] = []
  const expect = (holds: boolean, path: string, message: string) => {
    if (!holds) problems.push(`${path}: ${message}`)
  }
  const known = { ...builtInPermissions, ...product.permissions }

  expect(product.name?.length > 0, 'name', 'is required')
  expect(product.noun !== '', 'noun', 'must not be empty: leave it out for business')
  problems.push(...brandProblems(product.brand))
  const { howToPay } = product
  expect(
    howToPay === null || (howToPay.trim() !== '' && howToPay.length <= 1000),
    'howToPay',
    'must be 1 to 1,000 characters',
  )
  for (const [name, effect] of Object.entries(product.permissions)) {
    problems.push(...choice(`permissions.${name}`, effect, ['read', 'write']))
    expect(permissionShape.test(name), `permissions.${name}`, 'must look like recordings:create, in lower case')
    expect(!(name in builtInPermissions), `permissions.${name}`, 'is a permission of Freehold itself')
  }
  for (const [role, permissions] of Object.entries(product.roles)) {
    expect(nameShape.test(role), `roles.${role}`, plainName)
    expect(!['owner', 'admin'].includes(role), `roles.${role}`, 'owner and admin hold every product permission already')
    for (const each of permissions)
      expect(each in known, `roles.${role}`, `unknown permission ${each}${suggest(each, known)}`)
  }
  const prefixes = new Map<string, string>()
  for (const [type, key] of Object.entries(product.keys)) {
    expect(nameShape.test(type), `keys.${type}`, plainName)
    expect(/^[a-z]{2,12}$/.test(key.prefix), `keys.${type}.prefix`, 'must be 2 to 12 lower-case letters')
    expect(!['app', 'sup', 'ses'].includes(key.prefix), `keys.${type}.prefix`, 'is used by Freehold itself')
    expect(!prefixes.has(key.prefix), `keys.${type}.prefix`, `is the prefix of ${prefixes.get(key.prefix)} too`)
    prefixes.set(key.prefix, type)
    const [rate, at] = [key.perMinute, `keys.${type}.permissions`]
    expect(rate === undefined || (isWhole(rate) && rate > 0), `keys.${type}.rateLimit`, 'must be whole requests from 1')
    for (const each of key.permissions) {
      const own = product.permissions
      expect(Object.hasOwn(own, each), at, `unknown permission of the product: ${each}${suggest(each, own)}`)
    }
  }
  for (const [name, feature] of Object.entries(product.features)) {
    expect(nameShape.test(name), `features.${name}`, plainName)
    const [{ kind, rollover, resets, onDowngrade }, at] = [feature, `features.${name}`]
    problems.push(...choice(`${at}.kind`, kind, featureKinds), ...choice(`${at}.resets`, resets, ['cycle', 'month']))
    problems.push(...choice(`${at}.onDowngrade`, onDowngrade, downgradePolicies))
    const carries = Number.isSafeInteger(rollover) && rollover >= 0 && (rollover === 0 || resets === 'cycle')
    expect(carries, `${at}.rollover`, 'must be whole units, of a feature that resets with the cycle')
  }
  expect(Object.keys(product.plans).length > 0, 'plans', 'at least one plan is needed')
  for (const [key, plan] of Object.entries(product.plans)) {
    problems.push(...planProblems(product, `plans.${key}`, plan).map(asWritten))
    expect(nameShape.test(key), `plans.${key}`, plainName)
    const wrong = fieldProblems(product.fields.plan, plan.fields ?? {}, `plans.${key}.fields`)
    problems.push(...wrong.map(({ path, message }) => `${path.replaceAll('/', '.')}: ${message}`))
  }
  expect(
    product.signup.plan in product.plans,
    'signup.plan',
    `unknown plan ${product.signup.plan}${suggest(product.signup.plan, product.plans)}`,
  )
  const { mode, verifyEmail } = product.signup
  problems.push(...choice('signup.mode', mode, ['open', 'invite', 'closed']))
  problems.push(...choice('signup.verifyEmail', verifyEmail, ['after', 'before']))
  problems.push(...choice('catchUp', product.catchUp, ['hold', 'bill', 'waive']))
  for (const type of product.signup.keys)
    expect(Object.hasOwn(product.keys, type), 'signup.keys', `unknown key type ${type}${suggest(type, product.keys)}`)
  for (const [name, { schedule }] of Object.entries(product.tasks)) {
    expect(nameShape.test(name), `tasks.${name}`, plainName)
    const problem = scheduleProblem(schedule)
    expect(problem === undefined, `tasks.${name}.schedule`, problem ?? '')
  }
  return problems
}

/** A plan that says `price` and `cycle` has them under a name of ours. */
const asWritten = (problem: string): string =>
  problem.replace('.prices.default.cycle:', '.cycle:').replace('.prices.default:', '.price:')

/** What is wrong with one plan of a product; the console's plan editor asks the same. */
export function planProblems(product: Product, path: string, plan: ProductPlan): string[] {
  const problems: string[] = []
  const expect = (holds: boolean, at: string, message: string) => {
    if (!holds) problems.push(`${at}: ${message}`)
  }
  expect(Object.keys(plan.prices).length > 0, `${path}.prices`, 'at least one price is needed')
  for (const [name, price] of Object.entries(plan.prices)) {
    const at = `${path}.prices.${name}`
    expect(
      Number.isSafeInteger(price.amount) && price.amount >= 0,
      at,
      'amount must be whole minor units (cents), 0 or more',
    )
    expect(/^[A-Z]{3}$/.test(price.currency), at, 'currency must be an ISO 4217 code')
    expect(isWhole(price.interval?.count) && price.interval.count > 0, at, 'the cycle must be 1 or more')
    problems.push(...choice(`${at}.cycle`, price.interval?.unit, ['day', 'week', 'month', 'year']))
  }
  expect(Number.isInteger(plan.trialDays) && plan.trialDays >= 0, `${path}.trial`, 'must be whole days')
  expect(plan.name?.length > 0, `${path}.name`, 'is required')
  problems.push(...choice(`${path}.onTrialEnd`, plan.onTrialEnd, ['end', 'pause']))
  problems.push(...choice(`${path}.onEnd`, plan.onEnd, ['renew', 'end', 'fallback']))
  if (plan.fallbackPlan !== null) {
    expect(
      plan.fallbackPlan in product.plans,
      `${path}.onEnd.fallback`,
      `unknown plan ${plan.fallbackPlan}${suggest(plan.fallbackPlan, product.plans)}`,
    )
  }
  for (const [feature, value] of Object.entries(plan.includes)) {
    const at = `${path}.includes.${feature}`
    const kind = product.features[feature]?.kind
    if (kind === undefined) expect(false, at, `unknown feature${suggest(feature, product.features)}`)
    else if (kind === 'switch') expect(typeof value === 'boolean', at, 'must be true or false')
    else if (kind === 'value') expect(typeof value === 'number' && Number.isFinite(value), at, 'must be a number')
    else if (kind === 'metered' && typeof value === 'object' && value !== null) {
      problems.push(...overageProblems(at, value, Object.values(plan.prices)))
    } else expect(value === null || isWhole(value), at, 'must be a whole number, or null for unlimited')
  }
  return problems
}

const mapValues = <In, Out>(record: Record<string, In>, map: (value: In) => Out): Record<string, Out> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]))
