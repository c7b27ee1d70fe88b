import { text } from '../text/shared.ts'
import { money, utcMoment, words } from './words.ts'

const isMoment = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/

/** A value of the API as people read it: times with their zone, sums in their currency, the rest in words. */
export function valueText(value: unknown): string {
  if (value === null || value === '') return text.none
  if (typeof value === 'boolean') return value ? text.yes : text.no
  if (Array.isArray(value)) return value.length === 0 ? text.none : value.map(valueText).join('; ')
  if (typeof value === 'string' && isMoment.test(value)) return utcMoment(new Date(value))
  if (typeof value !== 'object') return String(value)
  const { amount, currency, ...others } = value as Record<string, unknown>
  const isSum = typeof amount === 'number' && typeof currency === 'string'
  return [
    ...(isSum ? [money(amount, currency)] : []),
    ...Object.entries(isSum ? others : value).map(([name, each]) => `${words(name)} ${valueText(each)}`),
  ].join(', ')
}
