import { sql, type Selectable } from 'kysely'
import { auditEach, type AuditChange } from '../audit/audit.ts'
import { systemActor, type Context } from '../context.ts'
import type { Queryable, Tx } from '../db/open.ts'
import type { InvoiceLinesTable, InvoicesTable } from '../db/tables.ts'
import { FreeholdError } from '../errors.ts'
import { emitAll, type NewEvent } from '../events/emit.ts'
import { requestCharges } from './charges.ts'
import { addCredit } from './credit.ts'
import { finalise, recordSpending } from './finalising.ts'
import { invoiceEvent } from './invoice-event.ts'

/**
 * What a business owes. An invoice is final once it has its number: its lines and its total stay, and only what has
 * become of it changes. A draft that is held has none yet, and waits for staff to release or waive it.
 */

export type InvoiceStatus = 'draft' | 'open' | 'paid' | 'void' | 'uncollectible'
/** What it is for: a cycle, a change within one, a subscription's start, or its resumption. */
export type InvoiceCause = 'cycle' | 'change' | 'start' | 'resume'
export type InvoiceLineKind = 'cycle' | 'proration_credit' | 'proration_charge' | 'overage'

export type InvoiceLine = {
  kind: InvoiceLineKind
  description: string
  /** Minor units; below zero for a credit. */
  amount: number
  periodStart: Date
  periodEnd: Date
  /** The plan's key and the name of its price. */
  plan: string
  price: string
  /** The feature, where a line is about one. */
  feature?: string
}

export type NewInvoice = {
  businessId: string
  subscriptionId: string
  currency: string
  lines: InvoiceLine[]
  cause: InvoiceCause
  cycleNumber: number
  /** Kept as a draft until staff release or waive it. */
  held?: boolean
  /** When it has to be paid: a cycle within the payment term, everything else at once. */
  dueAt?: Date
  /** What happens to the subscription when it is paid; whoever opens it knows how to read this. */
  change?: Record<string, unknown>
}

type Row = Selectable<InvoicesTable>

export type Invoice = Omit<Row, 'status' | 'cause'> & {
  status: InvoiceStatus
  cause: InvoiceCause
  /** What is left to pay. */
  amountDue: number
}

/**
 * Opens an invoice in the transaction that makes it due, final and with its number unless it is held. What is in hand
 * is spent on it, and it is paid at once when nothing remains. No invoice comes of nothing: lines of zero are dropped, a
 * sum below zero goes to the credit balance, and a cycle has only one. The caller holds the subscription's lock.
 */
export async function openInvoice(tx: Tx, ctx: Context, invoice: NewInvoice): Promise<Invoice | undefined> {
  const [opened] = await openInvoices(tx, ctx, [invoice])
  return opened
}

/** The same for many at once, with one statement for each table. The answers are in the order of what was asked. */
export async function openInvoices(tx: Tx, ctx: Context, wanted: NewInvoice[]): Promise<(Invoice | undefined)[]> {
  const sums = wanted.map(summed)
  await creditWhatIsNegative(tx, ctx, sums)
  const fresh = await notBilledYet(
    tx,
    sums.filter(({ total }) => total > 0),
  )
  if (fresh.length === 0) return wanted.map(() => undefined)

  const rows = await rowsOf(tx, ctx, fresh)
  await insertInvoices(tx, rows)
  await insertLines(tx, fresh, rows)
  await recordSpending(tx, ctx, billing, rows)
  await auditEach(tx, ctx, billing, rows.map(openingEntry))
  const invoices = rows.map(fromRow)
  // What is owed outright is charged for when it is due, by whoever follows up what is due.
  await requestCharges(
    tx,
    ctx,
    invoices.filter(({ status, change }) => status === 'open' && change !== null),
  )
  await emitAll(tx, ctx, invoices.flatMap(openingEvents))
  const opened = new Map(fresh.map((each, index) => [each, invoices[index]]))
  return sums.map((each) => opened.get(each))
}

const billing = systemActor('billing')

type Summed = NewInvoice & { total: number }

function summed(invoice: NewInvoice): Summed {
  const lines = invoice.lines.filter(({ amount }) => amount !== 0)
  const total = Number(lines.reduce((sum, { amount }) => sum + BigInt(amount), 0n))
  if (!Number.isSafeInteger(total)) throw new RangeError(`An invoice's total of ${total} cannot be counted exactly`)
  return { ...invoice, lines, total }
}

async function creditWhatIsNegative(tx: Tx, ctx: Context, sums: Summed[]): Promise<void> {
  for (const { businessId, currency, total, lines } of sums) {
    if (total >= 0) continue
    const reason = lines.map(({ description }) => description).join('; ')
    await addCredit(tx, ctx, billing, { businessId, currency, amount: -total, reason })
  }
}

/** Without the cycles that have their invoice: whoever lost a race for one holds nothing to bill. */
async function notBilledYet(tx: Tx, sums: Summed[]): Promise<Summed[]> {
  const cycles = sums.filter(({ cause }) => cause === 'cycle')
  if (cycles.length === 0) return sums
  const { rows } = await sql<{ businessId: string; subscriptionId: string; cycleNumber: number }>`
    select i.business_id, i.subscription_id, i.cycle_number
    from unnest(
      ${cycles.map(({ businessId }) => businessId)}::text[],
      ${cycles.map(({ subscriptionId }) => subscriptionId)}::text[],
      ${cycles.map(({ cycleNumber }) => cycleNumber)}::int[]
    ) as each (business_id, subscription_id, cycle_number)
    join freehold.invoices i
      on i.business_id = each.business_id
      and i.subscription_id = each.subscription_id
      and i.cycle_number = each.cycle_number
      and i.cause = 'cycle'`.execute(tx)
  const billed = new Set(rows.map(cycleKey))
  return sums.filter((each) => {
    if (each.cause !== 'cycle') return true
    const isFresh = !billed.has(cycleKey(each))
    billed.add(cycleKey(each))
    return isFresh
  })
}

const cycleKey = ({ subscriptionId, cycleNumber }: { subscriptionId: string; cycleNumber: number }) =>
  `${subscriptionId} ${cycleNumber}`

type NewRow = Row & { balanceAfter: number }

async function rowsOf(tx: Tx, ctx: Context, fresh: Summed[]): Promise<NewRow[]> {
  const finals = fresh.filter(({ held }) => held !== true)
  const finalised = await finalise(tx, ctx, finals)
  const finalOf = new Map(finals.map((each, index) => [each, finalised[index]]))
  return fresh.map((each) => ({
    businessId: each.businessId,
    id: ctx.newId('invoice'),
    subscriptionId: each.subscriptionId,
    cause: each.cause,
    cycleNumber: each.cycleNumber,
    status: 'draft',
    held: each.held === true,
    number: null,
    billedBy: null,
    billedTo: null,
    currency: each.currency,
    total: each.total,
    creditApplied: 0,
    amountPaid: 0,
    change: each.change ?? null,
    statusReason: null,
    dueAt: null,
    openedAt: null,
    paidAt: null,
    closedAt: null,
    overdueSince: null,
    remindedDay: null,
    createdAt: ctx.now(),
    balanceAfter: 0,
    ...finalOf.get(each),
  }))
}

async function insertInvoices(tx: Tx, rows: NewRow[]): Promise<void> {
  const column = <Name extends keyof Row>(name: Name) => rows.map((each) => each[name])
  await sql`
    insert into freehold.invoices
      (business_id, id, subscription_id, cause, cycle_number, status, held, number, billed_by, billed_to, currency, total,
       credit_applied, change, due_at, opened_at, paid_at, created_at)
    select * from unnest(
      ${column('businessId')}::text[], ${column('id')}::text[], ${column('subscriptionId')}::text[],
      ${column('cause')}::text[], ${column('cycleNumber')}::int[], ${column('status')}::text[],
      ${column('held')}::boolean[], ${column('number')}::text[], ${column('billedBy')}::text[],
      ${column('billedTo')}::text[], ${column('currency')}::text[], ${column('total')}::bigint[],
      ${column('creditApplied')}::bigint[],
      ${rows.map(({ change }) => (change === null ? null : JSON.stringify(change)))}::jsonb[],
      ${column('dueAt')}::timestamptz[], ${column('openedAt')}::timestamptz[], ${column('paidAt')}::timestamptz[],
      ${column('createdAt')}::timestamptz[]
    )`.execute(tx)
}

async function insertLines(tx: Tx, invoices: Summed[], rows: NewRow[]): Promise<void> {
  const lines = invoices.flatMap((invoice, index) =>
    invoice.lines.map((line, position) => ({
      ...line,
      businessId: invoice.businessId,
      invoiceId: rows[index]?.id ?? '',
      position: position + 1,
    })),
  )
  const column = <Name extends keyof (typeof lines)[number]>(name: Name) => lines.map((each) => each[name])
  await sql`
    insert into freehold.invoice_lines
      (business_id, invoice_id, position, kind, description, amount, period_start, period_end, plan, price, feature)
    select * from unnest(
      ${column('businessId')}::text[], ${column('invoiceId')}::text[], ${column('position')}::int[],
      ${column('kind')}::text[], ${column('description')}::text[], ${column('amount')}::bigint[],
      ${column('periodStart')}::timestamptz[], ${column('periodEnd')}::timestamptz[], ${column('plan')}::text[],
      ${column('price')}::text[], ${lines.map(({ feature }) => feature ?? null)}::text[]
    )`.execute(tx)
}

function openingEntry({ businessId, id, number, cause, currency, total, creditApplied, status, dueAt }: NewRow) {
  const change: AuditChange = {
    action: status === 'draft' ? 'invoice.held' : 'invoice.opened',
    target: { kind: 'invoice', id, name: number ?? id },
    after: { status, cause, currency, total, creditApplied, dueAt },
  }
  return { ...change, businessId }
}

function openingEvents(invoice: Invoice): NewEvent[] {
  if (invoice.status === 'draft') return []
  const opened = invoiceEvent('invoice.opened', invoice)
  return invoice.status === 'paid' ? [opened, invoiceEvent('invoice.paid', invoice)] : [opened]
}

/** An invoice as it is now; whoever changes what becomes of it locks it first. */
export async function invoiceById(
  db: Queryable,
  businessId: string,
  invoiceId: string,
  lock: 'lock' | 'read' = 'read',
): Promise<Invoice> {
  let query = db.selectFrom('invoices').selectAll().where('businessId', '=', businessId).where('id', '=', invoiceId)
  if (lock === 'lock') query = query.forNoKeyUpdate()
  const row = await query.executeTakeFirst()
  if (!row) throw new FreeholdError('not_found', 'There is no such invoice')
  return fromRow(row)
}

export type StoredLine = Omit<Selectable<InvoiceLinesTable>, 'kind'> & { kind: InvoiceLineKind }

/** In the order in which they were written. */
export async function linesOf(db: Queryable, businessId: string, invoiceId: string): Promise<StoredLine[]> {
  const rows = await db
    .selectFrom('invoiceLines')
    .selectAll()
    .where('businessId', '=', businessId)
    .where('invoiceId', '=', invoiceId)
    .orderBy('position')
    .execute()
  return rows.map((row) => ({ ...row, kind: row.kind as InvoiceLineKind }))
}

/** Staff see drafts; to the business one that has no number never was an invoice. */
export type Drafts = 'with drafts' | 'without drafts'

export type InvoiceQuery = { limit: number; cursor?: string; status?: InvoiceStatus }

/** Newest first, one more than asked for. */
export async function listInvoices(
  db: Queryable,
  businessId: string,
  { limit, cursor, status }: InvoiceQuery,
  drafts: Drafts,
): Promise<Invoice[]> {
  let query = db.selectFrom('invoices').selectAll().where('businessId', '=', businessId)
  if (cursor !== undefined) query = query.where('id', '<', cursor)
  if (status !== undefined) query = query.where('status', '=', status)
  if (drafts === 'without drafts') query = query.where('number', 'is not', null)
  const rows = await query
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute()
  return rows.map(fromRow)
}

/** Invoices that should have been paid by now, oldest first; not those that something waits for until they are. */
export async function overdueInvoices(db: Queryable, businessId: string, now: Date): Promise<Invoice[]> {
  const rows = await db
    .selectFrom('invoices')
    .selectAll()
    .where('businessId', '=', businessId)
    .where('status', '=', 'open')
    .where('change', 'is', null)
    .where('dueAt', '<=', now)
    .orderBy('dueAt')
    .orderBy('id')
    .execute()
  return rows.map(fromRow)
}

export function fromRow(row: Row & { balanceAfter?: number }): Invoice {
  const { balanceAfter: _, ...columns } = row
  return {
    ...columns,
    status: row.status as InvoiceStatus,
    cause: row.cause as InvoiceCause,
    amountDue: ['open', 'uncollectible'].includes(row.status) ? row.total - row.creditApplied - row.amountPaid : 0,
  }
}
