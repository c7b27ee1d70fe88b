import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestFreehold, type TestFreehold } from '../harness.ts'
import { startApi, type ApiProcess } from './processes.ts'

/** What there is one of, and two nodes that are asked for it at the same moment. */
const rounds = Number(process.env['FAULT_ROUNDS'] ?? 5)
const timeout = 30_000 + rounds * 1000

let freehold: TestFreehold
let nodes: ApiProcess[] = []
beforeAll(async () => {
  freehold = await createTestFreehold()
  nodes = await Promise.all([startApi(freehold.database), startApi(freehold.database)])
}, 60_000)
afterAll(async () => {
  await Promise.all(nodes.map((node) => node.kill()))
  await freehold.close()
})

/** The same question to both nodes, `times` to each, and how it was answered: statuses, or the codes of refusals. */
async function ask(
  asked: (node: number, time: number) => { method?: string; path: string; body: object; token: string },
  times = 2,
): Promise<string[]> {
  const send = async (node: number, time: number) => {
    const { method = 'POST', path, body, token } = asked(node, time)
    const answer = await fetch(`${nodes[node]?.base}${path}`, {
      method,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify(body),
    })
    const { code } = (await answer.json()) as { code?: string | null }
    return answer.status < 300 ? (code ?? 'done') : `${answer.status} ${code}`
  }
  const each = Array.from({ length: times }, (_, time) => time)
  return (await Promise.all([0, 1].flatMap((node) => each.map((time) => send(node, time))))).toSorted()
}

test('of two nodes that race for the last seat one wins, every time', { timeout }, async () => {
  const { business, token } = await freehold.signUp()
  const path = `/v1/businesses/${business.id}/invitations`
  freehold.ok(await freehold.api.post(path, { email: 'second@races.test', role: 'member' }, { token }))
  for (let round = 0; round < rounds; round += 1) {
    const answers = await ask((node, time) => ({
      path,
      body: { email: `guest-${round}-${node}-${time}@races.test`, role: 'member' },
      token,
    }))
    expect(answers).toEqual(['402 limit_reached', '402 limit_reached', '402 limit_reached', 'done'])
    const pending = await freehold.sql(
      `select id from freehold.invitations
       where business_id = $1 and accepted_at is null and revoked_at is null order by id desc`,
      [business.id],
    )
    expect(pending).toHaveLength(2)
    const [last] = pending
    freehold.ok(await freehold.api.delete(`${path}/${last.id}`, { token }))
  }
})

test('of two nodes that race for the last item one wins, every time', { timeout }, async () => {
  const { apiKeys } = await freehold.signUp()
  const token: string = apiKeys[0].key
  const item = (round: number, node: number, time: number) => `item-${round}-${node}-${time}`
  for (let round = 0; round < rounds; round += 1) {
    const answers = await ask((node, time) => ({
      path: '/v1/allocate',
      body: { feature: 'applications', itemId: item(round, node, time) },
      token,
    }))
    expect(answers).toEqual(['done', 'limit_reached', 'limit_reached', 'limit_reached'])
    for (const [node, time] of [
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ] as const) {
      const body = { feature: 'applications', itemId: item(round, node, time) }
      freehold.ok(await freehold.api.post('/v1/release', body, { token }))
    }
  }
})

test('an invitation that is accepted on two nodes is accepted once, every time', { timeout }, async () => {
  const [host, guest] = [await freehold.signUp(), await freehold.signUp()]
  const path = `/v1/businesses/${host.business.id}`
  for (let round = 0; round < rounds; round += 1) {
    const invitation = { email: guest.user.email, role: 'member' }
    freehold.ok(await freehold.api.post(`${path}/invitations`, invitation, { token: host.token }))
    const link = await freehold.mailedToken(guest.user.email)
    const answers = await ask(() => ({ path: '/v1/invitations/accept', body: { token: link }, token: guest.token }))
    expect(answers.filter((answer) => answer === 'done')).toHaveLength(1)
    expect(new Set(answers)).toEqual(new Set(['done', '409 invitation_accepted']))
    const { items } = freehold.ok(await freehold.api.get(`${path}/members`, { token: host.token }))
    expect(items).toHaveLength(2)
    const { id } = items.find(({ userId }: { userId: string }) => userId === guest.user.id)
    freehold.ok(await freehold.api.delete(`${path}/members/${id}`, { token: host.token }))
  }
})

test(
  'of two owners who take the ownership from each other on two nodes one stays, every time',
  { timeout },
  async () => {
    const first = await freehold.signUp()
    const second = await freehold.join(first.business, first.token)
    const path = `/v1/businesses/${first.business.id}/members`
    const people = [first, second]
    const makeOwner = async (by: { token: string }, whom: { member: { id: string } }) =>
      freehold.ok(await freehold.api.patch(`${path}/${whom.member.id}`, { role: 'owner' }, { token: by.token }))
    await makeOwner(first, second)
    for (let round = 0; round < rounds; round += 1) {
      const answers = await ask(
        (node) => ({
          method: 'PATCH',
          path: `${path}/${people[1 - node]?.member.id}`,
          body: { role: 'member' },
          token: people[node]?.token ?? '',
        }),
        1,
      )
      expect(answers.filter((answer) => answer === 'done')).toHaveLength(1)
      const { items } = freehold.ok(await freehold.api.get(path, { token: first.token }))
      const owners = items.filter(({ role }: { role: string }) => role === 'owner')
      expect(owners).toHaveLength(1)
      const [winner, loser] = owners[0].id === first.member.id ? [first, second] : [second, first]
      await makeOwner(winner, loser)
    }
  },
)
