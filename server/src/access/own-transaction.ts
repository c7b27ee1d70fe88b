import { setTimeout as delay } from 'node:timers/promises'
import type { Actor, Context } from '../context.ts'
import { isLockTimeout, sqlState } from '../db/transactions.ts'
import { FreeholdError, invalid, type ErrorCode } from '../errors.ts'
import { unfinished } from '../unfinished.ts'
import { allocate, release, type Item } from '../usage/allocations.ts'
import { giveBackLapsed } from '../usage/lapsed-reservations.ts'
import { consume, repeatOf, type Consumption, type Counted, type NotCounted, type Port } from '../usage/meter.ts'
import { knownFeature, onlyLooks, tooLate, tooOld } from './gate.ts'
import { openCounter } from './opening.ts'
import { credentialIdOf } from './subject.ts'

/**
 * Counting in an application's own transaction: what it writes and what it uses exist together or not at all. Nothing
 * here renews inside that transaction or changes its role; whatever fails leaves it as it was and usable.
 */

/** What counting left: `remaining` is null where the feature is unlimited. */
export type Tally = { limit: number | null; used: number; remaining: number | null; resetsAt: Date | null }

/** Whom the ledger names for what is counted. */
export function countedBy(actor: Actor | undefined): string | undefined {
  if (actor === undefined) return undefined
  if (onlyLooks({ actor }))
    throw new FreeholdError('permission_denied', 'A support session that may only read counts nothing')
  return credentialIdOf(actor)
}

const patienceMilliseconds = 1000
const largestAmount = 1_000_000_000

export async function consumeIn(port: Port, ctx: Context, consumption: Consumption): Promise<Tally> {
  const { feature, amount } = consumption
  knownFeature(ctx, feature, 'metered')
  if (!Number.isInteger(amount) || amount < 1 || amount > largestAmount) {
    throw invalid('amount', `must be a whole number from 1 to ${largestAmount}`)
  }
  return counted(port, ctx, consumption, {
    attempt: async (inner) => tooLate(ctx, consumption.at) ?? consume(inner, ctx, consumption),
    repeat: () => repeatOf(port, consumption),
    tally: (state) => tally(state, state.periodEnd),
  })
}

export async function allocateIn(port: Port, ctx: Context, item: Item): Promise<Tally> {
  knownFeature(ctx, item.feature, 'allocated')
  return counted(port, ctx, item, {
    attempt: (inner) => allocate(inner, ctx, item),
    tally: (state) => tally(state, null),
  })
}

/** `thawed`: items that were frozen because they did not fit, and may be used now. */
export type Released = Tally & { thawed: string[] }

export async function releaseIn(port: Port, ctx: Context, item: Item): Promise<Released> {
  knownFeature(ctx, item.feature, 'allocated')
  const released = await inTurn(port, () => undoable(port, (inner) => release(inner, ctx, item)).catch(refuseToWait))
  return { ...tally(released, null), thawed: released.thawed }
}

type Counting = {
  attempt: (port: Port) => Promise<Counted | NotCounted>
  /** The first answer to the same idempotency key, where the operation has one. */
  repeat?: () => Promise<Counted | undefined>
  tally: (state: { limit: number | null; used: number; held: number; periodEnd: Date }) => Tally
}

function counted(
  port: Port,
  ctx: Context,
  { businessId, feature }: { businessId: string; feature: string },
  { attempt, repeat, tally }: Counting,
): Promise<Tally> {
  return inTurn(port, async () => {
    const known = await repeat?.()
    if (known) return tally(known)
    for (let opened = 0; ; opened += 1) {
      const result = await undoable(port, attempt).catch((error: unknown) => {
        // Somebody else counted the key since we looked, and has committed by now.
        if (sqlState(error) === uniqueViolation && repeat) return { outcome: 'repeated' as const }
        return refuseToWait(error)
      })
      if (result.outcome === 'counted') return tally(result)
      if (result.outcome === 'revoked') throw new FreeholdError('unauthenticated', 'The key is revoked')
      const before = await repeat?.()
      if (before) return tally(before)
      if (result.outcome === 'too_old') throw tooOld(result.since)
      if (result.outcome === 'full') {
        if (opened === 0 && result.held > 0) {
          await giveBackLapsed(ctx, { businessId, feature })
          continue
        }
        throw limitReached(feature, { ...tally(result), frozenAt: result.frozenAt })
      }
      if (opened > 1) throw busy('The subscription is changing')
      const refusal = await openOutside(ctx, businessId, feature)
      if (refusal) throw new FreeholdError(refusal, undefined, { extensions: { feature } })
    }
  })
}

/**
 * Opens the counter on a connection of our own. Should it wait for locks that the application's transaction holds
 * itself, neither can go on: the transaction is told to, and the opening finishes once that has ended.
 */
async function openOutside(ctx: Context, businessId: string, feature: string): Promise<ErrorCode | undefined> {
  const opening = unfinished(ctx).add(openCounter(ctx, businessId, feature))
  const outcome = await Promise.race([opening, delay(patienceMilliseconds, 'late' as const, { ref: false })])
  if (outcome !== 'late') return outcome
  opening.catch((error: unknown) => ctx.log.warn({ err: error, businessId, feature }, 'a counter could not be opened'))
  throw busy('The subscription is being brought up to date: roll back and try again')
}

/** Runs `work` under a savepoint and with a bounded wait for locks, both of which are gone afterwards. */
async function undoable<T>(port: Port, work: (port: Port) => Promise<T>): Promise<T> {
  const nested = port.nested ?? ((within) => underSavepoint(port, within))
  return nested(async (inner) => {
    const { rows } = await inner.query(
      "select current_setting('lock_timeout') as before, set_config('lock_timeout', $1, true)",
      [`${patienceMilliseconds}ms`],
    )
    const result = await work(inner)
    // Where the work fails, going back to the savepoint undoes this too.
    await inner.query("select set_config('lock_timeout', $1, true)", [rows[0]?.['before']])
    return result
  })
}

async function underSavepoint<T>(port: Port, work: (port: Port) => Promise<T>): Promise<T> {
  await port.query('savepoint freehold', []).catch((error: unknown) => {
    if (sqlState(error) !== noTransaction) throw error
    throw new TypeError('This counts inside a transaction: hand it the transaction, not the pool', { cause: error })
  })
  try {
    const result = await work(port)
    await port.query('release savepoint freehold', [])
    return result
  } catch (error) {
    // Where the connection itself is gone this fails too, and the first error tells more.
    await port
      .query('rollback to savepoint freehold', [])
      .then(() => port.query('release savepoint freehold', []))
      .catch(() => {})
    throw error
  }
}

const turns = new WeakMap<Port, Promise<unknown>>()

/** One after the other on one transaction: two savepoints that interleave would undo each other's count. */
function inTurn<T>(port: Port, work: () => Promise<T>): Promise<T> {
  const turn = (turns.get(port) ?? Promise.resolve()).then(work)
  turns.set(
    port,
    turn.catch(() => {}),
  )
  return turn
}

const uniqueViolation = '23505'
const noTransaction = '25P01'

function refuseToWait(error: unknown): never {
  throw isLockTimeout(error) ? busy('Another transaction holds the counter', error) : error
}

const busy = (detail: string, cause?: unknown) => new FreeholdError('busy', detail, { retryAfterSeconds: 1, cause })

function tally(
  { limit, used, held }: { limit: number | null; used: number; held: number },
  resetsAt: Date | null,
): Tally {
  return { limit, used, remaining: limit === null ? null : Math.max(0, limit - used - held), resetsAt }
}

/** With what a client needs to tell its user. */
export const limitReached = (
  feature: string,
  { limit, used, remaining, resetsAt, frozenAt }: Tally & { frozenAt?: Date | undefined },
): FreeholdError =>
  new FreeholdError('limit_reached', `${used} of ${limit} ${feature} are used`, {
    extensions: { feature, limit, used, remaining, resetsAt, ...(frozenAt ? { frozenAt } : {}) },
  })
