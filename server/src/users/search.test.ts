import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestFreehold, type TestFreehold } from '../../test/harness.ts'
import { onlyStaff, openStaff, refusals, type Staff } from '../../test/staff.ts'

let freehold: TestFreehold
let people: Staff
beforeAll(async () => {
  freehold = await createTestFreehold()
  people = await openStaff(freehold)
})
afterAll(() => freehold.close())

const get = (query: string, options: { token?: string } = people.staff) =>
  freehold.api.get(`/v1/staff/users?${query}`, options)
const emails = async (query: string) => freehold.ok(await get(query)).items.map(({ email }: { email: string }) => email)

test('people are found by e-mail, name or id, with where they are members', async () => {
  expect(await refusals((options) => get('', options), people)).toEqual(onlyStaff)
  const { user, business, token } = await freehold.signUp({
    email: 'ada@found.test',
    firstName: 'Ada',
    lastName: '100%',
    business: { name: 'Found' },
  })
  const { member } = await freehold.join(business, token, 'viewer', 'bob_b@found.test')
  expect(await emails('search=@FOUND.test')).toEqual(['bob_b@found.test', 'ada@found.test'])
  expect(await emails('search=ada')).toEqual(['ada@found.test'])
  expect(await emails(`search=${user.id}`)).toEqual(['ada@found.test'])
  expect(freehold.ok(await get('search=bob_')).items).toMatchObject([
    {
      name: 'Jo Joiner',
      disabledAt: null,
      memberships: [
        { business: { id: business.id, name: 'Found' }, memberId: member.id, role: 'viewer', suspended: false },
      ],
    },
  ])
  // Letters like any other.
  expect(await emails('search=100%25')).toEqual(['ada@found.test'])
  expect(await emails('search=%25_%25')).toEqual([])
  expect(await emails(`search=${encodeURIComponent("'; drop table users; --")}`)).toEqual([])
})

test('people come in pages, all of them when nothing is said', async () => {
  const all = await emails('limit=100')
  const first = freehold.ok(await get('limit=1'))
  expect(first.items[0].email).toBe(all[0])
  expect(await emails(`limit=100&cursor=${first.nextCursor}`)).toEqual(all.slice(1))
  for (const query of ['limit=0', 'search=a%00b', 'q=x']) expect((await get(query)).status).toBe(422)
})
