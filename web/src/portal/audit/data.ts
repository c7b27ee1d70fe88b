import { answer, api, type Schemas } from '../../api.ts'
import { pages } from '../../ui/pages.ts'

export type AuditEntry = Schemas['AuditEntry']
/** `from` is a day, which begins in UTC. */
export type AuditSearch = { actor?: string; action?: string; from?: string }

export const auditQuery = (businessId: string, search: AuditSearch) =>
  pages<AuditEntry>([businessId, 'audit', search], (query) => askForAudit(businessId, search, query), 50)

export const askForAudit = (
  businessId: string,
  { from, ...filters }: AuditSearch,
  query: { limit: number; cursor?: string },
) =>
  answer(
    api.GET('/v1/businesses/{businessId}/audit', {
      params: {
        path: { businessId },
        query: { ...filters, ...query, ...(from !== undefined && { from: `${from}T00:00:00Z` }) },
      },
    }),
  )
