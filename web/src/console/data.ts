import { queryOptions } from '@tanstack/react-query'
import { answer, api, type Schemas } from '../api.ts'
import { pages } from '../ui/pages.ts'
import type { sorts, statuses } from './businesses/filters.ts'

/** What the console asks for: staff routes, whose answers cover every business. */

export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: async () => {
    const { user, staff = false } = await answer(api.GET('/v1/me'))
    if (!user) throw new Error('The session belongs to no person')
    return { user, staff }
  },
})

export type BusinessSearch = {
  q?: string
  status?: (typeof statuses)[number]
  plan?: string
  sort?: (typeof sorts)[number]
}

export const businessesQuery = (search: BusinessSearch) =>
  pages<Schemas['StaffBusiness']>(
    ['businesses', search],
    (query) => answer(api.GET('/v1/staff/businesses', { params: { query: { ...query, ...businessFilters(search) } } })),
    50,
  )

export const businessFilters = ({ q, ...filters }: BusinessSearch) => ({
  ...filters,
  ...(q === undefined ? {} : { search: q }),
})

/** Everything about one business, in one answer. What staff do to it makes all below this key old. */
export const businessKey = (id: string) => ['business', id]
export const businessQuery = (id: string) =>
  queryOptions({
    queryKey: [...businessKey(id), 'page'],
    queryFn: () => answer(api.GET('/v1/staff/businesses/{id}', { params: { path: { id } } })),
  })

export const plansQuery = queryOptions({
  queryKey: ['plans'],
  queryFn: async () => (await answer(api.GET('/v1/staff/plans'))).items,
})

export const invoicesQuery = (id: string) =>
  pages<Schemas['Invoice']>([...businessKey(id), 'invoices'], (query) =>
    answer(api.GET('/v1/staff/businesses/{id}/invoices', { params: { path: { id }, query } })),
  )

export const invoiceQuery = (businessId: string, invoiceId: string) =>
  queryOptions({
    queryKey: [...businessKey(businessId), 'invoice', invoiceId],
    queryFn: () =>
      answer(
        api.GET('/v1/staff/businesses/{id}/invoices/{invoiceId}', {
          params: { path: { id: businessId, invoiceId } },
        }),
      ),
  })

const credits = (id: string, query: { limit: number; cursor?: string }) =>
  answer(api.GET('/v1/staff/businesses/{id}/credits', { params: { path: { id }, query } }))
export const creditsQuery = (id: string) =>
  pages<Schemas['CreditEntry']>([...businessKey(id), 'credits'], (query) => credits(id, query))
export const balancesQuery = (id: string) =>
  queryOptions({
    queryKey: [...businessKey(id), 'balances'],
    queryFn: async () => (await credits(id, { limit: 1 })).balances,
  })

export type TimelineKind = Schemas['TimelineEntry']['kind']
export const timelineQuery = (id: string, kind: TimelineKind | undefined) =>
  pages<Schemas['TimelineEntry']>(
    [...businessKey(id), 'timeline', kind],
    (query) =>
      answer(
        api.GET('/v1/staff/businesses/{id}/timeline', {
          params: { path: { id }, query: { ...query, ...(kind === undefined ? {} : { kind }) } },
        }),
      ),
    50,
  )

export const planQuery = (key: string) =>
  queryOptions({
    queryKey: ['plans', key],
    queryFn: () => answer(api.GET('/v1/staff/plans/{key}', { params: { path: { key } } })),
  })
