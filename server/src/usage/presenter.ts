import { Type } from 'typebox'
import { OptionalTime, Time } from '../http/schemas.ts'
import type { IncludedValue } from '../product.ts'
import type { GrantRow } from './grants.ts'
import type { LimitOverride } from './overrides.ts'

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

/** What stands in place of a plan's limit. */
export const LimitValue = Type.Unsafe<IncludedValue>({
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
