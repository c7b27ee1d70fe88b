import { text as shared } from '../../text/shared.ts'
import { text } from '../../text/audit.ts'
import { utcMoment, words } from '../../ui/words.ts'
import type { AuditEntry } from './data.ts'

/** What an entry says was changed, a line for each: what it is now, and what it was before where that is known. */
export function changesOf({ before, after }: Pick<AuditEntry, 'before' | 'after'>): string[] {
  const names = new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])
  return [...names].flatMap((name) => {
    const [was, is] = [before?.[name], after?.[name]]
    if (JSON.stringify(was) === JSON.stringify(is)) return []
    const label = text.name(name)
    if (was === undefined || was === null) return is === undefined || is === null ? [] : [text.set(label, shown(is))]
    return [text.changedFrom(label, shown(was), is === undefined ? shared.none : shown(is))]
  })
}

const isMoment = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/

function shown(value: unknown): string {
  if (value === null || value === '') return shared.none
  if (typeof value === 'boolean') return value ? text.yes : text.no
  if (Array.isArray(value)) return value.map(shown).join(', ')
  if (typeof value === 'string' && isMoment.test(value)) return utcMoment(new Date(value))
  if (typeof value !== 'object') return String(value)
  return Object.entries(value)
    .map(([name, each]) => `${words(name)} ${shown(each)}`)
    .join(', ')
}

export function targetOf({ target }: Pick<AuditEntry, 'target'>): string {
  const { kind, id, name } = (target ?? {}) as Partial<Record<string, unknown>>
  const called = typeof name === 'string' && name !== '' ? name : id
  if (typeof called !== 'string') return shared.none
  return typeof kind === 'string' ? `${text.name(kind)} ${called}` : called
}

/** Who did it, in words: a person by name, software by what it is. */
export const actorOf = ({ actor: { kind, name, email, id } }: Pick<AuditEntry, 'actor'>): string =>
  name ?? email ?? id ?? text.name(kind)
