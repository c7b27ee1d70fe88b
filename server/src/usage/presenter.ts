import { Type } from 'typebox'
import { OptionalInteger, OptionalTime, Time } from '../http/schemas.ts'
import type { Counter } from './counters.ts'
import type { GrantRow } from './grants.ts'
import type { LimitOverride, LimitValue as Limit } from './overrides.ts'

export const GrantBody = Type.Object(
  {
    id: Type.String(),
    feature: Type.String(),
    amount: Type.Integer(),
    drawn: Type.Integer(),
    remaining: Type.Integer(),
    priority: Type.Integer({ description: 'Lower is drawn first; what the plan gives stands at 50' }),
    reason: Type.String(),
    effectiveAt: Time,
    expiresAt: OptionalTime,
    createdBy: Type.String(),
    createdAt: Time,
  },
  { $id: 'Grant' },
)

export const presentGrant = ({ businessId: _, ...grant }: GrantRow) => ({
  ...grant,
  remaining: grant.amount - grant.drawn,
})

/** What was counted in one period. */
export const CounterBody = Type.Object(
  {
    feature: Type.String(),
    periodStart: Time,
    periodEnd: Time,
    limit: OptionalInteger,
    used: Type.Integer(),
    held: Type.Integer({ description: 'By open reservations' }),
    remaining: OptionalInteger,
  },
  { $id: 'Counter' },
)

export function presentCounter({ feature, periodStart, periodEnd, ceiling, softLimit, used, held }: Counter) {
  const limit = softLimit ?? ceiling
  const remaining = limit === null ? null : Math.max(0, limit - used - held)
  return { feature, periodStart, periodEnd, limit, used, held, remaining }
}

/** What stands in place of a plan's limit. */
export const LimitValue = Type.Unsafe<Limit>({
  type: ['number', 'boolean', 'null'],
  description: 'Of a switch true or false, otherwise a number; null is unlimited',
})

export const LimitOverrideBody = Type.Object(
  {
    feature: Type.String(),
    limit: LimitValue,
    reason: Type.String(),
    expiresAt: OptionalTime,
    createdBy: Type.String(),
    createdAt: Time,
  },
  { $id: 'LimitOverride' },
)

export const presentOverride = ({ businessId: _, value, ...override }: LimitOverride) => ({ ...override, limit: value })
