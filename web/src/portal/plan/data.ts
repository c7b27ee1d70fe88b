import { queryOptions, useQueryClient } from '@tanstack/react-query'
import { answer, api, type Schemas } from '../../api.ts'
import { meQuery } from '../data.ts'

export type Plan = Schemas['Plan']
export type Subscription = Schemas['Subscription']
export type Preview = Schemas['PlanChangePreview']
/** What somebody thinks of choosing. */
export type Choice = { plan: Plan; price: string; trial: boolean }

/** The catalogue is the same for everybody. */
export const plansQuery = queryOptions({
  queryKey: ['plans'],
  queryFn: async () => (await answer(api.GET('/v1/plans'))).items,
  staleTime: 60_000,
})

/** What a choice would come to. A quote stands for what is shown, so it changes only when it is asked for again. */
export const previewQuery = (businessId: string, choice: Choice, replace: boolean) =>
  queryOptions({
    queryKey: [businessId, 'preview', choice.plan.key, choice.price, choice.trial],
    queryFn: async () => {
      const said = await choosePlan(businessId, choice, { replace, preview: true })
      if (!('quoteId' in said)) throw new Error('A preview has a quote')
      return said
    },
    gcTime: 0,
    staleTime: Infinity,
    refetchOnWindowFocus: false,
  })

export const choosePlan = (
  businessId: string,
  { plan, price, trial }: { plan: { key: string }; price: string; trial: boolean },
  more: { replace: boolean; preview?: boolean; quoteId?: string },
) =>
  answer(
    api.PUT('/v1/businesses/{businessId}/subscription/plan', {
      params: { path: { businessId } },
      body: { plan: plan.key, price, trial, preview: false, ...more },
    }),
  )

/** After a decision: what is known of the business may all be different. */
export function useRefresh(businessId: string) {
  const queryClient = useQueryClient()
  return () =>
    Promise.all([
      queryClient.invalidateQueries({ queryKey: meQuery.queryKey }),
      queryClient.invalidateQueries({
        predicate: ({ queryKey: [first, second] }) => first === businessId && second !== 'preview',
      }),
    ])
}
