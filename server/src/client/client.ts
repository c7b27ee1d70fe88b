import createFetchClient, { type Client } from 'openapi-fetch'
import type { components, paths } from './api.gen.ts'

/** What the API sends and takes, by the names of its OpenAPI document: `Schemas['Business']`. */
export type Schemas = components['schemas']

/**
 * Every operation of the API, typed by its OpenAPI document. An answer is `{ data, response }`, a refusal
 * `{ error, response }` with the problem (RFC 9457); nothing is thrown but what `fetch` itself throws.
 */
export type FreeholdClient = Client<paths>

/** A session token, API key or app key; or what knows the current one, asked before every request. */
export type Credential = string | (() => string | undefined | Promise<string | undefined>)

/**
 * A client of Freehold's HTTP API, for programs and browsers: `createClient(url, key).POST('/v1/check', { body })`. In a
 * page of Freehold's own origin the session cookie does without a credential.
 */
export function createClient(baseUrl: string, credential?: Credential): FreeholdClient {
  const client = createFetchClient<paths>({ baseUrl })
  client.use({
    onRequest: async ({ request }) => {
      const token = typeof credential === 'function' ? await credential() : credential
      if (token !== undefined) request.headers.set('authorization', `Bearer ${token}`)
      return request
    },
  })
  return client
}
