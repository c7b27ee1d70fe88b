import { afterEach, beforeEach, expect, test } from 'vitest'
import sessionRecorder from '../../../examples/session-recorder/freehold.config.ts'
import { createTestFreehold, days, type TestFreehold } from '../../test/harness.ts'
import { systemActor, type Context } from '../context.ts'
import { acrossBusinesses } from '../db/transactions.ts'
import type { Product, ProductPlan } from '../product.ts'
import { comparePlans, pushPlans, type PlanComparison } from './definition.ts'

let freehold: TestFreehold
beforeEach(async () => {
  freehold = await createTestFreehold()
})
afterEach(() => freehold.close())

const product: Product = sessionRecorder
const free = product.plans['free']!
const growth = product.plans['growth']!

const defined = (plans: Record<string, ProductPlan>): Context => ({
  ...freehold.ctx,
  product: { ...product, plans: { ...product.plans, ...plans } },
})
const compare = (ctx: Context) => acrossBusinesses(ctx.db, (tx) => comparePlans(tx, ctx))
const push = (ctx: Context) => acrossBusinesses(ctx.db, (tx) => pushPlans(tx, ctx, systemActor('command line')))
const of = (comparisons: PlanComparison[], plan: string) => comparisons.find((each) => each.plan === plan)!
const versions = (plan: string) =>
  freehold.sql<{ version: number }>('select version from freehold.plan_versions where plan_key = $1 order by 1', [plan])

test('the definition the database was made from differs in nothing', async () => {
  expect((await compare(freehold.ctx)).map(({ plan, state }) => [plan, state])).toEqual([
    ['free', 'same'],
    ['growth', 'same'],
    ['unlimited', 'same'],
  ])
})

test('a change is named field by field', async () => {
  const { yearly, monthly } = growth.prices
  const changed = defined({
    growth: {
      ...growth,
      name: 'Grow',
      trialDays: 0,
      prices: { yearly: yearly!, monthly: { ...monthly!, amount: 59_00 } },
      includes: { ...growth.includes, recordings: null, exports: false, applications: 20 },
      onEnd: 'fallback',
      fallbackPlan: 'free',
    },
  })
  expect(of(await compare(changed), 'growth')).toMatchObject({ state: 'changed', version: 1, exceeding: [] })
  expect(of(await compare(changed), 'growth').changes).toEqual([
    { field: 'name', from: 'Growth', to: 'Grow' },
    { field: 'prices.monthly', from: monthly, to: { ...monthly, amount: 59_00 } },
    { field: 'firstPrice', from: 'monthly', to: 'yearly' },
    { field: 'trialDays', from: 14, to: 0 },
    { field: 'includes.recordings', from: 10_000, to: null },
    { field: 'includes.applications', from: 10, to: 20 },
    { field: 'includes.exports', from: true, to: false },
    { field: 'onEnd', from: 'renew', to: 'fallback' },
    { field: 'fallbackPlan', from: null, to: 'free' },
  ])
})

test('a feature or price that comes or goes is there on one side only', async () => {
  const { exports: _, ...includes } = free.includes
  const changed = defined({
    free: { ...free, includes, prices: { ...free.prices, yearly: { ...growth.prices['yearly']!, amount: 0 } } },
  })
  expect(of(await compare(changed), 'free').changes).toEqual([
    { field: 'prices.yearly', from: undefined, to: { ...growth.prices['yearly'], amount: 0 } },
    { field: 'includes.exports', from: false, to: undefined },
  ])
})

test('it says how many are on the version, and who uses more than the definition allows', async () => {
  const acme = await freehold.signUp()
  const small = await freehold.signUp()
  const ended = await freehold.signUp()
  const consume = (of: typeof acme, amount: number) =>
    freehold.api.post('/v1/consume', { feature: 'recordings', amount }, { token: of.apiKeys[0].key })
  await consume(acme, 60)
  await consume(small, 50)
  await consume(ended, 60)
  await freehold.join(acme.business, acme.token)
  await freehold.api.post(
    `/v1/businesses/${acme.business.id}/invitations`,
    { email: 'third@example.test', role: 'member' },
    { token: acme.token },
  )
  await freehold.sql("update freehold.subscriptions set status = 'ended', ended_at = now() where business_id = $1", [
    ended.business.id,
  ])
  const changed = defined({ free: { ...free, includes: { ...free.includes, recordings: 50, members: 2 } } })

  const comparison = of(await compare(changed), 'free')
  expect(comparison).toMatchObject({ subscriptions: 2 })
  const { id: businessId, name: businessName } = acme.business
  expect(comparison.exceeding).toEqual([
    { businessId, businessName, feature: 'recordings', used: 60, limit: 50, frozen: 0 },
    { businessId, businessName, feature: 'members', used: 3, limit: 2, frozen: 0 },
  ])
})

test('a feature that is left out fits nobody who uses it, and a cycle that has ended counts no more', async () => {
  const acme = await freehold.signUp()
  await freehold.api.post('/v1/consume', { feature: 'recordings' }, { token: acme.apiKeys[0].key })
  const { recordings: _, ...includes } = free.includes
  const changed = defined({ free: { ...free, includes } })
  expect(of(await compare(changed), 'free').exceeding).toMatchObject([{ feature: 'recordings', used: 1, limit: 0 }])
  await freehold.advance(days(16))
  expect(of(await compare(changed), 'free').exceeding).toEqual([])
})

test('what was granted comes on top of the limit', async () => {
  const acme = await freehold.signUp()
  const { token, user } = await freehold.signUp()
  await freehold.makeStaff(user.id)
  const grant = { feature: 'recordings', amount: 20, reason: 'a gift' }
  freehold.ok(await freehold.api.post(`/v1/staff/businesses/${acme.business.id}/grants`, grant, { token }))
  const consume = (amount: number) =>
    freehold.api.post('/v1/consume', { feature: 'recordings', amount }, { token: acme.apiKeys[0].key })
  await consume(70)
  const changed = defined({ free: { ...free, includes: { ...free.includes, recordings: 50 } } })
  const mine = async () =>
    of(await compare(changed), 'free').exceeding.filter(({ businessId }) => businessId === acme.business.id)
  expect(await mine()).toEqual([])
  await consume(1)
  expect(await mine()).toMatchObject([{ feature: 'recordings', used: 71, limit: 70, frozen: 0 }])
})

test('of items that would not fit it says how many would be frozen, where they would be', async () => {
  const acme = await freehold.signUp()
  const business = acme.business.id
  const { body } = await freehold.api.get(`/v1/businesses/${business}/entitlements`, acme)
  expect(body.applications).toMatchObject({ kind: 'allocated' })
  await freehold.sql(
    `insert into freehold.usage_counters (business_id, feature, period_start, period_end, used, valid_until)
     values ($1, 'applications', 'epoch', '9999-01-01T00:00:00Z', 3, '-infinity')`,
    [business],
  )
  const changed = (onDowngrade: 'freeze_newest' | 'grandfather') => {
    const ctx = defined({ free: { ...free, includes: { ...free.includes, applications: 0 } } })
    const applications = { ...ctx.product.features['applications']!, onDowngrade }
    return { ...ctx, product: { ...ctx.product, features: { ...ctx.product.features, applications } } }
  }
  const mine = async (ctx: Context) =>
    of(await compare(ctx), 'free').exceeding.filter(({ businessId }) => businessId === business)
  expect(await mine(changed('freeze_newest'))).toMatchObject([
    { feature: 'applications', used: 3, limit: 0, frozen: 3 },
  ])
  expect(await mine(changed('grandfather'))).toMatchObject([{ feature: 'applications', used: 3, limit: 0, frozen: 0 }])
})

test('an override decides for its business, so it is not named until that ends', async () => {
  const acme = await freehold.signUp()
  await freehold.api.post('/v1/consume', { feature: 'recordings', amount: 60 }, { token: acme.apiKeys[0].key })
  await freehold.sql(
    `insert into freehold.limit_overrides (business_id, feature, value, reason, expires_at, created_by, created_at)
     values ($1, 'recordings', '100', 'a promise', $2, 'test', $3)`,
    [acme.business.id, new Date(freehold.ctx.now().getTime() + days(1) * 1000), freehold.ctx.now()],
  )
  const changed = defined({ free: { ...free, includes: { ...free.includes, recordings: 50 } } })
  expect(of(await compare(changed), 'free').exceeding).toEqual([])
  await freehold.advance(days(2))
  expect(of(await compare(changed), 'free').exceeding).toHaveLength(1)
})

test('a push writes a version for new subscriptions; existing ones keep theirs', async () => {
  const before = await freehold.signUp()
  const changed = defined({ free: { ...free, includes: { ...free.includes, recordings: 50 } } })
  expect(of(await push(changed), 'free')).toMatchObject({ state: 'changed', version: 1 })
  const after = await freehold.signUp()
  expect([before, after].map(({ subscription }) => subscription.plan.version)).toEqual([1, 2])
  const { body } = await freehold.api.get('/v1/me', { token: before.token })
  expect(body.memberships[0].subscription.plan.version).toBe(1)
  expect((await compare(changed)).every(({ state }) => state === 'same')).toBe(true)
})

test('a new name is no new version', async () => {
  const changed = defined({ free: { ...free, name: 'Starter', hidden: true } })
  await push(changed)
  expect(await versions('free')).toEqual([{ version: 1 }])
  expect((await compare(changed)).every(({ state }) => state === 'same')).toBe(true)
})

test('a new plan is created, and one that is not defined any more is left alone', async () => {
  const { growth: _, ...others } = product.plans
  const ctx: Context = {
    ...freehold.ctx,
    product: {
      ...product,
      plans: { ...others, team: { ...growth, name: 'Team', fallbackPlan: 'free', onEnd: 'fallback' } },
    },
  }
  expect((await push(ctx)).map(({ plan, state, version }) => [plan, state, version])).toEqual([
    ['free', 'same', 1],
    ['unlimited', 'same', 1],
    ['team', 'new', null],
    ['growth', 'not_defined', 1],
  ])
  expect(await versions('team')).toEqual([{ version: 1 }])
  expect(await versions('growth')).toEqual([{ version: 1 }])
})

test('of five pushes at once one writes', async () => {
  const changed = defined({
    free: { ...free, trialDays: 3 },
    team: { ...growth, name: 'Team' },
  })
  await Promise.all(Array.from({ length: 5 }, () => push(changed)))
  expect(await versions('free')).toEqual([{ version: 1 }, { version: 2 }])
  const entries = await freehold.sql('select action from freehold.system_audit_entries order by action')
  expect(entries.map(({ action }) => action).filter((action: string) => action.startsWith('plan.'))).toEqual([
    'plan.created',
    'plan.version_published',
  ])
})

test('the log says who pushed what', async () => {
  await push(defined({ free: { ...free, trialDays: 3 } }))
  const [entry] = await freehold.sql(
    "select * from freehold.system_audit_entries where action = 'plan.version_published'",
  )
  expect(entry).toMatchObject({
    actor_kind: 'system',
    actor_id: 'command line',
    target: { kind: 'plan', id: 'free' },
    before: { version: 1, trialDays: 0 },
    after: { version: 2, trialDays: 3 },
  })
})
