import type { Selectable } from 'kysely'
import type { Actor, Context } from '../context.ts'
import type { Tx } from '../db/open.ts'
import type { InvoicesTable } from '../db/tables.ts'
import { recordEntries, spendCredit, spentOn } from './credit.ts'
import { providerOf } from './provider.ts'
import { takeNumbers } from './series.ts'

/** How long people may take to pay the invoice of a cycle. */
export const paymentTermDays = 7

type Draft = { businessId: string; currency: string; total: number; cause: string; dueAt?: Date | undefined }

type Row = Selectable<InvoicesTable>
/** What an invoice gets when it becomes final. */
export type Finalised = Pick<
  Row,
  'status' | 'number' | 'billedBy' | 'billedTo' | 'creditApplied' | 'openedAt' | 'dueAt' | 'paidAt'
> & {
  /** What was left in hand when credit was spent on it. */
  balanceAfter: number
}

/**
 * Gives invoices their numbers and the names they are made out in, and spends what is in hand on them; what nothing
 * remains of is paid at once. The rows are the caller's to write, in this transaction.
 */
export async function finalise(tx: Tx, ctx: Context, drafts: Draft[]): Promise<Finalised[]> {
  if (drafts.length === 0) return []
  const names = await businessNames(tx, drafts)
  const spent = await spendCredit(
    tx,
    drafts.map(({ total, ...draft }) => ({ ...draft, amountDue: total })),
  )
  const numbers = await takeNumbers(tx, drafts.length)
  const openedAt = ctx.now()
  return drafts.map(({ businessId, total, cause, dueAt }, index) => {
    const { amount = 0, balanceAfter = 0 } = spent[index] ?? {}
    const isPaid = amount === total
    return {
      status: isPaid ? 'paid' : 'open',
      number: numbers[index] ?? null,
      billedBy: ctx.product.name,
      billedTo: names.get(businessId) ?? '',
      creditApplied: amount,
      openedAt,
      dueAt: dueAt ?? dueAfter(ctx, openedAt, cause),
      paidAt: isPaid ? openedAt : null,
      balanceAfter,
    }
  })
}

/** The entries of what was spent, once the invoices are there to be named. */
export async function recordSpending(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  invoices: (Pick<Row, 'businessId' | 'id' | 'currency' | 'number' | 'creditApplied'> & { balanceAfter: number })[],
): Promise<void> {
  const spending = invoices.filter(({ creditApplied }) => creditApplied > 0)
  await recordEntries(
    tx,
    ctx,
    actor,
    spending.map(({ id, number, creditApplied, ...each }) => ({
      ...each,
      amount: -creditApplied,
      reason: spentOn(number),
      invoiceId: id,
    })),
  )
}

async function businessNames(tx: Tx, drafts: Draft[]): Promise<Map<string, string>> {
  const ids = [...new Set(drafts.map(({ businessId }) => businessId))]
  const rows = await tx.selectFrom('businesses').select(['id', 'name']).where('id', 'in', ids).execute()
  return new Map(rows.map(({ id, name }) => [id, name]))
}

/** A cycle goes on while people pay it; what waits for its payment, or is charged without them, is due at once. */
const dueAfter = (ctx: Context, openedAt: Date, cause: string) =>
  cause === 'cycle' && !providerOf(ctx).charging
    ? new Date(openedAt.getTime() + paymentTermDays * 86_400_000)
    : openedAt
