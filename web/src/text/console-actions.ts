import { noun } from '../ui/page.ts'

/** What staff can do to a business: each with a reason, and with what it will mean. */
export const text = {
  label: `Change this ${noun}`,
  reason: 'Reason',
  reasonHint: `Kept in the log, where the ${noun}'s owners see it.`,
  preview: 'What it will mean',
  before: 'Now',
  after: 'Then',
  nothing: `Nothing can be changed while the ${noun} is closed. Its owner can reopen it within 30 days.`,
  extend: {
    action: 'Extend the cycle',
    title: 'Extend the cycle',
    days: 'Days',
    submit: 'Extend',
    cycleEnd: 'Cycle ends',
    trialEnd: 'Trial ends',
    done: (days: string) => `The cycle is ${days} longer`,
  },
  days: (count: number) => (count === 1 ? '1 day' : `${count} days`),
} as const
