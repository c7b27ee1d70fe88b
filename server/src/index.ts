export { Type } from 'typebox'
export type { Access, Decision, HeaderSource } from './access/authorize.ts'
export type { Guard } from './access/guard.ts'
export type { Released, Tally } from './access/own-transaction.ts'
export type { Actor } from './context.ts'
export type { EventData, EventType, FreeholdEvent } from './events/catalogue.ts'
export { FreeholdError, type ErrorCode, type FieldError } from './errors.ts'
export { createFreehold } from './create.ts'
export type { Freehold } from './freehold.ts'
export type { FreeholdOptions } from './options.ts'
export type { Charge, ChargeResult, PaymentProvider } from './invoices/provider.ts'
export type { ProblemBody } from './http/problem.ts'
export { ProductDefinitionError } from './product-definition-error.ts'
export type { Entitlements, ProductNames } from './product-names.ts'
export type { EventHandlers, Hooks, ProductTask, TaskContext } from './product-hooks.ts'
export { days, eur, months, usd, weeks, years, type Money } from './prices.ts'
export {
  defineProduct,
  type Product,
  type ProductDefinition,
  type Overage,
  type SoftLimit,
  type TypedProduct,
} from './product.ts'
export type { Port } from './usage/meter.ts'
export { fromDrizzle, fromKysely, fromPg, fromPrisma } from './usage/ports.ts'
