import { queryOptions } from '@tanstack/react-query'
import { answer, api, type Schemas } from '../api.ts'
import { pages } from '../ui/pages.ts'

/** What the screens ask for. A business's answers have its id in their key: two of them never mix. */

export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: async () => {
    const { user, memberships = [], invitations = [], staff = false } = await answer(api.GET('/v1/me'))
    if (!user) throw new Error('The session belongs to no person')
    return { user, memberships, invitations, staff }
  },
})

export const entitlementsQuery = (businessId: string) =>
  queryOptions({
    queryKey: [businessId, 'entitlements'],
    queryFn: () => answer(api.GET('/v1/businesses/{businessId}/entitlements', { params: { path: { businessId } } })),
  })

export const membersQuery = (businessId: string) =>
  pages<Schemas['Member']>([businessId, 'members'], (query) =>
    answer(api.GET('/v1/businesses/{businessId}/members', { params: { path: { businessId }, query } })),
  )

export const invitationsQuery = (businessId: string) =>
  pages<Schemas['Invitation']>([businessId, 'invitations'], (query) =>
    answer(api.GET('/v1/businesses/{businessId}/invitations', { params: { path: { businessId }, query } })),
  )

export const apiKeysQuery = (businessId: string) =>
  pages<Schemas['ApiKey']>([businessId, 'api-keys'], (query) =>
    answer(api.GET('/v1/businesses/{businessId}/api-keys', { params: { path: { businessId }, query } })),
  )

/** What was counted with a key since it was rotated. */
export const keyUsageQuery = (businessId: string, id: string) =>
  queryOptions({
    queryKey: [businessId, 'api-keys', id, 'usage'],
    queryFn: () =>
      answer(api.GET('/v1/businesses/{businessId}/api-keys/{id}/usage', { params: { path: { businessId, id } } })),
  })
