import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, days, type TestFreehold } from '../../test/harness.ts'
import { auditOf, onlyStaff, openStaff, refusals, type Staff } from '../../test/staff.ts'

let freehold: TestFreehold
let people: Staff
beforeAll(async () => {
  freehold = await createTestFreehold()
  people = await openStaff(freehold)
})
afterAll(() => freehold.close())

const found = async (search: string): Promise<string[]> => {
  const path = `/v1/staff/businesses?limit=100&search=${encodeURIComponent(search)}`
  const { items } = freehold.ok(await freehold.api.get(path, people.staff))
  return items.map(({ id }: { id: string }) => id)
}
const signUp = (name: string, email?: string) =>
  freehold.signUp({ business: { name }, ...(email === undefined ? {} : { email }) })

describe('who may', () => {
  test.each([
    ['GET', '', undefined],
    ['GET', '/:id', undefined],
    ['PATCH', '/:id', { status: 'suspended', reason: 'for a test' }],
  ])('only staff and admin app keys may %s /v1/staff/businesses%s', async (method, path, body) => {
    const { business } = await freehold.signUp()
    const url = `/v1/staff/businesses${path.replace(':id', business.id)}`
    expect(await refusals((options) => freehold.api.call(method, url, body, options), people)).toEqual(onlyStaff)
    expect((await freehold.api.call(method, url, body, people.admin)).status).toBe(200)
    expect((await freehold.api.call(method, url, body, people.staff)).status).toBe(200)
  })

  test('a support session is no staff', async () => {
    const { business } = await freehold.signUp()
    const session = freehold.ok(
      await freehold.api.post(
        '/v1/staff/support-sessions',
        { businessId: business.id, reason: 'a look', minutes: 15, access: 'write' },
        people.staff,
      ),
    )
    expect((await freehold.api.get('/v1/staff/businesses', { token: session.token })).status).toBe(403)
  })
})

describe('search', () => {
  test('finds a part of the name, whatever its case', async () => {
    const { business } = await signUp('Überflieger Größe GmbH')
    for (const text of ['überflieger', 'ÜBERFL', 'größe gm', '  flieger  '])
      expect(await found(text)).toEqual([business.id])
    expect(await found('unterflieger')).toEqual([])
  })

  test('finds an owner or any member by a part of the e-mail', async () => {
    const acme = await signUp('Mailed', 'Olga.Owner@mailed.test')
    await freehold.join(acme.business, acme.token, 'member', 'hidden.helper@elsewhere.test')
    expect(await found('OLGA.OWNER@mailed.test')).toEqual([acme.business.id])
    expect(await found('olga.owner')).toEqual([acme.business.id])
    expect(await found('hidden.helper@elsewhere.test')).toEqual([acme.business.id])
  })

  test('finds an id, or its beginning', async () => {
    const { business } = await signUp('By id')
    expect(await found(business.id)).toEqual([business.id])
    expect(await found(business.id.toUpperCase())).toEqual([business.id])
    expect(await found(business.id.slice(0, -3))).toEqual([business.id])
  })

  test('finds a key by its beginning, by its hint and by the whole; revoked ones too', async () => {
    const acme = await signUp('By key')
    const publishable: string = acme.apiKeys[0].key
    const created = freehold.ok(
      await freehold.api.post(
        `/v1/businesses/${acme.business.id}/api-keys`,
        { name: 'backend', type: 'server' },
        { token: acme.token },
      ),
    )
    const { key, apiKey } = created as { key: string; apiKey: { id: string; hint: string } }
    for (const text of [publishable, key, key.slice(0, 29), key.slice(0, 24), key.toUpperCase(), apiKey.hint]) {
      expect(await found(text)).toContain(acme.business.id)
    }
    expect(await found(apiKey.hint.replace('…', '...'))).toContain(acme.business.id)
    const other = await signUp('Other key')
    expect(await found(other.apiKeys[0].key)).toEqual([other.business.id])
    expect(await found(`${key.slice(0, -1)}${key.endsWith('0') ? '1' : '0'}`)).toEqual([])
    freehold.ok(
      await freehold.api.delete(`/v1/businesses/${acme.business.id}/api-keys/${apiKey.id}`, { token: acme.token }),
    )
    expect(await found(key)).toEqual([acme.business.id])
  })

  test('takes wildcards, quotes and operators as letters', async () => {
    const percent = await signUp('100% Pure')
    const underscore = await signUp('snake_case Ltd')
    const backslash = await signUp(String.raw`back\slash`)
    const quote = await signUp(`O'Brien; drop table "x"--`)
    expect(await found('100%')).toEqual([percent.business.id])
    expect(await found('0%p')).toEqual([])
    expect(await found('snake_')).toEqual([underscore.business.id])
    expect(await found('s_ake')).toEqual([])
    expect(await found(String.raw`\sl`)).toEqual([backslash.business.id])
    expect(await found(`o'brien; drop`)).toEqual([quote.business.id])
  })

  test.each([
    "' or 1=1 --",
    "'; drop table freehold.businesses; --",
    '%',
    '_',
    '%%%%',
    '\\',
    'pk_%',
    'pk_\\',
    'biz_%',
    '${jndi:ldap://x}',
    '<script>alert(1)</script>',
  ])('does nothing but look for %j', async (text) => {
    await signUp('Bystander')
    const ids = await found(text)
    const names = await freehold.sql<{ name: string }>('select name from freehold.businesses where id = any($1)', [ids])
    for (const { name } of names) expect(name.toLowerCase()).toContain(text)
    expect((await found('bystander')).length).toBeGreaterThan(0)
  })

  test.each(['%00', 'a%00b', '%0A', 'x'.repeat(201)])('refuses the text %j', async (text) => {
    const refused = await freehold.api.get(`/v1/staff/businesses?search=${text}`, people.staff)
    expect(refused).toMatchObject({ status: 422, body: { errors: [{ path: 'querystring/search' }] } })
  })

  test('refuses a repeated and an unknown query key', async () => {
    expect((await freehold.api.get('/v1/staff/businesses?search=a&search=b', people.staff)).status).toBe(422)
    expect((await freehold.api.get('/v1/staff/businesses?owner=a', people.staff)).status).toBe(422)
  })

  test('answers pages, newest first, and leaves none out', async () => {
    const ids = []
    for (const number of [1, 2, 3, 4, 5]) ids.push((await signUp(`Paged ${number}`)).business.id)
    const pages: string[][] = []
    for (let cursor = ''; pages.length < 10;) {
      const path = `/v1/staff/businesses?search=paged&limit=2${cursor}`
      const { items, nextCursor } = freehold.ok(await freehold.api.get(path, people.staff))
      pages.push(items.map(({ id }: { id: string }) => id))
      if (nextCursor === null) break
      cursor = `&cursor=${nextCursor}`
    }
    expect(pages.map((each) => each.length)).toEqual([2, 2, 1])
    expect(pages.flat()).toEqual(ids.toReversed())
  })

  describe('filters', () => {
    const names = async (query: string): Promise<string[]> => {
      const path = `/v1/staff/businesses?search=sifted&${query}`
      return freehold.ok(await freehold.api.get(path, people.staff)).items.map(({ name }: { name: string }) => name)
    }
    const staffDo = async (method: 'put' | 'post' | 'patch', id: string, path: string, body: object) =>
      freehold.ok(
        await freehold.api[method](
          `/v1/staff/businesses/${id}${path}`,
          { ...body, reason: 'to be found' },
          people.staff,
        ),
      )
    beforeAll(async () => {
      const ids: Record<string, string> = {}
      for (const name of ['sifted Bb', 'Sifted aa', 'Sifted Dd', 'Sifted Cc', 'Sifted Ee']) {
        ids[name] = (await signUp(name)).business.id
      }
      await staffDo('put', ids['Sifted aa'] ?? '', '/plan', { plan: 'unlimited' })
      await staffDo('post', ids['sifted Bb'] ?? '', '/extension', { days: 40 })
      await staffDo('post', ids['Sifted Cc'] ?? '', '/cancellation', { when: 'cycleEnd' })
      await staffDo('post', ids['Sifted Dd'] ?? '', '/cancellation', {})
      await staffDo('patch', ids['Sifted Ee'] ?? '', '', { status: 'suspended' })
    })

    test('go by status: of the business, and of its subscription while it is open', async () => {
      expect(await names('status=active&sort=name')).toEqual(['Sifted aa', 'sifted Bb', 'Sifted Cc'])
      expect(await names('status=ending')).toEqual(['Sifted Cc'])
      expect(await names('status=ended')).toEqual(['Sifted Dd'])
      expect(await names('status=suspended')).toEqual(['Sifted Ee'])
      for (const none of ['trialing', 'past_due', 'paused', 'closed']) expect(await names(`status=${none}`)).toEqual([])
      expect((await freehold.api.get('/v1/staff/businesses?status=odd', people.staff)).status).toBe(422)
    })

    test('go by plan, and together', async () => {
      expect(await names('plan=unlimited')).toEqual(['Sifted aa'])
      expect(await names('plan=free&status=active&sort=oldest')).toEqual(['sifted Bb', 'Sifted Cc'])
      expect(await names("plan=fr%25ee'")).toEqual([])
    })

    test('leave an order to be chosen, in which pages follow each other without a gap', async () => {
      const ordered = async (sort: string) => {
        const seen: string[] = []
        for (let cursor = ''; seen.length < 10;) {
          const path = `/v1/staff/businesses?search=sifted&limit=2&sort=${sort}${cursor}`
          const { items, nextCursor } = freehold.ok(await freehold.api.get(path, people.staff))
          seen.push(...items.map(({ name }: { name: string }) => name.slice(-2)))
          if (nextCursor === null) break
          cursor = `&cursor=${nextCursor}`
        }
        return seen
      }
      expect(await ordered('name')).toEqual(['aa', 'Bb', 'Cc', 'Dd', 'Ee'])
      expect(await ordered('oldest')).toEqual(['Bb', 'aa', 'Dd', 'Cc', 'Ee'])
      expect(await ordered('newest')).toEqual(['Ee', 'Cc', 'Dd', 'aa', 'Bb'])
      const byEnd = await ordered('cycleEnd')
      expect(byEnd.slice(0, 2).toSorted()).toEqual(['Cc', 'Ee'])
      expect(byEnd.at(-1)).toBe('Dd')
    })
  })

  test('shows owner, plan, status and the cycle as they are now, without any worker', async () => {
    const acme = await signUp('Listed', 'listed@example.test')
    await freehold.advance(days(16))
    await people.signIn()
    const { items } = freehold.ok(await freehold.api.get('/v1/staff/businesses?search=listed@', people.staff))
    const [item] = items
    expect(item).toMatchObject({
      id: acme.business.id,
      name: 'Listed',
      status: 'active',
      owner: { id: acme.user.id, name: 'Pat Person', email: 'listed@example.test' },
      plan: { key: 'free', name: 'Free' },
      subscription: { status: 'active', cycleStart: acme.subscription.cycleEnd },
    })
    expect(new Date(item.subscription.cycleEnd) > freehold.ctx.now()).toBe(true)
  })
})

describe('one business', () => {
  test('is shown whole on one page, and holds no secret', async () => {
    const acme = await signUp('Whole')
    const url = `/v1/businesses/${acme.business.id}`
    const { key } = freehold.ok(
      await freehold.api.post(`${url}/api-keys`, { name: 'backend', type: 'server' }, { token: acme.token }),
    )
    await freehold.api.post('/v1/consume', { feature: 'recordings', amount: 7 }, { token: acme.apiKeys[0].key })
    const staffUrl = `/v1/staff/businesses/${acme.business.id}`
    const reason = 'thanks for waiting'
    freehold.ok(
      await freehold.api.post(`${staffUrl}/grants`, { feature: 'recordings', amount: 5, reason }, people.staff),
    )
    freehold.ok(await freehold.api.put(`${staffUrl}/limits/members`, { limit: 9, reason }, people.staff))

    const { status, body } = await freehold.api.get(staffUrl, people.staff)
    expect(status).toBe(200)
    expect(body).toMatchObject({
      id: acme.business.id,
      owner: { id: acme.user.id },
      members: [{ userId: acme.user.id, role: 'owner' }],
      subscription: { id: acme.subscription.id, plan: { key: 'free' } },
      entitlements: {
        recordings: { limit: 105, used: 7, remaining: 98 },
        members: { limit: 9, used: 1, source: 'override' },
      },
      grants: [{ feature: 'recordings', amount: 5, drawn: 0, remaining: 5, reason }],
      overrides: [{ feature: 'members', limit: 9, reason }],
      apiKeys: [
        { type: 'server', key: null },
        { type: 'sdk', key: null },
      ],
    })
    expect(body.audit[0]).toMatchObject({ action: 'limit.overridden', actor: { kind: 'staff' } })
    const text = JSON.stringify(body)
    expect(text).not.toContain(key)
    expect(text).not.toContain(acme.apiKeys[0].key)
    expect(text).not.toMatch(/hash/i)
  })

  test.each(['biz_00000000000000000000000000', 'nonsense', '%25', 'biz_%27', '%00'])(
    'is not found by the id %j',
    async (id) => {
      for (const [method, body] of [
        ['GET', undefined],
        ['PATCH', { status: 'active', reason: 'none' }],
      ] as const) {
        const answer = await freehold.api.call(method, `/v1/staff/businesses/${id}`, body, people.staff)
        expect(answer).toMatchObject({ status: 404, body: { code: 'not_found' } })
      }
    },
  )
})

describe('suspending', () => {
  const consume = (token: string) => freehold.api.post('/v1/consume', { feature: 'recordings' }, { token })

  test('stops everything at once, and reactivating starts it again with the same count', async () => {
    const acme = await freehold.signUp()
    const [{ key }] = acme.apiKeys
    const url = `/v1/staff/businesses/${acme.business.id}`
    expect((await consume(key)).body).toMatchObject({ allowed: true, used: 1 })
    const suspended = await freehold.api.patch(url, { status: 'suspended', reason: 'a fraud report' }, people.staff)
    expect(suspended).toMatchObject({ status: 200, body: { status: 'suspended', statusReason: 'a fraud report' } })
    expect((await consume(key)).body).toMatchObject({ allowed: false, code: 'business_not_open' })
    const invite = await freehold.api.post(
      `/v1/businesses/${acme.business.id}/invitations`,
      { email: 'new@example.test', role: 'member' },
      { token: acme.token },
    )
    expect(invite).toMatchObject({ status: 403, body: { code: 'business_not_open' } })

    freehold.ok(await freehold.api.patch(url, { status: 'active', reason: 'it was a mistake' }, people.staff))
    expect((await consume(key)).body).toMatchObject({ allowed: true, used: 2 })
    expect(await auditOf(freehold, acme.business.id, 'business.suspended')).toMatchObject([
      { actor_kind: 'staff', actor_id: people.user.id, after: { status: 'suspended', reason: 'a fraud report' } },
    ])
    expect(await auditOf(freehold, acme.business.id, 'business.reactivated')).toMatchObject([
      { actor_kind: 'staff', after: { status: 'active', reason: 'it was a mistake' } },
    ])
  })

  test('is said once, however often and by however many it is asked', async () => {
    const { business } = await freehold.signUp()
    const suspend = () =>
      freehold.api.patch(`/v1/staff/businesses/${business.id}`, { status: 'suspended', reason: 'abuse' }, people.admin)
    const answers = await Promise.all([suspend(), suspend(), suspend()])
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    expect(await auditOf(freehold, business.id, 'business.suspended')).toMatchObject([{ actor_kind: 'app' }])
  })

  test('neither opens nor suspends what its owner has closed', async () => {
    const acme = await freehold.signUp()
    freehold.ok(await freehold.api.delete(`/v1/businesses/${acme.business.id}`, { token: acme.token }))
    for (const status of ['active', 'suspended']) {
      const refused = await freehold.api.patch(
        `/v1/staff/businesses/${acme.business.id}`,
        { status, reason: 'try' },
        people.staff,
      )
      expect(refused).toMatchObject({ status: 409, body: { code: 'business_closed' } })
    }
  })

  test('takes any reason that says something', async () => {
    const { business } = await freehold.signUp()
    const suspended = await freehold.api.patch(
      `/v1/staff/businesses/${business.id}`,
      { status: 'suspended', reason: 'QA' },
      people.staff,
    )
    expect(suspended).toMatchObject({ status: 200, body: { status: 'suspended', statusReason: 'QA' } })
  })

  test.each([
    [{ status: 'closed', reason: 'please' }, 'body/status'],
    [{ status: 'suspended' }, 'body/reason'],
    [{ status: 'suspended', reason: '  ' }, 'body/reason'],
    [{ status: 'suspended', reason: 'a\u0000b' }, 'body/reason'],
    [{ status: 'suspended', reason: 'x'.repeat(501) }, 'body/reason'],
    [{ status: 'suspended', reason: 'fine', closedAt: '2020-01-01T00:00:00Z' }, 'body/closedAt'],
  ])('refuses %j', async (body, path) => {
    const { business } = await freehold.signUp()
    const refused = await freehold.api.patch(`/v1/staff/businesses/${business.id}`, body, people.staff)
    expect(refused.status).toBe(422)
    expect(refused.body.errors.map((each: { path: string }) => each.path)).toContain(path)
    const [row] = await freehold.sql('select status from freehold.businesses where id = $1', [business.id])
    expect(row.status).toBe('active')
  })
})
