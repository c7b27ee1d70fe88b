/** What of the usage is looked at, as the address says it. */

export const ranges = ['period', 'week', 'month', 'quarter'] as const
export type Range = (typeof ranges)[number]
export const views = ['each', 'total'] as const
export type View = (typeof views)[number]
/** `from` and `to` are days in UTC, both of them shown; one without the other says nothing. */
export type UsageSearch = { feature?: string; days?: Range; from?: string; to?: string; shown?: View }
type InAddress = { [Key in keyof UsageSearch]?: UsageSearch[Key] | undefined }

/**
 * Read from an address: what it says wrongly is as at first. All of it is named, because what is not named stays as it
 * was there.
 */
export const usageSearch = ({ feature, days, from, to, shown }: Record<string, unknown>): InAddress => {
  const isChosen = isDay(from) && isDay(to) && from <= to
  return {
    feature: typeof feature === 'string' && feature !== '' ? feature : undefined,
    days: isChosen ? undefined : ranges.find((each) => each === days),
    from: isChosen ? from : undefined,
    to: isChosen ? to : undefined,
    shown: views.find((each) => each === shown),
  }
}

const isDay = (said: unknown): said is string =>
  typeof said === 'string' && /^\d{4}-\d\d-\d\d$/.test(said) && !Number.isNaN(Date.parse(said))
