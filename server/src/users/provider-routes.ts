import { Type } from 'typebox'
import { FreeholdError } from '../errors.ts'
import { userOf, type Routes } from '../http/request.ts'
import { path, Time } from '../http/schemas.ts'
import { acrossBusinesses } from '../http/transactions.ts'
import { unlinkProvider, waysIn } from './linked-providers.ts'

/** With whom one signs in, beside a password. */
export const providerRoutes: Routes = (app, ctx) => {
  const tags = ['Me']
  const config = { access: 'user' } as const

  app.get(
    '/v1/me/providers',
    {
      config,
      schema: {
        summary: 'How you sign in: with a password, with providers',
        tags,
        response: {
          200: Type.Object({
            hasPassword: Type.Boolean(),
            providers: Type.Array(Type.Object({ provider: Type.String(), name: Type.String(), linkedAt: Time })),
          }),
        },
      },
    },
    (request) => acrossBusinesses(request, (tx) => waysIn(tx, ctx, userOf(request).id)),
  )

  app.delete(
    '/v1/me/providers/:provider',
    {
      config,
      schema: {
        summary: 'Sign in with a provider no more; every other session ends',
        tags,
        params: path('provider'),
        response: { 204: Type.Null() },
      },
    },
    async (request) => {
      const { provider } = request.params
      const isUnlinked = await acrossBusinesses(request, (tx) => unlinkProvider(tx, ctx, userOf(request), provider))
      if (!isUnlinked) throw new FreeholdError('not_found')
      return null
    },
  )
}
