import { sql } from 'kysely'
import { audit } from '../audit/audit.ts'
import type { Actor, Context } from '../context.ts'
import type { Queryable, Tx } from '../db/open.ts'
import { invalid } from '../errors.ts'
import { emit } from '../events/emit.ts'
import { invoiceEvent } from './invoice-event.ts'
import { formatMoney } from './money.ts'

/**
 * What a business has in hand. Entries are only ever added, each with its reason; the balance is their sum and never
 * below nothing, which the database insists on.
 */

type Balance = { businessId: string; currency: string }
/** Minor units; below zero where credit is spent or taken back. */
type Move = Balance & { amount: number }
type Entry = Move & { balanceAfter: number; reason: string; invoiceId: string | null }

export async function creditBalance(db: Queryable, businessId: string, currency: string): Promise<number> {
  const row = await db
    .selectFrom('creditBalances')
    .select('balance')
    .where('businessId', '=', businessId)
    .where('currency', '=', currency)
    .executeTakeFirst()
  return row?.balance ?? 0
}

export const creditBalances = (db: Queryable, businessId: string) =>
  db
    .selectFrom('creditBalances')
    .select(['currency', 'balance'])
    .where('businessId', '=', businessId)
    .orderBy('currency')
    .execute()

export const creditEntryById = (db: Queryable, businessId: string, id: string) =>
  db
    .selectFrom('creditEntries')
    .selectAll()
    .where('businessId', '=', businessId)
    .where('id', '=', id)
    .executeTakeFirstOrThrow()

/** Newest first, one more than asked for. */
export function listCreditEntries(
  db: Queryable,
  businessId: string,
  { limit, cursor }: { limit: number; cursor?: string },
) {
  let query = db.selectFrom('creditEntries').selectAll().where('businessId', '=', businessId)
  if (cursor !== undefined) query = query.where('id', '<', cursor)
  return query
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute()
}

export type NewCredit = {
  businessId: string
  currency: string
  /** Minor units; below zero takes back what is still in hand. */
  amount: number
  reason: string
}

export type AddedCredit = {
  id: string
  /** What is in hand after it, before anything owed was settled with it. */
  balanceAfter: number
  /** Open invoices that nothing is due on any more. */
  paidInvoices: string[]
}

/**
 * Credits a business. What it owes already is settled first, the oldest invoice before the others; the rest waits for
 * the next one.
 */
export async function addCredit(
  tx: Tx,
  ctx: Context,
  actor: Actor,
  { businessId, currency, amount, reason }: NewCredit,
): Promise<AddedCredit> {
  const [balanceAfter] = await moveBalances(tx, [{ businessId, currency, amount }])
  if (balanceAfter === undefined) {
    const inHand = await creditBalance(tx, businessId, currency)
    throw invalid('body/amount', `takes back more than the ${formatMoney(inHand, currency)} that are in hand`)
  }
  const [id = ''] = await recordEntries(tx, ctx, actor, [
    { businessId, currency, amount, balanceAfter, reason, invoiceId: null },
  ])
  await audit(tx, ctx, actor, businessId, {
    action: amount < 0 ? 'credit.taken_back' : 'credit.added',
    target: { kind: 'credit', id },
    after: { amount, currency, balance: balanceAfter, reason },
  })
  const paidInvoices = amount < 0 ? [] : await settleOpenInvoices(tx, ctx, actor, { businessId, currency })
  return { id, balanceAfter, paidInvoices }
}

async function settleOpenInvoices(tx: Tx, ctx: Context, actor: Actor, { businessId, currency }: Balance) {
  const open = await tx
    .selectFrom('invoices')
    .selectAll()
    .where('businessId', '=', businessId)
    .where('currency', '=', currency)
    .where('status', '=', 'open')
    // Where something waits for an invoice, whoever waits has to hear of its payment: credit given later is not that.
    .where('change', 'is', null)
    .orderBy('dueAt')
    .orderBy('id')
    .forNoKeyUpdate()
    .execute()
  const due = open.map((invoice) => ({
    ...invoice,
    amountDue: invoice.total - invoice.creditApplied - invoice.amountPaid,
  }))
  const spent = await spendCredit(tx, due)
  const paid: string[] = []
  for (const [index, invoice] of due.entries()) {
    const { id, number, creditApplied, amountDue } = invoice
    const { amount, balanceAfter } = spent[index] ?? nothing
    if (amount === 0) continue
    const isPaid = amount === amountDue
    await tx
      .updateTable('invoices')
      .set({ creditApplied: creditApplied + amount, ...(isPaid ? { status: 'paid', paidAt: ctx.now() } : {}) })
      .where('businessId', '=', businessId)
      .where('id', '=', id)
      .execute()
    const reason = spentOn(number)
    await recordEntries(tx, ctx, actor, [
      { businessId, currency, amount: -amount, balanceAfter, reason, invoiceId: id },
    ])
    await audit(tx, ctx, actor, businessId, {
      action: isPaid ? 'invoice.paid' : 'invoice.credited',
      target: { kind: 'invoice', id, name: number ?? id },
      before: { amountDue },
      after: { amountDue: amountDue - amount, currency },
    })
    if (!isPaid) continue
    paid.push(id)
    await emit(tx, ctx, invoiceEvent('invoice.paid', { ...invoice, paidAt: ctx.now() }))
  }
  return paid
}

/** What was taken for one invoice, and what was left then. */
export type Spent = { amount: number; balanceAfter: number }
const nothing: Spent = { amount: 0, balanceAfter: 0 }

export const spentOn = (number: string | null) => `Spent on ${number ?? 'an invoice'}`

/**
 * Takes what is due from what is in hand, as far as it goes, the first before the others. The entries are the caller's
 * to record, once the invoices are there. No row is locked ahead: what somebody else has just spent is left alone.
 */
export async function spendCredit(tx: Tx, due: (Balance & { amountDue: number })[]): Promise<Spent[]> {
  const businessIds = due.map(({ businessId }) => businessId)
  const balances = await tx
    .selectFrom('creditBalances')
    .selectAll()
    .where(sql<boolean>`business_id = any(${businessIds}::text[])`)
    .where('balance', '>', 0)
    .execute()
  const left = new Map(balances.map((row) => [balanceKey(row), row.balance]))
  const moves = due.map(({ businessId, currency, amountDue }) => {
    const inHand = left.get(balanceKey({ businessId, currency })) ?? 0
    const amount = Math.min(inHand, amountDue)
    left.set(balanceKey({ businessId, currency }), inHand - amount)
    return { businessId, currency, amount: 0 - amount }
  })
  const after = await moveBalances(tx, moves)
  return moves.map(({ amount }, index) => {
    const balanceAfter = after[index]
    return balanceAfter === undefined || amount === 0 ? nothing : { amount: -amount, balanceAfter }
  })
}

/**
 * Moves balances, in one statement for all. Answers what each is after its move, as if they came one after the other;
 * undefined where there is not enough: then none of that balance's moves is made.
 */
async function moveBalances(tx: Tx, moves: Move[]): Promise<(number | undefined)[]> {
  const sums = new Map<string, Move>()
  for (const move of moves) {
    if (move.amount === 0) continue
    const amount = move.amount + (sums.get(balanceKey(move))?.amount ?? 0)
    sums.set(balanceKey(move), { ...move, amount })
  }
  const moved = [...sums].toSorted(([left], [right]) => (left < right ? -1 : 1)).map(([, sum]) => sum)
  if (moved.length === 0) return moves.map(() => undefined)
  const columns = sql`
    ${moved.map(({ businessId }) => businessId)}::text[], ${moved.map(({ currency }) => currency)}::text[],
    ${moved.map(({ amount }) => amount)}::bigint[]`
  if (moved.some(({ amount }) => amount > 0)) {
    await sql`
      insert into freehold.credit_balances (business_id, currency, balance)
      select each.business_id, each.currency, 0
      from unnest(${columns}) as each (business_id, currency, amount)
      where each.amount > 0
      on conflict do nothing`.execute(tx)
  }
  const { rows } = await sql<Balance & { balance: number }>`
    update freehold.credit_balances b
    set balance = b.balance + each.amount
    from unnest(${columns}) as each (business_id, currency, amount)
    where b.business_id = each.business_id
      and b.currency = each.currency
      and b.balance + each.amount >= 0
    returning b.business_id, b.currency, b.balance`.execute(tx)

  const running = new Map(rows.map((row) => [balanceKey(row), row.balance - (sums.get(balanceKey(row))?.amount ?? 0)]))
  return moves.map((move) => {
    const before = running.get(balanceKey(move))
    if (before === undefined) return undefined
    running.set(balanceKey(move), before + move.amount)
    return before + move.amount
  })
}

/** Why balances moved, in one statement for all. Answers the entries' ids. */
export async function recordEntries(tx: Tx, ctx: Context, actor: Actor, entries: Entry[]): Promise<string[]> {
  if (entries.length === 0) return []
  const ids = entries.map(() => ctx.newId('creditEntry'))
  const column = <Name extends keyof Entry>(name: Name) => entries.map((each) => each[name])
  await sql`
    insert into freehold.credit_entries
      (business_id, id, currency, amount, balance_after, reason, invoice_id, created_by, created_at)
    select each.*, ${actor.id}, ${ctx.now()}::timestamptz
    from unnest(
      ${column('businessId')}::text[], ${ids}::text[], ${column('currency')}::text[], ${column('amount')}::bigint[],
      ${column('balanceAfter')}::bigint[], ${column('reason')}::text[], ${column('invoiceId')}::text[]
    ) as each`.execute(tx)
  return ids
}

const balanceKey = ({ businessId, currency }: Balance) => `${businessId} ${currency}`
