import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { days as seconds, type TestFreehold } from '../../test/harness.ts'
import { openSeveral } from '../../test/several.ts'
import { startWorker } from '../../test/worker.ts'
import { systemActor } from '../context.ts'
import { acrossBusinesses } from '../db/transactions.ts'
import { cleanUp } from '../jobs/clean-up.ts'
import type { EventHandlers } from '../product-hooks.ts'
import { days, usd } from '../prices.ts'
import { defineProduct } from '../product.ts'
import { openDelivery } from './deliver.ts'
import { emit, emitAll } from './emit.ts'
import { skipEvent, stuckEvents } from '../background/stuck-events.ts'

const { start, stop } = openSeveral()

const productWith = (on: EventHandlers) =>
  defineProduct({
    name: 'Test',
    features: { recordings: { kind: 'metered' } },
    plans: { basic: { name: 'Basic', cycle: days(15), price: usd(0), includes: { recordings: 10 } } },
    signup: { plan: 'basic' },
    on,
  })

/** What handlers were given, as `business name`; an event is a business that got another name. */
function recording(handle: (businessId: string, name: string) => Promise<void> | void = () => {}) {
  const seen: { businessId: string; name: string; id: string; attempt: number }[] = []
  const product = productWith({
    'business.updated': async ({ businessId, data: { name }, id, attempt }) => {
      seen.push({ businessId, name, id, attempt })
      await handle(businessId, name)
    },
  })
  const namesOf = (businessId: string) => seen.filter((each) => each.businessId === businessId).map(({ name }) => name)
  return { product, seen, namesOf }
}

const rename = (businessId: string, name: string) =>
  ({ businessId, type: 'business.updated', data: { name, externalId: null } }) as const
const happen = ({ ctx }: TestFreehold, businessId: string, ...names: string[]) =>
  acrossBusinesses(ctx.db, (tx) =>
    emitAll(
      tx,
      ctx,
      names.map((name) => rename(businessId, name)),
    ),
  )
const waiting = async ({ sql }: TestFreehold, businessId: string): Promise<number> =>
  (
    await sql(
      `select from freehold.events where business_id = $1 and type = 'business.updated' and delivered_at is null`,
      [businessId],
    )
  ).length
const numbers = (count: number) => Array.from({ length: count }, (_, index) => String(index + 1))

describe('a handler', () => {
  test('is given the event with its id, number and typed data, after the commit', async () => {
    const seen: unknown[] = []
    const product = productWith({
      'subscription.ended': async (event, { transaction }) => {
        const row = await transaction((tx) =>
          tx.selectFrom('events').select('id').where('businessId', '=', event.businessId).executeTakeFirstOrThrow(),
        )
        seen.push(event, row.id.slice(0, 4))
      },
    })
    const freehold = await start({ product, worker: true })
    const { business, subscription } = await freehold.signUp()
    await freehold.eventually(
      async () =>
        (
          await freehold.sql('select from freehold.events where business_id = $1 and delivered_at is null', [
            business.id,
          ])
        ).length === 0,
      'the passing over',
    )
    const endedAt = freehold.ctx.now()
    const { id: subscriptionId } = subscription
    const data = { subscriptionId, plan: 'basic', version: 1, price: 'default', reason: 'cancelled', endedAt }
    await acrossBusinesses(freehold.ctx.db, (tx) =>
      emit(tx, freehold.ctx, { businessId: business.id, type: 'subscription.ended', data }),
    )
    await freehold.eventually(async () => seen.length === 2, 'the event')
    expect(seen[0]).toEqual({
      id: expect.stringMatching(/^evt_[0-9a-z]{26}$/),
      type: 'subscription.ended',
      businessId: business.id,
      sequence: expect.any(Number),
      at: expect.any(Date),
      data,
      attempt: 1,
    })
    expect(seen[1]).toBe('evt_')
  })

  test('gets a business’s events one after the other and once, from whichever of two workers', async () => {
    let running = 0
    let together = 0
    const inHand = new Set<string>()
    const { product, namesOf, seen } = recording(async (businessId) => {
      expect(inHand.has(businessId), 'two at a time in one business').toBe(false)
      inHand.add(businessId)
      running += 1
      together = Math.max(together, running)
      await new Promise((resolve) => setTimeout(resolve, 5))
      running -= 1
      inHand.delete(businessId)
    })
    const freehold = await start({ product, worker: true })
    await start({ product, worker: true, database: freehold.database })
    const businesses: string[] = []
    for (let count = 0; count < 12; count += 1) businesses.push((await freehold.signUp()).business.id)
    const rounds = numbers(10)
    for (const round of rounds) await Promise.all(businesses.map((id) => happen(freehold, id, round)))
    await freehold.eventually(async () => seen.length >= 120, 'every event')
    for (const id of businesses) expect(namesOf(id)).toEqual(rounds)
    expect(new Set(seen.map(({ id }) => id)).size).toBe(120)
    expect(together).toBeGreaterThan(1)
  })

  test('is one worker’s when many look at the same moment', async () => {
    const freehold = await start()
    const businesses = [(await freehold.signUp()).business.id, (await freehold.signUp()).business.id]
    const given: string[] = []
    const handle = async ({ id }: { id: string }) => {
      given.push(id)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    const workers = Array.from({ length: 8 }, () =>
      openDelivery(freehold.ctx, ['business.updated'], { handle, again: () => {} }),
    )
    for (const round of numbers(10)) {
      for (const id of businesses) await happen(freehold, id, round)
      await Promise.all(workers.map(({ look }) => look()))
      await freehold.eventually(
        async () => (await Promise.all(businesses.map((id) => waiting(freehold, id)))).every((count) => count === 0),
        'the round',
      )
      await freehold.eventually(async () => (await freehold.sql('select from freehold.event_holds')).length === 0)
    }
    await Promise.all(workers.map(({ stop: end }) => end()))
    expect(given).toHaveLength(20)
    expect(new Set(given).size).toBe(20)
  })

  test('that throws gets the event again and holds up its own business only', async () => {
    const logged: Record<string, any>[] = []
    let down = true
    let broken = ''
    const { product, namesOf, seen } = recording((businessId) => {
      if (down && businessId === broken) throw new Error('the other side was down')
    })
    const logger = pino({ level: 'error' }, { write: (line: string) => logged.push(JSON.parse(line)) })
    const freehold = await start({ product, worker: true, logger })
    broken = (await freehold.signUp()).business.id
    const fine = (await freehold.signUp()).business.id
    await happen(freehold, broken, '1', '2')
    await freehold.eventually(async () => namesOf(broken).length === 2, 'the second attempt')
    await happen(freehold, fine, '1', '2')
    await freehold.eventually(async () => namesOf(fine).length === 2, 'the other business')
    expect(namesOf(broken)).not.toContain('2')
    const [event] = await freehold.sql(
      'select error, delivered_at from freehold.events where business_id = $1 and attempts > 0',
      [broken],
    )
    expect(event).toEqual({ error: 'the other side was down', delivered_at: null })
    expect(logged[0]).toMatchObject({ msg: 'an event handler failed', businessId: broken, attempt: 1 })
    down = false
    await freehold.eventually(async () => namesOf(broken).includes('2'), 'the recovery')
    const attempts = seen.filter(({ businessId, name }) => businessId === broken && name === '1')
    expect(attempts.map(({ attempt }) => attempt)).toEqual(attempts.map((_, index) => index + 1))
    expect(new Set(attempts.map(({ id }) => id)).size).toBe(1)
    expect(await waiting(freehold, broken)).toBe(0)
  })

  test('that can never handle an event is spared it when staff skip it, with a reason, and the next ones come', async () => {
    const { product, namesOf } = recording((_, name) => {
      if (name === 'poison') throw new Error('no such customer over there')
    })
    const freehold = await start({ product, worker: true })
    const { ctx } = freehold
    const { id } = (await freehold.signUp()).business as { id: string }
    await happen(freehold, id, 'poison', 'next')
    const stuck = () => stuckEvents(ctx.db.across, 10)
    await freehold.eventually(async () => (await stuck()).length === 1, 'the failure')
    const [event] = await stuck()
    expect(event).toMatchObject({ businessId: id, type: 'business.updated', error: 'no such customer over there' })
    const waitingOne = await freehold.sql('select id from freehold.events where business_id = $1 and attempts = 0', [
      id,
    ])
    const skip = (eventId = event?.id ?? '') =>
      acrossBusinesses(ctx.db, (tx) => skipEvent(tx, ctx, systemActor('somebody'), eventId, 'gone for good'))
    for (const { id: untried } of waitingOne) await expect(skip(untried)).rejects.toMatchObject({ code: 'not_found' })
    const tries = await Promise.allSettled([skip(), skip()])
    expect(tries.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    await freehold.eventually(async () => namesOf(id).includes('next'), 'the one behind it')
    expect(await stuck()).toEqual([])
    const entries = await freehold.sql(
      `select actor_name, before ->> 'error' as error, after from freehold.audit_entries
       where business_id = $1 and action = 'event.skipped'`,
      [id],
    )
    expect(entries).toEqual([
      { actor_name: 'somebody', error: 'no such customer over there', after: { reason: 'gone for good' } },
    ])
  })

  test('waits longer after each failure', async () => {
    const at: number[] = []
    const { product } = recording(() => {
      at.push(performance.now())
      throw new Error('never')
    })
    const freehold = await start({ product, worker: true })
    const { business } = await freehold.signUp()
    await happen(freehold, business.id, '1')
    await freehold.eventually(async () => at.length === 3, 'three attempts')
    const [first = 0, second = 0, third = 0] = at
    expect(second - first).toBeGreaterThan(900)
    expect(third - second).toBeGreaterThan(1900)
  })

  test('gets nothing of what was rolled back', async () => {
    const { product, namesOf } = recording()
    const freehold = await start({ product, worker: true })
    const { business } = await freehold.signUp()
    await expect(
      acrossBusinesses(freehold.ctx.db, async (tx) => {
        await emit(tx, freehold.ctx, rename(business.id, 'never'))
        throw new Error('undone')
      }),
    ).rejects.toThrow('undone')
    await happen(freehold, business.id, 'then')
    await freehold.eventually(async () => namesOf(business.id).length > 0, 'the event')
    expect(namesOf(business.id)).toEqual(['then'])
  })

  test('gets what happened while no worker ran', async () => {
    const { product, namesOf } = recording()
    const freehold = await start({ product })
    const { business } = await freehold.signUp()
    await happen(freehold, business.id, ...numbers(3))
    expect(await waiting(freehold, business.id)).toBe(3)
    await start({ product, worker: true, database: freehold.database })
    await freehold.eventually(async () => namesOf(business.id).length === 3, 'the events')
  })

  test('keeps its business as long as it runs', async () => {
    let finish = () => {}
    const { product, namesOf } = recording(() => new Promise<void>((resolve) => (finish = resolve)))
    const freehold = await start({ product, worker: true })
    const { business } = await freehold.signUp()
    await happen(freehold, business.id, '1')
    await freehold.eventually(async () => namesOf(business.id).length === 1, 'the event')
    const held = async () =>
      (await freehold.sql('select held_until from freehold.event_holds where business_id = $1', [business.id]))[0]
        .held_until as Date
    const first = await held()
    await freehold.eventually(async () => (await held()) > first, 'the longer hold')
    finish()
    await freehold.eventually(async () => (await waiting(freehold, business.id)) === 0, 'the end')
    expect(namesOf(business.id)).toEqual(['1'])
  })

  test('that another worker has taken over from changes nothing any more when it ends', async () => {
    const finishing: (() => void)[] = []
    const { product, seen } = recording(() => new Promise<void>((resolve) => finishing.push(resolve)))
    const freehold = await start({ product, worker: true })
    const { business } = await freehold.signUp()
    await happen(freehold, business.id, '1', '2')
    await freehold.eventually(async () => finishing.length === 1, 'the first')
    // As if this process had stood still for longer than it may.
    await freehold.sql(
      `update freehold.event_holds set held_until = now() + interval '1 minute', worker_id = 'another'`,
    )
    finishing[0]?.()
    await new Promise((resolve) => setTimeout(resolve, 1500))
    expect(seen.map(({ name }) => name)).toEqual(['1'])
    expect(await waiting(freehold, business.id)).toBe(2)
    await freehold.sql('update freehold.event_holds set held_until = now()')
    await freehold.eventually(async () => finishing.length === 2, 'the first again')
    expect(seen.map(({ name, attempt }) => [name, attempt])).toEqual([
      ['1', 1],
      ['1', 2],
    ])
    finishing[1]?.()
    await freehold.eventually(async () => finishing.length === 3, 'the second')
    finishing[2]?.()
  })

  test('is waited for when its worker is stopped, which takes on nothing more', async () => {
    let finish = () => {}
    const { product, namesOf } = recording(() => new Promise<void>((resolve) => (finish = resolve)))
    const freehold = await start({ product })
    const { business } = await freehold.signUp()
    const worker = await start({ product, worker: true, database: freehold.database })
    await happen(freehold, business.id, '1', '2')
    await freehold.eventually(async () => namesOf(business.id).length === 1, 'the first')
    const stopped = stop(worker)
    setTimeout(() => finish(), 100)
    await stopped
    expect(namesOf(business.id)).toEqual(['1'])
    expect(await waiting(freehold, business.id)).toBe(1)
    // Not even the hold is left, so another worker goes on at once.
    expect(await freehold.sql('select from freehold.event_holds')).toEqual([])
  })
})

describe('what nothing handles', () => {
  test('is passed over, without keeping later events waiting', async () => {
    const { product, namesOf } = recording()
    const freehold = await start({ product })
    const { business } = await freehold.signUp()
    await acrossBusinesses(freehold.ctx.db, (tx) =>
      emit(tx, freehold.ctx, { businessId: business.id, type: 'business.closed', data: {} }),
    )
    await happen(freehold, business.id, '1')
    await start({ product, worker: true, database: freehold.database })
    await freehold.eventually(async () => namesOf(business.id).length === 1, 'the event')
    const rows = await freehold.sql(
      `select type, attempts, delivered_at is not null as done from freehold.events
       where business_id = $1 and type in ('business.closed', 'business.updated') order by sequence`,
      [business.id],
    )
    expect(rows[0]).toEqual({ type: 'business.closed', attempts: 0, done: true })
    expect(rows[1]).toMatchObject({ type: 'business.updated', attempts: 1 })
  })

  test('needs nothing but its row', async () => {
    const freehold = await start({ product: productWith({}), worker: true })
    const { business } = await freehold.signUp()
    await happen(freehold, business.id, '1')
    await start({ product: productWith({}), worker: true, database: freehold.database })
    await freehold.eventually(async () => (await waiting(freehold, business.id)) === 0, 'the passing over')
    expect(await freehold.sql('select from freehold.event_holds')).toEqual([])
  })
})

describe('events that are over', () => {
  test('are deleted after 30 days; one that waits for its handler stays', async () => {
    const freehold = await start()
    const [old, failing] = [(await freehold.signUp()).business.id, (await freehold.signUp()).business.id]
    await freehold.sql('delete from freehold.events')
    await happen(freehold, old, '1')
    await happen(freehold, failing, '1')
    await freehold.sql('update freehold.events set delivered_at = $2 where business_id = $1', [old, freehold.ctx.now()])
    const left = async () =>
      (await freehold.sql('select business_id from freehold.events order by id')).map((row) => row.business_id)
    await freehold.advance(seconds(29))
    await freehold.ctx.refreshClock()
    await cleanUp(freehold.ctx)
    expect(await left()).toEqual([old, failing])
    await freehold.advance(seconds(2))
    await freehold.ctx.refreshClock()
    await cleanUp(freehold.ctx)
    expect(await left()).toEqual([failing])
  })
})

test('a worker that is killed while it handles an event leaves it to another', async () => {
  const freehold = await start()
  const { business } = await freehold.signUp()
  const killed = await handlerProcess(freehold.database, 'hang')
  await happen(freehold, business.id, '1', '2')
  await killed.said(`handling ${business.id} 1 attempt 1`)
  await killed.kill()
  expect(await waiting(freehold, business.id)).toBe(2)

  const heir = await handlerProcess(freehold.database, 'finish')
  // The hold runs out by itself after some seconds; the test does not wait.
  await freehold.sql('update freehold.event_holds set held_until = now()')
  await heir.said(`handling ${business.id} 2 attempt 1`)
  expect(heir.lines.filter((line) => line.includes(business.id))).toEqual([
    `handling ${business.id} 1 attempt 2`,
    `handling ${business.id} 2 attempt 1`,
  ])
  await freehold.eventually(async () => (await waiting(freehold, business.id)) === 0, 'the end')
  await heir.kill()
})

/** A worker in a process of its own whose handler of business.updated tells what it is given, and then hangs or not. */
async function handlerProcess(database: string, then: 'hang' | 'finish') {
  const worker = startWorker(database, then)
  await worker.heard('ready')
  return {
    lines: worker.lines,
    said: worker.heard,
    kill: async () => {
      worker.process.kill('SIGKILL')
      await worker.ended
    },
  }
}
