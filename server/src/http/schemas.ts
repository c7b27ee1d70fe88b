import { Type, type Static, type TSchema } from 'typebox'
import type { ProductFields } from '../product-names.ts'

/** The vocabulary of every route's schemas. Objects are closed: an unknown field is refused with its path. */

export const closed = { additionalProperties: false } as const

export const Time = Type.Unsafe<Date>({ type: 'string', format: 'date-time', description: 'UTC, RFC 3339' })
export const OptionalTime = Type.Unsafe<Date | null>({ type: ['string', 'null'], format: 'date-time' })
export const OptionalText = Type.Unsafe<string | null>({ type: ['string', 'null'] })
export const OptionalInteger = Type.Unsafe<number | null>({ type: ['integer', 'null'] })

// Controls, ends of lines, and what turns the direction of whatever stands behind it: a name stands in sentences of ours.
const misplaced = '\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069'
const invisible = '\\s\\u00ad\\u115f\\u1160\\u200b-\\u200f\\u2060-\\u2064\\u3164'

const longestName = 120

/** Text a person typed: something visible, and nothing that disturbs what stands around it. */
export const Name = Type.String({
  minLength: 1,
  maxLength: longestName,
  pattern: `^[^${misplaced}]*[^${invisible}${misplaced}][^${misplaced}]*$`,
})

/** What others say somebody is called, made one: without what may not stand in it, and empty where nothing is to be seen. */
export function nameFrom(text: string): string {
  const name = text
    .toWellFormed()
    .replaceAll(new RegExp(`[${misplaced}]`, 'g'), '')
    .trim()
  if (new RegExp(`^[${invisible}]*$`).test(name)) return ''
  // Cut between characters, not within one.
  return name.slice(0, longestName).replace(/[\ud800-\udbff]$/, '')
}

export const ExternalId = Type.String({
  minLength: 1,
  maxLength: 200,
  pattern: '^[^\\u0000-\\u001f\\u007f]+$',
  description: 'What your own system calls it; unique',
})
export const Email = Type.String({ format: 'email', maxLength: 254 })
export const Password = Type.String({ minLength: 8, maxLength: 128 })
export const Token = Type.String({ minLength: 1, maxLength: 200 })
const idShape = { minLength: 1, maxLength: 64, pattern: '^[a-z]+_[0-9a-z]+$' }
export const Id = Type.String(idShape)
export const Reason = Type.String({
  minLength: 1,
  maxLength: 500,
  pattern: '^[^\\u0000]*\\S[^\\u0000]*$',
  description: 'Kept in the audit log',
})
export const FeatureName = Type.String({ minLength: 1, maxLength: 63 })
export const Amount = Type.Integer({ minimum: 1, maximum: 1_000_000_000 })
/** The most that one sum of money may be, in minor units. Refusals of what lies beyond name no figure: people read them. */
export const mostMoney = 1_000_000_000_000
/** The product's own fields; `describeFields` puts what it declares into the document. */
export const fieldsOf = (noun: keyof ProductFields) =>
  Type.Record(Type.String(), Type.Unknown(), { description: 'Fields the product declares', 'x-fields': noun })

/** Path parameters are not validated by shape: what is no id is simply not found. */
export const path = <const Names extends string>(...names: Names[]) =>
  Type.Object(
    Object.fromEntries(names.map((name) => [name, Type.String()])) as Record<Names, ReturnType<typeof Type.String>>,
  )

export const PageQuery = Type.Object(
  {
    limit: Type.Integer({ minimum: 1, maximum: 100, default: 20 }),
    cursor: Type.Optional(Type.String({ ...idShape, description: 'nextCursor of the page before' })),
  },
  closed,
)
export type PageQuery = Static<typeof PageQuery>

export const Page = <Item extends TSchema>(item: Item) =>
  Type.Object({ items: Type.Array(item), nextCursor: OptionalText })

/** Cuts a result of `limit + 1` rows to a page; the cursor is the last id shown. */
export function page<Item extends { id: string }>(
  rows: Item[],
  limit: number,
): { items: Item[]; nextCursor: string | null } {
  const items = rows.slice(0, limit)
  return { items, nextCursor: rows.length > limit ? (items.at(-1)?.id ?? null) : null }
}
