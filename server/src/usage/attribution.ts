/**
 * Where counted units came from: the plan's allowance or a grant. Counting itself only compares with the sum of both;
 * units are attributed later, before anything about the sources changes, in burn order and by the rules that held while
 * they were counted. Pure.
 */
export type Grant = {
  id: string
  amount: number
  drawn: number
  priority: number
  effectiveAt: Date
  expiresAt: Date | null
}

/** What attribution needs to know of a counter; `drawn` is what it has taken from grants so far. */
export type CountedPeriod = {
  periodStart: Date
  periodEnd: Date
  /** What the plan gave for this period; null is unlimited. */
  allowance: number | null
  used: number
  attributed: number
  /** Units beyond the limit that have been billed: they are paid for. */
  billed: number
  drawn: number
  /** When the counter was opened: nothing about the sources has changed since. */
  openedAt: Date
}

export type Draw = { periodStart: Date; grantId: string | null; amount: number }

/** The plan's allowance stands among the grants at this priority. */
export const planPriority = 50

/**
 * Attributes what the periods have counted since, oldest first. The plan and the grants that were in effect when the
 * counter was opened pay, in burn order; a grant that came into effect after that pays only for what they could not.
 */
export function attribute(periods: CountedPeriod[], grants: Grant[], now: Date): Draw[] {
  const left = new Map(grants.map((grant) => [grant.id, grant.amount - grant.drawn]))
  return periods.toSorted(byStart).flatMap((period) => {
    const { periodStart, periodEnd, openedAt, allowance } = period
    let units = period.used - period.attributed - period.billed
    const drawFrom = (sources: Source[]): Draw[] =>
      sources.toSorted(burnOrder).flatMap(({ grantId, remaining }) => {
        const amount = Math.max(0, Math.min(units, remaining))
        units -= amount
        if (grantId !== null) left.set(grantId, (left.get(grantId) ?? 0) - amount)
        return amount > 0 ? [{ periodStart, grantId, amount }] : []
      })
    const sourceOf = (grant: Grant): Source => ({ ...grant, grantId: grant.id, remaining: left.get(grant.id) ?? 0 })
    const plan: Source = {
      grantId: null,
      id: '',
      priority: planPriority,
      expiresAt: periodEnd,
      effectiveAt: periodStart,
      remaining: allowance === null ? Infinity : allowance - (period.attributed - period.drawn),
    }
    const there = grants.filter((grant) => isInEffect(grant, openedAt))
    const come = grants.filter(
      ({ effectiveAt }) => effectiveAt > openedAt && effectiveAt < periodEnd && effectiveAt <= now,
    )
    return [...drawFrom([plan, ...there.map(sourceOf)]), ...drawFrom(come.map(sourceOf))]
  })
}

type Source = Ranked & { grantId: string | null; remaining: number }

const isInEffect = ({ effectiveAt, expiresAt }: Grant, at: Date) =>
  effectiveAt <= at && (expiresAt === null || expiresAt > at)

/**
 * What was counted in a period and nothing has paid for, once the draws are made. Below zero where a count was set right
 * after more of it was billed.
 */
export function unpaidUnits({ periodStart, used, attributed, billed }: CountedPeriod, draws: Draw[]): number {
  const paid = draws.filter((draw) => sameTime(draw.periodStart, periodStart))
  return used - attributed - billed - total(paid)
}

type Ranked = { id: string; priority: number; effectiveAt: Date; expiresAt: Date | null }

/** Burn order: priority, then what expires first, then what came first. */
export function burnOrder(left: Ranked, right: Ranked): number {
  const lastsUntil = ({ expiresAt }: Ranked) => expiresAt?.getTime() ?? Number.MAX_SAFE_INTEGER
  return (
    left.priority - right.priority ||
    lastsUntil(left) - lastsUntil(right) ||
    left.effectiveAt.getTime() - right.effectiveAt.getTime() ||
    (left.id < right.id ? -1 : 1)
  )
}

/**
 * The limit of a period: what the plan gives, what was billed beyond an earlier limit, what it has drawn from grants
 * already, and what these still hold at `now` once all draws are made.
 */
export function limitWith(
  allowance: number | null,
  current: CountedPeriod | undefined,
  grants: Grant[],
  draws: Draw[],
  now: Date,
): number | null {
  if (allowance === null) return null
  const drawn =
    (current?.drawn ?? 0) +
    total(draws.filter((draw) => draw.grantId && sameTime(draw.periodStart, current?.periodStart)))
  const inEffect = grants.filter((grant) => isInEffect(grant, now))
  const held = inEffect.map(
    (grant) => grant.amount - grant.drawn - total(draws.filter((draw) => draw.grantId === grant.id)),
  )
  return allowance + (current?.billed ?? 0) + drawn + held.reduce((sum, each) => sum + each, 0)
}

const total = (draws: { amount: number }[]) => draws.reduce((sum, draw) => sum + draw.amount, 0)
const byStart = (left: CountedPeriod, right: CountedPeriod) => left.periodStart.getTime() - right.periodStart.getTime()
const sameTime = (left: Date, right: Date | undefined) => left.getTime() === right?.getTime()
