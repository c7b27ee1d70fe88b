import { infiniteQueryOptions } from '@tanstack/react-query'
import { answer, api, type Schemas } from '../../api.ts'

export type SupportSession = Schemas['SupportSession']
export type Policy = 'always' | 'ask' | 'never'

/** Who may look in comes with the newest of those who did. */
export const supportQuery = (businessId: string) =>
  infiniteQueryOptions({
    queryKey: [businessId, 'support-access'],
    queryFn: ({ pageParam }) =>
      answer(
        api.GET('/v1/businesses/{businessId}/support-access', {
          params: { path: { businessId }, query: { limit: 50, ...(pageParam !== undefined && { cursor: pageParam }) } },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ sessions }) => sessions.nextCursor ?? undefined,
    select: ({ pages }) => ({
      policy: pages[0]?.policy ?? 'always',
      sessions: pages.flatMap(({ sessions }) => sessions.items),
    }),
    // Staff come and go while one looks.
    refetchInterval: 30_000,
  })

export const decidePolicy = (businessId: string, policy: Policy) =>
  answer(api.PUT('/v1/businesses/{businessId}/support-access', { params: { path: { businessId } }, body: { policy } }))

export const answerRequest = (businessId: string, id: string, approve: boolean) =>
  answer(
    api.POST('/v1/businesses/{businessId}/support-access/requests/{id}', {
      params: { path: { businessId, id } },
      body: { approve },
    }),
  )

export const endSession = (businessId: string, id: string) =>
  answer(
    api.DELETE('/v1/businesses/{businessId}/support-access/sessions/{id}', { params: { path: { businessId, id } } }),
  )
