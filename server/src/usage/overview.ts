import { Type } from 'typebox'
import type { Context } from '../context.ts'
import type { Queryable } from '../db/open.ts'
import { OptionalInteger, OptionalTime } from '../http/schemas.ts'
import type { Money } from '../prices.ts'
import type { Entitlements } from '../product-names.ts'
import { accessOf } from '../subscriptions/lifecycle.ts'
import { currentSubscription } from '../subscriptions/subscriptions.ts'
import { readUsage, type Standing, type Usage } from './counters.ts'
import { overageCost } from './overage.ts'

const MoneyBody = Type.Object({ amount: Type.Integer({ description: 'Minor units' }), currency: Type.String() })

const OverageBody = Type.Object(
  {
    units: Type.Integer({ description: 'Used beyond the limit in this period' }),
    cost: MoneyBody,
    price: MoneyBody,
    unitsPerPrice: Type.Integer({ description: 'Units that the price is of' }),
    spendCap: Type.Unsafe<Money | null>({
      anyOf: [MoneyBody, { type: 'null' }],
      description: 'Counting stops where the cost would be more; null is never',
    }),
  },
  { description: 'Where counting goes on beyond the limit' },
)

/** What a business has of one feature now. */
export const EntitlementBody = Type.Object(
  {
    kind: Type.Enum(['switch', 'value', 'allocated', 'metered']),
    limit: Type.Unsafe<number | null>({
      type: ['number', 'null'],
      description: 'With grants; null is unlimited. Of a value the value; a switch has none',
    }),
    used: OptionalInteger,
    remaining: OptionalInteger,
    overage: Type.Optional(OverageBody),
    frozen: Type.Optional(
      Type.Integer({ description: 'Items that are kept and not to be used, until there is room; not in used' }),
    ),
    resetsAt: OptionalTime,
    source: Type.Enum(['plan', 'override', 'none']),
    enabled: Type.Optional(Type.Boolean({ description: 'Of a switch' })),
    value: Type.Optional(Type.Number({ description: 'Of a value' })),
  },
  { $id: 'Entitlement' },
)

export const EntitlementsBody = Type.Record(Type.String(), EntitlementBody)

/**
 * Every feature of the product as the business has it now. Without a subscription that entitles to anything there is
 * nothing of each; what is used stays visible.
 */
export async function entitlementsNow(db: Queryable, ctx: Context, businessId: string, businessOpen: boolean) {
  const subscription = await currentSubscription(db, ctx, businessId)
  const access = accessOf(subscription, businessOpen, ctx.now())
  const names = Object.keys(ctx.product.features)
  const usage = subscription ? await readUsage(db, ctx, { businessId, subscription, access }, names) : {}
  return Object.fromEntries(
    Object.entries(ctx.product.features).map(([name, { kind }]) => [
      name,
      present(usage[name] ?? { ...nothing, kind }, access !== 'none'),
    ]),
  )
}

/** The same for a business that is entitled, typed by what the product declares. */
export async function currentEntitlements(db: Queryable, ctx: Context, standing: Standing): Promise<Entitlements> {
  const usage = await readUsage(db, ctx, standing, Object.keys(ctx.product.features))
  return Object.fromEntries(Object.entries(usage).map(([name, each]) => [name, present(each, true)])) as Entitlements
}

const nothing = {
  limit: 0,
  overage: null,
  value: 0,
  source: 'none',
  ceiling: 0,
  softLimit: null,
  unpaid: 0,
  used: 0,
  held: 0,
  frozen: null,
  resetsAt: null,
} as const

function present(usage: Usage, entitled: boolean) {
  const { kind } = usage
  const source = entitled ? usage.source : 'none'
  if (kind === 'switch' || kind === 'value') {
    const has = entitled ? usage.value : 0
    const uncounted = { used: null, remaining: null, resetsAt: null, source }
    if (kind === 'switch') return { kind, limit: null, ...uncounted, enabled: has === true }
    return { kind, limit: Number(has), ...uncounted, value: Number(has) }
  }
  const limit = entitled ? (usage.softLimit ?? usage.ceiling) : 0
  const { used, held } = usage
  const remaining = limit === null ? null : Math.max(0, limit - used - held)
  const beyond = entitled ? overageOf(usage) : undefined
  const resetsAt = entitled ? usage.resetsAt : null
  const frozen = usage.frozen === null ? {} : { frozen: usage.frozen }
  return { kind, limit, used, remaining, ...(beyond ? { overage: beyond } : {}), ...frozen, resetsAt, source }
}

function overageOf({ overage, softLimit, unpaid: units }: Usage) {
  if (overage === null || softLimit === null) return undefined
  const { price, unitsPerPrice = 1, spendCap = null } = overage
  const cost = { amount: overageCost(units, overage), currency: price.currency }
  return { units, cost, price, unitsPerPrice, spendCap }
}
