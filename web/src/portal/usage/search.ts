/** What of the usage is looked at, as the address says it. */

export const ranges = ['period', 'week', 'month', 'quarter'] as const
export type Range = (typeof ranges)[number]
export const views = ['each', 'total'] as const
export type View = (typeof views)[number]
export type UsageSearch = { feature?: string; days?: Range; shown?: View }

/** Read from an address: what it does not say, or says wrongly, is as at first. */
export const usageSearch = ({ feature, days, shown }: Record<string, unknown>): UsageSearch => {
  const range = ranges.find((each) => each === days)
  const view = views.find((each) => each === shown)
  return {
    ...(typeof feature === 'string' && feature !== '' && { feature }),
    ...(range !== undefined && { days: range }),
    ...(view !== undefined && { shown: view }),
  }
}
