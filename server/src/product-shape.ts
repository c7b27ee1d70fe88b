import { eventCatalogue } from './events/catalogue.ts'
import { suggest } from './suggest.ts'

/**
 * What shape a product definition has, for those who do not compile it: what is put in the wrong place or misspelt would
 * otherwise be passed over, or break somewhere else. What it means is checked by `defineProduct`.
 */

type Check = (value: unknown, path: string) => string[]

/** What is left out is not of the wrong shape. */
const be =
  (expected: string, holds: (value: never) => boolean): Check =>
  (value, path) =>
    value === undefined || holds(value as never) ? [] : [`${path}: must be ${expected}`]

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const text = be('text', (value) => typeof value === 'string')
const yesOrNo = be('true or false', (value) => typeof value === 'boolean')
const code = be('a function', (value) => typeof value === 'function')
const anything: Check = () => []
const required =
  (check: Check): Check =>
  (value, path) =>
    value === undefined ? [`${path}: is missing`] : check(value, path)
const list = (example: string) =>
  be(
    `a list such as ['${example}']`,
    (value: unknown) => Array.isArray(value) && value.every((each: unknown) => typeof each === 'string'),
  )

/** An object that has these properties and no others. */
function object(properties: Record<string, Check>): Check {
  return (value, path) => {
    if (value === undefined) return []
    if (!isObject(value)) return [`${path}: must be an object with ${Object.keys(properties).join(', ')}`]
    return [...new Set([...Object.keys(properties), ...Object.keys(value)])].flatMap((name) => {
      const check = Object.hasOwn(properties, name) ? properties[name] : undefined
      const at = path === '' ? name : `${path}.${name}`
      return check ? check(value[name], at) : [`${at}: is unknown${suggest(name, properties)}`]
    })
  }
}

/** An object whose names are the product's own. */
const named = (check: Check, example: string): Check => {
  return (value, path) => {
    if (value === undefined) return []
    if (!isObject(value)) return [`${path}: must be an object such as ${example}`]
    return Object.entries(value).flatMap(([name, each]) =>
      each === undefined ? [`${path}.${name}: is undefined`] : check(each, `${path}.${name}`),
    )
  }
}

const money = be('money such as usd(49_00)', (value: { amount?: unknown; currency?: unknown }) => {
  return isObject(value) && typeof value.amount === 'number' && typeof value.currency === 'string'
})
const cycle = be('how often it is paid: days(15), weeks(2), months(1) or years(1)', isObject)
const trial = be('a number of days: days(14)', (value: { unit?: unknown }) => isObject(value) && value.unit === 'day')
const schema = be('a schema such as Type.Object({ country: Type.String() })', (value: { properties?: unknown }) => {
  return isObject(value) && isObject(value.properties)
})
const softLimit = object({
  limit: required(anything),
  overage: required(object({ price: required(money), unitsPerPrice: anything, spendCap: money })),
})
const included: Check = (value, path) => (isObject(value) ? softLimit(value, path) : [])

const plan: Check = (value, path) => {
  const problems = planShape(value, path)
  if (problems.length > 0) return problems
  const { price, prices, cycle: often } = value as { price?: unknown; prices?: unknown; cycle?: unknown }
  if (price !== undefined && prices !== undefined) return [`${path}: has either price with cycle, or prices`]
  if (price === undefined && often !== undefined) return [`${path}.price: is missing beside cycle, such as usd(49_00)`]
  if (price !== undefined && often === undefined) return [`${path}.cycle: is missing beside price, such as months(1)`]
  return []
}
const planShape = object({
  name: required(text),
  hidden: yesOrNo,
  trial,
  onTrialEnd: text,
  onEnd: (value, path) => {
    if (typeof value !== 'object') return value === 'fallback' ? [`${path}: must name the plan: { fallback: … }`] : []
    return object({ fallback: text })(value, path)
  },
  includes: required(named(included, '{ recordings: 100 }')),
  fields: be('an object', isObject),
  price: money,
  cycle,
  prices: object({ monthly: money, quarterly: money, yearly: money }),
})

const definition = object({
  name: required(text),
  noun: text,
  brand: object({ color: text, logoUrl: text }),
  howToPay: text,
  permissions: named(anything, "{ 'recordings:create': 'write' }"),
  roles: named(list('recordings:read'), "{ member: ['recordings:read'] }"),
  keys: named(
    object({
      prefix: required(text),
      permissions: required(list('recordings:create')),
      publishable: yesOrNo,
      rateLimit: object({ perMinute: anything }),
    }),
    "{ sdk: { prefix: 'pk', permissions: ['recordings:create'] } }",
  ),
  features: required(
    named(
      object({ kind: required(text), unit: text, resets: text, onDowngrade: text, rollover: anything }),
      "{ recordings: { kind: 'metered' } }",
    ),
  ),
  plans: required(named(plan, "{ free: { name: 'Free', … } }")),
  signup: required(object({ plan: required(text), keys: list('sdk'), mode: text, verifyEmail: text })),
  fields: object({ business: schema, member: schema, user: schema, plan: schema }),
  hooks: object({ beforeSignup: code, afterSignup: code, beforeInvite: code, afterJoin: code }),
  catchUp: text,
  tasks: named(
    object({ schedule: required(text), run: required(code) }),
    "{ sweep: { schedule: '0 3 * * *', run: async () => {} } }",
  ),
  on: object(Object.fromEntries(Object.keys(eventCatalogue).map((type) => [type, code]))),
})

/** What is of the wrong shape, by path. */
export const shapeProblems = (given: unknown): string[] =>
  isObject(given) ? definition(given, '') : ['defineProduct takes an object: defineProduct({ name, features, … })']
