import type { Context } from '../context.ts'
import type { Queryable } from '../db/open.ts'
import { FreeholdError } from '../errors.ts'
import { nameFrom } from '../http/schemas.ts'
import { providersOf, socialProviders, type SocialProvider } from '../social-providers.ts'
import { authLibrary, authOptions, cookieValueOf, sendCookie, type Linked } from './better-auth.ts'
import { githubProfile, githubEndpoints } from './github.ts'

/**
 * The other half of the seam to better-auth, which owns what is spoken with a provider: state, PKCE and nonce, the
 * exchange of the code, the check of the id token. Who somebody is here is decided elsewhere; it writes no user.
 */

/** What a provider says about somebody who has just signed in there. */
export type Identity = Linked & {
  email: string
  emailVerified: boolean
  firstName: string
  lastName: string
}

/** Whose account it is, as far as it is linked. */
export const linkedUser = (db: Queryable, { provider, subject }: Linked) =>
  db
    .selectFrom('accounts')
    .innerJoin('users', 'users.id', 'accounts.userId')
    .select(['userId', 'disabledAt'])
    .where('providerId', '=', provider)
    .where('accountId', '=', subject)
    .executeTakeFirst()

/** What a provider sends back with the browser. */
export type ProviderAnswer = { code: string; state: string }

/** A provider that does not answer keeps nobody waiting for longer. */
const patienceMilliseconds = 10_000

let loading: ReturnType<typeof load> | undefined
const loaded = () => (loading ??= load())

async function load() {
  const [library, api, oauth] = await Promise.all([
    authLibrary(),
    import('@better-auth/core/api'),
    import('better-auth/oauth2'),
  ])
  return { library, ...api, ...oauth }
}

async function create(ctx: Context) {
  const { library, createAuthEndpoint, parseState } = await loaded()
  const identify = createAuthEndpoint('/identity', { method: 'GET' }, async (c) => {
    const { provider: id, code } = c.query as ProviderAnswer & { provider: SocialProvider }
    const { codeVerifier, idTokenNonce, ...state } = await parseState(c)
    const provider = c.context.socialProviders.find((each) => each.id === id)
    if (!provider || state['provider'] !== id) return c.json(null)
    const tokens = await provider.validateAuthorizationCode({ code, codeVerifier, redirectURI: backTo(ctx, id) })
    // Of a provider that signs what it says, nothing counts that is not signed.
    if (!tokens || (provider.idToken && !tokens.idToken)) return c.json(null)
    const expected = idTokenNonce === undefined ? {} : { expectedIdTokenNonce: idTokenNonce }
    const told = await provider.getUserInfo({ ...tokens, ...expected })
    if (!told) return c.json(null)
    const subject = String(await provider.accountSubject({ tokens, profile: told.data }))
    return c.json({ subject, user: told.user, profile: told.data as Record<string, unknown> })
  })
  const config = providersOf(ctx.settings.socialSignIn).map((provider) => ({
    ...configOf[provider](ctx),
    providerId: provider,
    redirectURI: backTo(ctx, provider),
    pkce: true,
  }))
  return library.betterAuth({
    ...authOptions(ctx, library, ctx.db.across),
    plugins: [library.genericOAuth({ config }), { id: 'identity', endpoints: { identify } }],
  })
}

/** The page that takes the provider's answer, and asks us. */
const backTo = (ctx: Context, provider: SocialProvider) => `${ctx.settings.publicUrl}/sign-in/${provider}`

const configOf = {
  google: ({ settings }: Context) => {
    const {
      clientId = '',
      clientSecret = '',
      issuer = 'https://accounts.google.com',
    } = settings.socialSignIn.google ?? {}
    return {
      clientId,
      clientSecret,
      discoveryUrl: `${issuer.replace(/\/+$/, '')}/.well-known/openid-configuration`,
      requireIdTokenVerification: true,
      scopes: ['openid', 'email', 'profile'],
      // Whoever has several accounts there says which.
      prompt: 'select_account' as const,
    }
  },
  github: ({ settings }: Context) => {
    const { clientId = '', clientSecret = '', url } = settings.socialSignIn.github ?? {}
    const { authorizationUrl, tokenUrl, apiUrl } = githubEndpoints(url)
    return {
      clientId,
      clientSecret,
      authorizationUrl,
      tokenUrl,
      scopes: ['read:user', 'user:email'],
      getUserInfo: ({ accessToken }: { accessToken?: string | undefined }) => githubProfile(apiUrl, accessToken),
    }
  },
}

type Instance = Awaited<ReturnType<typeof create>>

const instances = new WeakMap<object, Promise<Instance>>()

/** An instance of its own: a provider that cannot be reached must not keep anybody from signing in with a password. */
function social(ctx: Context): Promise<Instance> {
  const known = instances.get(ctx.db)
  if (known) return known
  const made = create(ctx)
  instances.set(ctx.db, made)
  return made
}

/** Where to send the browser, and what it has to bring back beside the provider's answer. */
export async function startSocialSignIn(
  ctx: Context,
  provider: SocialProvider,
): Promise<{ url: string; cookie: string }> {
  const unreachable = new FreeholdError('unavailable', `${socialProviders[provider]} cannot be reached now. Try again`)
  const response = await patiently(async () => {
    const { api } = await social(ctx)
    return api.signInSocial({
      body: { provider, disableRedirect: true, additionalData: { provider } },
      headers: new Headers(),
      asResponse: true,
    })
  }).catch((cause: unknown) => {
    ctx.log.warn({ err: cause, provider }, 'the provider cannot be reached')
    throw unreachable
  })
  const { url } = (await response.json()) as { url?: string }
  const cookie = cookieValueOf(response, await stateCookieName(ctx))
  if (!response.ok || url === undefined || cookie === undefined) throw unreachable
  return { url, cookie }
}

/** Whom the provider vouches for. Undefined when it does not, or when this browser did not ask. */
export async function identify(
  ctx: Context,
  provider: SocialProvider,
  answer: ProviderAnswer,
  cookie: string | undefined,
): Promise<Identity | undefined> {
  if (cookie === undefined) return undefined
  const response = await patiently(async () => {
    const { api } = await social(ctx)
    return api.identify({
      query: { ...answer, provider },
      headers: new Headers({ cookie: sendCookie(await stateCookieName(ctx), cookie) }),
      asResponse: true,
    })
  }).catch((cause: unknown) => {
    ctx.log.warn({ err: cause, provider }, 'the provider does not say who it is')
    return undefined
  })
  if (!response?.ok) return undefined
  const told = (await response.json()) as Told | null
  if (told === null || typeof told.user.email !== 'string') return undefined
  return { provider, subject: told.subject, ...personOf(told) }
}

type Told = {
  subject: string
  user: { email?: string; emailVerified?: boolean; name?: string }
  profile: { given_name?: unknown; family_name?: unknown }
}

function personOf({ user, profile }: Told) {
  const [first = '', ...rest] = (user.name ?? '').trim().split(/\s+/)
  return {
    email: (user.email ?? '').toLowerCase(),
    emailVerified: user.emailVerified === true,
    firstName: nameFrom(String(profile.given_name ?? first)),
    lastName: nameFrom(String(profile.family_name ?? rest.join(' '))),
  }
}

async function stateCookieName(ctx: Context): Promise<string> {
  const { $context } = await social(ctx)
  return (await $context).createAuthCookie('state').name
}

async function patiently<T>(work: () => Promise<T>): Promise<T> {
  // What takes time on this side is not held against the provider.
  await loaded()
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error('the provider takes too long')), patienceMilliseconds)
  return Promise.race([work(), promise]).finally(() => clearTimeout(timer))
}
