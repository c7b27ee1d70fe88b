import { queryOptions } from '@tanstack/react-query'
import { answer, api, type Schemas } from '../../api.ts'
import { now, page } from '../../ui/page.ts'
import { pages } from '../../ui/pages.ts'
import { every } from '../../ui/query.ts'
import type { State } from './states.ts'

export type Invoice = Schemas['Invoice']

export const invoicesQuery = (businessId: string, status?: State) =>
  pages<Invoice>([businessId, 'invoices', status ?? 'any'], (query) =>
    answer(
      api.GET('/v1/businesses/{businessId}/invoices', {
        params: { path: { businessId }, query: { ...query, ...(status && { status }) } },
      }),
    ),
  )

export const invoiceQuery = (businessId: string, invoiceId: string) =>
  queryOptions({
    queryKey: [businessId, 'invoices', 'one', invoiceId],
    queryFn: () =>
      answer(
        api.GET('/v1/businesses/{businessId}/invoices/{invoiceId}', { params: { path: { businessId, invoiceId } } }),
      ),
    // It is paid elsewhere.
    refetchInterval: every<Invoice>(5000, ({ status }) => status !== 'open'),
  })

type CreditPage = Awaited<ReturnType<typeof creditPage>>
const creditPage = (businessId: string, query: { limit: number; cursor?: string }) =>
  answer(api.GET('/v1/businesses/{businessId}/credits', { params: { path: { businessId }, query } }))

export const creditBalancesQuery = (businessId: string) =>
  queryOptions({
    queryKey: [businessId, 'credit-balances'],
    queryFn: async () => (await creditPage(businessId, { limit: 1 })).balances.filter(({ balance }) => balance !== 0),
  })

export const creditsQuery = (businessId: string) =>
  pages<CreditPage['items'][number]>([businessId, 'credits'], (query) => creditPage(businessId, query), 20)

/** The invoice as a page to print, from the server itself. */
export const printAddress = (businessId: string, invoiceId: string) =>
  `${page.apiPath}/v1/businesses/${encodeURIComponent(businessId)}/invoices/${encodeURIComponent(invoiceId)}/html`

/** What something waits for is owed by nobody: it is paid for that to begin, or never. */
export const isAwaited = ({ id }: Invoice, subscription: Schemas['Subscription'] | null) =>
  subscription?.awaitingPayment?.invoiceId === id

export const isOverdue = (invoice: Invoice, subscription: Schemas['Subscription'] | null) =>
  invoice.status === 'open' &&
  invoice.dueAt !== null &&
  Date.parse(invoice.dueAt) < now().getTime() &&
  !isAwaited(invoice, subscription)
