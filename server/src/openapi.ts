import { pino } from 'pino'
import type { Context } from './context.ts'
import { buildServer } from './http/server.ts'
import { permissionTable } from './permissions.ts'
import type { Product } from './product.ts'
import { routes } from './routes.ts'

/**
 * The OpenAPI document of a product's API, as GET /openapi.json answers it. It comes from the routes alone, so neither a
 * database nor a secret is needed: what a route's handler would use is not there.
 */
export async function openapiDocument(product: Product): Promise<string> {
  const ctx = {
    product,
    permissions: permissionTable(product),
    settings: { production: false, publicUrl: 'http://localhost:3000', rateLimits: false, socialSignIn: {} },
    log: pino({ level: 'silent' }),
    newId: () => 'req_openapi',
  } as Partial<Context> as Context
  const server = await buildServer({ ctx, routes: routes(ctx), onRequest: [] })
  const answer = await server.inject('/openapi.json')
  if (answer.statusCode !== 200) throw new Error(`The document could not be made: ${answer.body}`)
  await server.close()
  return `${JSON.stringify(answer.json(), null, 2)}\n`
}
