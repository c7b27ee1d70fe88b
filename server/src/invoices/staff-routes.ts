import type { FastifyRequest } from 'fastify'
import { Type, type Static } from 'typebox'
import { businessById } from '../businesses/businesses.ts'
import { Csv, sendCsv } from '../http/csv.ts'
import type { Routes } from '../http/request.ts'
import { closed, Page, page, PageQuery, path } from '../http/schemas.ts'
import { acrossBusinesses } from '../http/transactions.ts'
import { creditBalances, listCreditEntries } from './credit.ts'
import { listInvoices } from './invoices.ts'
import {
  CreditPage,
  InvoiceBody,
  invoiceColumns,
  InvoicePage,
  presentCreditEntry,
  presentInvoice,
  presentInvoicePage,
} from './presenter.ts'
import { wholeInvoice } from './whole-invoice.ts'

const filters = { status: Type.Optional(Type.Enum(['draft', 'open', 'paid', 'void', 'uncollectible'])) }
const InvoiceQuery = Type.Object({ ...PageQuery.properties, ...filters }, closed)

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
        querystring: InvoiceQuery,
        response: { 200: Page(InvoiceBody) },
      },
    },
    (request) => billed(request, request.params.id, request.query),
  )

  app.get(
    '/v1/staff/businesses/:id/invoices.csv',
    {
      config,
      schema: {
        summary: 'The same as a file for a spreadsheet, whole; amounts are in major units',
        tags,
        params: path('id'),
        querystring: Type.Object(filters, closed),
        response: Csv,
      },
    },
    (request, reply) => {
      const { id } = request.params
      return sendCsv(reply, 'invoices', invoiceColumns, (query) => billed(request, id, { ...request.query, ...query }))
    },
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

const billed = (request: FastifyRequest, businessId: string, query: Static<typeof InvoiceQuery>) =>
  acrossBusinesses(request, async (tx) => {
    const { id } = await businessById(tx, businessId)
    const invoices = await listInvoices(tx, id, query, 'with drafts')
    return page(invoices.map(presentInvoice), query.limit)
  })
