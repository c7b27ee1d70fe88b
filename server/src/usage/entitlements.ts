import type { Overage, SoftLimit } from '../prices.ts'
import type { Feature, IncludedValue } from '../product.ts'

/**
 * What a business may use now: an override replaces what the pinned plan version includes. Grants come on top and are
 * `grants.ts`'s. Pure.
 */
export type Entitlement = {
  kind: Feature['kind']
  /** `allocated` and `metered`: the plan's or the override's limit, without grants; null is unlimited. */
  limit: number | null
  /** On which terms counting goes on beyond the limit; null where it does not. An override leaves them as they are. */
  overage: Overage | null
  /** `switch`: whether it is on. `value`: the setting. */
  value: IncludedValue
  source: 'plan' | 'override' | 'none'
}

export type Override = { feature: string; value: IncludedValue; expiresAt: Date | null }

export function entitlementOf(
  feature: Feature,
  name: string,
  includes: Record<string, IncludedValue>,
  overrides: Override[],
  now: Date,
): Entitlement {
  const override = overrides.find((each) => each.feature === name && (each.expiresAt === null || each.expiresAt > now))
  const included = includes[name]
  // `null` is a value here: unlimited.
  const planned = included === undefined ? (feature.kind === 'switch' ? false : 0) : included
  const value = override ? override.value : planned
  const limit = isCounted(feature) ? limitIn(value) : null
  return {
    kind: feature.kind,
    limit,
    overage: limit === null ? null : overageIn(planned),
    value,
    source: override ? 'override' : included === undefined ? 'none' : 'plan',
  }
}

/** The limit that a plan includes of a counted feature; null is unlimited. */
export const limitIn = (value: IncludedValue): number | null => (isSoft(value) ? value.limit : (value as number | null))

export const overageIn = (value: IncludedValue | undefined): Overage | null => (isSoft(value) ? value.overage : null)

const isSoft = (value: IncludedValue | undefined): value is SoftLimit => typeof value === 'object' && value !== null

export const isCounted = ({ kind }: Pick<Feature, 'kind'>): boolean => kind === 'allocated' || kind === 'metered'

/** Whether the plan has the feature at all; one that leaves it out says so with `feature_unavailable`. */
export const isAvailable = ({ kind, value, source }: Entitlement): boolean =>
  kind === 'switch' ? value === true : source !== 'none'
