import { queryOptions } from '@tanstack/react-query'
import { answer, api, type Schemas } from '../api.ts'
import { pages } from '../ui/pages.ts'

/** What is asked for of every business at once. What staff do anywhere makes all below `everywhere` old. */
const everywhere = 'everywhere'
export const everywhereKey = [everywhere]

const listed = <Item>(
  name: string,
  filters: object,
  ask: Parameters<typeof pages<Item>>[1],
  limit: number | undefined,
) => pages<Item>([everywhere, name, filters, limit], ask, limit ?? 50)

export const subscriptionStatuses = ['due', 'past_due', 'ending', 'trialing', 'active', 'paused', 'ended'] as const
export type SubscriptionSearch = { status?: (typeof subscriptionStatuses)[number]; plan?: string }
export const subscriptionsQuery = (search: SubscriptionSearch, limit?: number) =>
  listed<Schemas['StaffSubscription']>(
    'subscriptions',
    search,
    (query) => answer(api.GET('/v1/staff/subscriptions', { params: { query: { ...query, ...search } } })),
    limit,
  )

export const heldInvoicesQuery = (limit?: number) =>
  listed<Schemas['StaffInvoice']>(
    'invoices',
    { state: 'held' },
    (query) => answer(api.GET('/v1/staff/invoices', { params: { query: { ...query, state: 'held' } } })),
    limit,
  )

export const expiringGrantsQuery = (limit?: number) =>
  listed<Schemas['ExpiringGrant']>(
    'grants',
    {},
    (query) => answer(api.GET('/v1/staff/grants', { params: { query: { ...query, withinDays: 7 } } })),
    limit,
  )

export const sessionStates = ['active', 'requested', 'over'] as const
export type SessionSearch = { status?: (typeof sessionStates)[number] }
export const sessionsQuery = (search: SessionSearch, limit?: number) =>
  listed<Schemas['StaffSupportSession']>(
    'support-sessions',
    search,
    (query) => answer(api.GET('/v1/staff/support-sessions', { params: { query: { ...query, ...search } } })),
    limit,
  )

/** Days, `2026-11-24`; the log is asked for moments. */
export const actorKinds = ['app', 'both', 'system'] as const
export type AuditSearch = {
  /** People when nothing is said: what software does, payments for instance, would be most of it. */
  by?: (typeof actorKinds)[number]
  actor?: string
  action?: string
  business?: string
  from?: string
  to?: string
}
export const auditQuery = (search: AuditSearch) =>
  listed<Schemas['StaffAuditEntry']>(
    'audit',
    search,
    (query) => answer(api.GET('/v1/staff/audit', { params: { query: { ...query, ...auditFilters(search) } } })),
    undefined,
  )

export const auditFilters = ({ by, business, from, to, ...search }: AuditSearch) => ({
  ...search,
  ...(by === 'both' ? {} : { actorKind: by ?? ('staff' as const) }),
  ...(business === undefined ? {} : { businessId: business }),
  ...(from === undefined ? {} : { from: `${from}T00:00:00Z` }),
  ...(to === undefined ? {} : { to: `${to}T23:59:59.999Z` }),
})

export const jobStates = ['waiting', 'running', 'retrying', 'failed', 'done'] as const
export type JobSearch = { state?: (typeof jobStates)[number]; task?: string }
export const jobsQuery = (search: JobSearch, limit?: number) =>
  listed<Schemas['Job']>(
    'jobs',
    search,
    (query) => answer(api.GET('/v1/staff/jobs', { params: { query: { ...query, ...search } } })),
    limit,
  )
export const tasksQuery = queryOptions({
  queryKey: [everywhere, 'tasks'],
  queryFn: () => answer(api.GET('/v1/staff/tasks')),
  // Whoever looks at a long run sees it go on.
  refetchInterval: ({ state }) => ((state.data?.renewals.due ?? 0) > 0 ? 5000 : false),
})

export const mailStatuses = ['waiting', 'retrying', 'sent'] as const
export type MailSearch = { status?: (typeof mailStatuses)[number]; to?: string }
export const mailsQuery = (search: MailSearch, limit?: number) =>
  listed<Schemas['StaffMail']>(
    'mails',
    search,
    (query) => answer(api.GET('/v1/staff/mails', { params: { query: { ...query, ...search } } })),
    limit,
  )
export const mailQuery = (id: string) =>
  queryOptions({
    queryKey: [everywhere, 'mail', id],
    queryFn: () => answer(api.GET('/v1/staff/mails/{id}', { params: { path: { id } } })),
  })

export const metricMonths = ['6', '12', '24', '36'] as const
export const metricsQuery = (months: number) =>
  queryOptions({
    queryKey: [everywhere, 'metrics', months],
    queryFn: () => answer(api.GET('/v1/staff/metrics', { params: { query: { months } } })),
  })

/** Somebody, or nobody where there is no such id. */
export const personQuery = (id: string) =>
  queryOptions({
    queryKey: [everywhere, 'person', id],
    queryFn: async () => {
      const { items } = await answer(api.GET('/v1/staff/users', { params: { query: { search: id, limit: 1 } } }))
      return items.find((each) => each.id === id) ?? null
    },
  })
