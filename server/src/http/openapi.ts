import swagger from '@fastify/swagger'
import { version } from '../version.ts'
import type { Context } from '../context.ts'
import { componentName } from './components.ts'
import { Problem } from './problem.ts'
import type { App } from './request.ts'

/** Describes every route from its schemas. Registered before the routes, so that it sees them all. */
export async function describeRoutes(app: App, ctx: Context): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: `${ctx.product.name} API`,
        version,
        description: 'Businesses, members, keys, plans, subscriptions and usage, served by Freehold.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: '/' }],
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', description: 'A session token, an API key or an app key' },
        },
      },
    },
    refResolver: {
      buildLocalReference: (json, _base, _fragment, index) =>
        typeof json['$id'] === 'string' ? componentName(json['$id']) : `Schema${index}`,
    },
    transform: ({ schema, url, route }) => {
      const access = route.config?.access
      const described = {
        ...schema,
        operationId: operationId(String(route.method), url),
        security: access === 'public' ? [] : [{ bearer: [] }],
        response: {
          ...(schema?.response as object),
          default: {
            description: 'A problem (RFC 9457)',
            content: { 'application/problem+json': { schema: Problem } },
          },
        },
      }
      return { schema: described, url }
    },
  })
}

function operationId(method: string, url: string): string {
  const words = url
    .replace('/v1/', '')
    .split('/')
    .filter(Boolean)
    .map((part) => (part.startsWith(':') ? `by-${part.slice(1)}` : part))
  return [method.toLowerCase(), ...words]
    .join('-')
    .replace(/[^a-zA-Z0-9]+([a-zA-Z0-9])/g, (_, letter: string) => letter.toUpperCase())
}
