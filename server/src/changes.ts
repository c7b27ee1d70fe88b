import { sql } from 'kysely'
import { arrayText } from './db/arrays.ts'
import type { Tx } from './db/open.ts'

/**
 * What every process may remember and must now forget: ids of businesses or keys. Sent with the transaction that
 * changes them. Nothing is decided by what is remembered alone: the consuming statement checks again.
 */
export const changesChannel = 'freehold_changes'

/** As many as a notification holds, of 8,000 bytes: a sweep names thousands. */
const idsTogether = 200

/** The ids in a notification. */
export const changedIds = (payload: string): string[] => payload.split(' ')

export const announceChange = (tx: Tx, id: string): Promise<void> => announceChanges(tx, [id])

export async function announceChanges(tx: Tx, ids: string[]): Promise<void> {
  announced.set(tx, [...announcedIn(tx), ...ids])
  const payloads: string[] = []
  for (let from = 0; from < ids.length; from += idsTogether) {
    payloads.push(ids.slice(from, from + idsTogether).join(' '))
  }
  await sql`select pg_notify(${changesChannel}, each) from unnest(${arrayText(payloads)}::text[]) as each`.execute(tx)
}

const announced = new WeakMap<Tx, string[]>()

/** So that this process forgets it as soon as that is committed: who has changed something reads what it is now. */
export const announcedIn = (tx: Tx): string[] => announced.get(tx) ?? []

/** The receiving side: who remembers something subscribes. */
export type Changes = {
  /** Whether announcements have been arriving within the last second; if not, nothing remembered may be used. */
  heard: () => boolean
  subscribe: (listener: ChangeListener) => unknown
}

/** `changed` names what to forget; `missed` means that announcements may have been lost: forget everything. */
export type ChangeListener = { changed: (id: string) => void; missed: () => void }

/**
 * A memory that is right to use while announcements arrive: of what `load` finds, by key. An announcement about the
 * value's id makes it forget; one that arrives while something loads keeps that from being remembered. When it is full,
 * the oldest entries make room.
 */
export type Memory<Value> = (key: string, load: () => Promise<Value | undefined>) => Promise<Value | undefined> | Value

export function createMemory<Value>(changes: Changes, capacity: number, idOf: (value: Value) => string): Memory<Value> {
  const values = new Map<string, Value>()
  const keys = new Map<string, string>()
  let epoch = 0
  changes.subscribe({
    changed: (id) => {
      epoch += 1
      const key = keys.get(id)
      if (key === undefined) return
      keys.delete(id)
      values.delete(key)
    },
    missed: () => {
      epoch += 1
      keys.clear()
      values.clear()
    },
  })

  const loadAndKeep = async (key: string, load: () => Promise<Value | undefined>) => {
    const began = epoch
    const value = await load()
    if (value === undefined || began !== epoch || !changes.heard()) return value
    if (values.size >= capacity) {
      const [oldest] = values
      if (oldest) {
        values.delete(oldest[0])
        keys.delete(idOf(oldest[1]))
      }
    }
    values.set(key, value)
    keys.set(idOf(value), key)
    return value
  }
  return (key, load) => (changes.heard() ? values.get(key) : undefined) ?? loadAndKeep(key, load)
}
