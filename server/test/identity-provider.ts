import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

/**
 * A provider that people sign in with, as strict as a real one: an OpenID provider in Google's place and a GitHub
 * Enterprise server in one. It takes no code twice, asks for PKCE, and signs what it says. `person` is who sits in front
 * of it; what is in `fault` it does wrong.
 */
export type Person = { id: string; email: string; verified: boolean; firstName?: string; lastName?: string }

export type Fault =
  | 'denies'
  | 'refuses codes'
  | 'is down'
  | 'hangs'
  | 'signs with another key'
  | 'speaks to another client'
  | 'is another issuer'
  | 'forgets the nonce'
  | 'is late'
  | 'signs nothing'

const client = { clientId: 'the-product', clientSecret: 'known to both' }

export type IdentityProvider = Awaited<ReturnType<typeof openIdentityProvider>>

export async function openIdentityProvider() {
  const keys = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const others = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const state = {
    person: { id: '1', email: 'pat@example.test', verified: true } as Person,
    fault: undefined as Fault | undefined,
    /** How often each path was asked for. */
    asked: {} as Record<string, number>,
  }
  type Grant = { person: Person; challenge: string; redirectUri: string; nonce: string | null; isOpenId: boolean }
  const codes = new Map<string, Grant>()
  const accessTokens = new Map<string, Person>()

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams: query } = new URL(request.url ?? '', url)
    state.asked[pathname] = (state.asked[pathname] ?? 0) + 1
    const json = (body: unknown, status = 200) =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    if (state.fault === 'hangs' && pathname !== '/authorize') return
    if (state.fault === 'is down') return json({}, 503)
    switch (pathname) {
      case '/.well-known/openid-configuration':
        return json({
          issuer: url,
          authorization_endpoint: `${url}/authorize`,
          token_endpoint: `${url}/token`,
          userinfo_endpoint: `${url}/userinfo`,
          jwks_uri: `${url}/keys`,
          id_token_signing_alg_values_supported: ['RS256'],
        })
      case '/keys':
        return json({ keys: [{ ...keys.publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'RS256', use: 'sig' }] })
      case '/authorize':
      case '/login/oauth/authorize':
        return authorize(query, pathname === '/authorize', response)
      case '/token':
      case '/login/oauth/access_token':
        return json(...token(new URLSearchParams(await textOf(request)), request.headers.authorization))
      case '/api/v3/user':
      case '/api/v3/user/emails': {
        const person = accessTokens.get(request.headers.authorization?.replace('Bearer ', '') ?? '')
        if (!person) return json({ message: 'Bad credentials' }, 401)
        const { id, email, verified, firstName = '', lastName = '' } = person
        if (pathname === '/api/v3/user') {
          const name = `${firstName} ${lastName}`.trim()
          return json({ id: Number(id), login: `user-${id}`, name: name === '' ? null : name, email: null })
        }
        return json([
          { email: 'old@example.test', primary: false, verified: true },
          { email, primary: true, verified },
        ])
      }
      default:
        return json({ message: `There is nothing at ${pathname}` }, 404)
    }
  }

  function authorize(query: URLSearchParams, isOpenId: boolean, response: ServerResponse): void {
    const redirectUri = query.get('redirect_uri') ?? ''
    const challenge = query.get('code_challenge')
    const isRight =
      query.get('client_id') === client.clientId &&
      query.get('response_type') === 'code' &&
      query.get('code_challenge_method') === 'S256' &&
      challenge !== null &&
      query.get('state') !== null &&
      /\/sign-in\/(google|github)$/.test(redirectUri) &&
      (!isOpenId || query.get('nonce') !== null)
    if (!isRight || challenge === null) return void response.writeHead(400).end('This request is not right')
    const back = new URL(redirectUri)
    back.searchParams.set('state', query.get('state') ?? '')
    if (state.fault === 'denies') {
      back.searchParams.set('error', 'access_denied')
    } else {
      const code = randomBytes(12).toString('hex')
      codes.set(code, { person: state.person, challenge, redirectUri, nonce: query.get('nonce'), isOpenId })
      back.searchParams.set('code', code)
    }
    response.writeHead(302, { location: back.href }).end()
  }

  function token(body: URLSearchParams, authorization = ''): [body: unknown, status?: number] {
    const [id, secret] = authorization.startsWith('Basic ')
      ? Buffer.from(authorization.slice(6), 'base64').toString().split(':').map(decodeURIComponent)
      : [body.get('client_id'), body.get('client_secret')]
    if (id !== client.clientId || secret !== client.clientSecret) return [{ error: 'invalid_client' }, 401]
    const code = body.get('code') ?? ''
    const grant = codes.get(code)
    codes.delete(code)
    const challenge = createHash('sha256')
      .update(body.get('code_verifier') ?? '')
      .digest('base64url')
    const isRight =
      grant?.challenge === challenge &&
      grant.redirectUri === body.get('redirect_uri') &&
      body.get('grant_type') === 'authorization_code' &&
      state.fault !== 'refuses codes'
    // GitHub tells it with the status of a success.
    if (!grant || !isRight) return [{ error: 'bad_verification_code' }, grant?.isOpenId === false ? 200 : 400]
    const accessToken = randomBytes(12).toString('hex')
    accessTokens.set(accessToken, grant.person)
    const answered = { access_token: accessToken, token_type: 'bearer', expires_in: 3600 }
    return [grant.isOpenId && state.fault !== 'signs nothing' ? { ...answered, id_token: idToken(grant) } : answered]
  }

  function idToken({ person, nonce }: Grant): string {
    const { fault } = state
    const now = Math.floor(Date.now() / 1000)
    const claims = {
      iss: fault === 'is another issuer' ? 'https://accounts.example.test' : url,
      aud: fault === 'speaks to another client' ? 'another-product' : client.clientId,
      sub: person.id,
      iat: fault === 'is late' ? now - 7200 : now,
      exp: fault === 'is late' ? now - 3600 : now + 3600,
      ...(fault === 'forgets the nonce' ? {} : { nonce }),
      email: person.email,
      email_verified: person.verified,
      name: `${person.firstName ?? ''} ${person.lastName ?? ''}`.trim(),
      given_name: person.firstName,
      family_name: person.lastName,
    }
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const signed = `${part({ alg: 'RS256', kid: 'one' })}.${part(claims)}`
    const key = fault === 'signs with another key' ? others.privateKey : keys.privateKey
    return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`
  }

  return {
    url,
    /** For `createFreehold`. */
    socialSignIn: { google: { ...client, issuer: url }, github: { ...client, url } },
    state,
    /** Puts somebody in front of the provider. */
    sees: (person: Person) => void (state.person = person),
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return text
}
