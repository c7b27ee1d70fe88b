import type { Static, TObject } from 'typebox'
import type { BuiltInPermission } from './permissions.ts'

/** The names a product declares, as types, so that `guard('recordings:creat')` and an unknown feature do not compile. */

export type FeatureKind = 'switch' | 'value' | 'allocated' | 'metered'
export type FeatureKinds = Record<string, FeatureKind>

/** A feature as a product defines it. */
export type FeatureDefinition =
  | { kind: 'switch' }
  | { kind: 'value' }
  /** `onDowngrade`: what happens to items that do not fit a smaller plan; see `DowngradePolicy`. */
  | { kind: 'allocated'; unit?: string; onDowngrade?: DowngradePolicy }
  /**
   * `resets`: with the subscription's cycle (the default), or monthly inside a longer one. `rollover`: how many unused
   * units of the plan's own go over into the next cycle, and expire with it.
   */
  | { kind: 'metered'; unit?: string; resets?: 'cycle' | 'month'; rollover?: number }

/**
 * `block` (the default): a customer cannot choose the smaller plan. `grandfather`: items stay, and no new one until below.
 * `freeze_newest`: what does not fit is kept and not to be used, the newest first, until there is room again.
 */
export type DowngradePolicy = (typeof downgradePolicies)[number]
export const downgradePolicies = ['block', 'grandfather', 'freeze_newest'] as const

export type KindsOf<Features extends Record<string, FeatureDefinition>> = {
  [Name in keyof Features]: Features[Name]['kind']
}

/** Extra fields a product declares (TypeBox objects). */
export type ProductFields = { business?: TObject; member?: TObject; user?: TObject; plan?: TObject }

/** What a business, member, user or plan carries in `fields`, typed by the product's schema. */
export type FieldsOf<Fields extends ProductFields, Of extends keyof ProductFields> = Fields[Of] extends TObject
  ? Static<Fields[Of]>
  : Record<string, unknown>

/** Where the product is not known, any name will do. */
export type ProductNames = { permission: string; features: FeatureKinds; fields: ProductFields }

/** The permissions a route may ask for: the product's own and Freehold's. */
export type PermissionOf<Names extends ProductNames> = Names['permission'] | BuiltInPermission

/** The features of one kind. */
export type FeatureOf<Names extends ProductNames, Kind extends FeatureKind> = string extends keyof Names['features']
  ? string
  : Extract<
      {
        [Name in keyof Names['features']]: Names['features'][Name] extends Kind ? Name : never
      }[keyof Names['features']],
      string
    >

/** What a business may use now of each feature, and how much of it is taken. */
export type Entitlements<Kinds extends FeatureKinds = FeatureKinds> = {
  [Name in keyof Kinds]: EntitlementOf<Kinds[Name]>
} & { members: EntitlementOf<'allocated'> }

type Money = { amount: number; currency: string }
type Overage = { units: number; cost: Money; price: Money; unitsPerPrice: number; spendCap: Money | null }

/** `source`: where the limit or value comes from; `none` is a plan that leaves the feature out. */
export type EntitlementOf<Kind extends FeatureKind> = { source: 'plan' | 'override' | 'none' } & (Kind extends 'switch'
  ? { kind: 'switch'; enabled: boolean }
  : Kind extends 'value'
    ? { kind: 'value'; value: number }
    : {
        kind: Kind
        /** With grants; null is unlimited. */
        limit: number | null
        used: number
        remaining: number | null
        /** Where counting goes on beyond the limit: how much it has, what that costs, and when it stops. */
        overage?: Overage
        /** When the count begins anew; null for what is held until released. */
        resetsAt: Date | null
      } & (Kind extends 'allocated'
        ? { /** Items that are kept and not to be used, with `freeze_newest`. */ frozen?: number }
        : {}))
