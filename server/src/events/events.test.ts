import { readFileSync } from 'node:fs'
import { Check } from 'typebox/value'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, days, type TestFreehold } from '../../test/harness.ts'
import { mailAlerts } from '../usage/alerts.ts'
import { eventCatalogue, isEventType } from './catalogue.ts'

let freehold: TestFreehold
let staff: { token: string }

beforeAll(async () => {
  freehold = await createTestFreehold()
  const { token, user } = await freehold.signUp()
  await freehold.makeStaff(user.id)
  staff = { token }
})
afterAll(() => freehold.close())

type Written = { type: string; data: Record<string, unknown> }

/** What has happened in a business so far, in order; of one noun when said. */
const happened = async (businessId: string, noun = ''): Promise<Written[]> =>
  (
    await freehold.sql('select type, data from freehold.events where business_id = $1 order by sequence', [businessId])
  ).filter(({ type }) => type.startsWith(noun))
const types = async (businessId: string, noun: string) => (await happened(businessId, noun)).map(({ type }) => type)

describe('a business', () => {
  test('tells of its beginning before what belongs to it', async () => {
    const { business, user, apiKeys } = await freehold.signUp({ business: { name: '  Acme  ' } })
    const events = await happened(business.id)
    expect(events[0]).toEqual({
      type: 'business.created',
      data: { name: 'Acme', externalId: null, ownerId: user.id, plan: 'free' },
    })
    expect(events.slice(1)).toContainEqual({
      type: 'api_key.created',
      data: { apiKeyId: apiKeys[0].id, keyType: 'sdk', name: 'sdk' },
    })
  })

  test('tells of a change once, and not of one that changes nothing', async () => {
    const { business, token } = await freehold.signUp({ business: { name: 'Before' } })
    const rename = (name: string) => freehold.api.patch(`/v1/businesses/${business.id}`, { name }, { token })
    freehold.ok(await rename('After'))
    freehold.ok(await rename('After'))
    expect(await happened(business.id, 'business.updated')).toEqual([
      { type: 'business.updated', data: { name: 'After', externalId: null } },
    ])
  })

  test('tells when it is suspended, let in again, closed and reopened, each once', async () => {
    const { business, token, subscription } = await freehold.signUp()
    const set = (status: string) =>
      freehold.api.patch(`/v1/staff/businesses/${business.id}`, { status, reason: 'a complaint' }, staff)
    for (const status of ['suspended', 'suspended', 'active', 'active']) freehold.ok(await set(status))
    const path = `/v1/businesses/${business.id}`
    freehold.ok(await freehold.api.delete(path, { token }))
    freehold.ok(await freehold.api.post(`${path}/reopening`, {}, { token }))
    freehold.ok(await freehold.api.post(`${path}/reopening`, {}, { token }))
    expect((await happened(business.id, 'business.')).slice(1)).toEqual([
      { type: 'business.suspended', data: { reason: 'a complaint' } },
      { type: 'business.reactivated', data: { reason: 'a complaint' } },
      { type: 'business.closed', data: {} },
      { type: 'business.reopened', data: {} },
    ])
    expect(await happened(business.id, 'subscription.suspended')).toEqual([
      {
        type: 'subscription.suspended',
        data: { subscriptionId: subscription.id, plan: 'free', version: 1, price: 'default', reason: 'a complaint' },
      },
    ])
  })
})

describe('members', () => {
  test('tell of joining, another role, suspension and removal', async () => {
    const { business, token } = await freehold.signUp()
    const { member, user } = await freehold.join(business, token)
    const path = `/v1/businesses/${business.id}/members/${member.id}`
    const change = async (body: object) => freehold.ok(await freehold.api.patch(path, body, { token }))
    for (const body of [{ role: 'admin' }, { role: 'admin' }, { suspended: true }, { suspended: false }]) {
      await change(body)
    }
    freehold.ok(await freehold.api.delete(path, { token }))
    const about = { memberId: member.id, userId: user.id }
    expect(await happened(business.id, 'member.')).toEqual([
      { type: 'member.joined', data: { ...about, role: 'member' } },
      { type: 'member.role_changed', data: { ...about, role: 'admin', previousRole: 'member' } },
      { type: 'member.suspended', data: { ...about, role: 'admin' } },
      { type: 'member.restored', data: { ...about, role: 'admin' } },
      { type: 'member.removed', data: { ...about, role: 'admin', left: false } },
    ])
  })

  test('tell of leaving, and of both roles when a business is handed on', async () => {
    const { business, token, member: owner } = await freehold.signUp()
    const next = await freehold.join(business, token, 'admin')
    const body = { memberId: next.member.id }
    freehold.ok(await freehold.api.post(`/v1/businesses/${business.id}/ownership-transfer`, body, { token }))
    freehold.ok(await freehold.api.delete(`/v1/businesses/${business.id}/members/${owner.id}`, { token }))
    const events = await happened(business.id, 'member.')
    expect(events.map(({ type, data }) => [type, data['memberId'], data['role'], data['left']])).toEqual([
      ['member.joined', next.member.id, 'admin', undefined],
      ['member.role_changed', next.member.id, 'owner', undefined],
      ['member.role_changed', owner.id, 'admin', undefined],
      ['member.removed', owner.id, 'admin', true],
    ])
  })
})

test('keys tell of their rotation and end, never the key itself', async () => {
  const { business, token, apiKeys } = await freehold.signUp()
  const path = `/v1/businesses/${business.id}/api-keys`
  const rotated = freehold.ok(await freehold.api.post(`${path}/${apiKeys[0].id}/rotate`, {}, { token }))
  freehold.ok(await freehold.api.delete(`${path}/${rotated.apiKey.id}`, { token }))
  expect(await types(business.id, 'api_key.')).toEqual(['api_key.created', 'api_key.rotated', 'api_key.revoked'])
  const text = JSON.stringify(await happened(business.id))
  for (const { key } of [apiKeys[0], rotated]) expect(text).not.toContain(key)
})

test('a limit that comes near is told once', async () => {
  const { business, apiKeys } = await freehold.signUp()
  const consume = { feature: 'recordings', amount: 85 }
  freehold.ok(await freehold.api.post('/v1/consume', consume, { token: apiKeys[0].key }))
  await mailAlerts(freehold.ctx)
  await mailAlerts(freehold.ctx)
  const [near, ...more] = await happened(business.id, 'usage.')
  expect(more).toEqual([])
  expect(near?.data).toMatchObject({ feature: 'recordings', threshold: 80, used: 85, limit: 100 })
})

test('the guide names every event with its data', () => {
  const guide = readFileSync(new URL('../../../docs/guide/events.md', import.meta.url), 'utf8')
  const rows = [...guide.matchAll(/^\| `([a-z_]+\.[a-z_]+)` \|[^|]*\|([^|]*)\|$/gm)]
  const told = rows.map(([, type, data = '']) => [type, [...data.matchAll(/`(\w+)`/g)].map(([, name]) => name)])
  expect(Object.fromEntries(told)).toEqual(
    Object.fromEntries(Object.entries(eventCatalogue).map(([type, { properties }]) => [type, Object.keys(properties)])),
  )
})

test('every event is one of the catalogue, with the data it promises', async () => {
  await freehold.advance(days(16))
  const rows = await freehold.sql<Written>('select type, data from freehold.events')
  expect(rows.length).toBeGreaterThan(20)
  const wrong = rows.filter(({ type, data }) => !isEventType(type) || !Check(eventCatalogue[type], data))
  expect(wrong).toEqual([])
})
