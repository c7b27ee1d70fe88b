/** Calendar months in UTC, and what becomes of recurring revenue over them. Imports nothing: tests need no database. */

export type Month = { start: Date; end: Date }

/** The month of `now`, which is not over, and those before it: `count` in all, the oldest first. */
export function lastMonths(now: Date, count: number): Month[] {
  const first = (back: number) => new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - back, 1))
  return Array.from({ length: count }, (_, index) => {
    const back = count - 1 - index
    return { start: first(back), end: first(back - 1) }
  })
}

export const movementKinds = ['new', 'reactivation', 'expansion', 'contraction', 'churn'] as const
export type MovementKind = (typeof movementKinds)[number]

/** What moved in a month: by how much a month's revenue, in minor units, and of how many businesses. */
export type Movement = { month: Date; kind: MovementKind; amount: number; businesses: number }

/** Revenue a month and how many pay it, at one moment. */
export type Level = { amount: number; businesses: number }

export type MonthOfRevenue = Record<MovementKind, number> & {
  month: Date
  /** At its end, or now. */
  mrr: number
  paying: number
  churned: number
  /** Of those who paid at its beginning; null where nobody did. */
  churnRate: number | null
}

/** From what is paid now, back through what moved: so the last month ends with what is true. */
export function revenueOf(months: Month[], now: Level, movements: Movement[]): MonthOfRevenue[] {
  let { amount, businesses } = now
  return months
    .toReversed()
    .map(({ start }) => {
      const moved = (kind: MovementKind) =>
        movements.find((each) => each.kind === kind && each.month.getTime() === start.getTime()) ?? nothing
      const mrr = amount
      const paying = businesses
      amount -= movementKinds.reduce((sum, kind) => sum + moved(kind).amount, 0)
      businesses -= moved('new').businesses + moved('reactivation').businesses - moved('churn').businesses
      const churned = moved('churn').businesses
      return {
        month: start,
        mrr: Math.round(mrr),
        paying,
        new: Math.round(moved('new').amount),
        reactivation: Math.round(moved('reactivation').amount),
        expansion: Math.round(moved('expansion').amount),
        contraction: Math.round(moved('contraction').amount),
        churn: Math.round(moved('churn').amount),
        churned,
        churnRate: businesses > 0 ? churned / businesses : null,
      }
    })
    .toReversed()
}

const nothing = { amount: 0, businesses: 0 }
