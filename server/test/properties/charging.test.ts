import { setTimeout as delay } from 'node:timers/promises'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ChargeResult, PaymentProvider } from '../../src/invoices/provider.ts'
import { chargeRequested } from '../../src/subscriptions/charging.ts'
import { chaseOverdue } from '../../src/subscriptions/dunning.ts'
import { renewDue } from '../../src/subscriptions/renewal.ts'
import { createTestFreehold, type TestFreehold } from '../harness.ts'
import { whatDoesNotAddUp } from '../invoices.ts'
import { openStaff, type Staff } from '../staff.ts'
import { patience, runs } from './runs.ts'

/**
 * A provider decides once what becomes of a charge; how often, how late and in which order its answers come is up to the
 * network. Whatever that does, the same is stored as when each answer comes at once.
 */

type Verdict = Exclude<ChargeResult, { status: 'pending' }>['status']
/** `lost`: the answer, of what arrived; `unsent`: nothing arrived. */
type Answer = 'verdict' | 'pending' | 'lost' | 'unsent'
type Call = {
  id: string
  isCharge: boolean
  resolve: (result: ChargeResult | undefined) => void
  reject: (error: Error) => void
}

const bank = {
  verdicts: new Map<string, Verdict>(),
  arrived: new Set<string>(),
  calls: [] as Call[],
}
const verdictOf = (id: string): ChargeResult =>
  bank.verdicts.get(id) === 'failed'
    ? { status: 'failed', reason: 'card_declined' }
    : { status: 'succeeded', reference: `bank-${id}` }

function respond(call: Call, answer: Answer): void {
  bank.calls = bank.calls.filter((each) => each !== call)
  const { id, isCharge, resolve, reject } = call
  if (isCharge && answer !== 'unsent') bank.arrived.add(id)
  if (answer === 'lost' || answer === 'unsent') return reject(new Error('The network is down'))
  if (!isCharge && !bank.arrived.has(id)) return resolve(undefined)
  resolve(answer === 'pending' ? { status: 'pending' } : verdictOf(id))
}

const ask = (id: string, isCharge: boolean) =>
  new Promise<ChargeResult | undefined>((resolve, reject) => {
    bank.calls.push({ id, isCharge, resolve, reject })
  })
const provider: PaymentProvider = {
  name: 'bank',
  charging: {
    charge: async ({ id, businessId }) => {
      bank.verdicts.set(id, wanted.get(businessId) ?? 'succeeded')
      return (await ask(id, true)) ?? { status: 'pending' }
    },
    lookUp: (id) => ask(id, false),
  },
}
/** What the bank decides, by business. */
const wanted = new Map<string, Verdict>()

let freehold: TestFreehold
let staff: Staff
const straight = new Map<string, unknown>()
beforeAll(async () => {
  freehold = await createTestFreehold({ payments: provider })
  staff = await openStaff(freehold)
  for (const { kind, verdict } of charges) {
    const [businessId = ''] = await owe([{ kind, verdict }])
    await settleAll()
    straight.set(`${kind} ${verdict}`, await stored(businessId))
  }
})
afterAll(() => freehold.close())

type Owed = { kind: 'purchase' | 'cycle'; verdict: Verdict }
const charges: Owed[] = (['purchase', 'cycle'] as const).flatMap((kind) =>
  (['succeeded', 'failed'] as const).map((verdict) => ({ kind, verdict })),
)
type Step = { kind: 'work' } | { kind: 'wait' } | { kind: 'answer'; which: number; answer: Answer }
const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.constant<Step>({ kind: 'work' }) },
  // Whoever has claimed a charge and does not come back is taken for dead.
  { weight: 2, arbitrary: fc.constant<Step>({ kind: 'wait' }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('answer' as const),
      which: fc.nat(5),
      answer: fc.constantFrom<Answer>('verdict', 'verdict', 'pending', 'lost', 'unsent'),
    }),
  },
)
const stories = fc.record({
  owed: fc.array(fc.constantFrom(...charges), { minLength: 2, maxLength: 3 }),
  steps: fc.array(steps, { minLength: 8, maxLength: 20 }),
})
const count = 15

test(
  '[24] in whatever order a provider answers, and however often, the same is stored as when it answers at once',
  { timeout: patience(count, 20_000) },
  () => fc.assert(fc.asyncProperty(stories, tell), { ...runs(count), endOnFailure: true }),
)

async function tell({ owed, steps: story }: { owed: Owed[]; steps: Step[] }) {
  const businesses = await owe(owed)
  const working: Promise<unknown>[] = [chargeRequested(freehold.ctx), chargeRequested(freehold.ctx)]
  for (const step of story) {
    await asked()
    if (step.kind === 'work') working.push(chargeRequested(freehold.ctx))
    else if (step.kind === 'wait') await freehold.advance(121)
    else {
      const call = bank.calls[step.which % Math.max(1, bank.calls.length)]
      if (call) respond(call, step.answer)
    }
  }
  await settleAll(working)
  // Said again, and to two at once, it changes nothing.
  await settleAll([chargeRequested(freehold.ctx), chargeRequested(freehold.ctx)])
  for (const [index, businessId] of businesses.entries()) {
    const of = owed[index]
    expect(await stored(businessId)).toEqual(straight.get(`${of?.kind} ${of?.verdict}`))
  }
  expect(await whatDoesNotAddUp(freehold)).toEqual([])
}

/** Gives whoever works the time to ask, where somebody does. */
async function asked(): Promise<void> {
  for (const started = performance.now(); bank.calls.length === 0 && performance.now() - started < 100;) await delay(5)
}

/** Every answer comes now, and those that were lost are asked for until nothing is open any more. */
async function settleAll(working: Promise<unknown>[] = []): Promise<void> {
  const open = () =>
    freehold.sql(`select id from freehold.charge_attempts where status in ('requested', 'unknown') limit 1`)
  let left = working
  do {
    left.push(chargeRequested(freehold.ctx))
    const done = Promise.all(left).then(() => true)
    while (!(await Promise.race([done, delay(5, false)]))) for (const call of bank.calls) respond(call, 'verdict')
    left = []
    await freehold.advance(121)
  } while ((await open()).length > 0)
}

/** Each owes something that is to be charged, and has not been asked for. */
async function owe(owed: Owed[]): Promise<string[]> {
  const people: { id: string; token: string; kind: Owed['kind'] }[] = []
  for (const { kind, verdict } of owed) {
    const { business, token } = await freehold.signUp()
    wanted.set(business.id, verdict)
    people.push({ id: business.id, token, kind })
  }
  for (const { id } of people.filter(({ kind }) => kind === 'cycle')) {
    const plan = { plan: 'growth', reason: 'as agreed', charge: 'waive' }
    freehold.ok(await freehold.api.put(`/v1/staff/businesses/${id}/plan`, plan, staff.admin))
    // Their cycle is over, and nothing else is.
    await freehold.sql(
      `update freehold.subscriptions set anchor = anchor - interval '40 days', cycle_start = cycle_start - interval '40 days',
         cycle_end = $2 where business_id = $1`,
      [id, new Date(Math.floor(freehold.ctx.now().getTime() / 1000) * 1000)],
    )
  }
  await renewDue(freehold.ctx)
  await chaseOverdue(freehold.ctx)
  for (const { id, token } of people.filter(({ kind }) => kind === 'purchase')) {
    const plan = { plan: 'growth', price: 'monthly' }
    freehold.ok(await freehold.api.put(`/v1/businesses/${id}/subscription/plan`, plan, { token }))
  }
  return people.map(({ id }) => id)
}

/** What is stored of a business's money and plan, but for when it was and what it is called. */
async function stored(businessId: string): Promise<unknown> {
  const [row] = await freehold.sql(
    `select
       (select jsonb_agg(jsonb_build_array(s.status, v.plan_key, s.cycle_number, s.version, s.awaiting, s.billed) order by s.id)
        from freehold.subscriptions s join freehold.plan_versions v on v.id = s.plan_version_id where s.business_id = $1) as subscriptions,
       (select jsonb_agg(jsonb_build_array(cause, status, total, credit_applied, amount_paid, status_reason) order by id)
        from freehold.invoices where business_id = $1) as invoices,
       (select jsonb_agg(jsonb_build_array(amount, provider) order by id) from freehold.payments where business_id = $1) as payments,
       (select jsonb_agg(jsonb_build_array(attempt, status, failure, amount) order by id)
        from freehold.charge_attempts where business_id = $1) as attempts,
       (select jsonb_agg(jsonb_build_array(amount, currency) order by id)
        from freehold.credit_entries where business_id = $1) as credit,
       (select jsonb_agg(action order by action) from freehold.audit_entries where business_id = $1) as entries,
       (select jsonb_agg(type order by type) from freehold.events where business_id = $1) as events`,
    [businessId],
  )
  return row
}
