import { Type } from 'typebox'
import { closed, fieldsOf, mostMoney, OptionalText, OptionalTime, Time } from '../http/schemas.ts'
import type { IncludedValue } from '../product.ts'
import type { CataloguePlan, CatalogueVersion } from './catalogue.ts'
import type { Impact } from './impact.ts'

const Interval = Type.Object({
  unit: Type.Enum(['day', 'week', 'month', 'year']),
  count: Type.Integer({ minimum: 1 }),
})

const MoneyBody = Type.Object(
  {
    amount: Type.Integer({ minimum: 0, maximum: mostMoney, description: 'Minor units' }),
    currency: Type.String(),
  },
  closed,
)

const Prices = Type.Record(
  Type.String(),
  Type.Object({
    amount: Type.Integer({ description: 'Minor units' }),
    currency: Type.String(),
    interval: Interval,
  }),
)
const Overage = Type.Object(
  {
    price: MoneyBody,
    unitsPerPrice: Type.Optional(Type.Integer({ minimum: 1, description: 'Units that the price is of; 1' })),
    spendCap: Type.Optional(MoneyBody),
  },
  { ...closed, description: 'Counting goes on beyond the limit for this price, until it would cost more than the cap' },
)

/** What a plan includes of a feature. */
export const Included = Type.Unsafe<IncludedValue>({
  description: 'null is unlimited; an object is a limit that counting may go beyond',
  type: ['object', 'number', 'boolean', 'null'],
  properties: { limit: Type.Integer({ minimum: 0 }), overage: Overage },
  required: ['limit', 'overage'],
  ...closed,
})
const Includes = Type.Record(Type.String(), Included)

/** A plan as customers see it: what its newest version sells. */
export const PlanBody = Type.Object(
  {
    key: Type.String(),
    name: Type.String(),
    version: Type.Integer(),
    prices: Prices,
    trialDays: Type.Integer(),
    includes: Includes,
    fields: fieldsOf('plan'),
  },
  { $id: 'Plan' },
)

export const presentPlan = ({ key, name, fields, current }: CataloguePlan) => ({
  key,
  name,
  version: current.version,
  prices: current.prices,
  trialDays: current.trialDays,
  includes: current.includes,
  fields,
})

export const PlanVersionBody = Type.Object(
  {
    version: Type.Integer(),
    prices: Prices,
    trialDays: Type.Integer(),
    includes: Includes,
    onTrialEnd: Type.Enum(['end', 'pause']),
    onEnd: Type.Enum(['renew', 'end', 'fallback']),
    fallbackPlan: OptionalText,
    createdAt: Time,
    subscriptions: Type.Integer({ description: 'Businesses whose current subscription is pinned to it' }),
  },
  { $id: 'PlanVersion' },
)

const Case = Type.Object({
  businessId: Type.String(),
  businessName: Type.String(),
  feature: Type.String(),
  used: Type.Integer(),
  limit: Type.Integer({ description: 'With what the business has been granted' }),
  frozen: Type.Integer({ description: 'Items in use that would be frozen, the newest; 0 where all stays as it is' }),
})

export const PlanPreviewBody = Type.Object(
  {
    diff: Type.Array(
      Type.Object({
        field: Type.String({ description: '`includes.recordings`, `prices.monthly`' }),
        from: Type.Optional(Type.Unknown({ description: 'Absent where it is not there' })),
        to: Type.Optional(Type.Unknown()),
      }),
      { description: 'Against the current version' },
    ),
    affected: Type.Integer({ description: 'Businesses on any version of the plan' }),
    wouldExceed: Type.Object(
      {
        businesses: Type.Integer(),
        cases: Type.Integer({ description: 'A business and a feature' }),
        first: Type.Array(Case, { maxItems: 20, description: 'The furthest above first' }),
      },
      { description: 'Those that have more in use than the version allows' },
    ),
  },
  { $id: 'PlanPreview' },
)

const shownCases = 20

export const presentPreview = ({ changes, subscriptions, exceeding }: Impact) => ({
  diff: changes,
  affected: subscriptions,
  wouldExceed: {
    businesses: new Set(exceeding.map(({ businessId }) => businessId)).size,
    cases: exceeding.length,
    first: exceeding.slice(0, shownCases),
  },
})

/** A plan as staff see it. */
export const StaffPlanBody = Type.Object(
  {
    ...PlanBody.properties,
    hidden: Type.Boolean(),
    archived: Type.Boolean(),
    archivedAt: OptionalTime,
    createdAt: Time,
    subscriptions: Type.Integer({ description: 'On any version' }),
  },
  { $id: 'StaffPlan' },
)
export const StaffPlanPage = Type.Object(
  { ...StaffPlanBody.properties, versions: Type.Array(PlanVersionBody, { description: 'Newest first' }) },
  { $id: 'StaffPlanPage' },
)

export const presentStaffPlan = (plan: CataloguePlan) => ({
  ...presentPlan(plan),
  hidden: plan.hidden,
  archived: plan.archivedAt !== null,
  archivedAt: plan.archivedAt,
  createdAt: plan.createdAt,
  subscriptions: plan.versions.reduce((sum, { subscriptions }) => sum + subscriptions, 0),
})

export const presentStaffPlanPage = (plan: CataloguePlan) => ({
  ...presentStaffPlan(plan),
  versions: plan.versions.map(presentPlanVersion),
})

export const presentPlanVersion = ({ id: _id, planKey: _key, planName: _name, ...version }: CatalogueVersion) => version
