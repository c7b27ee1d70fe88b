/** The routes of an OpenAPI document, one a line, for llms.txt: who may call it, what it takes, what it does. */

type Schema = {
  type?: string | string[]
  enum?: unknown[]
  const?: unknown
  anyOf?: Schema[]
  required?: string[]
  properties?: Record<string, Schema>
  items?: Schema
}
type Operation = {
  summary: string
  description: string
  tags: string[]
  parameters?: { in: string; name: string; required?: boolean }[]
  requestBody?: { required?: boolean; content: { 'application/json': { schema: Schema } } }
  responses: Record<string, unknown>
}
export type Document = { tags: { name: string }[]; paths: Record<string, Record<string, Operation>> }

export function routeLines({ tags, paths }: Document): string[] {
  const routes = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({ path, method, operation })),
  )
  return tags.flatMap(({ name }) =>
    routes
      .filter(({ operation }) => operation.tags[0] === name)
      .map(({ path, method, operation }) => {
        const { parameters = [], requestBody, responses, summary } = operation
        const query = parameters.filter((each) => each.in === 'query').map((each) => each.name)
        const body = requestBody && shape(requestBody.content['application/json'].schema)
        return [
          method.toUpperCase(),
          path.replaceAll(/\{(\w+)\}/g, ':$1'),
          `[${audience(operation.description)}]`,
          ...(query.length > 0 ? [`?${query.join('&')}`] : []),
          ...(body ? [body] : []),
          `→ ${Object.keys(responses)
            .filter((status) => status !== 'default')
            .join('/')}`,
          summary,
        ].join(' ')
      }),
  )
}

function shape({ properties, required = [], items }: Schema): string {
  if (items) return `[${shape(items)}]`
  const fields = Object.entries(properties ?? {}).map(([name, value]) => {
    const text = valueOf(value)
    return `${name}${required.includes(name) ? '' : '?'}${text === '' ? '' : `: ${text}`}`
  })
  return fields.length > 0 ? `{ ${fields.join(', ')} }` : '…'
}

// Only what a name does not tell: choices, and objects that are no free-form records.
function valueOf(value: Schema): string {
  const choices = value.enum ?? value.anyOf?.flatMap((each) => each.const ?? []) ?? []
  if (choices.length > 0) return choices.map((choice) => `'${String(choice)}'`).join('|')
  return value.properties || value.items?.properties ? shape(value) : ''
}

function audience(description: string): string {
  const permission = /Needs the permission `(.+?)`/.exec(description)?.[1]
  const orOneself = description.includes('Members may do it to themselves') ? ' or oneself' : ''
  if (permission) return permission + orOneself
  if (description.includes('For staff')) return 'staff'
  if (description.includes('For a signed-in person')) return 'session'
  return description.includes('For any valid credential') ? 'credential' : 'public'
}
