/** How mails say what people typed, and when something is. */

const longestName = 80
/** What turns the direction of the text around it (U+061C aside, which only marks), and what begins a new line. */
const bends = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]+/g

/**
 * A name that somebody typed, as it may stand in a sentence: one line, of a length that can be read, and nothing that
 * turns around what follows. An invitation carries its sender's names to anybody, so what mail programs would make a
 * link of is broken by a character that nobody sees.
 */
export function named(name: string): string {
  const line = name.replace(bends, ' ').replace(/\s+/g, ' ').trim()
  const characters = Array.from(line)
  const short = characters.length > longestName ? `${characters.slice(0, longestName - 1).join('')}…` : line
  return short.replace(/(?<=[\p{L}\p{N}])([.:])(?=[\p{L}\p{N}/])/gu, '$1\u200b')
}

/** 5 December 2026 at 13:00 UTC: with the zone, because who reads it may be in any. */
export const moment = (at: Date, zone = 'UTC'): string =>
  new Intl.DateTimeFormat('en-GB', {
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    timeZone: zone,
    timeZoneName: 'short',
  }).format(at)

/** 5 December 2026 (UTC), where the hour is nobody's concern. */
export const day = (at: Date): string =>
  `${new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeZone: 'UTC' }).format(at)} (UTC)`

/** 1 December 2026 to 1 January 2027 (UTC) */
export const span = (from: Date, to: Date): string => `${day(from).replace(' (UTC)', '')} to ${day(to)}`

/** 12,000 */
export const count = (amount: number): string => new Intl.NumberFormat('en-US').format(amount)
