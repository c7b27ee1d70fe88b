import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { consumeUnits, type Subject } from '../../src/access/gate.ts'
import type { Actor } from '../../src/context.ts'
import { acrossBusinesses } from '../../src/db/transactions.ts'
import { usd, years } from '../../src/prices.ts'
import { defineProduct } from '../../src/product.ts'
import { attributeUsage } from '../../src/usage/counters.ts'
import { createGrant } from '../../src/usage/grants.ts'
import { createTestFreehold, type TestFreehold } from '../harness.ts'
import { patience, runs } from './runs.ts'

/**
 * From what each unit is taken, on a real database. The product attributes units long after they were counted; here each
 * is taken at once from the first source in burn order that is in effect and holds something, and both come to the same.
 */

const allowance = 20
const product = defineProduct({
  name: 'Test',
  features: { units: { kind: 'metered' } },
  // Longer than any story: no boundary comes in between.
  plans: { only: { name: 'Only', cycle: years(10), price: usd(0), includes: { units: allowance } } },
  signup: { plan: 'only' },
})

let freehold: TestFreehold
beforeAll(async () => {
  freehold = await createTestFreehold({ product })
})
afterAll(() => freehold.close())

const app: Actor = { kind: 'app', id: 'app_properties', name: 'Properties', scope: 'admin' }
const hour = 3_600_000

const hours = fc.integer({ min: 0, max: 48 })
const wait = fc.oneof(fc.constant(0), hours)
const commands = fc.oneof(
  fc.record({
    kind: fc.constant('grant' as const),
    wait,
    amount: fc.integer({ min: 1, max: 15 }),
    priority: fc.constantFrom(10, 50, 100),
    begins: fc.oneof(fc.constant(0), hours),
    lasts: fc.option(fc.integer({ min: 1, max: 72 })),
  }),
  fc.record({ kind: fc.constant('consume' as const), wait, amount: fc.integer({ min: 1, max: 12 }) }),
)

/** What units come from. The plan's own are a source like the grants, between those that burn before and after it. */
type Source = { id: string; left: number; drawn: number; priority: number; from: number; until: number }

const before = (one: Source, other: Source) =>
  one.priority - other.priority ||
  one.until - other.until ||
  one.from - other.from ||
  (one.id < other.id ? -1 : one.id > other.id ? 1 : 0)

const count = 12

test(
  '[16] each unit is taken from the first source in burn order that was in effect when it was counted',
  { timeout: patience(count, 4000) },
  () =>
    fc.assert(
      fc.asyncProperty(fc.array(commands, { minLength: 5, maxLength: 25, size: 'max' }), async (story) => {
        const { ctx } = freehold
        const { business, subscription } = await freehold.signUp()
        const businessId: string = business.id
        const plan = { id: '', left: allowance, drawn: 0, priority: 50 }
        const sources: Source[] = [
          { ...plan, from: Date.parse(subscription.cycleStart), until: Date.parse(subscription.cycleEnd) },
        ]
        const subject: Subject = { businessId, permissions: undefined, credentialId: app.id, actor: app }
        for (const command of story) {
          await freehold.advance(command.wait * 3600 + 1)
          const now = ctx.now()
          if (command.kind === 'grant') {
            const { amount, priority, begins, lasts } = command
            const effectiveAt = new Date(now.getTime() + begins * hour)
            const expiresAt = lasts === null ? undefined : new Date(effectiveAt.getTime() + lasts * hour)
            const grant = await acrossBusinesses(ctx.db, (tx) =>
              createGrant(tx, ctx, app, businessId, {
                feature: 'units',
                amount,
                priority,
                reason: 'a gift',
                effectiveAt,
                expiresAt,
              }),
            )
            const until = grant.expiresAt?.getTime() ?? Infinity
            sources.push({ id: grant.id, left: amount, drawn: 0, priority, from: grant.effectiveAt.getTime(), until })
            continue
          }
          const answer = await consumeUnits(ctx, subject, {
            feature: 'units',
            amount: command.amount,
            requestId: 'req_properties',
          })
          const at = ctx.now().getTime()
          const there = sources.filter(({ from, until }) => from <= at && at < until).toSorted(before)
          const holds = there.reduce((sum, { left }) => sum + left, 0)
          expect(answer.allowed, 'what there is may be used, and no more').toBe(command.amount <= holds)
          if (!answer.allowed) continue
          let units = command.amount
          for (const source of there) {
            const taken = Math.min(units, source.left)
            source.left -= taken
            source.drawn += taken
            units -= taken
          }
          expect(answer.remaining).toBe(holds - command.amount)
        }
        await acrossBusinesses(ctx.db, (tx) => attributeUsage(tx, ctx, businessId, 'units'))
        const grants = await freehold.sql<{ id: string; drawn: number }>(
          'select id, drawn::int from freehold.grants where business_id = $1 order by id',
          [businessId],
        )
        const wanted = sources.slice(1).map(({ id, drawn }) => ({ id, drawn }))
        expect(grants).toEqual(wanted.toSorted((one, other) => (one.id < other.id ? -1 : 1)))
        const [counter] = await freehold.sql(
          `select attributed::int, used::int from freehold.usage_counters where business_id = $1`,
          [businessId],
        )
        const used = sources.reduce((sum, { drawn }) => sum + drawn, 0)
        expect(counter ?? { attributed: 0, used: 0 }).toEqual({ attributed: used, used })
      }),
      runs(count),
    ),
)
