import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createTestFreehold, type TestFreehold } from '../../test/harness.ts'
import { openIdentityProvider, type IdentityProvider } from '../../test/identity-provider.ts'

let provider: IdentityProvider
let freehold: TestFreehold
beforeAll(async () => {
  provider = await openIdentityProvider()
  freehold = await createTestFreehold({ socialSignIn: provider.socialSignIn })
})
beforeEach(() => {
  provider.state.fault = undefined
})
afterAll(async () => {
  await freehold.close()
  await provider.close()
})

let people = 0
const somebody = (overrides: object = {}) => {
  const id = String(++people + 1000)
  return { id, email: `sam${id}@acme.test`, verified: true, firstName: 'Sam', lastName: 'Social', ...overrides }
}

type Name = 'google' | 'github'

/** Off to the provider and back, as a browser goes: what it has to send to the callback. */
async function visit(name: Name, server = freehold) {
  const started = await server.api.post(`/v1/login/social/${name}`)
  const { url } = server.ok(started)
  const cookie = started.headers.getSetCookie().map((each) => each.split(';')[0])[0] ?? ''
  const answer = await fetch(url, { redirect: 'manual' })
  const back = new URL(answer.headers.get('location') ?? '')
  return { cookie, back, code: back.searchParams.get('code') ?? '', state: back.searchParams.get('state') ?? '' }
}

const bring = (
  name: Name,
  { code, state, cookie }: { code: string; state: string; cookie: string },
  server = freehold,
) => server.api.post(`/v1/login/social/${name}/callback`, { code, state }, { headers: { cookie } })

const signIn = async (name: Name, server = freehold) => bring(name, await visit(name, server), server)

test.each(['google', 'github'] as const)(
  'somebody new finishes with a business, and %s knows them from then on',
  async (name) => {
    const person = somebody()
    provider.sees(person)
    const { pendingToken, identity, ...rest } = freehold.ok(await signIn(name))
    expect(rest).toEqual({})
    expect(identity).toEqual({ provider: name, email: person.email, firstName: 'Sam', lastName: 'Social' })
    expect(await freehold.sql('select 1 from freehold.users where email = $1', [person.email])).toEqual([])

    const signedUp = await freehold.api.post('/v1/signup', { pendingToken, business: { name: 'Acme' } })
    expect(signedUp.status).toBe(201)
    const { user, business, member, subscription, apiKeys, token } = signedUp.body
    expect(user).toMatchObject({ email: person.email, emailVerified: true, firstName: 'Sam', lastName: 'Social' })
    expect({ role: member.role, status: subscription.status, keys: apiKeys.length }).toEqual({
      role: 'owner',
      status: 'active',
      keys: 1,
    })
    expect(freehold.ok(await freehold.api.get('/v1/me', { token })).memberships[0].business.id).toBe(business.id)

    const again = freehold.ok(await signIn(name))
    expect(again.user.id).toBe(user.id)
    expect(freehold.ok(await freehold.api.get('/v1/me', { token: again.token })).user.id).toBe(user.id)
  },
)
