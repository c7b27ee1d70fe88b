import { answer, api, type Schemas } from '../../api.ts'
import { pages } from '../../ui/pages.ts'

export type AuditEntry = Schemas['AuditEntry']
/** `from` is a day, which begins in UTC. */
export type AuditSearch = { actor?: string; action?: string; from?: string }

export const auditQuery = (businessId: string, search: AuditSearch) =>
  pages<AuditEntry>(
    [businessId, 'audit', search],
    (query) =>
      answer(
        api.GET('/v1/businesses/{businessId}/audit', {
          params: { path: { businessId }, query: { ...filtersOf(search), ...query } },
        }),
      ),
    50,
  )

export const filtersOf = ({ from, ...filters }: AuditSearch) => ({
  ...filters,
  ...(from !== undefined && { from: `${from}T00:00:00Z` }),
})
