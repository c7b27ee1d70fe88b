import cookie from '@fastify/cookie'
import cors from '@fastify/cors'
import swagger from '@fastify/swagger'
import Fastify, { type FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestFreehold, type TestFreehold } from '../../test/harness.ts'

let freehold: TestFreehold
let session: string
beforeAll(async () => {
  freehold = await createTestFreehold()
  session = (await freehold.signUp()).token
})
afterAll(() => freehold.close())

const withHost = async <T>(prepare: (host: FastifyInstance) => Promise<unknown>, use: (host: FastifyInstance) => T) => {
  const host = Fastify()
  try {
    await prepare(host)
    await host.register(freehold.fastify)
    host.get('/mine', async () => ({ mine: true }))
    return await use(host)
  } finally {
    await host.close()
  }
}

describe('mounted in an application', () => {
  test.each([
    ['that has nothing of its own', async () => {}],
    ['that reads cookies itself', async (host: FastifyInstance) => host.register(cookie)],
    ['that describes its own API', async (host: FastifyInstance) => host.register(swagger, { openapi: {} })],
    ['that answers foreign pages itself', async (host: FastifyInstance) => host.register(cors)],
    [
      'that has schemas of the same names',
      async (host: FastifyInstance) => {
        host.addSchema({ $id: 'User', type: 'object', properties: {} })
        host.addSchema({ $id: 'Problem', type: 'object', properties: {} })
      },
    ],
  ])('%s, its routes answer beside the others', async (_which, prepare) => {
    await withHost(prepare, async (host) => {
      const headers = { cookie: `freehold-session=${session}` }
      const me = await host.inject({ url: '/v1/me', headers })
      expect(me.json()).toMatchObject({ user: { emailVerified: false }, memberships: [{ role: 'owner' }] })
      expect((await host.inject('/v1/me')).json()).toMatchObject({ code: 'unauthenticated' })
      expect((await host.inject('/openapi.json')).json().paths).toHaveProperty('/v1/me')
      expect((await host.inject('/mine')).json()).toEqual({ mine: true })
    })
  })

  test('it changes nothing of the application’s own routes', async () => {
    await withHost(
      async (host) => {
        host.post(
          '/echo',
          { schema: { body: { type: 'object', properties: { n: { type: 'number' } } } } },
          (request) => {
            return Promise.resolve(request.body)
          },
        )
        host.get('/broken', () => Promise.reject(new Error('mine')))
      },
      async (host) => {
        const echo = await host.inject({ method: 'POST', url: '/echo?any=1', payload: { n: '1', more: 2 } })
        expect(echo.json()).toEqual({ n: 1, more: 2 })
        expect((await host.inject('/broken')).json()).toEqual({
          statusCode: 500,
          error: 'Internal Server Error',
          message: 'mine',
        })
        expect((await host.inject('/mine')).headers['content-security-policy']).toBeUndefined()
      },
    )
  })
})

describe('a request without a body', () => {
  test('is told which fields are missing, by name', async () => {
    const answer = await freehold.api.call('POST', '/v1/login')
    expect(answer).toMatchObject({
      status: 422,
      body: { errors: [{ path: 'body/email' }, { path: 'body/password' }] },
    })
  })

  test('is enough where nothing is required', async () => {
    const { token, business, apiKeys } = await freehold.signUp()
    const key = apiKeys[0].key
    const { id } = freehold.ok(await freehold.api.post('/v1/reservations', { feature: 'recordings' }, { token: key }))
    expect((await freehold.api.call('POST', `/v1/reservations/${id}/confirm`, undefined, { token: key })).status).toBe(
      200,
    )
    expect((await freehold.api.call('DELETE', `/v1/businesses/${business.id}`, undefined, { token })).status).toBe(204)
  })

  test('is not the same as null, or a list', async () => {
    for (const body of ['null', '[]', '"text"', '7']) {
      const answer = await freehold.api.call('POST', '/v1/login', body)
      expect({ [body]: answer }).toMatchObject({ [body]: { status: 422, body: { errors: [{ path: 'body' }] } } })
    }
  })
})
