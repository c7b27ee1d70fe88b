import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, days as seconds, type TestFreehold } from '../../test/harness.ts'
import { auditOf, openStaff, type Staff } from '../../test/staff.ts'
import { days, months, usd } from '../prices.ts'
import { defineProduct } from '../product.ts'
import { renewDue } from '../subscriptions/renewal.ts'
import { fromKysely } from './ports.ts'
import { verifyUsage } from './verification.ts'

const product = defineProduct({
  name: 'Test',
  permissions: { 'boards:create': 'write' },
  keys: { sdk: { prefix: 'pk', publishable: true, permissions: ['boards:create'] } },
  features: { boards: { kind: 'allocated', onDowngrade: 'freeze_newest' } },
  plans: {
    free: { name: 'Free', cycle: months(1), price: usd(0), includes: { boards: 1 } },
    small: { name: 'Small', cycle: months(1), price: usd(10_00), includes: { boards: 2 } },
    large: { name: 'Large', cycle: months(1), price: usd(90_00), includes: { boards: 5 } },
    boundless: { name: 'Boundless', cycle: months(1), price: usd(190_00), includes: { boards: null } },
    without: { name: 'Without', cycle: months(1), price: usd(5_00), includes: {} },
    taster: { name: 'Taster', cycle: days(10), price: usd(1_00), onEnd: { fallback: 'free' }, includes: { boards: 4 } },
  },
  signup: { plan: 'free', keys: ['sdk'] },
})

let freehold: TestFreehold
let people: Staff
beforeAll(async () => {
  freehold = await createTestFreehold({ product })
  people = await openStaff(freehold)
})
afterAll(() => freehold.close())

const reason = 'agreed by phone'

/** A business on a plan, with boards that were allocated one after the other. */
async function open(plan = 'large', boards: string[] = ['b1', 'b2', 'b3', 'b4']) {
  const { business, token, user } = await freehold.signUp()
  const id: string = business.id
  const subject = { businessId: id }
  const staffUrl = `/v1/staff/businesses/${id}`
  const gate = async (operation: string, body: Record<string, unknown>) =>
    freehold.ok(await freehold.api.post(`/v1/${operation}`, { feature: 'boards', subject, ...body }, people.meter))
  const acme = {
    id,
    token,
    user,
    staffUrl,
    allocate: (itemId: string) => gate('allocate', { itemId }),
    release: (itemId: string) => gate('release', { itemId }),
    check: (body: Record<string, unknown> = {}) => gate('check', body),
    staffPlan: async (name: string, more: Record<string, unknown> = {}) =>
      freehold.ok(
        await freehold.api.put(`${staffUrl}/plan`, { plan: name, reason, when: 'now', ...more }, people.admin),
      ),
    limit: async (limit: number | null, more: Record<string, unknown> = {}) =>
      freehold.ok(await freehold.api.put(`${staffUrl}/limits/boards`, { limit, reason, ...more }, people.admin)),
    entitlement: async () => freehold.ok(await freehold.api.get(staffUrl, people.admin)).entitlements.boards,
    /** What may be used and what is frozen, oldest first. */
    items: async () => {
      const rows = await freehold.sql<{ item_id: string; frozen_at: Date | null }>(
        `select item_id, frozen_at from freehold.allocations where business_id = $1 order by created_at, item_id`,
        [id],
      )
      const named = (frozen: boolean) =>
        rows.flatMap(({ item_id: item, frozen_at: at }) => ((at !== null) === frozen ? item : []))
      return { live: named(false), frozen: named(true) }
    },
    events: async () =>
      (
        await freehold.sql<{ type: string; data: { itemIds: string[] } }>(
          `select type, data from freehold.events where business_id = $1 and type like 'items.%' order by sequence`,
          [id],
        )
      ).map(({ type, data }) => [type, data.itemIds]),
    now: async () => freehold.ok(await freehold.api.get(staffUrl, people.admin)).subscription,
  }
  if (plan !== 'free') await acme.staffPlan(plan)
  for (const board of boards) {
    expect(await acme.allocate(board)).toMatchObject({ allowed: true })
    await freehold.advance(1)
  }
  return acme
}

/** The ledger adds up to what is used, and what is used to what is not frozen. */
async function expectSound(businessId: string) {
  const { drifts } = await verifyUsage(freehold.ctx)
  expect(drifts.filter((drift) => drift.businessId === businessId)).toEqual([])
  const [row] = await freehold.sql(
    `select used::int, (select count(*)::int from freehold.allocations a
       where a.business_id = c.business_id and a.feature = c.feature and frozen_at is null) as live
     from freehold.usage_counters c where business_id = $1 and feature = 'boards'`,
    [businessId],
  )
  expect(row.used).toBe(row.live)
}

describe('a smaller plan at the boundary', () => {
  test.each([
    ['the sweep', async () => void (await renewDue(freehold.ctx))],
    ['a request', async (acme: Awaited<ReturnType<typeof open>>) => void (await acme.allocate('b1'))],
  ])('freezes the newest that do not fit, taken by %s', async (_, take) => {
    const acme = await open()
    const { cycleEnd } = await acme.staffPlan('small', { when: 'cycleEnd' })
    await freehold.advance(seconds(40))
    // Whoever reads before anybody has written is told the same.
    expect(await acme.entitlement()).toMatchObject({ limit: 2, used: 2, remaining: 0, frozen: 2 })
    expect(await acme.events()).toEqual([])
    await take(acme)
    expect(await acme.items()).toEqual({ live: ['b1', 'b2'], frozen: ['b3', 'b4'] })
    expect(await acme.entitlement()).toMatchObject({ limit: 2, used: 2, remaining: 0, frozen: 2 })
    expect(await acme.events()).toEqual([['items.frozen', ['b3', 'b4']]])
    const [{ frozen_at: frozenAt }] = await freehold.sql(
      'select frozen_at from freehold.allocations where business_id = $1 and item_id = $2',
      [acme.id, 'b4'],
    )
    expect(frozenAt.toISOString()).toBe(cycleEnd)
    expect(await auditOf(freehold, acme.id, 'items.frozen')).toMatchObject([
      { target: { kind: 'feature', id: 'boards' }, after: { items: 2, limit: 2 } },
    ])
    // Nothing more comes of it, however often it is looked at.
    await renewDue(freehold.ctx)
    await acme.allocate('b1')
    expect(await acme.events()).toHaveLength(1)
    await expectSound(acme.id)
  })

  test('is told beforehand, and held up by nothing', async () => {
    const acme = await open()
    const url = `/v1/businesses/${acme.id}/subscription/plan`
    const as = { token: acme.token }
    const preview = freehold.ok(await freehold.api.put(url, { plan: 'small', preview: true }, as))
    expect(preview).toMatchObject({
      blockers: [],
      freezes: [{ feature: 'boards', used: 4, limit: 2, frozen: 2 }],
    })
    expect(freehold.ok(await freehold.api.put(url, { plan: 'small' }, as)).pendingChange).toMatchObject({
      plan: { key: 'small' },
    })
    expect((await acme.items()).frozen).toEqual([])
  })

  test('a plan that falls back freezes by the plan it falls back to', async () => {
    const acme = await open('taster')
    await freehold.advance(seconds(11))
    expect(await acme.entitlement()).toMatchObject({ limit: 1, used: 1, frozen: 3 })
    await renewDue(freehold.ctx)
    expect(await acme.items()).toEqual({ live: ['b1'], frozen: ['b2', 'b3', 'b4'] })
    await expectSound(acme.id)
  })

  test('a plan without the feature freezes all of it', async () => {
    const acme = await open()
    await acme.staffPlan('without')
    expect((await acme.items()).live).toEqual([])
    expect(await acme.allocate('b1')).toMatchObject({ allowed: false, code: 'feature_unavailable' })
    await acme.staffPlan('large')
    expect((await acme.items()).frozen).toEqual([])
    await expectSound(acme.id)
  })

  test('taken by many at once, freezes once', async () => {
    const acme = await open()
    await acme.staffPlan('small', { when: 'cycleEnd' })
    await freehold.advance(seconds(40))
    await Promise.all([
      renewDue(freehold.ctx),
      renewDue(freehold.ctx),
      acme.allocate('b1'),
      acme.allocate('b3'),
      acme.allocate('b5'),
      acme.check(),
    ])
    expect(await acme.items()).toEqual({ live: ['b1', 'b2'], frozen: ['b3', 'b4'] })
    expect(await acme.events()).toEqual([['items.frozen', ['b3', 'b4']]])
    await expectSound(acme.id)
  })
})

describe('a frozen item', () => {
  test('is not to be used, and says since when; nor is there room for another', async () => {
    const acme = await open()
    await acme.staffPlan('small')
    const [{ at }] = await freehold.sql(
      `select frozen_at as at from freehold.allocations where business_id = $1 and item_id = 'b3'`,
      [acme.id],
    )
    const frozenAt = at.toISOString()
    const refused = { allowed: false, code: 'limit_reached', limit: 2, used: 2, remaining: 0 }
    expect(await acme.allocate('b3')).toMatchObject({ ...refused, frozenAt })
    expect(await acme.allocate('b9')).toEqual(expect.not.objectContaining({ frozenAt: expect.anything() }))
    expect(await acme.allocate('b9')).toMatchObject(refused)
    expect(await acme.allocate('b2')).toMatchObject({ allowed: true, used: 2 })
    const explained = await freehold.ok(
      await freehold.api.post(
        '/v1/allocate',
        { feature: 'boards', itemId: 'b3', subject: { businessId: acme.id }, explain: true },
        people.meter,
      ),
    ).explanation
    expect(explained).toMatchObject({ failed: 'counter' })
    expect(explained.steps.at(-1)).toMatchObject({
      saw: { itemId: 'b3', frozenAt },
      remedy: { text: expect.stringContaining('b3 is frozen since') },
    })
  })

  test('is asked about by its id without being counted', async () => {
    const acme = await open()
    expect(await acme.check({ itemId: 'b3' })).toMatchObject({ allowed: true, used: 4 })
    expect(await acme.check({ itemId: 'b9' })).toMatchObject({ allowed: true, used: 4 })
    await acme.staffPlan('small')
    for (const _ of ['before the counter is opened', 'and after']) {
      expect(await acme.check({ itemId: 'b2' })).toMatchObject({ allowed: true, used: 2, remaining: 0 })
      expect(await acme.check({ itemId: 'b3' })).toMatchObject({ allowed: false, frozenAt: expect.any(String) })
      expect(await acme.check({ itemId: 'b9' })).toMatchObject({ allowed: false, code: 'limit_reached' })
      await acme.allocate('b1')
    }
    expect((await acme.items()).live).toEqual(['b1', 'b2'])
    const wrong = { feature: 'boards', subject: { businessId: acme.id }, amount: 2, itemId: 'b1' }
    expect(await freehold.api.post('/v1/check', wrong, people.meter)).toMatchObject({ status: 422 })
  })

  test('is released like another, and makes no room', async () => {
    const acme = await open()
    await acme.staffPlan('small')
    expect(await acme.release('b4')).toMatchObject({ allowed: true, used: 2, thawed: [] })
    expect(await acme.items()).toEqual({ live: ['b1', 'b2'], frozen: ['b3'] })
    expect(await acme.release('b4')).toMatchObject({ allowed: true, used: 2, thawed: [] })
    await expectSound(acme.id)
  })

  test('comes back oldest first: when another is released, with a higher limit, with a larger plan', async () => {
    const acme = await open('large', ['b1', 'b2', 'b3', 'b4', 'b5'])
    await acme.staffPlan('free')
    expect(await acme.release('b1')).toMatchObject({ allowed: true, used: 1, thawed: ['b2'] })
    expect(await acme.items()).toEqual({ live: ['b2'], frozen: ['b3', 'b4', 'b5'] })
    await acme.limit(2)
    expect(await acme.items()).toEqual({ live: ['b2', 'b3'], frozen: ['b4', 'b5'] })
    await acme.staffPlan('large')
    // What staff have set counts, not the plan.
    expect((await acme.items()).frozen).toEqual(['b4', 'b5'])
    freehold.ok(await freehold.api.call('DELETE', `${acme.staffUrl}/limits/boards`, { reason }, people.admin))
    expect(await acme.items()).toEqual({ live: ['b2', 'b3', 'b4', 'b5'], frozen: [] })
    expect(await acme.events()).toEqual([
      ['items.frozen', ['b2', 'b3', 'b4', 'b5']],
      ['items.thawed', ['b3']],
      ['items.thawed', ['b4', 'b5']],
    ])
    expect(await acme.allocate('b6')).toMatchObject({ allowed: true, used: 5 })
    await expectSound(acme.id)
  })

  test('comes back with all others where there is no limit', async () => {
    const acme = await open()
    await acme.staffPlan('free')
    await acme.staffPlan('boundless')
    expect((await acme.items()).frozen).toEqual([])
    expect(await acme.entitlement()).toMatchObject({ limit: null, used: 4, frozen: 0 })
    await expectSound(acme.id)
  })

  test('comes back when the limit that staff had set runs out', async () => {
    const acme = await open()
    const expiresAt = new Date(freehold.ctx.now().getTime() + 86_400_000).toISOString()
    await acme.limit(1, { expiresAt })
    expect(await acme.items()).toEqual({ live: ['b1'], frozen: ['b2', 'b3', 'b4'] })
    await freehold.advance(seconds(2))
    expect(await acme.entitlement()).toMatchObject({ limit: 5, used: 4, frozen: 0 })
    expect(await acme.allocate('b4')).toMatchObject({ allowed: true, used: 4 })
    expect((await acme.items()).frozen).toEqual([])
    await expectSound(acme.id)
  })

  test('makes room for one alone, however many release the same item at once', async () => {
    const acme = await open()
    await acme.staffPlan('small')
    const answers = await Promise.all(Array.from({ length: 6 }, () => acme.release('b1')))
    expect(answers.flatMap(({ thawed }) => thawed)).toEqual(['b3'])
    expect(await acme.items()).toEqual({ live: ['b2', 'b3'], frozen: ['b4'] })
    await expectSound(acme.id)
  })

  test('is thawed in the application’s own transaction, and frozen still when that is rolled back', async () => {
    const acme = await open()
    await acme.staffPlan('small')
    const inTransaction = (itemId: string, fails: boolean) =>
      freehold.ctx.db.across.transaction().execute(async (tx) => {
        const released = await freehold.release(fromKysely(tx), {
          businessId: acme.id,
          feature: 'boards',
          itemId,
        })
        expect(released).toMatchObject({ used: 2, thawed: ['b3'] })
        if (fails) throw new Error('lost')
      })
    await expect(inTransaction('b1', true)).rejects.toThrow('lost')
    expect(await acme.items()).toEqual({ live: ['b1', 'b2'], frozen: ['b3', 'b4'] })
    await inTransaction('b1', false)
    expect(await acme.items()).toEqual({ live: ['b2', 'b3'], frozen: ['b4'] })
    const allocating = freehold.ctx.db.across
      .transaction()
      .execute((tx) => freehold.allocate(fromKysely(tx), { businessId: acme.id, feature: 'boards', itemId: 'b4' }))
    await expect(allocating).rejects.toMatchObject({
      code: 'limit_reached',
      extensions: { frozenAt: expect.any(Date) },
    })
    await expectSound(acme.id)
  })

  test('is let go by a product that freezes no more', async () => {
    const acme = await open()
    await acme.staffPlan('small')
    await acme.allocate('b1')
    const { boards } = freehold.ctx.product.features
    if (!boards) throw new Error('no boards')
    boards.onDowngrade = 'grandfather'
    try {
      expect(await acme.allocate('b4')).toMatchObject({ allowed: true, used: 4, limit: 2 })
      expect((await acme.items()).frozen).toEqual([])
      expect(await acme.allocate('b5')).toMatchObject({ allowed: false, used: 4 })
    } finally {
      boards.onDowngrade = 'freeze_newest'
    }
    await expectSound(acme.id)
  })
})

describe('the items of a business', () => {
  test('are listed with what is frozen, also where nobody has written that yet', async () => {
    const acme = await open()
    const { cycleEnd } = await acme.staffPlan('small', { when: 'cycleEnd' })
    const list = async (query: string) =>
      freehold.ok(await freehold.api.get(`${acme.staffUrl}/items?feature=boards${query}`, people.admin))
    const own = `/v1/businesses/${acme.id}/items?feature=boards`
    const mine = freehold.ok(await freehold.api.get(own, { token: acme.token }))
    expect(mine).toEqual(await list(''))
    const unnamed = await freehold.api.get(`/v1/businesses/${acme.id}/items`, { token: acme.token })
    expect(freehold.ok(unnamed)).toEqual({ ...mine, feature: 'boards' })
    expect(mine.items.map((item: { frozenAt: string | null }) => item.frozenAt)).toEqual([null, null, null, null])
    await freehold.advance(seconds(40))
    const projected = await list('')
    await renewDue(freehold.ctx)
    expect(await list('')).toEqual(projected)
    expect(projected.items).toMatchObject([
      { itemId: 'b1', frozenAt: null },
      { itemId: 'b2', frozenAt: null },
      { itemId: 'b3', frozenAt: cycleEnd },
      { itemId: 'b4', frozenAt: cycleEnd },
    ])
    expect((await list('&frozen=true')).items.map(({ itemId }: { itemId: string }) => itemId)).toEqual(['b3', 'b4'])
    expect((await list('&frozen=false')).items.map(({ itemId }: { itemId: string }) => itemId)).toEqual(['b1', 'b2'])
    const first = await list('&limit=3')
    expect(first.items).toHaveLength(3)
    expect((await list(`&limit=3&cursor=${first.nextCursor}`)).items).toMatchObject([{ itemId: 'b4' }])
  })

  test.each(['members', 'nothing', 'constructor'])('there are none of %s', async (feature) => {
    const acme = await open('free', [])
    const path = `/v1/businesses/${acme.id}/items?feature=${feature}`
    expect(await freehold.api.get(path, { token: acme.token })).toMatchObject({ status: 422 })
  })
})
