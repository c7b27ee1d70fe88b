import { queryOptions } from '@tanstack/react-query'
import { answer, api } from '../../api.ts'
import { now } from '../../ui/page.ts'
import type { UsageSearch } from './search.ts'

const dayMilliseconds = 86_400_000
const length = { week: 7, month: 30, quarter: 90 } as const

/** What was used day by day; of a period as far as it has come. */
export const seriesQuery = (businessId: string, feature: string, { days, from, to }: UsageSearch) =>
  queryOptions({
    queryKey: [businessId, 'usage', feature, days, from, to],
    queryFn: async () => {
      const { items } = await answer(
        api.GET('/v1/businesses/{businessId}/usage', {
          params: { path: { businessId }, query: { feature, ...spanOf({ days, from, to }) } },
        }),
      )
      return items.filter(({ start }) => Date.parse(start) <= now().getTime())
    },
  })

type Span = { days: UsageSearch['days'] | undefined; from: string | undefined; to: string | undefined }

/** Nothing where the server's own answer is meant, the current period. */
function spanOf({ days = 'period', from, to }: Span): { from?: string; to?: string } {
  if (from !== undefined && to !== undefined) {
    const end = new Date(Date.parse(to) + dayMilliseconds)
    return { from: `${from}T00:00:00Z`, to: end.toISOString() }
  }
  return days === 'period' ? {} : lastDays(length[days])
}

function lastDays(days: number): { from: string; to: string } {
  const today = Math.floor(now().getTime() / dayMilliseconds) * dayMilliseconds
  const at = (time: number) => new Date(time).toISOString()
  return { from: at(today - (days - 1) * dayMilliseconds), to: at(today + dayMilliseconds) }
}
