import type { InvoiceLine, NewInvoice } from '../src/invoices/invoices.ts'
import type { Tx } from '../src/db/open.ts'
import { acrossBusinesses } from '../src/db/transactions.ts'
import type { TestFreehold } from './harness.ts'

/** Somebody to bill. */
export type Payer = { businessId: string; subscriptionId: string; name: string; token: string }

export async function payer(freehold: TestFreehold, name?: string): Promise<Payer> {
  const { business, subscription, token } = await freehold.signUp(name === undefined ? {} : { business: { name } })
  return { businessId: business.id, subscriptionId: subscription.id, name: business.name, token }
}

export const across = <T>(freehold: TestFreehold, work: (tx: Tx) => Promise<T>): Promise<T> =>
  acrossBusinesses(freehold.ctx.db, work)

export const line = (amount: number, more: Partial<InvoiceLine> = {}): InvoiceLine => ({
  kind: 'cycle',
  description: 'Growth, monthly',
  amount,
  periodStart: new Date('2026-04-01T00:00:00Z'),
  periodEnd: new Date('2026-05-01T00:00:00Z'),
  plan: 'growth',
  price: 'monthly',
  ...more,
})

/** An invoice for $49.00 for a change, of which there may be many, unless something else is said. */
export const billFor = ({ businessId, subscriptionId }: Payer, more: Partial<NewInvoice> = {}): NewInvoice => ({
  businessId,
  subscriptionId,
  currency: 'USD',
  lines: [line(4900)],
  cause: 'change',
  cycleNumber: 1,
  ...more,
})

/** What has to be true of all invoices at any time, whatever was done. Answers what is not. */
export async function whatDoesNotAddUp({ sql }: TestFreehold): Promise<string[]> {
  const wrong = await sql<{ problem: string }>(`
    select 'the total of ' || i.id || ' is not the sum of its lines' as problem
    from freehold.invoices i
    where total <> (select sum(amount) from freehold.invoice_lines l where l.invoice_id = i.id)
    union all
    select 'more was paid on ' || i.id || ' than its total'
    from freehold.invoices i
    where (select coalesce(sum(amount), 0) from freehold.payments p where p.invoice_id = i.id) > total
    union all
    select 'the payments of ' || i.id || ' are not what it says'
    from freehold.invoices i
    where (select coalesce(sum(amount), 0) from freehold.payments p where p.invoice_id = i.id) <> amount_paid
    union all
    select 'the credit of ' || i.id || ' is not what was spent on it'
    from freehold.invoices i
    where status <> 'void'
      and (select coalesce(sum(-amount), 0) from freehold.credit_entries e where e.invoice_id = i.id) <> credit_applied
    union all
    select 'the balance of ' || b.business_id || ' is not the sum of its entries'
    from freehold.credit_balances b
    where balance <> (select coalesce(sum(amount), 0) from freehold.credit_entries e
                      where e.business_id = b.business_id and e.currency = b.currency)
    union all
    select 'numbers are not 1 to ' || count(number)
    from freehold.invoices
    where number is not null
    having count(*) > 0
      and (min(substring(number from 5)::int) <> 1 or max(substring(number from 5)::int) <> count(*)
        or count(distinct number) <> count(*))`)
  return wrong.map(({ problem }) => problem)
}
