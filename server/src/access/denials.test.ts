import Fastify from 'fastify'
import { sql } from 'kysely'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createTestFreehold, days, type TestFreehold } from '../../test/harness.ts'
import { openStaff, type Staff } from '../../test/staff.ts'
import { denials, forgetDenials, mostPerMinute } from './denials.ts'

let freehold: TestFreehold
let people: Staff
beforeAll(async () => {
  freehold = await createTestFreehold()
  people = await openStaff(freehold)
})
afterAll(() => freehold.close())

const hours = (count: number) => count * 3600

type Asker = { token: string }

async function signUp() {
  const { business, token, apiKeys } = await freehold.signUp()
  const { id } = business as { id: string }
  return { id, owner: { token: token as string }, key: { token: apiKeys[0].key as string }, keyId: apiKeys[0].id }
}

const check = (body: object, asker: Asker) => freehold.api.post('/v1/check', body, asker)
const explained = (requestId: string, reader: { token?: string }) =>
  freehold.api.get(`/v1/explain/${requestId}`, reader)

/** A request that this key may not make, and its id. */
async function denied({ key }: { key: Asker }): Promise<string> {
  const { body } = await check({ permission: 'recordings:read' }, key)
  expect(body).toMatchObject({ allowed: false, code: 'permission_denied' })
  return body.requestId
}

const rowsOf = (businessId: string) =>
  freehold.sql<{ request_id: string }>('select request_id from freehold.denials where business_id = $1', [businessId])

describe('a denial', () => {
  test('can be asked about by its request id, although nobody had asked to explain it', async () => {
    const acme = await signUp()
    const requestId = await denied(acme)
    const { body } = await explained(requestId, acme.owner)
    expect(body).toMatchObject({
      requestId,
      businessId: acme.id,
      route: '/v1/check',
      asked: { permission: 'recordings:read', amount: 1 },
      code: 'permission_denied',
      explanation: { failed: 'permission' },
    })
    expect(body.at).toBe(new Date(body.at).toISOString())
  })

  test('is explained by what was so then, whatever has become of it since', async () => {
    const acme = await signUp()
    freehold.ok(await freehold.api.post('/v1/consume', { feature: 'recordings', amount: 100 }, acme.key))
    const unit = { feature: 'recordings', businessId: acme.id }
    const { body } = await freehold.api.post('/v1/consume', { ...unit, explain: true }, acme.owner)
    const silent = await freehold.api.post('/v1/consume', unit, acme.owner)
    const before = await explained(silent.body.requestId, acme.owner)
    const more = { feature: 'recordings', amount: 50, reason: 'to see what changes' }
    freehold.ok(await freehold.api.post(`/v1/staff/businesses/${acme.id}/grants`, more, people.admin))
    freehold.ok(await freehold.api.post('/v1/consume', { feature: 'recordings' }, acme.key))
    expect((await explained(silent.body.requestId, acme.owner)).body).toEqual(before.body)
    expect((await explained(body.requestId, acme.owner)).body.explanation).toEqual(body.explanation)
    expect(before.body.explanation).toEqual(body.explanation)
  })

  test('among reported events is the first one, under the id they share', async () => {
    const acme = await signUp()
    const event = (feature: string, amount: number) => ({ feature, amount, idempotencyKey: `${feature}-${amount}` })
    const events = [event('recordings', 99), event('recordings', 2), event('recordings', 3)]
    const { headers, body } = await freehold.api.post('/v1/usage', { events }, acme.key)
    expect(body.items.map(({ code }: { code: string | null }) => code)).toEqual([
      null,
      'limit_reached',
      'limit_reached',
    ])
    const found = await explained(headers.get('x-request-id') ?? '', acme.owner)
    expect(found.body).toMatchObject({ route: '/v1/usage', asked: { feature: 'recordings', amount: 2 } })
    expect(found.body.explanation).toMatchObject({ failed: 'counter' })
  })

  test('is kept only when the gate said no: neither a yes nor a wrong request is', async () => {
    const acme = await signUp()
    const yes = await freehold.api.post('/v1/consume', { feature: 'recordings', explain: true }, acme.key)
    const wrong = await freehold.api.post('/v1/consume', { feature: 'nothing' }, acme.key)
    const wrongEvent = { feature: 'nothing', idempotencyKey: 'one' }
    await freehold.api.post('/v1/usage', { events: [wrongEvent] }, acme.key)
    for (const { body } of [yes, wrong]) expect((await explained(body.requestId, acme.owner)).status).toBe(404)
    expect(await rowsOf(acme.id)).toEqual([])
  })

  test('is written by itself, without anybody asking', async () => {
    const acme = await signUp()
    const requestId = await denied(acme)
    const rows = await freehold.eventually(async () => {
      const found = await rowsOf(acme.id)
      return found.length > 0 && found
    }, 'the writing')
    expect(rows).toEqual([{ request_id: requestId }])
  })

  test('can be read for 24 hours, and is deleted within the hour after', async () => {
    const acme = await signUp()
    const requestId = await denied(acme)
    await freehold.advance(hours(24) - 5)
    expect((await explained(requestId, people.meter)).status).toBe(200)
    await forgetDenials(freehold.ctx)
    expect(await rowsOf(acme.id)).toHaveLength(1)
    await freehold.advance(10)
    expect((await explained(requestId, people.meter)).status).toBe(404)
    await forgetDenials(freehold.ctx)
    expect(await rowsOf(acme.id)).toEqual([])
  })
})

describe('who may ask about a denial', () => {
  test('members, staff and app keys; a key is told nothing, and nobody what staff wrote', async () => {
    const acme = await signUp()
    const reason = 'a word among staff'
    const limits = `/v1/staff/businesses/${acme.id}/limits/recordings`
    freehold.ok(await freehold.api.put(limits, { limit: 0, reason }, people.admin))
    const { body } = await freehold.api.post('/v1/consume', { feature: 'recordings' }, acme.key)
    const viewer = await freehold.join({ id: acme.id }, acme.owner.token, 'viewer')
    for (const reader of [acme.owner, viewer]) {
      const answer = await explained(body.requestId, reader)
      expect(answer).toMatchObject({ status: 200, body: { explanation: { failed: 'counter' } } })
      expect(JSON.stringify(answer.body)).not.toContain(reason)
      expect(JSON.stringify(answer.body)).not.toContain('/v1/staff/')
    }
    for (const reader of [people.staff, people.admin, people.meter]) {
      const answer = await explained(body.requestId, reader)
      expect(JSON.stringify(answer.body)).toContain(reason)
      expect(JSON.stringify(answer.body)).toContain(`PUT ${limits}`)
    }
    expect((await explained(body.requestId, acme.key)).status).toBe(403)
    expect((await explained(body.requestId, {})).status).toBe(401)
  })

  test("another business's is to everybody what does not exist", async () => {
    const acme = await signUp()
    const other = await signUp()
    const theirs = await denied(acme)
    expect((await explained(theirs, acme.owner)).status).toBe(200)
    const comparable = ({ status, body: { requestId: _, ...body } }: Awaited<ReturnType<typeof explained>>) => ({
      status,
      body,
    })
    for (const reader of [other.owner, other.key, people.customer, people.key]) {
      const answer = comparable(await explained(theirs, reader))
      expect(answer).toMatchObject({ status: 404, body: { code: 'not_found' } })
      expect(comparable(await explained(`${theirs.slice(0, -4)}0000`, reader))).toEqual(answer)
    }
    for (const id of ['nothing', 'req_', '%00', 'a'.repeat(200)]) {
      expect((await explained(id, people.staff)).status).toBe(404)
    }
  })

  test('each reads their own where an application numbers its requests from 1 in every process', async () => {
    const [first, second, third] = [await signUp(), await signUp(), await signUp()]
    for (const { key } of [first, second]) {
      const application = Fastify()
      await application.register(freehold.fastify)
      const { statusCode, body } = await application.inject({
        method: 'POST',
        url: '/v1/check',
        headers: { authorization: `Bearer ${key.token}` },
        payload: { permission: 'recordings:read' },
      })
      expect({ statusCode, requestId: JSON.parse(body).requestId }).toEqual({ statusCode: 200, requestId: 'req-1' })
      await application.close()
    }
    for (const { id, owner } of [first, second]) {
      expect(await explained('req-1', owner)).toMatchObject({ status: 200, body: { businessId: id } })
    }
    expect((await explained('req-1', third.owner)).status).toBe(404)
    expect((await explained('req-1', people.staff)).body.businessId).toBe(second.id)
  })

  test('its own transaction shows a business its own, and writes none', async () => {
    const acme = await signUp()
    const other = await signUp()
    await Promise.all([denied(acme), denied(other)])
    await denials(freehold.ctx).written()
    const asAcme = (statement: string) =>
      freehold.ctx.db.tenant.transaction().execute(async (tx) => {
        await sql`select set_config('app.business_id', ${acme.id}, true)`.execute(tx)
        return (await sql.raw(`${statement} -- test`).execute(tx)).rows
      })
    expect(await asAcme('select business_id from freehold.denials')).toEqual([{ businessId: acme.id }])
    await expect(asAcme('delete from freehold.denials')).rejects.toThrow('permission denied')
    await expect(asAcme(`update freehold.denials set code = 'none'`)).rejects.toThrow('permission denied')
  })

  test("a bad credential's is read by whose key it was, and a made-up one's by the backend alone", async () => {
    const acme = await signUp()
    freehold.ok(await freehold.api.delete(`/v1/businesses/${acme.id}/api-keys/${acme.keyId}`, acme.owner))
    const asked = async (credential: string) => (await check({ subject: { credential } }, people.meter)).body.requestId
    const revoked = await asked(acme.key.token)
    expect((await explained(revoked, acme.owner)).body).toMatchObject({
      businessId: acme.id,
      code: 'unauthenticated',
      explanation: { failed: 'credential' },
    })
    for (const credential of [`${acme.key.token.slice(0, -4)}0000`, 'nonsense']) {
      const requestId = await asked(credential)
      expect((await explained(requestId, people.meter)).body).toMatchObject({ businessId: null })
      expect((await explained(requestId, acme.owner)).status).toBe(404)
      const [row] = await freehold.sql(
        'select row_to_json(d)::text as text from freehold.denials d where request_id = $1',
        [requestId],
      )
      expect(row.text).not.toContain(credential)
    }
  })
})

describe('what denials cost', () => {
  /** The statements that run on any connection meanwhile. */
  async function statementsOf(work: () => Promise<unknown>): Promise<string[]> {
    const statements: string[] = []
    const query = vi.spyOn(pg.Client.prototype, 'query').mockImplementation(function (
      this: pg.Client,
      ...args: unknown[]
    ) {
      const [statement] = args as [string | { text: string }]
      statements.push(typeof statement === 'string' ? statement : statement.text)
      return original.apply(this, args) as never
    })
    await work()
    query.mockRestore()
    return statements.filter((each) => !/pg_catalog|freehold_jobs|clock_offset|select 1/.test(each))
  }
  const original = pg.Client.prototype.query as (...args: unknown[]) => unknown

  test('is nothing to whoever is let in: the one statement that decides, and no other', async () => {
    const acme = await signUp()
    const consume = async () => {
      const { body } = await freehold.api.post('/v1/consume', { feature: 'recordings' }, acme.key)
      expect(body).toMatchObject({ allowed: true })
    }
    await consume()
    const statements = await statementsOf(async () => {
      for (let count = 0; count < 5; count += 1) await consume()
      await denials(freehold.ctx).written()
    })
    expect(statements).toHaveLength(5)
    for (const each of statements) expect(each).toContain('update freehold.usage_counters')
    const ask = () => check({ feature: 'recordings', permission: 'recordings:create' }, acme.key)
    await ask()
    const checking = await statementsOf(ask)
    expect(checking).toEqual([expect.stringContaining('from freehold.usage_counters')])
  })

  test('is nothing to whoever is denied while they wait: all are written together, later', async () => {
    const acme = await signUp()
    await denied(acme)
    await denials(freehold.ctx).written()
    expect(await statementsOf(() => Promise.all([denied(acme), denied(acme), denied(acme)]))).toEqual([])
    const writing = await statementsOf(() => denials(freehold.ctx).written())
    expect(writing.filter((each) => each.includes('insert into "freehold"."denials"'))).toHaveLength(1)
    expect(writing.length).toBeLessThan(8)
    expect(await rowsOf(acme.id)).toHaveLength(4)
  })

  test('is bounded in a flood, for each business by itself, and every one still explains itself', async () => {
    const flooding = await signUp()
    const other = await signUp()
    for (let round = 0; round < 5; round += 1) {
      await Promise.all(Array.from({ length: 40 }, () => denied(flooding)))
    }
    const requestId = await denied(other)
    await denials(freehold.ctx).written()
    expect(await rowsOf(flooding.id)).toHaveLength(mostPerMinute.business)
    expect((await explained(requestId, other.owner)).status).toBe(200)
    const { body } = await check({ permission: 'recordings:read', explain: true }, flooding.key)
    expect(body.explanation).toMatchObject({ failed: 'permission' })
    expect((await explained(body.requestId, flooding.owner)).status).toBe(404)
  })

  test('is lost, and no more than that, when they cannot be written', async () => {
    const acme = await signUp()
    await denials(freehold.ctx).written()
    await freehold.sql('alter table freehold.denials rename to denials_away')
    const requestId = await denied(acme)
    await denials(freehold.ctx).written()
    await freehold.sql('alter table freehold.denials_away rename to denials')
    expect((await explained(requestId, acme.owner)).status).toBe(404)
    expect((await explained(await denied(acme), acme.owner)).status).toBe(200)
  })

  test('is that of each alone: one that cannot be explained takes no other with it, and no answer', async () => {
    const acme = await signUp()
    const other = await signUp()
    freehold.ok(await freehold.api.post('/v1/consume', { feature: 'recordings', amount: 100 }, acme.key))
    await freehold.sql(`update freehold.subscriptions set price = 'gone' where business_id = $1`, [acme.id])
    const { body } = await freehold.api.post('/v1/consume', { feature: 'recordings' }, acme.key)
    const requestId = await denied(other)
    expect((await explained(body.requestId, people.meter)).status).toBe(404)
    expect((await explained(requestId, people.meter)).status).toBe(200)
    const withoutIt = await freehold.api.post('/v1/consume', { feature: 'recordings', explain: true }, acme.key)
    expect(withoutIt).toMatchObject({ status: 200, body: { allowed: false, code: 'limit_reached' } })
    expect(withoutIt.body).not.toHaveProperty('explanation')
  })

  test('is paid before the server closes', async () => {
    const closing = await createTestFreehold({ database: freehold.database })
    const acme = await signUp()
    const { body } = await closing.api.post('/v1/check', { permission: 'recordings:read' }, acme.key)
    await closing.close()
    expect(await rowsOf(acme.id)).toEqual([{ request_id: body.requestId }])
  })
})

test('a jump of days leaves nothing of them', async () => {
  const acme = await signUp()
  await denied(acme)
  await denials(freehold.ctx).written()
  await freehold.advance(days(3))
  await forgetDenials(freehold.ctx)
  expect(await freehold.sql('select from freehold.denials')).toEqual([])
})
