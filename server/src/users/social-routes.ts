import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { FreeholdError } from '../errors.ts'
import type { Routes } from '../http/request.ts'
import { closed, path, Token } from '../http/schemas.ts'
import { sessionCookie, stateCookie } from '../http/cookies.ts'
import { acrossBusinesses } from '../http/transactions.ts'
import { providersOf, socialProviders, type SocialProvider } from '../social-providers.ts'
import { identify, startSocialSignIn } from './better-auth-social.ts'
import { deviceOf } from './routes.ts'
import { recordingFailure, SignedIn } from './sign-in-routes.ts'
import { signInAs } from './social-sign-in.ts'

/** Where somebody was going when they left for the provider; they get it back, and nobody reads it on the way. */
const Bound = {
  next: Type.Optional(
    Type.String({
      maxLength: 1000,
      pattern: '^/(?![/\\\\])[^\\s\\u0000-\\u001f\\u007f]*$',
      description: 'A path of your pages to go on to; the callback answers it',
    }),
  ),
  invitationToken: Type.Optional(Token),
}

/** What the browser keeps meanwhile, sealed. */
type Carried = { cookie: string; next?: string; invitationToken?: string }

const SocialSignIn = Type.Object(
  {
    ...SignedIn.properties,
    ...Bound,
    pendingToken: Type.Optional(
      Type.String({
        description: 'For POST /v1/signup, within 30 minutes: nobody here is known by this account or e-mail',
      }),
    ),
    identity: Type.Optional(
      Type.Object({
        provider: Type.String(),
        email: Type.String(),
        firstName: Type.String(),
        lastName: Type.String(),
      }),
    ),
  },
  { $id: 'SocialSignIn' },
)

/** Signing in with a provider: off to it, and back with its answer. Neither exists for one that is not configured. */
export const socialRoutes: Routes = (app, ctx) => {
  const tags = ['People']
  const config = { access: 'public', limited: 'credentials' } as const
  // Before anything is read, so that what is not there says nothing else.
  const onRequest = async (request: FastifyRequest) => void providerOf(request)

  app.post(
    '/v1/login/social/:provider',
    {
      config,
      onRequest,
      schema: {
        summary: 'Begin a sign-in with a provider',
        description:
          'Send the browser to `url`. The provider leads it back to `PUBLIC_URL/sign-in/:provider` with `code` and ' +
          '`state`, for the callback. A cookie ties both to this browser',
        tags,
        params: path('provider'),
        body: Type.Object(Bound, closed),
        response: { 200: Type.Object({ url: Type.String() }) },
      },
    },
    async (request, reply) => {
      const { url, cookie } = await startSocialSignIn(ctx, providerOf(request))
      const carried: Carried = { ...request.body, cookie }
      stateCookie.set(reply, ctx.settings, ctx.secrets.seal('sign-in', JSON.stringify(carried)).toString('base64url'))
      return { url }
    },
  )

  app.post(
    '/v1/login/social/:provider/callback',
    {
      config,
      onRequest,
      schema: {
        summary: 'Sign in with what the provider answered',
        description:
          'As `POST /v1/login`. Whoever is nobody here gets a `pendingToken` instead, with which `POST /v1/signup` makes ' +
          'the user',
        tags,
        params: path('provider'),
        body: Type.Object(
          {
            code: Type.String({ minLength: 1, maxLength: 2000 }),
            state: Type.String({ minLength: 1, maxLength: 200 }),
          },
          closed,
        ),
        response: { 200: SocialSignIn },
      },
    },
    (request, reply) =>
      recordingFailure(request, async () => {
        const provider = providerOf(request)
        const { cookie, ...bound } = carriedBy(request)
        const identity = await identify(ctx, provider, request.body, cookie)
        stateCookie.clear(reply, ctx.settings)
        const answer = await acrossBusinesses(request, async (tx) => {
          if (identity) return { ...(await signInAs(tx, ctx, identity, deviceOf(request))), ...bound }
          throw new FreeholdError(
            'social_sign_in_failed',
            `${socialProviders[provider]} did not confirm who you are, or it took too long. Start again`,
          )
        })
        if ('token' in answer) sessionCookie.set(reply, ctx.settings, answer.token)
        return answer
      }),
  )

  /** Nothing, when the cookie is not one of ours. */
  function carriedBy(request: FastifyRequest): Partial<Carried> {
    const sealed = stateCookie.read(request, ctx.settings)
    try {
      return sealed === undefined ? {} : JSON.parse(ctx.secrets.open('sign-in', Buffer.from(sealed, 'base64url')))
    } catch {
      return {}
    }
  }

  function providerOf({ params }: FastifyRequest): SocialProvider {
    const { provider } = params as { provider: string }
    const known = providersOf(ctx.settings.socialSignIn).find((each) => each === provider)
    if (!known) throw new FreeholdError('not_found', 'No such route')
    return known
  }
}
