import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, days, password, type TestFreehold } from '../../test/harness.ts'

let freehold: TestFreehold
let staff: { token: string }
let staffId: string
beforeAll(async () => {
  freehold = await createTestFreehold()
  const { token, user } = await freehold.signUp()
  await freehold.makeStaff(user.id)
  staff = { token }
  staffId = user.id
})
afterAll(() => freehold.close())

type Item = {
  id: string
  at: string
  kind: string
  title: string
  why: string | null
  status: string | null
  actor: { kind: string; id: string } | null
  target: Record<string, string> | null
}
const page = (businessId: string, query = '', caller: object = staff) =>
  freehold.api.get(`/v1/staff/businesses/${businessId}/timeline${query}`, caller)
const items = async (businessId: string, query = '?limit=100'): Promise<Item[]> =>
  freehold.ok(await page(businessId, query)).items
const isNewestFirst = (list: Item[]) =>
  list.every((item, index) => {
    const before = list[index - 1]
    return !before || before.at > item.at || (before.at === item.at && before.id > item.id)
  })

describe('the timeline of a business', () => {
  test('tells what was done and by whom, why, what happened and what was mailed, newest first', async () => {
    const { business, token } = await freehold.signUp()
    const email = 'invited@example.test'
    const path = `/v1/businesses/${business.id}/invitations`
    freehold.ok(await freehold.api.post(path, { email, role: 'member' }, { token }))
    const status = { status: 'suspended', reason: 'a complaint' }
    freehold.ok(await freehold.api.patch(`/v1/staff/businesses/${business.id}`, status, staff))

    const list = await items(business.id)
    expect(isNewestFirst(list)).toBe(true)
    expect(list).toContainEqual(
      expect.objectContaining({
        kind: 'audit',
        title: 'Business suspended',
        why: 'a complaint',
        status: null,
        actor: expect.objectContaining({ kind: 'staff', id: staffId }),
        target: { kind: 'business', id: business.id, name: business.name },
      }),
    )
    expect(list).toContainEqual(
      expect.objectContaining({
        kind: 'event',
        title: 'Business suspended',
        why: 'a complaint',
        status: 'waiting',
        actor: null,
        target: { kind: 'event', id: expect.stringMatching(/^evt_/) },
      }),
    )
    expect(list).toContainEqual(
      expect.objectContaining({
        kind: 'mail',
        title: `Invitation, to ${email}`,
        status: 'queued',
        target: { kind: 'mail', id: expect.stringMatching(/^mai_/), name: email },
      }),
    )
    expect(list.at(-1)).toMatchObject({ kind: 'event', title: 'Business created' })
    expect(list.map(({ title }) => title)).toContain('API key created')
  })

  test('keeps secrets and other businesses to themselves', async () => {
    const acme = await freehold.signUp()
    const other = await freehold.signUp()
    const invitation = { email: 'secret@example.test', role: 'member' }
    const path = `/v1/businesses/${acme.business.id}/invitations`
    freehold.ok(await freehold.api.post(path, invitation, { token: acme.token }))
    const token = await freehold.mailedToken(invitation.email)
    const text = JSON.stringify(await items(acme.business.id))
    for (const secret of [token, acme.token, acme.apiKeys[0].key, other.business.id, other.user.id]) {
      expect(text).not.toContain(secret)
    }
  })

  test('comes in pages that leave nothing out and repeat nothing, also where much is of one moment', async () => {
    const { business } = await freehold.signUp()
    await freehold.sql(
      `insert into freehold.audit_entries (business_id, id, at, actor_kind, action)
       select $1, 'aud_' || lpad(n::text, 26, '0'), '2026-01-01T00:00:00.123Z', 'system', 'thing.done' from generate_series(1, 30) n`,
      [business.id],
    )
    await freehold.sql(
      `insert into freehold.events (business_id, id, sequence, type, data, at)
       select $1, 'evt_' || lpad(n::text, 26, '0'), 1000 + n, 'thing.done', '{}', '2026-01-01T00:00:00.123Z' from generate_series(1, 30) n`,
      [business.id],
    )
    const all = await items(business.id)
    expect(all.length).toBeGreaterThan(60)
    const paged: Item[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const query: string = cursor === '' ? '?limit=7' : `?limit=7&cursor=${encodeURIComponent(cursor)}`
      const body: { items: Item[]; nextCursor: string | null } = freehold.ok(await page(business.id, query))
      paged.push(...body.items)
      cursor = body.nextCursor
    }
    expect(paged).toEqual(all)
    expect(isNewestFirst(all)).toBe(true)
  })

  test('begins where one says, and shows one kind alone', async () => {
    const { business, token } = await freehold.signUp()
    await freehold.advance(days(1))
    await freehold.ctx.refreshClock()
    const from = freehold.ctx.now().toISOString()
    const { token: later } = freehold.ok(
      await freehold.api.post('/v1/login', {
        email: (await freehold.api.get('/v1/me', { token })).body.user.email,
        password,
      }),
    )
    freehold.ok(await freehold.api.patch(`/v1/businesses/${business.id}`, { name: 'Later' }, { token: later }))
    const since = await items(business.id, `?limit=100&from=${from}`)
    expect(new Set(since.map(({ kind, title }) => `${kind}: ${title}`))).toEqual(
      new Set(['audit: Business updated', 'event: Business updated']),
    )
    expect(new Set((await items(business.id, '?kind=audit')).map(({ kind }) => kind))).toEqual(new Set(['audit']))
    expect(await items(business.id, `?from=2999-01-01T00:00:00Z`)).toEqual([])
  })

  test('says what was not handled, what fails and what was sent', async () => {
    const { business, user } = await freehold.signUp()
    const named = async (type: string, change: string) =>
      freehold.sql(`update freehold.events set ${change} where business_id = $1 and type = $2`, [business.id, type])
    await named('business.created', 'delivered_at = at')
    await named('api_key.created', `attempts = 3, error = 'the other side was down'`)
    await named('subscription.created', 'attempts = 1, delivered_at = at')
    const [mail] = await freehold.sql(
      `update freehold.mails set business_id = $1, failed_at = created_at, error = 'no such mailbox' where recipient = $2 returning id`,
      [business.id, user.email],
    )
    await freehold.sql(
      `update freehold_jobs.job set state = 'retry', retry_count = 2, started_on = now(), output = '{"message": "no such mailbox"}'
       where data ->> 'mailId' = $1`,
      [mail.id],
    )
    const list = await items(business.id)
    const of = (kind: string, title: string) => list.find((item) => item.kind === kind && item.title === title)
    expect(of('event', 'Business created')).toMatchObject({ status: 'not_handled', why: null })
    expect(of('event', 'Subscription created')).toMatchObject({ status: 'handled', why: null })
    expect(of('event', 'API key created')).toMatchObject({
      status: 'failing',
      why: 'the other side was down (attempt 3)',
    })
    expect(list.find(({ kind }) => kind === 'mail')).toMatchObject({ status: 'failed', why: 'no such mailbox' })
    expect(list.find(({ kind }) => kind === 'job')).toMatchObject({
      title: 'Sending a mail failed',
      status: 'retrying',
      why: 'no such mailbox (attempt 3)',
      target: { kind: 'mail', id: mail.id },
    })
  })

  test('shows invoices with how they stand, what was paid and what was credited', async () => {
    const { business } = await freehold.signUp()
    const path = `/v1/staff/businesses/${business.id}`
    const move = { plan: 'growth', reason: 'they called', when: 'now', charge: 'invoice' }
    freehold.ok(await freehold.api.put(`${path}/plan`, move, staff))
    const [invoice] = await items(business.id, '?kind=invoice')
    expect(invoice).toMatchObject({ status: 'open', target: { kind: 'invoice' } })
    expect(invoice?.title).toMatch(/^Invoice \S+, \$\d+\.\d\d$/)
    const [{ total }] = await freehold.sql('select total from freehold.invoices where id = $1', [
      invoice?.target?.['id'],
    ])
    const payment = { amount: Number(total), reference: 'bank 1' }
    freehold.ok(await freehold.api.post(`${path}/invoices/${invoice?.target?.['id']}/payments`, payment, staff))
    expect((await items(business.id, '?kind=invoice'))[0]).toMatchObject({ status: 'paid' })
    const [paid] = await items(business.id, '?kind=payment')
    expect(paid).toMatchObject({
      title: expect.stringMatching(/^Payment of \$\d+\.\d\d, manual$/),
      target: invoice?.target && { kind: 'invoice', id: invoice.target['id'] },
    })
  })

  test('is for staff, of a business that exists, and refuses what it does not know', async () => {
    const { business, token } = await freehold.signUp()
    expect((await page(business.id, '', {})).status).toBe(401)
    expect((await page(business.id, '', { token })).status).toBe(403)
    expect((await page('biz_nobody')).status).toBe(404)
    for (const query of [
      'cursor=nonsense',
      'cursor=2026-01-01~%27',
      'cursor=-271821-04-20T00:00:00.000Z~a',
      'kind=secrets',
      'from=soon',
      'limit=0',
      'page=2',
    ]) {
      expect({ query, status: (await page(business.id, `?${query}`)).status }).toEqual({ query, status: 422 })
    }
  })
})
