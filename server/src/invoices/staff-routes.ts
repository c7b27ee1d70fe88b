import { Type } from 'typebox'
import { businessById, lockBusiness } from '../businesses/businesses.ts'
import type { Actor, Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { invalid } from '../errors.ts'
import { actorOf, type Routes } from '../http/request.ts'
import { closed, Page, page, PageQuery, path, Reason } from '../http/schemas.ts'
import { acrossBusinesses } from '../http/transactions.ts'
import { markUncollectible, releaseDraft, voidInvoice, type Closing } from './closing.ts'
import { addCredit, creditBalances, creditEntryById, listCreditEntries } from './credit.ts'
import { listInvoices, type Invoice } from './invoices.ts'
import {
  CreditEntryBody,
  CreditPage,
  InvoiceBody,
  InvoicePage,
  presentCreditEntry,
  presentInvoice,
  presentInvoicePage,
} from './presenter.ts'
import { wholeInvoice } from './whole-invoice.ts'

const mostCredit = 1_000_000_000_000

/** Staff see what a business owes, decide what becomes of it, and give credit. */
export const staffInvoiceRoutes: Routes = (app, ctx) => {
  const tags = ['Staff']
  const read = { access: 'staff:read' } as const
  const write = { access: 'staff:write' } as const

  app.get(
    '/v1/staff/businesses/:id/invoices',
    {
      config: read,
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
      config: read,
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
        return presentInvoicePage(await wholeInvoice(tx, id, invoiceId, 'with drafts'))
      }),
  )

  app.patch(
    '/v1/staff/businesses/:id/invoices/:invoiceId',
    {
      config: write,
      schema: {
        summary: 'Release a held draft, waive it, or say that an invoice is void or uncollectible',
        description:
          'open: a held draft gets its number and is to be paid. void: a draft is waived, an invoice is to be paid no more. ' +
          'uncollectible: nobody expects it to be paid',
        tags,
        params: path('id', 'invoiceId'),
        body: Type.Object({ status: Type.Enum(['open', 'void', 'uncollectible']), reason: Reason }, closed),
        response: { 200: InvoiceBody },
      },
    },
    (request) =>
      acrossBusinesses(request, async (tx) => {
        const { id: businessId, invoiceId } = request.params
        const { status, reason } = request.body
        const decide = decisions[status]
        return presentInvoice(await decide(tx, ctx, actorOf(request), { businessId, invoiceId, reason }))
      }),
  )

  app.get(
    '/v1/staff/businesses/:id/credits',
    {
      config: read,
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

  app.post(
    '/v1/staff/businesses/:id/credits',
    {
      config: write,
      schema: {
        summary: 'Credit a business with money, or take back what is still in hand',
        description: 'What the business owes is settled first; the rest is spent on its next invoices',
        tags,
        params: path('id'),
        body: Type.Object(
          {
            amount: Type.Integer({
              minimum: -mostCredit,
              maximum: mostCredit,
              description: 'Minor units; below zero takes back',
            }),
            currency: Type.String({ pattern: '^[A-Z]{3}$' }),
            reason: Reason,
          },
          closed,
        ),
        response: { 201: CreditEntryBody },
      },
    },
    (request) =>
      acrossBusinesses(request, async (tx) => {
        if (request.body.amount === 0) throw invalid('body/amount', 'must not be 0')
        const { id: businessId } = await lockBusiness(tx, request.params.id)
        const { id } = await addCredit(tx, ctx, actorOf(request), { businessId, ...request.body })
        return presentCreditEntry(await creditEntryById(tx, businessId, id))
      }),
  )
}

type Decision = (tx: Tx, ctx: Context, actor: Actor, closing: Closing) => Promise<Invoice>

const decisions: Record<'open' | 'void' | 'uncollectible', Decision> = {
  open: releaseDraft,
  void: voidInvoice,
  uncollectible: markUncollectible,
}
