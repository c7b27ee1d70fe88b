import { Type } from 'typebox'
import { lockBusiness } from '../businesses/businesses.ts'
import { Instant, instant } from '../http/instants.ts'
import { actorOf, type Routes } from '../http/request.ts'
import { closed, mostMoney, path } from '../http/schemas.ts'
import { acrossBusinesses } from '../http/transactions.ts'
import { recordPayment } from '../invoices/payments.ts'
import { InvoiceBody, presentInvoice } from '../invoices/presenter.ts'
import { invoicePaid } from './payments.ts'
import { lockSubscription } from './subscriptions.ts'

/** Money comes in: the invoice takes it, and the subscription takes effect of it, in one transaction. */
export const paymentRoutes: Routes = (app, ctx) => {
  app.post(
    '/v1/staff/businesses/:id/invoices/:invoiceId/payments',
    {
      config: { access: 'staff:write' },
      schema: {
        summary: 'Record money received for an invoice',
        description: 'A reference counts once. What waited for the payment takes effect when nothing is left to pay.',
        tags: ['Staff'],
        params: path('id', 'invoiceId'),
        body: Type.Object(
          {
            amount: Type.Integer({
              minimum: 1,
              maximum: mostMoney,
              description: 'Minor units; a part is fine',
            }),
            reference: Type.String({
              minLength: 1,
              maxLength: 200,
              pattern: '^[^\\u0000-\\u001f\\u007f]*[^\\s\\u0000-\\u001f\\u007f][^\\u0000-\\u001f\\u007f]*$',
              description: 'The name the bank or provider gives it; unique',
            }),
            receivedAt: Type.Optional(Instant),
          },
          closed,
        ),
        response: { 201: InvoiceBody },
      },
    },
    (request) =>
      acrossBusinesses(request, async (tx) => {
        const { id: businessId, invoiceId } = request.params
        const { amount, reference } = request.body
        const receivedAt = instant('body/receivedAt', request.body.receivedAt) ?? ctx.now()
        const actor = actorOf(request)
        await lockBusiness(tx, businessId)
        await lockSubscription(tx, ctx, businessId)
        const payment = { businessId, invoiceId, amount, reference, receivedAt }
        const { invoice, isPaid } = await recordPayment(tx, ctx, actor, payment)
        if (isPaid) await invoicePaid(tx, ctx, actor, invoice)
        return presentInvoice(invoice)
      }),
  )
}
