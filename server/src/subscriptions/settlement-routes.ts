import { Type } from 'typebox'
import { lockBusiness } from '../businesses/businesses.ts'
import type { Actor, Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import { invalid } from '../errors.ts'
import { actorOf, type Routes } from '../http/request.ts'
import { closed, mostMoney, path, Reason } from '../http/schemas.ts'
import { acrossBusinesses } from '../http/transactions.ts'
import { markUncollectible, releaseDraft, type Closing } from '../invoices/closing.ts'
import { addCredit, creditEntryById } from '../invoices/credit.ts'
import { invoiceById, type Invoice } from '../invoices/invoices.ts'
import { CreditEntryBody, InvoiceBody, presentCreditEntry, presentInvoice } from '../invoices/presenter.ts'
import { followInvoices, voidBilled } from './settlement.ts'
import { lockSubscription } from './subscriptions.ts'

/** Staff decide what becomes of an invoice, and give credit: the subscription follows in the same transaction. */
export const settlementRoutes: Routes = (app, ctx) => {
  const tags = ['Staff']
  const config = { access: 'staff:write' } as const

  app.patch(
    '/v1/staff/businesses/:id/invoices/:invoiceId',
    {
      config,
      schema: {
        summary: 'Release a held draft, waive it, or say that an invoice is void or uncollectible',
        description:
          'open: a held draft gets its number and is to be paid. void: a draft is waived, an invoice is to be paid no more. ' +
          'uncollectible: nobody expects it to be paid. What waits for an invoice that will not be paid is off, and it is void',
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
        const actor = actorOf(request)
        await lockBusiness(tx, businessId)
        const before = await lockSubscription(tx, ctx, businessId)
        const closing = { businessId, invoiceId, reason }
        let subscription = before
        if (status === 'void') subscription = await voidBilled(tx, ctx, actor, before, closing)
        else await decisions[status](tx, ctx, actor, closing)
        await followInvoices(tx, ctx, actor, subscription)
        return presentInvoice(await invoiceById(tx, businessId, invoiceId))
      }),
  )

  app.post(
    '/v1/staff/businesses/:id/credits',
    {
      config,
      schema: {
        summary: 'Credit a business with money, or take back what is still in hand',
        description: 'What the business owes is settled first; the rest is spent on its next invoices',
        tags,
        params: path('id'),
        body: Type.Object(
          {
            amount: Type.Integer({
              minimum: -mostMoney,
              maximum: mostMoney,
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
        const actor = actorOf(request)
        const subscription = await lockSubscription(tx, ctx, businessId)
        const { id } = await addCredit(tx, ctx, actor, { businessId, ...request.body })
        await followInvoices(tx, ctx, actor, subscription)
        return presentCreditEntry(await creditEntryById(tx, businessId, id))
      }),
  )
}

type Decision = (tx: Tx, ctx: Context, actor: Actor, closing: Closing) => Promise<Invoice>

const decisions: Record<'open' | 'uncollectible', Decision> = {
  open: releaseDraft,
  uncollectible: markUncollectible,
}
