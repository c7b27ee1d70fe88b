import { STATUS_CODES } from 'node:http'
import swagger from '@fastify/swagger'
import { version } from '../version.ts'
import type { Context } from '../context.ts'
import { componentName, componentRef, componentSchema } from './components.ts'
import { describeFields } from './field-schemas.ts'
import { operationId } from './operation-id.ts'
import { Problem } from './problem.ts'
import type { Access, App } from './request.ts'
import { sessionCookie } from './cookies.ts'

const tags: Record<string, string> = {
  People: 'Signing up, in and out; proving an e-mail; a forgotten password',
  Me: 'What a signed-in person sees and changes about themselves',
  Businesses: 'The tenants: customers of the product',
  Members: "People's places in a business, with a role",
  Invitations: 'Pending memberships',
  'API keys': "Credentials of a business's own software",
  Plans: 'What is sold',
  Subscription: "A business's contract with a plan",
  Invoices: 'What a business was billed, paid and has in hand',
  Usage: 'What a business may use and has used',
  Gate: 'May this caller do this now? Counted when allowed',
  Audit: 'Everything done to and in a business',
  Support: "The customer's switch for support access, and its log",
  Staff: 'For the people who run the product, and app keys of scope admin',
  Health: 'For load balancers',
  Development: 'Only in development and tests; in production these do not exist',
}

const idempotencyKey = {
  type: 'object',
  properties: {
    'idempotency-key': {
      type: 'string',
      minLength: 1,
      maxLength: 255,
      description: 'The same key with the same body gets the first answer, for 24 hours',
    },
  },
}

/** Describes every route from its schemas. Registered before the routes, so that it sees them all. */
export async function describeRoutes(app: App, ctx: Context): Promise<void> {
  app.addSchema(componentSchema('Problem', Problem))
  await app.register(swagger, {
    convertConstToEnum: false,
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
          cookie: {
            type: 'apiKey',
            in: 'cookie',
            name: sessionCookie.nameIn(ctx.settings),
            description: 'The session of a signed-in browser',
          },
        },
      },
    },
    refResolver: {
      buildLocalReference: (json, _base, _fragment, index) =>
        typeof json['$id'] === 'string' ? componentName(json['$id']) : `Schema${index}`,
    },
    transform: ({ schema, url, route }) => {
      const { body, ...rest } = schema ?? {}
      const method = String(route.method)
      const { access = 'public', orOneself = false } = route.config ?? {}
      const described = {
        ...rest,
        ...(isNothing(body) ? {} : { body }),
        ...(method === 'POST' ? { headers: idempotencyKey } : {}),
        description: [schema?.description, audience(access), orOneself && 'Members may do it to themselves']
          .filter(Boolean)
          .join('. '),
        operationId: operationId(method, url),
        security: access === 'public' ? [] : [{ bearer: [] }, { cookie: [] }],
        response: {
          ...(schema?.response as object),
          default: {
            description: 'A problem (RFC 9457)',
            content: { 'application/problem+json': { schema: componentRef('Problem') } },
          },
        },
      }
      return { schema: described, url }
    },
    transformObject: (document) => {
      if ('openapiObject' in document) {
        describeFields(document.openapiObject as Document, ctx.product.fields)
        tidy(document.openapiObject as Document)
      }
      return 'openapiObject' in document ? document.openapiObject : document.swaggerObject
    },
  })
}

type Operation = {
  parameters?: { required?: boolean; schema: RequestSchema }[]
  requestBody?: { required?: boolean; content: Record<string, { schema: RequestSchema }> }
  responses: Record<string, { description: string }>
}
type RequestSchema = {
  default?: unknown
  required?: string[]
  minProperties?: number
  properties?: Record<string, RequestSchema>
  items?: RequestSchema
}
type Document = {
  tags?: object[]
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, object> }
}

// In the order of names, so that a new route does not move the others; and only tags that are used.
function tidy(document: Document): void {
  for (const operation of Object.values(document.paths).flatMap(Object.values<Operation>)) {
    const { parameters = [], requestBody, responses } = operation
    for (const parameter of parameters) if (parameter.schema.default !== undefined) parameter.required = false
    if (requestBody) {
      for (const { schema } of Object.values(requestBody.content)) requireNoDefaults(schema)
      requestBody.required = Object.values(requestBody.content).some(
        ({ schema: { required = [], minProperties = 0 } }) => required.length + minProperties > 0,
      )
    }
    for (const [status, response] of Object.entries(responses)) {
      if (response.description === 'Default Response') response.description = STATUS_CODES[status] ?? status
    }
  }
  const used = JSON.stringify(document.paths)
  document.tags = Object.entries(tags).flatMap(([name, description]) =>
    used.includes(`"tags":["${name}"]`) ? { name, description } : [],
  )
  document.paths = sorted(document.paths)
  document.components.schemas = sorted(document.components.schemas)
}

// Whoever asks may leave out what has a default: our schemas require it because a handler always finds it.
function requireNoDefaults(schema: RequestSchema): void {
  const { properties = {}, required, items } = schema
  if (required) {
    schema.required = required.filter((name) => properties[name]?.default === undefined)
    if (schema.required.length === 0) delete schema.required
  }
  for (const each of [...Object.values(properties), ...(items ? [items] : [])]) requireNoDefaults(each)
}

// What takes no body says so by a closed object without fields; clients need not know.
function isNothing(body: unknown): boolean {
  if (body === undefined) return true
  const { properties, additionalProperties } = body as { properties?: object; additionalProperties?: unknown }
  return properties !== undefined && Object.keys(properties).length === 0 && additionalProperties === false
}

function audience(access: Access): string {
  switch (access) {
    case 'public':
      return 'For anybody'
    case 'credential':
      return 'For any valid credential'
    case 'user':
      return 'For a signed-in person'
    case 'staff:read':
    case 'staff:write':
      return 'For staff, and app keys of scope admin'
    default:
      return `Needs the permission \`${access}\``
  }
}

const sorted = <Value>(entries: Record<string, Value>): Record<string, Value> =>
  Object.fromEntries(Object.entries(entries).sort(([a], [b]) => (a < b ? -1 : 1)))
