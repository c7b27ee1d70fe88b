export { createFreehold, type Freehold, type FreeholdOptions } from './freehold.ts'
export { FreeholdError, type ErrorCode, type FieldError } from './errors.ts'
export {
  days,
  defineProduct,
  eur,
  months,
  usd,
  weeks,
  years,
  type Hooks,
  type Money,
  type Product,
  type ProductDefinition,
  type TypedProduct,
} from './product.ts'
