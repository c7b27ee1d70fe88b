import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, type TestFreehold } from '../../test/harness.ts'

const reason = 'it sells better so'
let freehold: TestFreehold
let staff: { token: string }
let customer: { token: string }
beforeAll(async () => {
  freehold = await createTestFreehold()
  const founder = await freehold.signUp()
  await freehold.makeStaff(founder.user.id)
  staff = { token: founder.token }
  customer = { token: (await freehold.signUp()).token }
})
afterAll(() => freehold.close())

const monthly = (amount: number) => ({ amount, currency: 'USD', interval: { unit: 'month', count: 1 } })
const growth = {
  prices: { monthly: monthly(59_00) },
  trialDays: 7,
  includes: { recordings: 20_000, applications: null, members: 10, exports: true, retentionDays: 90 },
}
const systemAudit = (action: string) =>
  freehold.sql('select * from freehold.system_audit_entries where action = $1 order by id desc', [action])

describe('the public catalogue', () => {
  test('shows what can be bought, in the order of the definition, and no hidden plan', async () => {
    const { status, body } = await freehold.api.get('/v1/plans')
    expect(status).toBe(200)
    expect(body.nextCursor).toBeNull()
    expect(body.items.map(({ key }: { key: string }) => key)).toEqual(['free', 'growth'])
    expect(body.items[0]).toEqual({
      key: 'free',
      name: 'Free',
      version: 1,
      prices: { default: { amount: 0, currency: 'USD', interval: { unit: 'day', count: 15 } } },
      trialDays: 0,
      includes: { recordings: 100, applications: 1, members: 3, exports: false, retentionDays: 7 },
      fields: {},
    })
  })

  test('keeps the order of the prices, because the first is what a subscription gets by itself', async () => {
    const { body } = await freehold.api.get('/v1/plans')
    expect(Object.keys(body.items[1].prices)).toEqual(['monthly', 'yearly'])
  })

  test('leaves out what is archived or hidden meanwhile, and shows it again afterwards', async () => {
    const shown = async () =>
      (await freehold.api.get('/v1/plans')).body.items.map(({ key }: { key: string }) => key) as string[]
    for (const change of ['archived', 'hidden']) {
      freehold.ok(await freehold.api.patch('/v1/staff/plans/growth', { [change]: true, reason }, staff))
      expect(await shown()).toEqual(['free'])
      freehold.ok(await freehold.api.patch('/v1/staff/plans/growth', { [change]: false, reason }, staff))
      expect(await shown()).toEqual(['free', 'growth'])
    }
  })
})

describe('staff', () => {
  test.each([
    ['get', '/v1/staff/plans'],
    ['get', '/v1/staff/plans/free'],
    ['post', '/v1/staff/plans/free/versions'],
    ['patch', '/v1/staff/plans/free'],
  ] as const)('alone may %s %s', async (method, path) => {
    const call = (options = {}) =>
      freehold.api.call(method.toUpperCase(), path, method === 'get' ? undefined : {}, options)
    expect((await call()).status).toBe(401)
    expect(await call(customer)).toMatchObject({ status: 403, body: { code: 'permission_denied' } })
  })

  test('see hidden plans, versions and how many businesses are on each', async () => {
    const list = freehold.ok(await freehold.api.get('/v1/staff/plans', staff))
    expect(list.items.map(({ key, hidden }: { key: string; hidden: boolean }) => [key, hidden])).toEqual([
      ['free', false],
      ['growth', false],
      ['unlimited', true],
    ])
    const before = freehold.ok(await freehold.api.get('/v1/staff/plans/free', staff))
    await freehold.signUp()
    const after = freehold.ok(await freehold.api.get('/v1/staff/plans/free', staff))
    expect(after.versions).toMatchObject([{ version: 1, onEnd: 'renew', fallbackPlan: null }])
    expect(after.versions[0].subscriptions).toBe(before.versions[0].subscriptions + 1)
    expect(after.subscriptions).toBe(after.versions[0].subscriptions)
    expect((await freehold.api.get('/v1/staff/plans/nothing', staff)).status).toBe(404)
  })

  test('publish a version for new subscriptions; existing ones keep theirs', async () => {
    const acme = await freehold.signUp()
    const published = await freehold.api.post(
      '/v1/staff/plans/free/versions',
      { prices: { default: monthly(0) }, includes: { recordings: 50 } },
      staff,
    )
    expect(published).toMatchObject({
      status: 201,
      body: { version: 2, subscriptions: 0, trialDays: 0, onEnd: 'renew' },
    })
    const page = freehold.ok(await freehold.api.get('/v1/staff/plans/free', staff))
    expect(page.versions.map(({ version }: { version: number }) => version)).toEqual([2, 1])
    expect(page.versions[1]).toMatchObject({ includes: { recordings: 100 } })

    const later = await freehold.signUp()
    expect(later.subscription.plan).toMatchObject({ key: 'free', version: 2 })
    const me = freehold.ok(await freehold.api.get('/v1/me', { token: acme.token }))
    expect(me.memberships[0].subscription.plan).toMatchObject({ key: 'free', version: 1 })
    const [entry] = await systemAudit('plan.version_published')
    expect(entry).toMatchObject({
      actor_kind: 'staff',
      target: { kind: 'plan', id: 'free' },
      before: { version: 1, includes: { recordings: 100 } },
      after: { version: 2, includes: { recordings: 50 } },
    })
  })

  test('number versions without gaps when two publish at once', async () => {
    const before = freehold.ok(await freehold.api.get('/v1/staff/plans/growth', staff)).version as number
    const answers = await Promise.all(
      Array.from({ length: 4 }, () => freehold.api.post('/v1/staff/plans/growth/versions', growth, staff)),
    )
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201])
    expect(answers.map(({ body }) => body.version as number).toSorted((left, right) => left - right)).toEqual([
      before + 1,
      before + 2,
      before + 3,
      before + 4,
    ])
  })

  test.each([
    ['an unknown feature', { includes: { recording: 1 } }, 'body/includes/recording'],
    ['a name every object has', { includes: { constructor: 1 } }, 'body/includes/constructor'],
    ['a value of another kind', { includes: { exports: 1 } }, 'body/includes/exports'],
    ['a negative limit', { includes: { recordings: -1 } }, 'body/includes/recordings'],
    ['half a unit', { includes: { recordings: 0.5 } }, 'body/includes/recordings'],
    ['no price', { prices: {} }, 'body/prices'],
    ['half a cent', { prices: { monthly: { ...monthly(0), amount: 0.5 } } }, 'body/prices/monthly/amount'],
    ['a negative price', { prices: { monthly: monthly(-1) } }, 'body/prices/monthly/amount'],
    [
      'a cycle of nothing',
      { prices: { monthly: { ...monthly(0), interval: { unit: 'month', count: 0 } } } },
      'body/prices/monthly/interval/count',
    ],
    ['a fallback to nowhere', { onEnd: 'fallback', fallbackPlan: 'nowhere' }, 'body/onEnd/fallback'],
    ['a fallback to what every object has', { onEnd: 'fallback', fallbackPlan: 'constructor' }, 'body/fallbackPlan'],
    ['a fallback without a plan', { onEnd: 'fallback' }, 'body/fallbackPlan'],
    ['a plan without a fallback', { fallbackPlan: 'free' }, 'body/fallbackPlan'],
    ['an unknown field', { version: 7 }, 'body/version'],
  ])('cannot publish %s', async (_, change, path) => {
    const versions = async () => (await freehold.sql('select from freehold.plan_versions')).length
    const before = await versions()
    const refused = await freehold.api.post('/v1/staff/plans/growth/versions', { ...growth, ...change }, staff)
    expect(refused.status).toBe(422)
    expect(refused.body.errors.map((each: { path: string }) => each.path)).toContain(path)
    expect(await versions()).toBe(before)
  })

  test('rename a plan, once, and say so in the log', async () => {
    const count = async () => (await systemAudit('plan.changed')).length
    const before = await count()
    for (const _ of [1, 2]) {
      const changed = await freehold.api.patch('/v1/staff/plans/growth', { name: 'Growing', reason }, staff)
      expect(changed).toMatchObject({ status: 200, body: { key: 'growth', name: 'Growing' } })
    }
    expect(await count()).toBe(before + 1)
    expect((await systemAudit('plan.changed'))[0]).toMatchObject({
      before: { name: 'Growth' },
      after: { name: 'Growing', reason },
    })
    expect((await freehold.api.patch('/v1/staff/plans/growth', { reason }, staff)).status).toBe(422)
    const unreasoned = await freehold.api.patch('/v1/staff/plans/growth', { name: 'Growth', hidden: false }, staff)
    expect(unreasoned).toMatchObject({ status: 422, body: { errors: [{ path: 'body/reason' }] } })
  })

  test('cannot archive the plan that new businesses start on, nor one that others fall back to', async () => {
    const signup = await freehold.api.patch('/v1/staff/plans/free', { archived: true, reason }, staff)
    expect(signup).toMatchObject({ status: 409, body: { code: 'conflict' } })

    const archive = (archived: boolean) => freehold.api.patch('/v1/staff/plans/unlimited', { archived, reason }, staff)
    const falling = { ...growth, onEnd: 'fallback', fallbackPlan: 'unlimited' }
    freehold.ok(await freehold.api.post('/v1/staff/plans/growth/versions', falling, staff))
    expect(await archive(true)).toMatchObject({ status: 409, body: { code: 'conflict' } })
    freehold.ok(await freehold.api.post('/v1/staff/plans/growth/versions', growth, staff))
    expect(await archive(true)).toMatchObject({ status: 200, body: { archived: true } })
    const toArchived = await freehold.api.post('/v1/staff/plans/growth/versions', falling, staff)
    expect(toArchived).toMatchObject({ status: 409, body: { code: 'plan_archived' } })
    expect(await archive(false)).toMatchObject({ status: 200, body: { archived: false, archivedAt: null } })
  })
})
