import { afterAll, beforeAll, expect, test } from 'vitest'
import { begin, command, hasSaid } from '../../test/command-line.ts'
import { createTestFreehold, type TestFreehold } from '../../test/harness.ts'
import { whatIsWrong } from '../../test/properties/predicates.ts'
import { verifyUsage } from '../usage/verification.ts'
import { demoPassword, fillWithDemo } from './demo.ts'

const size = { businesses: 30, days: 90 }

let freehold: TestFreehold
const said: string[] = []
const fill = () => fillWithDemo(freehold.ctx, (line) => said.push(line), size)
beforeAll(async () => {
  freehold = await createTestFreehold()
  await fill()
}, 120_000)
afterAll(() => freehold.close())

const signIn = async (email: string): Promise<{ token: string; memberships: { business: { id: string } }[] }> =>
  freehold.ok(await freehold.api.post('/v1/login', { email, password: demoPassword }))
const get = async (path: string, token: string) => freehold.ok(await freehold.api.get(path, { token }))

test('the demo adds up: rules, counters and metrics agree with what is stored', async () => {
  expect(await whatIsWrong(freehold)).toEqual([])
  const { counters, drifts } = await verifyUsage(freehold.ctx, { repair: false, onPage: () => {} })
  expect(counters).toBeGreaterThan(size.businesses)
  expect(drifts).toEqual([])

  const { token } = await signIn('staff@demo.example')
  const { months, revenue } = await get('/v1/staff/metrics?months=6', token)
  const sum = (values: number[]) => values.reduce((left, right) => left + right, 0)
  expect(sum(months.map(({ signUps }: { signUps: number }) => signUps))).toBe(size.businesses)
  const [dollars] = revenue
  expect(dollars.months.at(-1).mrr).toBeGreaterThan(0)
  expect(sum(dollars.months.map((month: { churned: number }) => month.churned))).toBeGreaterThan(0)
})

test('it happened in the past, in order, and nothing of it waits to be done', async () => {
  const [{ first, last, now }] = await freehold.sql(
    'select min(created_at) as first, max(created_at) as last, $1::timestamptz as now from freehold.businesses',
    [freehold.ctx.now()],
  )
  expect((now - first) / 86_400_000).toBeGreaterThan(size.days - 2)
  expect(last <= now).toBe(true)
  const later = await freehold.sql(
    'select id from freehold.audit_entries where at > $1 union all select id from freehold.mails where created_at > $1',
    [now],
  )
  expect(later).toEqual([])
  const due = await freehold.sql(
    "select id from freehold.subscriptions where status in ('trialing', 'active', 'past_due') and cycle_end <= $1",
    [now],
  )
  expect(due).toEqual([])
})

test('its lock outlasts the time a transaction may idle', async () => {
  const other = await createTestFreehold()
  // The first connection is the lock's. In place of half a minute it may idle for a moment, and has to for longer.
  other.ctx.db.acrossPool.once(
    'acquire',
    (client) => void client.query("set idle_in_transaction_session_timeout = '200ms'"),
  )
  const stand = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000)
  const lines: string[] = []
  await fillWithDemo(other.ctx, (line) => void (lines.push(line) === 1 && stand()), { businesses: 1, days: 2 })
  expect(lines.at(-1)).toMatch(/^  Portal: /)
  await other.close()
})

test('every list of the console has something to show', async () => {
  const { token } = await signIn('staff@demo.example')
  const count = async (path: string) => (await get(path, token)).items.length
  for (const status of ['trialing', 'active', 'ended', 'suspended', 'closed']) {
    expect({ status, found: await count(`/v1/staff/businesses?status=${status}`) }).not.toEqual({ status, found: 0 })
  }
  for (const list of [
    'invoices?state=held',
    'support-sessions?status=active',
    'support-sessions?status=over',
    'grants',
    'audit',
    'mails?status=sent',
    'mails?status=retrying',
  ]) {
    expect({ list, found: await count(`/v1/staff/${list}`) }).not.toEqual({ list, found: 0 })
  }
  expect(await count('/v1/staff/businesses?search=%D9%86%D8%B3%D9%8A%D9%85')).toBe(1)
  const names = await freehold.sql('select max(length(name)) as longest from freehold.businesses')
  expect(names).toEqual([{ longest: 60 }])
})

test('its owner finds something on every screen of the portal', async () => {
  const { token, memberships } = await signIn('owner@demo.example')
  const here = `/v1/businesses/${memberships[0]?.business.id}`
  expect((await get(`${here}/subscription`, token)).plan.key).toBe('growth')
  const { recordings, applications } = await get(`${here}/entitlements`, token)
  expect(recordings.used).toBeGreaterThan(0)
  expect(applications.used).toBeGreaterThan(1)
  expect((await get(`${here}/members`, token)).items.length).toBeGreaterThan(3)
  const invitations = await get(`${here}/invitations`, token)
  const statuses = invitations.items.map(({ state }: { state: string }) => state)
  expect(statuses).toEqual(expect.arrayContaining(['pending', 'accepted', 'revoked', 'expired']))
  const keys = await get(`${here}/api-keys`, token)
  expect(new Set(keys.items.map(({ type }: { type: string }) => type)).size).toBe(2)
  const invoices = await get(`${here}/invoices`, token)
  expect(invoices.items.map(({ status }: { status: string }) => status)).toEqual(
    expect.arrayContaining(['paid', 'open']),
  )
  const { sessions } = await get(`${here}/support-access`, token)
  expect(sessions.items.map(({ status }: { status: string }) => status)).toEqual(
    expect.arrayContaining(['active', 'ended']),
  )
})

test('asked for again it finds itself and changes nothing', { timeout: 60_000 }, async () => {
  const businesses = () => freehold.sql('select count(*) from freehold.businesses')
  const before = await businesses()
  said.length = 0
  await fill()
  expect(said[0]).toMatch(/in this database already/)
  expect(await businesses()).toEqual(before)
  const started = begin(['start', '--demo'], { DATABASE_URL: freehold.database, PORT: '0' })
  await hasSaid(started, /is ready/)
  started.child.kill('SIGTERM')
  expect(await started.ended).toBe(0)
  expect(started.output.stdout).toMatch(/owner@demo\.example.*staff@demo\.example.*a year in the life/)
})

test('it puts nothing into production, nor among businesses of somebody', { timeout: 60_000 }, async () => {
  const other = await createTestFreehold()
  try {
    const production = { ...other.ctx, settings: { ...other.ctx.settings, production: true } }
    await expect(fillWithDemo(production, () => {}, size)).rejects.toThrow(/is for development/)
    const asking = { ...other.ctx.product, signup: { ...other.ctx.product.signup, mode: 'invite' as const } }
    await expect(fillWithDemo({ ...other.ctx, product: asking }, () => {}, size)).rejects.toThrow(/mode must be open/)
    expect(await other.sql('select id from freehold.users')).toEqual([])

    await other.signUp({ business: { name: 'Acme' } })
    const { exitCode, stderr } = await command(['start', '--demo'], { DATABASE_URL: other.database, PORT: '0' })
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/fills an empty database, and this one has businesses such as Acme/)
    expect(await other.sql('select name from freehold.businesses')).toEqual([{ name: 'Acme' }])
  } finally {
    await other.close()
  }
})
