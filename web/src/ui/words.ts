/** Words in English, as screens need them. Pure, so that tests need no page. */
export const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)

export const plural = (text: string) =>
  /[^aeiou]y$/.test(text) ? `${text.slice(0, -1)}ies` : /(s|x|z|ch|sh)$/.test(text) ? `${text}es` : `${text}s`

export const article = (text: string) => `${/^[aeiou]/i.test(text) ? 'an' : 'a'} ${text}`

/** `retentionDays` and `api_calls` as people say it. */
export const words = (name: string) =>
  name
    .replaceAll(/[_-]+/g, ' ')
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()

/** The same where it stands for itself: `API key created`, `E-mail`, `Request ID`. */
export const label = (name: string) =>
  capital(words(name))
    .replace(/^Api\b/, 'API')
    .replace(/^Email\b/, 'E-mail')
    .replace(/\bid\b/i, 'ID')

export const either = (items: string[]) => new Intl.ListFormat('en', { type: 'disjunction' }).format(items)
export const list = (items: string[]) => new Intl.ListFormat('en').format(items)

const numbers = new Intl.NumberFormat('en')
export const count = (value: number) => numbers.format(value)

/** Money in minor units, as its currency is written: no decimals where it has none. */
export const money = (amount: number, currency: string): string => sum(amount, currency).replace(/\.0+$/, '')

/** The same where sums stand one below the other: with all decimals, so that they can be compared and added up. */
export function sum(amount: number, currency: string): string {
  const format = new Intl.NumberFormat('en', { style: 'currency', currency })
  const { maximumFractionDigits = 2 } = format.resolvedOptions()
  return format.format(amount / 10 ** maximumFractionDigits)
}

const steps: [Intl.RelativeTimeFormatUnit, seconds: number][] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
]
const relativeFormat = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })

/** `in 3 days`, `yesterday`; less than a minute is a moment, and two clocks differ by seconds. */
export function relative(at: Date, now: Date): string {
  const seconds = (at.getTime() - now.getTime()) / 1000
  const step = steps.find(([, length]) => Math.abs(seconds) >= length)
  if (!step) return seconds > 5 ? 'in a moment' : 'just now'
  return relativeFormat.format(Math.round(seconds / step[1]), step[0])
}

const day = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeZone: 'UTC' })
const moment = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' })

/** `Nov 23, 2026`: cycles begin and end in UTC, so their days are counted there. */
export const utcDay = (at: Date) => day.format(at)
export const utcMoment = (at: Date) => `${moment.format(at)} UTC`

const month = new Intl.DateTimeFormat('en', { month: 'short', year: 'numeric', timeZone: 'UTC' })
export const utcMonth = (at: Date) => month.format(at)

const share = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 1 })
/** `0.042` is `4.2%`. */
export const percent = (value: number) => share.format(value)
