import { text } from '../../text/audit.ts'
import { text as invoices } from '../../text/invoices.ts'
import { text as shared } from '../../text/shared.ts'
import { targetText } from '../../ui/actor.ts'
import { valueText } from '../../ui/value-text.ts'
import { label, money, words } from '../../ui/words.ts'
import type { AuditEntry } from './data.ts'

/** What an entry says was changed, a line for each: what it is now, and what it was before where that is known. */
export function changesOf({ at, target, before, after }: AuditEntry): string[] {
  const names = new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])
  const currency = after?.['currency'] ?? before?.['currency']
  const shown = (name: string, value: unknown) => {
    if (sums.has(name) && typeof value === 'number' && typeof currency === 'string') return money(value, currency)
    if (name === 'limit' && value === null) return shared.unlimited
    if (name === 'status' && typeof value === 'string') return statusText(value, target?.['kind'])
    return terms.has(name) ? termsText(value) : valueText(value)
  }
  return [...names].flatMap((name) => {
    const said = (value: unknown) => (isInternal(name, value, at) ? undefined : value)
    const [was, is] = [said(before?.[name]), said(after?.[name])]
    if (JSON.stringify(was) === JSON.stringify(is)) return []
    // It stands beside it already, as what it was done to.
    if ((was === undefined || is === undefined) && (was ?? is) === target?.['name']) return []
    const label = text.name(name)
    // What is yes was no.
    const isNew = was === undefined || was === null || typeof was === 'boolean'
    if (isNew && is !== undefined) return is === null && name !== 'limit' ? [] : [text.set(label, shown(name, is))]
    if (was === undefined || was === null) return []
    // Of what is gone there is nothing that it became.
    return [
      is === undefined ? text.was(label, shown(name, was)) : text.changedFrom(label, shown(name, was), shown(name, is)),
    ]
  })
}

/** What it was done to. What has no name of its own, such as the subscription, is said by what it is. */
export function targetOf(target: AuditEntry['target']): string {
  const { kind, id, name } = target ?? {}
  const isNameless = typeof kind === 'string' && typeof name !== 'string' && isId(id)
  return isNameless ? label(kind) : targetText(target)
}

/** In minor units, of the currency that the entry names. */
const sums = new Set(['amount', 'amountDue', 'amountPaid', 'total', 'creditApplied', 'balance'])

/** A plan and how often it is paid. */
const terms = new Set(['pendingChange', 'awaitingPayment'])

/** The currency stands with the sums; the others are the software's own, how it came to what it did. */
const internalNames = new Set(['currency', 'cause', 'priority'])
/** What is so unless something else is said. */
const usual: Record<string, unknown> = {
  status: 'open',
  price: 'default',
  provider: 'manual',
  charge: 'paid',
  creditApplied: 0,
}

const isId = (value: unknown) => typeof value === 'string' && /^[a-z]{3}_[0-9a-z]{26}$/.test(value)

/** What tells nothing to people: the names that programs have for things, and what an entry says anyway. */
function isInternal(name: string, value: unknown, at: string): boolean {
  if (internalNames.has(name) || isId(value) || value === usual[name]) return true
  return name === 'effectiveAt' && valueText(value) === valueText(at)
}

function statusText(status: string, kind: unknown): string {
  const ofInvoice = kind === 'invoice' ? (invoices.statuses as Record<string, string>)[status] : undefined
  return (ofInvoice ?? words(status)).toLowerCase()
}

function termsText(value: unknown): string {
  const { plan, price } = (value ?? {}) as Record<string, unknown>
  if (typeof plan !== 'string') return valueText(value)
  return typeof price === 'string' && price !== usual['price'] ? `${plan} (${words(price)})` : plan
}
