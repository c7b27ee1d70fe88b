import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { days, usd } from '../../src/prices.ts'
import { defineProduct } from '../../src/product.ts'
import { createTestFreehold, type TestFreehold } from '../harness.ts'
import { commands } from './commands.ts'
import { whatIsWrong } from './predicates.ts'
import { patience, runs } from './runs.ts'
import { openWorld } from './world.ts'

/**
 * Stories: whatever people, staff, callers and time do to a business, with processes that die in between, on a real
 * database. The clock is the story's own, so that a story is the same whenever it is told; `runs.ts` says how to tell one
 * again.
 */

const product = defineProduct({
  name: 'Test',
  permissions: { 'units:create': 'write' },
  keys: { sdk: { prefix: 'pk', publishable: true, permissions: ['units:create'] } },
  features: {
    units: { kind: 'metered', rollover: 20 },
    items: { kind: 'allocated', onDowngrade: 'grandfather' },
    boards: { kind: 'allocated', onDowngrade: 'freeze_newest' },
  },
  plans: {
    free: { name: 'Free', cycle: days(10), price: usd(0), includes: { units: 20, items: 1, boards: 1 } },
    basic: {
      name: 'Basic',
      prices: { monthly: usd(29_00), yearly: usd(290_00) },
      includes: { units: 50, items: 2, boards: 2 },
    },
    growth: {
      name: 'Growth',
      prices: { monthly: usd(99_00), yearly: usd(990_00) },
      trial: days(14),
      includes: { units: 200, items: 3, boards: 4 },
    },
    promo: {
      name: 'Promo',
      prices: { monthly: usd(100), yearly: usd(900) },
      onEnd: { fallback: 'free' },
      includes: { units: 30, items: 2, boards: 3 },
    },
  },
  signup: { plan: 'free', keys: ['sdk'] },
})

let freehold: TestFreehold
beforeAll(async () => {
  freehold = await createTestFreehold({ product })
})
afterAll(() => freehold.close())

const starts = fc
  .integer({ min: 0, max: 400 * 86_400 })
  .map((seconds) => new Date(Date.UTC(2027, 0, 1) + seconds * 1000))
const count = 20

test(
  'whatever happens to a business, everything that is stored adds up',
  { timeout: patience(count, 5000) },
  async () => {
    await fc.assert(
      fc.asyncProperty(
        starts,
        fc.array(commands, { minLength: 30, maxLength: 60, size: 'max' }),
        async (start, story) => {
          const world = await openWorld(freehold, start)
          try {
            for (const command of story) {
              await world.perform(command)
              await world.compare()
            }
            expect(await whatIsWrong(freehold)).toEqual([])
            await world.close()
          } catch (error) {
            // What is wrong once stays so: the shorter story that is tried next gets a database of its own.
            await freehold.close()
            freehold = await createTestFreehold({ product })
            throw error
          }
        },
      ),
      runs(count),
    )
  },
)
