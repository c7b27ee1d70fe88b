import { queryOptions } from '@tanstack/react-query'
import { answer, api } from '../../api.ts'

export const businessQuery = (businessId: string) =>
  queryOptions({
    queryKey: [businessId, 'business'],
    queryFn: () => answer(api.GET('/v1/businesses/{businessId}', { params: { path: { businessId } } })),
  })
