import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestFreehold, password, type TestFreehold } from '../../test/harness.ts'
import { createClient } from './client.ts'

let freehold: TestFreehold
beforeAll(async () => {
  freehold = await createTestFreehold()
})
afterAll(() => freehold.close())

const person = { email: 'client@example.test', password, firstName: 'Cleo', lastName: 'Client' }

test('signs up, looks around and asks the gate, each call typed by its route', async () => {
  let token: string | undefined
  const client = createClient(freehold.base, () => token)
  const signedUp = await client.POST('/v1/signup', { body: { business: { name: 'Acme' }, ...person } })
  if (!signedUp.data || !('token' in signedUp.data)) throw new Error('Not signed up')
  token = signedUp.data.token
  const businessId = signedUp.data.business.id

  const { data } = await client.GET('/v1/businesses/{businessId}/members', {
    params: { path: { businessId }, query: { limit: 5 } },
  })
  expect(data?.items.map((member) => [member.email, member.role])).toEqual([[person.email, 'owner']])

  const byKey = createClient(freehold.base, signedUp.data.apiKeys?.[0]?.key)
  const consumed = await byKey.POST('/v1/consume', { body: { feature: 'recordings' } })
  expect(consumed.data).toMatchObject({ allowed: true, used: 1 })
})

test('tells a refusal as the problem it is', async () => {
  const { data, error, response } = await createClient(freehold.base).GET('/v1/me')
  expect(data).toBeUndefined()
  expect(response.status).toBe(401)
  expect(error?.code).toBe('unauthenticated')
})

test('does not compile with what the API does not take', () => {
  const client = createClient(freehold.base)
  const wrong = [
    // @ts-expect-error no such route
    () => client.GET('/v1/accounts'),
    // @ts-expect-error a body is needed
    () => client.POST('/v1/login'),
    // @ts-expect-error an amount is a number
    () => client.POST('/v1/check', { body: { amount: '1' } }),
    // @ts-expect-error the business has to be named
    () => client.GET('/v1/businesses/{businessId}/members'),
  ]
  expect(wrong).toHaveLength(4)
})
