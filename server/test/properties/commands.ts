import fc from 'fast-check'

/** What people, staff, callers and time do to one business, in any order. `crash`: the process dies before the commit. */
export type Command = { wait: number; crash: boolean } & Deed

export type Deed =
  | { kind: 'choose'; plan: string; price: string | undefined; trial: boolean; replace: boolean; preview: boolean }
  | { kind: 'cancel' | 'staffCancel'; when: 'now' | 'cycleEnd' }
  | { kind: 'undoCancel' | 'pause' | 'endPause' | 'restore' | 'sweep' }
  | { kind: 'staffPlan'; plan: string; when: 'now' | 'cycleEnd'; charge: 'invoice' | 'waive'; replace: boolean }
  | { kind: 'extend'; days: number }
  | { kind: 'convert'; charge: 'invoice' | 'waive' }
  | { kind: 'grant'; amount: number; priority: number; days: number | undefined }
  | { kind: 'override'; limit: number | null; days: number | undefined }
  | { kind: 'consume'; amount: number; key: string | undefined; together: number }
  | { kind: 'reserve'; amount: number; seconds: number }
  | { kind: 'confirm'; which: number; part: number }
  | { kind: 'release'; which: number }
  | { kind: 'allocate' | 'giveBack'; item: string; of: 'items' | 'boards' }
  | { kind: 'correct'; amount: number }
  | { kind: 'pay'; which: number; part: number; reference: string }
  | { kind: 'publish'; plan: string; percent: number }
  | { kind: 'archive'; plan: string; archived: boolean }
  | { kind: 'settle'; which: number; status: 'open' | 'void' | 'uncollectible' }

const day = 86_400
const kind = <Kind extends string>(...kinds: Kind[]) => fc.constantFrom(...kinds)
const when = fc.constantFrom('cycleEnd' as const, 'cycleEnd' as const, 'now' as const)
const charge = fc.constantFrom('invoice' as const, 'waive' as const)
const plan = fc.constantFrom('free', 'basic', 'growth', 'promo')
const price = fc.constantFrom('yearly', undefined, undefined)
const which = fc.constantFrom(0, 0, 1, 2)
const part = fc.constantFrom(1, 1, 1, 0.5)
const days = fc.option(fc.integer({ min: 1, max: 40 }), { nil: undefined })
const amount = fc.integer({ min: 1, max: 30 })

const deeds: fc.Arbitrary<Deed> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: kind('choose'),
      plan,
      price,
      trial: fc.boolean(),
      replace: fc.boolean(),
      preview: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: kind('cancel', 'cancel', 'staffCancel'), when }) },
  { weight: 4, arbitrary: fc.record({ kind: kind('undoCancel', 'undoCancel', 'pause', 'endPause', 'restore') }) },
  { weight: 4, arbitrary: fc.record({ kind: kind('sweep') }) },
  { weight: 2, arbitrary: fc.record({ kind: kind('staffPlan'), plan, when, charge, replace: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('extend'), days: fc.integer({ min: 1, max: 40 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('convert'), charge }) },
  { weight: 2, arbitrary: fc.record({ kind: kind('grant'), amount, priority: fc.constantFrom(10, 50, 100), days }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: kind('override'), limit: fc.option(fc.integer({ min: 0, max: 60 })), days }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: kind('consume'),
      amount,
      key: fc.constantFrom(undefined, 'one', 'two', 'three'),
      together: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: kind('reserve'), amount, seconds: fc.constantFrom(60, 3600, day) }) },
  { weight: 3, arbitrary: fc.record({ kind: kind('confirm'), which, part }) },
  { weight: 2, arbitrary: fc.record({ kind: kind('release'), which }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: kind('allocate', 'allocate', 'giveBack'),
      item: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
      of: fc.constantFrom('items', 'boards'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: kind('correct'), amount: fc.integer({ min: -20, max: 20 }).filter(Boolean) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: kind('pay'), which, part, reference: fc.constantFrom('r1', 'r2', 'r3', 'r4') }),
  },
  { weight: 1, arbitrary: fc.record({ kind: kind('publish'), plan, percent: fc.constantFrom(50, 100, 200) }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('archive'), plan, archived: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: kind('settle'), which, status: fc.constantFrom('open', 'void', 'uncollectible') }),
  },
)

/** Mostly moments apart; now and then days, or more cycles than one. */
const wait = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 600 }) },
  { weight: 2, arbitrary: fc.integer({ min: day, max: 16 * day }) },
  { weight: 1, arbitrary: fc.integer({ min: 16 * day, max: 70 * day }) },
)
const crash = fc.constantFrom(false, false, false, false, true)

export const commands: fc.Arbitrary<Command> = fc
  .tuple(wait, crash, deeds)
  .map(([waiting, crashes, deed]) => ({ wait: waiting, crash: crashes, ...deed }))
