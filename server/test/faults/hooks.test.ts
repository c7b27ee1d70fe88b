import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestFreehold, password, type TestFreehold } from '../harness.ts'
import type { Death } from './hooking-process.ts'
import { startApi, type ApiProcess } from './processes.ts'

/** A product's hooks run in the transaction of what they belong to: whoever is killed in one leaves nothing of either. */

let freehold: TestFreehold
let owner: { businessId: string; token: string }
let invitation: { email: string; token: string }
const processes: Promise<ApiProcess>[] = []
beforeAll(async () => {
  freehold = await createTestFreehold()
  await freehold.sql('create table public.hooked (name text not null)')
  const { business, token } = await freehold.signUp()
  owner = { businessId: business.id, token }
  const email = 'jo@hooks.test'
  const path = `/v1/businesses/${business.id}/invitations`
  freehold.ok(await freehold.api.post(path, { email, role: 'member' }, { token }))
  invitation = { email, token: await freehold.mailedToken(email) }
})
afterAll(async () => {
  for (const started of processes) await (await started).kill()
  await freehold.close()
})

const start = (...death: string[]) => {
  const started = startApi(freehold.database, 'hooking-process.ts', death)
  processes.push(started)
  return started
}

/** What is asked for in which the hook runs. Undefined when the connection was lost. */
async function ask({ base }: ApiProcess, hook: Death['hook']): Promise<number | undefined> {
  const person = { password, firstName: 'Jo', lastName: 'Joiner' }
  const signUp = ['/v1/signup', { ...person, email: 'ada@hooks.test', business: { name: 'Acme' } }] as const
  const [path, body] = {
    beforeSignup: signUp,
    afterSignup: signUp,
    beforeInvite: [
      `/v1/businesses/${owner.businessId}/invitations`,
      { email: 'new@hooks.test', role: 'member' },
    ] as const,
    afterJoin: ['/v1/signup', { ...person, invitationToken: invitation.token }] as const,
  }[hook]
  const headers = {
    'content-type': 'application/json',
    'idempotency-key': `hooks-${hook}`,
    ...(hook === 'beforeInvite' ? { authorization: `Bearer ${owner.token}` } : {}),
  }
  return fetch(base + path, { method: 'POST', headers, body: JSON.stringify(body) }).then(
    ({ status }) => status,
    () => undefined,
  )
}

/** Every row there is, Freehold's, its queue's and the product's, but for who works on the queue and when. */
async function everything(): Promise<Record<string, string>> {
  const tables = await freehold.sql<{ name: string }>(
    `select quote_ident(schemaname) || '.' || quote_ident(tablename) as name from pg_tables
     where schemaname in ('freehold', 'public') or (schemaname = 'freehold_jobs' and tablename ~ '^(job|j[0-9a-f]+)')
     order by 1`,
  )
  const rows = await freehold.sql<{ name: string; rows: string }>(
    tables
      .map(
        ({ name }) =>
          `select '${name}' as name, count(*) || ' ' || md5(coalesce(string_agg(t::text, '|' order by t::text), '')) as rows
           from ${name} t`,
      )
      .join(' union all '),
  )
  return Object.fromEntries(rows.map((row) => [row.name, row.rows]))
}

const deaths: Death[] = (['beforeSignup', 'afterSignup', 'beforeInvite', 'afterJoin'] as const).flatMap((hook) =>
  (['before', 'after'] as const).map((moment) => ({ hook, moment })),
)

test('a process that is killed in a hook leaves nothing of what it was for, and the same can be asked again', async () => {
  const before = await everything()
  expect(Object.keys(before).length).toBeGreaterThan(40)
  let next = start('beforeSignup', 'before')
  for (const [index, { hook, moment }] of deaths.entries()) {
    const api = await next
    const after = deaths[index + 1]
    next = after ? start(after.hook, after.moment) : start()
    const at = `killed in ${hook}, ${moment} it wrote`
    expect([at, await ask(api, hook)]).toEqual([at, undefined])
    // The database may learn of it a moment later.
    await freehold.eventually(
      async () =>
        (
          await freehold.sql(`select from pg_stat_activity where datname = current_database()
        and state like 'idle in transaction%'`)
        ).length === 0,
      'the end of its transaction',
    )
    expect([at, await everything()]).toEqual([at, before])
  }
  const survivor = await next
  for (const hook of ['afterSignup', 'beforeInvite', 'afterJoin'] as const) {
    expect([hook, await ask(survivor, hook)]).toEqual([hook, 201])
  }
  const hooked = await freehold.sql<{ name: string }>('select name from public.hooked order by name')
  // Who joins signs up as well.
  expect(hooked.map(({ name }) => name)).toEqual([
    'afterJoin',
    'afterSignup',
    'beforeInvite',
    'beforeSignup',
    'beforeSignup',
  ])
})
