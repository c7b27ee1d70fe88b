import pg from 'pg'
import type { ChangeListener } from '../changes.ts'
import type { Context } from '../context.ts'
import { connectionOf, openDatabase } from '../db/open.ts'
import { newId } from '../ids.ts'
import { openMailer } from '../mail/deliver.ts'
import { tasks } from '../tasks.ts'

/**
 * A context whose time is a parameter: it begins in the past and is moved on by whoever plays. What is queued is worked off
 * by `settle`, at that time, instead of by a worker at ours: mails go to the mailbox, whatever mail server there is.
 */
export type Stage = {
  ctx: Context
  /** Never back. */
  moveTo: (at: Date) => void
  /** Works off what has been queued. */
  settle: () => Promise<void>
  /** What the schedule of a worker does, now. */
  sweep: () => Promise<void>
  /** Mails that are sent meanwhile find no mail server, for a day of attempts. */
  withoutMailServer: (work: () => Promise<unknown>) => Promise<void>
  close: () => Promise<void>
}

const renewing = 'renew-subscriptions'
/** What workers do side by side. */
const others = [
  'charge-invoices',
  'trial-endings',
  'overdue-payments',
  'usage-alerts',
  'late-overages',
  'end-closed',
  'expire-reservations',
]
const mailsTogether = 8
/** Nobody listens there. */
const noMailServer = 'smtp://127.0.0.1:1'
const attemptsInADay = 6

export function openStage(real: Context, start: Date): Stage {
  let now = start.getTime()
  const waiting: { queue: string; data: Record<string, unknown> }[] = []
  // Connections of its own, which do not wait for the disk: there is nothing to lose that could not be made up again. The
  // sign-in library remembers the context that it met with a database first, and its clock.
  const db = openDatabase(new pg.Pool({ ...connectionOf(real.db.acrossPool), options: '-c synchronous_commit=off' }))
  // Nobody else writes meanwhile, so what is changed here is all there is to hear.
  const listeners: ChangeListener[] = []
  db.committed.push((id) => listeners.forEach((listener) => listener.changed(id)))
  const ctx: Context = {
    ...real,
    db,
    changes: { heard: () => true, subscribe: (listener) => listeners.push(listener) },
    now: () => new Date(now),
    refreshClock: async () => {},
    newId: (kind) => newId(kind, new Date(now)),
    enqueue: async (_tx, queue, data) => void waiting.push({ queue, data }),
    // Of keys, on real time: here a month is over in seconds.
    settings: { ...real.settings, rateLimits: false },
  }
  const known = tasks(ctx)
  const run = async (name: string, data: Record<string, unknown> = {}) => known[name]?.run(ctx, data)
  const mailbox = openMailer(ctx, undefined, '')
  const nowhere = openMailer(ctx, noMailServer, 'nobody@demo.example')
  let deliver = mailbox.deliver

  const settle = async () => {
    while (waiting.length > 0) {
      const batch = waiting.splice(0)
      const mailIds = batch.flatMap(({ queue, data }) => (queue === 'mails' ? String(data['mailId']) : []))
      for (let first = 0; first < mailIds.length; first += mailsTogether) {
        await Promise.all(mailIds.slice(first, first + mailsTogether).map(deliver))
      }
      for (const { queue, data } of batch) if (queue === 'tasks') await run(String(data['task']), data)
    }
  }
  return {
    ctx,
    moveTo: (at) => void (now = Math.max(now, at.getTime())),
    settle,
    sweep: async () => {
      await run(renewing)
      await Promise.all(others.map((name) => run(name)))
      await settle()
    },
    withoutMailServer: async (work) => {
      deliver = async (mailId) => {
        for (let attempt = 1; attempt <= attemptsInADay; attempt += 1) await nowhere.deliver(mailId).catch(() => {})
      }
      await work()
      await settle()
      deliver = mailbox.deliver
    },
    close: async () => {
      nowhere.close()
      await db.close()
    },
  }
}
