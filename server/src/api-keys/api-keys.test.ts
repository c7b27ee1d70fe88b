import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, days as daysOf, type TestFreehold } from '../../test/harness.ts'
import { days, usd } from '../prices.ts'
import { defineProduct } from '../product.ts'

const product = defineProduct({
  name: 'Recorder',
  permissions: { 'recordings:read': 'read', 'recordings:create': 'write' },
  roles: {
    member: ['recordings:read'],
    keeper: ['api-keys:read', 'api-keys:manage', 'recordings:read'],
    auditor: ['api-keys:read'],
  },
  keys: {
    sdk: { prefix: 'pk', publishable: true, permissions: ['recordings:create'] },
    server: { prefix: 'sk', permissions: ['recordings:read', 'recordings:create'] },
    reader: { prefix: 'rk', permissions: ['recordings:read'] },
  },
  features: { recordings: { kind: 'metered', resets: 'cycle' } },
  plans: {
    free: { name: 'Free', cycle: days(30), price: usd(0), includes: { recordings: 1000, members: null } },
  },
  signup: { plan: 'free', keys: ['sdk'] },
})

let freehold: TestFreehold
beforeAll(async () => {
  freehold = await createTestFreehold({ product })
})
afterAll(() => freehold.close())

type Person = { token: string; business: { id: string }; user: { id: string }; apiKeys: { id: string; key: string }[] }

const keysOf = ({ business }: Person) => `/v1/businesses/${business.id}/api-keys`
const create = (by: Person, type: string, more: object = {}) =>
  freehold.api.post(keysOf(by), { name: `A ${type} key`, type, ...more }, { token: by.token })
const rotate = (by: Person, id: string, body: unknown = {}) =>
  freehold.api.post(`${keysOf(by)}/${id}/rotate`, body, { token: by.token })
const revoke = (by: Person, id: string) => freehold.api.delete(`${keysOf(by)}/${id}`, { token: by.token })
const list = async (by: Person) =>
  freehold.ok(await freehold.api.get(`${keysOf(by)}?limit=100`, { token: by.token })).items
const record = (key: string, amount = 1) =>
  freehold.api.post('/v1/consume', { feature: 'recordings', permission: 'recordings:create', amount }, { token: key })
const usedBy = async ({ business }: Person): Promise<number> => {
  const rows = await freehold.sql('select used from freehold.usage_counters where business_id = $1', [business.id])
  return rows.reduce((sum, row) => sum + Number(row.used), 0)
}

const denied = { status: 403, body: { code: 'permission_denied' } }
const unknown = { status: 404, body: { code: 'not_found' } }
const dead = { status: 401, body: { code: 'unauthenticated' } }

describe('making a key', () => {
  test('hands a secret one out once and keeps its hash alone', async () => {
    const acme = await freehold.signUp()
    const made = await create(acme, 'server')
    expect(made.status).toBe(201)
    const { apiKey, key } = made.body
    expect(key).toMatch(/^sk_[0-9a-z]{58}$/)
    expect(apiKey).toEqual({
      id: expect.stringMatching(/^key_/),
      type: 'server',
      name: 'A server key',
      hint: `sk…${key.slice(-4)}`,
      key: null,
      lineageId: apiKey.id,
      createdBy: acme.user.id,
      expiresAt: null,
      revokedAt: null,
      lastUsedAt: null,
      createdAt: expect.any(String),
    })
    expect((await record(key)).body).toMatchObject({ allowed: true })
    expect((await list(acme))[0]).toMatchObject({ id: apiKey.id, key: null })
    const [row] = await freehold.sql('select row_to_json(k)::text as whole from freehold.api_keys k where id = $1', [
      apiKey.id,
    ])
    expect(row.whole).not.toContain(key)
    expect(row.whole).not.toContain(key.slice(-32))
  })

  test('leaves a publishable one readable to those who manage keys, and to nobody else', async () => {
    const acme = await freehold.signUp()
    const auditor = { ...acme, ...(await freehold.join(acme.business, acme.token, 'auditor')) }
    const made = freehold.ok(await create(acme, 'sdk'))
    expect(made.apiKey.key).toBe(made.key)
    expect(made.key).toMatch(/^pk_/)
    expect((await list(acme)).map(({ key }: { key: string }) => key)).toEqual([made.key, acme.apiKeys[0].key])
    expect((await list(auditor)).map(({ key }: { key: string | null }) => key)).toEqual([null, null])
  })

  test('shows no hash in any answer', async () => {
    const acme = await freehold.signUp()
    const made = freehold.ok(await create(acme, 'server'))
    const canary = Buffer.from('canary-of-a-key-hash')
    await freehold.sql('update freehold.api_keys set hash = $2 where id = $1', [made.apiKey.id, canary])
    const answers = JSON.stringify([
      await list(acme),
      (await rotate(acme, made.apiKey.id)).body,
      (await freehold.api.get(`/v1/businesses/${acme.business.id}/audit`, { token: acme.token })).body,
    ])
    for (const secret of [canary.toString(), canary.toString('hex'), canary.toString('base64'), '"hash"', made.key])
      expect(answers).not.toContain(secret)
  })

  test('lets a key do what its type may, and nothing else', async () => {
    const acme = await freehold.signUp()
    const { key } = freehold.ok(await create(acme, 'reader'))
    expect((await record(key)).body).toMatchObject({ allowed: false, code: 'permission_denied' })
    expect(
      (await freehold.api.post('/v1/check', { permission: 'recordings:read' }, { token: key })).body,
    ).toMatchObject({ allowed: true })
  })

  test('gives a key nothing that the one who makes it does not hold', async () => {
    const acme = await freehold.signUp()
    const keeper = { ...acme, ...(await freehold.join(acme.business, acme.token, 'keeper')) }
    expect((await create(keeper, 'reader')).status).toBe(201)
    for (const type of ['sdk', 'server']) expect(await create(keeper, type)).toMatchObject(denied)
    // The successor would be theirs to see, so it is the same question.
    const { apiKey, key } = freehold.ok(await create(acme, 'server'))
    expect(await rotate(keeper, apiKey.id)).toMatchObject(denied)
    expect((await record(key)).body).toMatchObject({ allowed: true })
    expect(await revoke(keeper, apiKey.id)).toMatchObject({ status: 204 })
  })

  test.each([
    [{}, 'body/name'],
    [{ name: ' ', type: 'server' }, 'body/name'],
    [{ name: 'a\u0000b', type: 'server' }, 'body/name'],
    [{ name: 'x', type: 'root' }, 'body/type'],
    [{ name: 'x', type: 'constructor' }, 'body/type'],
    [{ name: 'x', type: '__proto__' }, 'body/type'],
    [{ name: 'x', type: 'server', permissions: ['recordings:create'] }, 'body/permissions'],
    [{ name: 'x', type: 'server', businessId: 'biz_1' }, 'body/businessId'],
    [{ name: 'x', type: 'server', expiresAt: 'soon' }, 'body/expiresAt'],
    [{ name: 'x', type: 'server', expiresAt: '2999-12-31T23:59:60Z' }, 'body/expiresAt'],
    [{ name: 'x', type: 'server', expiresAt: '2001-01-01T00:00:00Z' }, 'body/expiresAt'],
  ])('refuses %j', async (body, path) => {
    const acme = await freehold.signUp()
    const answer = await freehold.api.post(keysOf(acme), body, { token: acme.token })
    expect(answer).toMatchObject({ status: 422, body: { code: 'invalid_request' } })
    expect(answer.body.errors).toContainEqual(expect.objectContaining({ path }))
    expect(await list(acme)).toHaveLength(1)
  })

  test('happens once for one idempotency key, which brings the secret back', async () => {
    const acme = await freehold.signUp()
    const call = () =>
      freehold.api.post(
        keysOf(acme),
        { name: 'Once', type: 'server' },
        { token: acme.token, headers: { 'idempotency-key': 'make-a-key' } },
      )
    const answers = [await call(), await call()]
    expect(answers[1]).toMatchObject({ status: 201, body: answers[0]?.body })
    expect(await list(acme)).toHaveLength(2)
    const [stored] = await freehold.sql('select row_to_json(k)::text as whole from freehold.idempotency_keys k')
    expect(stored.whole).not.toContain(answers[0]?.body.key)
  })
})

describe('managing keys', () => {
  test('is for those who may, in their own business, and never for a key', async () => {
    const acme = await freehold.signUp()
    const other = await freehold.signUp()
    const member = { ...acme, ...(await freehold.join(acme.business, acme.token)) }
    const auditor = { ...acme, ...(await freehold.join(acme.business, acme.token, 'auditor')) }
    const { apiKey, key } = freehold.ok(await create(acme, 'server'))
    const as = (token: string): Person => ({ ...acme, token })
    const writes = [
      (by: Person) => create(by, 'server'),
      (by: Person) => rotate(by, apiKey.id),
      (by: Person) => revoke(by, apiKey.id),
    ]
    const reads = (by: Person) => freehold.api.get(keysOf(by), { token: by.token })
    for (const call of [...writes, reads]) {
      expect(await call(member)).toMatchObject(denied)
      expect(await call(as(key))).toMatchObject(denied)
      expect(await call(as(other.token))).toMatchObject(unknown)
      expect(await call(as(other.apiKeys[0].key))).toMatchObject(unknown)
      expect(await call(as('nonsense'))).toMatchObject(dead)
    }
    for (const call of writes) expect(await call(auditor)).toMatchObject(denied)
    expect((await reads(auditor)).status).toBe(200)
    // Below one's own business somebody else's key is the same as one that does not exist.
    for (const id of [apiKey.id, 'key_00000000000000000000000000', 'nonsense']) {
      expect(await rotate(other, id)).toMatchObject(unknown)
      expect(await revoke(other, id)).toMatchObject(unknown)
    }
    expect((await record(key)).body).toMatchObject({ allowed: true })
  })

  test('is written down, without the key', async () => {
    const acme = await freehold.signUp()
    const { apiKey, key } = freehold.ok(await create(acme, 'server'))
    const next = freehold.ok(await rotate(acme, apiKey.id, { graceSeconds: 60 }))
    freehold.ok(await revoke(acme, next.apiKey.id))
    const { items } = freehold.ok(
      await freehold.api.get(`/v1/businesses/${acme.business.id}/audit?action=api_key`, { token: acme.token }),
    )
    expect(items.slice(0, 3)).toMatchObject([
      { action: 'api_key.revoked', target: { id: next.apiKey.id }, actor: { id: acme.user.id } },
      { action: 'api_key.rotated', target: { id: next.apiKey.id }, before: { id: apiKey.id, hint: apiKey.hint } },
      { action: 'api_key.created', target: { id: apiKey.id, name: 'A server key' }, after: { type: 'server' } },
    ])
    expect(JSON.stringify(items)).not.toContain(key)
    expect(JSON.stringify(items)).not.toContain(next.key)
  })

  test('pages, newest first', async () => {
    const acme = await freehold.signUp()
    const { apiKey } = freehold.ok(await create(acme, 'server'))
    const first = freehold.ok(await freehold.api.get(`${keysOf(acme)}?limit=1`, { token: acme.token }))
    expect(first.items).toMatchObject([{ id: apiKey.id }])
    const next = `${keysOf(acme)}?limit=1&cursor=${first.nextCursor}`
    expect(freehold.ok(await freehold.api.get(next, { token: acme.token }))).toMatchObject({
      items: [{ id: acme.apiKeys[0].id }],
      nextCursor: null,
    })
  })
})

describe('rotating a key', () => {
  test('lets both work for the grace, on the same counters, and then the new one alone', async () => {
    const acme = await freehold.signUp()
    const old = freehold.ok(await create(acme, 'server'))
    expect((await record(old.key, 10)).body).toMatchObject({ used: 10 })
    const rotated = await rotate(acme, old.apiKey.id, { graceSeconds: 3600 })
    expect(rotated).toMatchObject({
      status: 201,
      body: { apiKey: { type: 'server', name: 'A server key', lineageId: old.apiKey.id, expiresAt: null } },
    })
    const next = rotated.body
    expect(next.apiKey.id).not.toBe(old.apiKey.id)
    expect((await record(next.key, 10)).body).toMatchObject({ allowed: true, used: 20 })
    await freehold.advance(3590)
    expect((await record(old.key, 10)).body).toMatchObject({ allowed: true, used: 30 })
    await freehold.advance(10)
    expect(await record(old.key)).toMatchObject(dead)
    expect((await record(next.key)).body).toMatchObject({ allowed: true, used: 31, limit: 1000 })
    expect(await usedBy(acme)).toBe(31)
  })

  test('says what was counted with the old one since, and nothing of before or of another', async () => {
    const acme = await freehold.signUp()
    const old = freehold.ok(await create(acme, 'server'))
    const usageOf = (id: string, by: Person = acme) =>
      freehold.api.get(`${keysOf(by)}/${id}/usage`, { token: by.token })
    freehold.ok(await record(old.key, 10))
    expect((await usageOf(old.apiKey.id)).body).toMatchObject({
      since: old.apiKey.createdAt,
      items: [{ feature: 'recordings', calls: 1, amount: 10 }],
      complete: true,
    })
    await freehold.advance(60)
    const next = freehold.ok(await rotate(acme, old.apiKey.id))
    expect((await usageOf(old.apiKey.id)).body).toEqual({ since: next.apiKey.createdAt, items: [], complete: true })
    await freehold.advance(60)
    freehold.ok(await record(next.key, 7))
    freehold.ok(await record(old.key, 2))
    freehold.ok(await record(old.key, 3))
    // Refused, so nothing of it was counted.
    expect((await record(old.key, 1000)).body).toMatchObject({ allowed: false })
    expect((await usageOf(old.apiKey.id)).body.items).toMatchObject([{ feature: 'recordings', calls: 2, amount: 5 }])
    expect((await usageOf(next.apiKey.id)).body.items).toMatchObject([{ calls: 1, amount: 7 }])
    expect(await usageOf('key_none')).toMatchObject(unknown)
    expect(await usageOf(old.apiKey.id, await freehold.signUp())).toMatchObject(unknown)
  })

  test('says so when there was more than is looked through', async () => {
    const acme = await freehold.signUp()
    const { apiKey, key } = freehold.ok(await create(acme, 'server'))
    const next = freehold.ok(await rotate(acme, apiKey.id))
    freehold.ok(await record(key, 4))
    await freehold.sql(
      `insert into freehold.usage_entries
         (business_id, id, feature, period_start, kind, amount, used_after, held_after, credential_id, at)
       select business_id, 'use_z' || lpad(n::text, 25, '0'), feature, period_start, 'consume', 1, 1, 0, $2, at + n * interval '1 ms'
       from freehold.usage_entries e, generate_series(1, 9999) n
       where e.business_id = $1`,
      [acme.business.id, next.apiKey.id],
    )
    const usage = async () =>
      freehold.ok(await freehold.api.get(`${keysOf(acme)}/${apiKey.id}/usage`, { token: acme.token }))
    expect(await usage()).toMatchObject({ items: [{ calls: 1, amount: 4 }], complete: false })
    freehold.ok(await record(next.key))
    expect((await usage()).complete).toBe(false)
  })

  test('gives a day when nothing is said', async () => {
    const acme = await freehold.signUp()
    const { apiKey } = freehold.ok(await create(acme, 'server'))
    const before = freehold.ctx.now().getTime()
    expect((await rotate(acme, apiKey.id)).status).toBe(201)
    const old = (await list(acme)).find(({ id }: { id: string }) => id === apiKey.id)
    const graceMilliseconds = Date.parse(old.expiresAt) - before
    expect(graceMilliseconds).toBeGreaterThanOrEqual(daysOf(1) * 1000)
    expect(graceMilliseconds).toBeLessThan(daysOf(1) * 1000 + 10_000)
  })

  test('without a grace ends the old one at once', async () => {
    const acme = await freehold.signUp()
    const { apiKey, key } = freehold.ok(await create(acme, 'server'))
    expect((await record(key)).body).toMatchObject({ allowed: true })
    const next = freehold.ok(await rotate(acme, apiKey.id, { graceSeconds: 0 }))
    expect(await record(key)).toMatchObject(dead)
    expect((await record(next.key)).body).toMatchObject({ allowed: true })
  })

  test('never lets the old one live past its own end', async () => {
    const acme = await freehold.signUp()
    const expiresAt = new Date(freehold.ctx.now().getTime() + 600_000).toISOString()
    const { apiKey, key } = freehold.ok(await create(acme, 'server', { expiresAt }))
    expect(apiKey.expiresAt).toBe(expiresAt)
    freehold.ok(await rotate(acme, apiKey.id, { graceSeconds: 86_400 }))
    const old = (await list(acme)).find(({ id }: { id: string }) => id === apiKey.id)
    expect(old.expiresAt).toBe(expiresAt)
    await freehold.advance(600)
    expect(await record(key)).toMatchObject(dead)
  })

  test('can be cut short: revoking ends a grace', async () => {
    const acme = await freehold.signUp()
    const { apiKey, key } = freehold.ok(await create(acme, 'server'))
    freehold.ok(await rotate(acme, apiKey.id, { graceSeconds: 3600 }))
    expect((await record(key)).body).toMatchObject({ allowed: true })
    freehold.ok(await revoke(acme, apiKey.id))
    expect(await record(key)).toMatchObject(dead)
  })

  test('is done once: of several at the same moment one makes the successor', async () => {
    const acme = await freehold.signUp()
    for (let round = 0; round < 4; round++) {
      const { apiKey } = freehold.ok(await create(acme, 'server'))
      const answers = await Promise.all(Array.from({ length: 6 }, () => rotate(acme, apiKey.id)))
      expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
      expect(answers.filter(({ body }) => body.code === 'conflict')).toHaveLength(5)
      const lineage = (await list(acme)).filter(({ lineageId }: { lineageId: string }) => lineageId === apiKey.id)
      expect(lineage).toHaveLength(2)
    }
  })

  test('can be repeated when the successor was revoked, and goes on from a successor that was not', async () => {
    const acme = await freehold.signUp()
    const { apiKey } = freehold.ok(await create(acme, 'server'))
    const lost = freehold.ok(await rotate(acme, apiKey.id))
    freehold.ok(await revoke(acme, lost.apiKey.id))
    const second = freehold.ok(await rotate(acme, apiKey.id))
    const third = freehold.ok(await rotate(acme, second.apiKey.id, { graceSeconds: 0 }))
    expect(third.apiKey.lineageId).toBe(apiKey.id)
    expect(await record(second.key)).toMatchObject(dead)
    expect((await record(third.key)).body).toMatchObject({ allowed: true })
  })

  test('needs a key that still works', async () => {
    const acme = await freehold.signUp()
    const { apiKey } = freehold.ok(await create(acme, 'server'))
    freehold.ok(await revoke(acme, apiKey.id))
    expect(await rotate(acme, apiKey.id)).toMatchObject({ status: 409, body: { code: 'key_revoked' } })
    const expiresAt = new Date(freehold.ctx.now().getTime() + 60_000).toISOString()
    const short = freehold.ok(await create(acme, 'server', { expiresAt }))
    await freehold.advance(60)
    expect(await rotate(acme, short.apiKey.id)).toMatchObject({ status: 409, body: { code: 'key_revoked' } })
  })

  test.each([-1, 1.5, 604_801, '60', null, true, [60], 2 ** 53])('refuses a grace of %j', async (graceSeconds) => {
    const acme = await freehold.signUp()
    const { apiKey } = freehold.ok(await create(acme, 'server'))
    expect(await rotate(acme, apiKey.id, { graceSeconds })).toMatchObject({
      status: 422,
      body: { code: 'invalid_request', errors: [{ path: 'body/graceSeconds' }] },
    })
    expect(await list(acme)).toHaveLength(2)
  })

  test('takes a grace of a week', async () => {
    const acme = await freehold.signUp()
    const { apiKey } = freehold.ok(await create(acme, 'server'))
    expect((await rotate(acme, apiKey.id, { graceSeconds: 604_800 })).status).toBe(201)
  })
})

describe('revoking a key', () => {
  test('stops it before the answer is there, and can be repeated', async () => {
    const acme = await freehold.signUp()
    const { apiKey, key } = freehold.ok(await create(acme, 'server'))
    expect((await record(key)).body).toMatchObject({ allowed: true })
    expect((await revoke(acme, apiKey.id)).status).toBe(204)
    expect(await record(key)).toMatchObject(dead)
    expect((await revoke(acme, apiKey.id)).status).toBe(204)
    const { items } = freehold.ok(
      await freehold.api.get(`/v1/businesses/${acme.business.id}/audit?action=api_key.revoked`, { token: acme.token }),
    )
    expect(items).toHaveLength(1)
    expect((await list(acme)).find(({ id }: { id: string }) => id === apiKey.id).revokedAt).not.toBeNull()
  })

  test('while it consumes leaves what was acknowledged counted, and nothing after', async () => {
    const acme = await freehold.signUp()
    const { apiKey, key } = freehold.ok(await create(acme, 'server'))
    let revoked = false
    const acknowledged = { count: 0, afterRevocation: 0 }
    const consumer = async () => {
      for (let calls = 0; calls < 40; calls++) {
        const began = revoked
        const { status, body } = await record(key)
        if (status === 200 && body.allowed) {
          acknowledged.count++
          if (began) acknowledged.afterRevocation++
        }
      }
    }
    const consumers = Promise.all(Array.from({ length: 6 }, consumer))
    await freehold.eventually(async () => acknowledged.count >= 20)
    freehold.ok(await revoke(acme, apiKey.id))
    revoked = true
    await consumers
    expect(acknowledged.afterRevocation).toBe(0)
    expect(await usedBy(acme)).toBe(acknowledged.count)
    expect(acknowledged.count).toBeLessThan(240)
  })

  test('ends at its own expiry without anybody revoking it', async () => {
    const acme = await freehold.signUp()
    const expiresAt = new Date(freehold.ctx.now().getTime() + 60_000).toISOString()
    const { key } = freehold.ok(await create(acme, 'server', { expiresAt }))
    expect((await record(key)).body).toMatchObject({ allowed: true })
    await freehold.advance(60)
    expect(await record(key)).toMatchObject(dead)
    expect(await usedBy(acme)).toBe(1)
  })
})

test('a key tells when it was used last, at most once a minute', async () => {
  const owner: Person = await freehold.signUp()
  const [{ key, id }] = owner.apiKeys as [Person['apiKeys'][number]]
  const lastUsed = async () => (await list(owner)).find((each: { id: string }) => each.id === id).lastUsedAt
  expect(await lastUsed()).toBeNull()
  await record(key)
  const first = await freehold.eventually(lastUsed, 'the use was noted')
  expect(freehold.ctx.now().getTime() - new Date(first).getTime()).toBeLessThan(10_000)

  await freehold.advance(30)
  await record(key)
  await freehold.advance(31)
  expect(await lastUsed()).toBe(first)
  await record(key)
  await freehold.eventually(async () => (await lastUsed()) !== first, 'the later use was noted')
})
