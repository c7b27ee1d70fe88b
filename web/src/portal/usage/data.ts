import { queryOptions } from '@tanstack/react-query'
import { answer, api } from '../../api.ts'
import { now } from '../../ui/page.ts'
import type { Range } from './search.ts'

const dayMilliseconds = 86_400_000
const length = { week: 7, month: 30, quarter: 90 } as const

/** What was used day by day; of a period as far as it has come. */
export const seriesQuery = (businessId: string, feature: string, range: Range) =>
  queryOptions({
    queryKey: [businessId, 'usage', feature, range],
    queryFn: async () => {
      const { items } = await answer(
        api.GET('/v1/businesses/{businessId}/usage', {
          params: { path: { businessId }, query: { feature, ...(range !== 'period' && lastDays(length[range])) } },
        }),
      )
      return items.filter(({ start }) => Date.parse(start) <= now().getTime())
    },
  })

function lastDays(days: number): { from: string; to: string } {
  const today = Math.floor(now().getTime() / dayMilliseconds) * dayMilliseconds
  const at = (time: number) => new Date(time).toISOString()
  return { from: at(today - (days - 1) * dayMilliseconds), to: at(today + dayMilliseconds) }
}
