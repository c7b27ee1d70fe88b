import type { FastifyRequest } from 'fastify'
import { Type, type Static } from 'typebox'
import { Csv, sendCsv } from '../http/csv.ts'
import { businessOf, type Routes } from '../http/request.ts'
import { closed, Page, page, PageQuery, path } from '../http/schemas.ts'
import { withinBusiness } from '../http/transactions.ts'
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
import { invoicePolicy, printableInvoice } from './printable.ts'
import { wholeInvoice } from './whole-invoice.ts'

const filters = { status: Type.Optional(Type.Enum(['open', 'paid', 'void', 'uncollectible'])) }
const InvoiceQuery = Type.Object({ ...PageQuery.properties, ...filters }, closed)

export const invoiceRoutes: Routes = (app, ctx) => {
  const config = { access: 'subscription:read' } as const
  const tags = ['Invoices']

  app.get(
    '/v1/businesses/:businessId/invoices',
    {
      config,
      schema: {
        summary: 'What the business was billed, newest first',
        tags,
        params: path('businessId'),
        querystring: InvoiceQuery,
        response: { 200: Page(InvoiceBody) },
      },
    },
    (request) => billed(request, request.query),
  )

  app.get(
    '/v1/businesses/:businessId/invoices.csv',
    {
      config,
      schema: {
        summary: 'The same as a file for a spreadsheet, whole; amounts are in major units',
        tags,
        params: path('businessId'),
        querystring: Type.Object(filters, closed),
        response: Csv,
      },
    },
    (request, reply) =>
      sendCsv(reply, `${businessOf(request).id}-invoices`, invoiceColumns, (query) =>
        billed(request, { ...request.query, ...query }),
      ),
  )

  app.get(
    '/v1/businesses/:businessId/invoices/:invoiceId',
    {
      config,
      schema: {
        summary: 'One invoice, its lines and its payments',
        tags,
        params: path('businessId', 'invoiceId'),
        response: { 200: InvoicePage },
      },
    },
    async (request) => {
      const { invoiceId } = request.params
      const whole = await withinBusiness(request, (tx) =>
        wholeInvoice(tx, businessOf(request).id, invoiceId, 'without drafts'),
      )
      return presentInvoicePage(whole, ctx)
    },
  )

  app.get(
    '/v1/businesses/:businessId/invoices/:invoiceId/html',
    {
      config,
      schema: {
        summary: 'One invoice as a page to print',
        tags,
        params: path('businessId', 'invoiceId'),
        response: { 200: { description: 'A page', content: { 'text/html': { schema: Type.String() } } } },
      },
    },
    async (request, reply) => {
      const { invoiceId } = request.params
      const whole = await withinBusiness(request, (tx) =>
        wholeInvoice(tx, businessOf(request).id, invoiceId, 'without drafts'),
      )
      return reply
        .type('text/html; charset=utf-8')
        .header('content-security-policy', invoicePolicy)
        .send(printableInvoice(whole, ctx))
    },
  )

  app.get(
    '/v1/businesses/:businessId/credits',
    {
      config,
      schema: {
        summary: 'What the business has in hand for its next invoices, and what became of it',
        tags,
        params: path('businessId'),
        querystring: PageQuery,
        response: { 200: CreditPage },
      },
    },
    (request) =>
      withinBusiness(request, async (tx) => {
        const { id } = businessOf(request)
        const entries = await listCreditEntries(tx, id, request.query)
        return {
          balances: await creditBalances(tx, id),
          ...page(entries.map(presentCreditEntry), request.query.limit),
        }
      }),
  )
}

async function billed(request: FastifyRequest, query: Static<typeof InvoiceQuery>) {
  const invoices = await withinBusiness(request, (tx) =>
    listInvoices(tx, businessOf(request).id, query, 'without drafts'),
  )
  return page(invoices.map(presentInvoice), query.limit)
}
