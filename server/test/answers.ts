import { Compile } from 'typebox/schema'

type Json = Record<string, any>
type Validator = { Check: (value: unknown) => boolean; Errors: (value: unknown) => [boolean, Json[]] }

/**
 * Compares answers with what the server's own OpenAPI document says of their routes. Returns what is wrong, or
 * undefined. Objects count as closed unless the document says otherwise: a field nobody declared is a leak.
 */
export function answerChecker(document: Json) {
  const templates = Object.keys(document['paths'])
    .map((path) => ({
      path,
      pattern: new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{[^}]+\}/g, '[^/]+')}$`),
    }))
    // `/sessions/others` before `/sessions/{id}`.
    .sort((a, b) => a.path.split('{').length - b.path.split('{').length)
  const validators = new Map<unknown, Validator>()

  const validator = (schema: Json): Validator => {
    const known = validators.get(schema) ?? (Compile(closedSchema(document, schema)) as Validator)
    validators.set(schema, known)
    return known
  }

  return (
    method: string,
    path: string,
    answer: { status: number; type: string; body: unknown; text: string },
  ): string | undefined => {
    const template = templates.find(({ pattern }) => pattern.test(path.replace(/\?.*/s, '')))
    const operation = template && document['paths'][template.path][method.toLowerCase()]
    if (!operation) return undefined
    const { status, body, text } = answer
    const responses = operation.responses as Json
    const response = responses[status] ?? (status >= 400 ? responses['default'] : undefined)
    const of = `${method} ${template.path} → ${status}`
    if (!response) return `${of} is not declared`
    if (!response.content) return text === '' ? undefined : `${of} has a body`

    const type = answer.type.split(';')[0] ?? ''
    const schema = response.content[type]?.schema
    if (!schema) return `${of} is ${type || 'of no type'}`
    const compiled = validator(schema)
    if (compiled.Check(body)) return undefined
    const errors = compiled.Errors(body)[1].map((error) => `${error['instancePath'] || '/'} ${error['message']}`)
    return `${of} is not what its schema says: ${errors.join('; ')}\n${text}`
  }
}

/** The schema with its references in place and its objects closed. */
export function closedSchema(document: Json, schema: any): any {
  if (Array.isArray(schema)) return schema.map((each) => closedSchema(document, each))
  if (typeof schema !== 'object' || schema === null) return schema
  if (typeof schema.$ref === 'string') {
    return closedSchema(document, document['components'].schemas[schema.$ref.split('/').at(-1)])
  }
  const copy: Json = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [
      key,
      key === 'properties'
        ? Object.fromEntries(Object.entries(value as Json).map(([name, each]) => [name, closedSchema(document, each)]))
        : closedSchema(document, value),
    ]),
  )
  return copy['properties'] && !('additionalProperties' in copy) ? { ...copy, additionalProperties: false } : copy
}
