import { product } from '../ui/page.ts'

/** What is used, of what there is, and when it was used. */
export const text = {
  nav: 'Usage',
  title: 'Usage',
  about: 'Days are counted in UTC.',
  meters: 'Now',
  settings: 'Also in your plan',
  nothingCounted: `${product.name} counts nothing yet.`,
  beyond: (units: string, cost: string) => `${units} beyond the limit so far, for ${cost}.`,
  cap: (amount: string) => `Counting stops where that would cost more than ${amount}.`,
  agreed: 'The limit was agreed with you and is not that of your plan.',
  yes: 'Yes',
  no: 'No',
  overTime: 'Over time',
  feature: 'Of what',
  range: 'Days',
  ranges: { period: 'This period', week: 'Last 7 days', month: 'Last 30 days', quarter: 'Last 90 days' },
  shown: 'Shown',
  views: { each: 'Each day', total: 'Running total' },
  day: 'Day',
  used: 'Used',
  total: 'In all',
  limitIs: (limit: string) => `Limit ${limit}`,
  empty: (things: string) => `No ${things} in these days.`,
  unfinished: 'Hatched: the day is not over.',
  chart: (things: string, amount: string, most: string, day: string) =>
    `${things} by day: ${amount} in all, most on ${day} with ${most}. The table has every day.`,
  table: (things: string) => `${things} by day`,
  allDays: 'Every day',
} as const
