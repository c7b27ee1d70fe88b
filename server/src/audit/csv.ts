import type { Selectable } from 'kysely'
import type { AuditEntriesTable } from '../db/tables.ts'

type Row = Selectable<AuditEntriesTable>

const atOnce = 500
const head = [
  'at',
  'actorKind',
  'actorId',
  'actorName',
  'actorEmail',
  'onBehalfOf',
  'action',
  'targetKind',
  'targetId',
  'targetName',
  'before',
  'after',
]

/**
 * An audit log as lines of a spreadsheet. A few hundred entries are in memory at a time, however many there are, and no
 * transaction stays open while a slow reader takes them.
 */
export async function* auditLines(read: (cursor: string | undefined, limit: number) => Promise<Row[]>) {
  yield csvLine(head)
  let cursor: string | undefined
  do {
    const rows = await read(cursor, atOnce)
    yield rows.map((row) => csvLine(cellsOf(row))).join('')
    cursor = rows.length < atOnce ? undefined : rows.at(-1)?.id
  } while (cursor !== undefined)
}

function cellsOf({ at, actorKind, actorId, actorName, actorEmail, onBehalfOf, action, target, before, after }: Row) {
  const { kind, id, name }: Record<string, unknown> = target ?? {}
  const actor = [actorKind, actorId, actorName, actorEmail]
  return [at.toISOString(), ...actor, json(onBehalfOf), action, kind, id, name, json(before), json(after)]
}

const json = (value: unknown) => (value === null ? '' : JSON.stringify(value))

export const csvLine = (cells: unknown[]) => `${cells.map((cell) => csvCell(String(cell ?? ''))).join(',')}\r\n`

/** What begins like a formula is made text: a name must not compute anything in somebody's spreadsheet. */
function csvCell(value: string): string {
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
