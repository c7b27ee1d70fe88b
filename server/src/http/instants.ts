import { Type } from 'typebox'
import { invalid } from '../errors.ts'

/** A moment somebody sends. */
export const Instant = Type.String({ format: 'date-time', description: 'RFC 3339' })

/** The shape lets through what no clock shows (a leap second, the 31st of April): that is refused with its path. */
export function instant<Text extends string | undefined>(
  path: string,
  text: Text,
): Text extends string ? Date : undefined
export function instant(path: string, text: string | undefined): Date | undefined {
  if (text === undefined) return undefined
  const date = new Date(text)
  if (Number.isNaN(date.getTime())) throw invalid(path, 'is no moment that exists')
  return date
}
