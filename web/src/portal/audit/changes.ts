import { text } from '../../text/audit.ts'
import { valueText } from '../../ui/value-text.ts'
import { money } from '../../ui/words.ts'
import type { AuditEntry } from './data.ts'

/** What an entry says was changed, a line for each: what it is now, and what it was before where that is known. */
export function changesOf({ before, after }: Pick<AuditEntry, 'before' | 'after'>): string[] {
  const names = new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])
  const currency = after?.['currency'] ?? before?.['currency']
  return [...names].flatMap((name) => {
    // It stands with the sums.
    if (name === 'currency') return []
    const shown = (value: unknown) =>
      sums.has(name) && typeof value === 'number' && typeof currency === 'string'
        ? money(value, currency)
        : valueText(value)
    const [was, is] = [before?.[name], after?.[name]]
    if (JSON.stringify(was) === JSON.stringify(is)) return []
    const label = text.name(name)
    if (was === undefined || was === null) return is === undefined || is === null ? [] : [text.set(label, shown(is))]
    // Of what is gone there is nothing that it became.
    return [is === undefined ? text.was(label, shown(was)) : text.changedFrom(label, shown(was), shown(is))]
  })
}

/** In minor units, of the currency that the entry names. */
const sums = new Set(['amount', 'amountDue', 'amountPaid', 'total', 'creditApplied', 'balance'])
