import { Type } from 'typebox'
import { businessById } from '../businesses/businesses.ts'
import type { Routes } from '../http/request.ts'
import { closed, Page, page, PageQuery, path } from '../http/schemas.ts'
import { acrossBusinesses } from '../http/transactions.ts'
import { creditBalances, listCreditEntries } from './credit.ts'
import { listInvoices } from './invoices.ts'
import {
  CreditPage,
  InvoiceBody,
  InvoicePage,
  presentCreditEntry,
  presentInvoice,
  presentInvoicePage,
} from './presenter.ts'
import { wholeInvoice } from './whole-invoice.ts'

/** Staff see what a business owes, and what it has in hand. */
export const staffInvoiceRoutes: Routes = (app, ctx) => {
  const tags = ['Staff']
  const config = { access: 'staff:read' } as const

  app.get(
    '/v1/staff/businesses/:id/invoices',
    {
      config,
      schema: {
        summary: 'What a business was billed and what is held, newest first',
        tags,
        params: path('id'),
        querystring: Type.Object(
          {
            ...PageQuery.properties,
            status: Type.Optional(Type.Enum(['draft', 'open', 'paid', 'void', 'uncollectible'])),
          },
          closed,
        ),
        response: { 200: Page(InvoiceBody) },
      },
    },
    (request) =>
      acrossBusinesses(request, async (tx) => {
        const { id } = await businessById(tx, request.params.id)
        const invoices = await listInvoices(tx, id, request.query, 'with drafts')
        return page(invoices.map(presentInvoice), request.query.limit)
      }),
  )

  app.get(
    '/v1/staff/businesses/:id/invoices/:invoiceId',
    {
      config,
      schema: {
        summary: 'One invoice, its lines and its payments',
        tags,
        params: path('id', 'invoiceId'),
        response: { 200: InvoicePage },
      },
    },
    (request) =>
      acrossBusinesses(request, async (tx) => {
        const { id, invoiceId } = request.params
        return presentInvoicePage(await wholeInvoice(tx, id, invoiceId, 'with drafts'), ctx)
      }),
  )

  app.get(
    '/v1/staff/businesses/:id/credits',
    {
      config,
      schema: {
        summary: 'What a business has in hand, and what became of it',
        tags,
        params: path('id'),
        querystring: PageQuery,
        response: { 200: CreditPage },
      },
    },
    (request) =>
      acrossBusinesses(request, async (tx) => {
        const { id } = await businessById(tx, request.params.id)
        const entries = await listCreditEntries(tx, id, request.query)
        return {
          balances: await creditBalances(tx, id),
          ...page(entries.map(presentCreditEntry), request.query.limit),
        }
      }),
  )
}
