import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, days, type TestFreehold } from '../../test/harness.ts'
import { systemActor } from '../context.ts'
import { moveSubscriptions, whenToMove } from './moves.ts'

let freehold: TestFreehold
let staff: { token: string }
beforeAll(async () => {
  freehold = await createTestFreehold({ worker: true })
  const { token, user } = await freehold.signUp()
  await freehold.makeStaff(user.id)
  staff = { token }
})
afterAll(() => freehold.close())

const terms = (recordings: number | null, change: Record<string, unknown> = {}) => ({
  prices: { default: { amount: 0, currency: 'USD', interval: { unit: 'day', count: 15 } } },
  includes: { recordings, applications: 1, members: 3, exports: false, retentionDays: 7 },
  ...change,
})
const publish = async (plan: string, body: object): Promise<number> =>
  freehold.ok(await freehold.api.post(`/v1/staff/plans/${plan}/versions`, body, staff)).version
const subscriptionOf = async ({ business, token }: Account) =>
  freehold.ok(await freehold.api.get(`/v1/businesses/${business.id}/subscription`, { token }))
const recordingsOf = async ({ business, token }: Account) =>
  freehold.ok(await freehold.api.get(`/v1/businesses/${business.id}/entitlements`, { token })).recordings
const consume = async ({ apiKeys }: Account, amount: number) =>
  freehold.ok(await freehold.api.post('/v1/consume', { feature: 'recordings', amount }, { token: apiKeys[0].key }))
/** What the job has noted about moving to a version. */
const moved = (plan: string, version: number) =>
  freehold.eventually(async () => {
    const rows = await freehold.sql(
      `select actor_kind, after from freehold.system_audit_entries
       where action = 'plan.subscriptions_moved' and target ->> 'id' = $1 and (after ->> 'version')::int = $2`,
      [plan, version],
    )
    return rows[0]
  }, 'the move')

type Account = { business: { id: string; name: string }; token: string; apiKeys: [{ key: string }] }

describe('a published version', () => {
  test('takes over existing subscriptions now: used stays, the limit is the new one', async () => {
    const acme: Account = await freehold.signUp()
    const before = await subscriptionOf(acme)
    await consume(acme, 60)
    const version = await publish('free', { ...terms(200), existing: 'now', reason: 'more for everybody' })
    expect((await moved('free', version)).after).toMatchObject({ existing: 'now', reason: 'more for everybody' })

    expect(await subscriptionOf(acme)).toMatchObject({
      plan: { key: 'free', version },
      cycleStart: before.cycleStart,
      cycleEnd: before.cycleEnd,
    })
    expect(await recordingsOf(acme)).toMatchObject({ limit: 200, used: 60 })
    // The counter was open with the old ceiling.
    expect(await consume(acme, 100)).toMatchObject({ allowed: true, used: 160, limit: 200 })

    const path = `/v1/businesses/${acme.business.id}/audit?action=subscription.plan_changed`
    const { items } = freehold.ok(await freehold.api.get(path, { token: acme.token }))
    expect(items).toHaveLength(1)
    expect(items[0]).toMatchObject({ actor: { kind: 'staff' }, after: { reason: 'more for everybody' } })
  })

  test('takes over at the renewal, and not before; a later one takes its place', async () => {
    const acme: Account = await freehold.signUp()
    const { version: current } = (await subscriptionOf(acme)).plan
    const between = await publish('free', { ...terms(300), existing: 'atRenewal' })
    await moved('free', between)
    expect(await subscriptionOf(acme)).toMatchObject({
      plan: { version: current },
      pendingChange: { plan: { key: 'free', version: between } },
    })
    const last = await publish('free', { ...terms(400), existing: 'atRenewal' })
    await moved('free', last)
    expect(await recordingsOf(acme)).toMatchObject({ limit: 200 })
    await freehold.advance(days(15))
    expect(await subscriptionOf(acme)).toMatchObject({ plan: { version: last }, pendingChange: null })
    expect(await recordingsOf(acme)).toMatchObject({ limit: 400, used: 0 })
  })

  test('leaves who is on the way to another plan to that', async () => {
    const acme: Account = await freehold.signUp()
    const elsewhere = { plan: 'unlimited', reason: 'a promise', when: 'cycleEnd' }
    freehold.ok(await freehold.api.put(`/v1/staff/businesses/${acme.business.id}/plan`, elsewhere, staff))
    const before = await subscriptionOf(acme)
    const version = await publish('free', { ...terms(500), existing: 'now' })
    const { after } = await moved('free', version)
    expect(after.left).toEqual({ pending_change_exists: 1 })
    expect(after.moved).toBeGreaterThan(0)
    expect(await subscriptionOf(acme)).toEqual(before)
  })

  test('moves who is named by an app key as well, and only those of its plan', async () => {
    const acme: Account = await freehold.signUp()
    const hidden = { plan: 'unlimited', reason: 'a promise', when: 'now' }
    freehold.ok(await freehold.api.put(`/v1/staff/businesses/${acme.business.id}/plan`, hidden, staff))
    const before = await subscriptionOf(acme)
    const version = await publish('free', { ...terms(600), existing: 'now' })
    await moved('free', version)
    expect(await subscriptionOf(acme)).toEqual(before)
  })

  test('moves many, and a second run finds nobody left', async () => {
    const many: Account[] = []
    for (let count = 0; count < 12; count += 1) many.push(await freehold.signUp())
    const version = await publish('free', { ...terms(700), existing: 'now' })
    await moved('free', version)
    const versions = await Promise.all(many.map(async (each) => (await subscriptionOf(each)).plan.version))
    expect(new Set(versions)).toEqual(new Set([version]))
    const entries = await freehold.sql(
      `select count(*)::int as entries from freehold.audit_entries
       where action = 'subscription.plan_changed' and business_id = any($1)`,
      [many.map(({ business }) => business.id)],
    )
    expect(entries).toEqual([{ entries: many.length }])
  })

  test('moves on where a run that took long has stopped, and tries again whom it failed', async () => {
    const { prices, includes, trialDays } = freehold.ok(await freehold.api.get('/v1/staff/plans/growth', staff))
    const wanted = { prices, trialDays, includes: { ...includes, recordings: 777 } }
    const version = await publish('growth', wanted)
    const ids = await seed(250)
    const [broken = ''] = ids.slice(6)
    const move = { plan: 'growth', version, existing: 'atRenewal', reason: 'in parts', actor: systemActor('test') }
    const repair = (zone: string, end: string) =>
      freehold.sql(`update freehold.subscriptions set zone = $2, cycle_end = ${end} where business_id = $1`, [
        broken,
        zone,
      ])
    await repair('Nowhere/Land', 'now()')
    // As long as one batch takes; the worker goes on where it stood.
    await moveSubscriptions(freehold.ctx, move, 0)
    expect((await moved('growth', version)).after).toMatchObject({
      moved: 249,
      left: {},
      failed: 1,
      reason: 'in parts',
    })
    const jobs = () =>
      freehold.sql(
        `select data ->> 'after' as after, (data ->> 'moved')::int as moved, data -> 'failed' as failed, state
         from freehold_jobs.job
         where data ->> 'task' = 'move-subscriptions' and data ->> 'plan' = 'growth'`,
      )
    const first = { after: ids[199], moved: 199, failed: [broken] }
    await freehold.eventually(async () => (await jobs()).some(({ state }) => state === 'retry'), 'the retry')
    expect(await jobs()).toMatchObject([first])

    await repair('UTC', `now() + interval '100 days'`)
    await freehold.sql(`update freehold_jobs.job set start_after = now() where state = 'retry'`)
    await freehold.eventually(async () => (await jobs()).every(({ state }) => state === 'completed'), 'the rest')
    const scheduled = await freehold.sql(
      `select count(*)::int as changes, count(distinct s.business_id)::int as businesses
       from freehold.audit_entries a
       join freehold.subscriptions s on s.business_id = a.business_id
       where a.action = 'subscription.change_scheduled' and s.pending_change is not null and s.business_id = any($1)`,
      [ids],
    )
    expect(scheduled).toEqual([{ changes: 250, businesses: 250 }])
    await freehold.sql(
      `update freehold.subscriptions set status = 'ended', ended_at = now(), end_reason = 'cancelled', pending_change = null
       where business_id = any($1)`,
      [ids],
    )
  })

  test('keeps them where they are when nobody says otherwise', async () => {
    const acme: Account = await freehold.signUp()
    const before = await subscriptionOf(acme)
    const version = await publish('free', terms(50))
    expect(await subscriptionOf(acme)).toEqual(before)
    const jobs = await freehold.sql(
      `select from freehold_jobs.job where data ->> 'task' = 'move-subscriptions' and (data ->> 'version')::int = $1`,
      [version],
    )
    expect(jobs).toEqual([])
  })
})

/** Businesses on the first version of growth, in the middle of their cycle; their ids, in order. */
async function seed(count: number): Promise<string[]> {
  const rows = await freehold.sql<{ business_id: string }>(
    `with one as (
       select 'biz_' || lpad(n::text, 26, '0') as business_id from generate_series(1001, 1000 + $1::int) n
     ), business as (
       insert into freehold.businesses (id, name, created_at) select business_id, business_id, now() from one
     )
     insert into freehold.subscriptions
       (business_id, id, plan_version_id, price, status, anchor, cycle_start, cycle_end, created_at)
     select business_id, 'sub_' || business_id, v.id, 'monthly', 'active', now(), now(), now() + interval '100 days', now()
     from one, freehold.plan_versions v
     where v.plan_key = 'growth' and v.version = 1
     returning business_id`,
    [count],
  )
  return rows.map(({ business_id }) => business_id).toSorted()
}

describe('a preview', () => {
  const preview = (plan: string, body: object) =>
    freehold.api.post(`/v1/staff/plans/${plan}/versions`, { ...body, preview: true }, staff)

  test('says what differs, how many it is about and who would not fit, and writes nothing', async () => {
    const acme: Account = await freehold.signUp()
    await consume(acme, 42)
    await freehold.join(acme.business, acme.token)
    const rows = () => freehold.sql('select id from freehold.plan_versions')
    const before = await rows()
    const { body, status } = await preview('free', {
      ...terms(40, { trialDays: 3 }),
      includes: { ...terms(40).includes, members: 1 },
      existing: 'now',
    })
    expect(status).toBe(200)
    expect(body.diff).toEqual([
      { field: 'trialDays', from: 0, to: 3 },
      { field: 'includes.recordings', from: 50, to: 40 },
      { field: 'includes.members', from: 3, to: 1 },
    ])
    const [{ count }] = await freehold.sql(
      `select count(*)::int from freehold.subscriptions s join freehold.plan_versions v on v.id = s.plan_version_id
       where v.plan_key = 'free' and s.status <> 'ended'`,
    )
    expect(body.affected).toBe(count)
    const { id: businessId, name: businessName } = acme.business
    expect(body.wouldExceed.first).toContainEqual({
      businessId,
      businessName,
      feature: 'recordings',
      used: 42,
      limit: 40,
      frozen: 0,
    })
    expect(body.wouldExceed.first).toContainEqual({
      businessId,
      businessName,
      feature: 'members',
      used: 2,
      limit: 1,
      frozen: 0,
    })
    expect(body.wouldExceed.businesses).toBeLessThanOrEqual(body.wouldExceed.cases)
    expect(await rows()).toEqual(before)
  })

  test('looks at every version that somebody is on', async () => {
    const acme: Account = await freehold.signUp()
    await consume(acme, 45)
    // The version that is current now allows less than hers did; the next one allows more than that, and still less.
    await publish('free', terms(10))
    const { body } = await preview('free', terms(44))
    expect(body.diff).toEqual([{ field: 'includes.recordings', from: 10, to: 44 }])
    const features = body.wouldExceed.first.filter(
      ({ businessId }: { businessId: string }) => businessId === acme.business.id,
    )
    expect(features).toEqual([expect.objectContaining({ feature: 'recordings', used: 45, limit: 44 })])
  })

  test('names twenty at most and counts all', async () => {
    const one = `'biz_' || lpad(n::text, 26, '0') as business_id from generate_series(1, 25) n`
    await freehold.sql(
      `with one as (select ${one}), business as (
         insert into freehold.businesses (id, name, created_at) select business_id, business_id, now() from one
       ), counter as (
         insert into freehold.usage_counters (business_id, feature, period_start, period_end, used, ceiling, valid_until)
         select business_id, 'recordings', now() - interval '1 day', now() + interval '100 days', 9000, 9999, now() from one
       )
       insert into freehold.subscriptions
         (business_id, id, plan_version_id, price, status, anchor, cycle_start, cycle_end, created_at)
       select business_id, 'sub_' || business_id, (select id from freehold.plan_versions where plan_key = 'growth' and version = 1),
         'monthly', 'active', now(), now(), now() + interval '100 days', now()
       from one`,
    )
    const growth = freehold.ok(await freehold.api.get('/v1/staff/plans/growth', staff))
    const { prices, includes, trialDays } = growth
    const { body } = await preview('growth', { prices, trialDays, includes: { ...includes, recordings: 100 } })
    expect(body).toMatchObject({ affected: 25, wouldExceed: { businesses: 25, cases: 25 } })
    expect(body.wouldExceed.first).toHaveLength(20)
  })

  test('refuses what publishing would refuse', async () => {
    for (const wrong of [{ includes: { recording: 1 } }, { onEnd: 'fallback', fallbackPlan: 'nowhere' }]) {
      expect((await preview('free', { ...terms(1), ...wrong })).status).toBe(422)
    }
    expect((await preview('nothing', terms(1))).status).toBe(404)
  })

  test.each([{ existing: 'later' }, { existing: 'now', reason: ' ' }])('is refused with %j', async (wrong) => {
    expect((await preview('free', { ...terms(1), ...wrong })).status).toBe(422)
  })
})

describe('when one is moved', () => {
  const monthly = { amount: 10_00, currency: 'USD', interval: { unit: 'month', count: 1 } }
  const yearly = { ...monthly, interval: { unit: 'year', count: 1 } }
  const version = (number: number, prices: Record<string, unknown>, planKey = 'growth') =>
    ({ id: `${planKey} ${number}`, planKey, version: number, prices }) as never
  const current = version(3, { monthly, yearly: { ...yearly, interval: { unit: 'day', count: 365 } } })
  const one = {
    plan: version(1, { monthly, yearly, weekly: monthly, constructor: monthly }),
    price: 'monthly',
    status: 'active',
    pendingChange: null,
    awaiting: null,
    cancelAtCycleEnd: false,
  } as const
  const pending = (plan: unknown, price = 'monthly') => ({ pendingChange: { plan, price } })
  const wayBack = pending(version(1, { default: monthly }, 'free'), 'default')

  test.each([
    ['atRenewal', {}, 'cycleEnd'],
    ['now', {}, 'now'],
    ['now', { status: 'past_due' }, 'now'],
    ['atRenewal', { status: 'trialing' }, 'now'],
    ['atRenewal', { status: 'paused' }, 'now'],
    // The cycle would be cut short.
    ['now', { price: 'yearly' }, 'cycleEnd'],
    ['atRenewal', { price: 'weekly' }, 'price_not_offered'],
    ['atRenewal', { price: 'constructor' }, 'price_not_offered'],
    ['atRenewal', { cancelAtCycleEnd: true }, 'ends_with_cycle'],
    ['now', { cancelAtCycleEnd: true }, 'now'],
    // Brought up to now, it may have ended, or be on another plan.
    ['now', { status: 'ended' }, 'there_already'],
    ['now', { plan: version(1, { monthly }, 'free') }, 'there_already'],
    ['now', { plan: current }, 'there_already'],
    ['now', wayBack, 'pending_change_exists'],
    ['now', { awaiting: { plan: current, price: 'monthly' } }, 'pending_change_exists'],
    ['now', pending(version(2, { yearly }), 'yearly'), 'pending_change_exists'],
    ['atRenewal', pending(version(2, { monthly })), 'cycleEnd'],
    ['atRenewal', pending(current), 'there_already'],
    ['now', pending(current), 'now'],
    ['now', { price: 'yearly', ...pending(current, 'yearly') }, 'there_already'],
  ] as const)('%s, %j: %s', (existing, change, when) => {
    expect(whenToMove({ existing }, current, { ...one, ...change } as never)).toBe(when)
  })
})
