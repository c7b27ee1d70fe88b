import AjvCompiler from '@fastify/ajv-compiler'
import type { FastifySchemaCompiler } from 'fastify'
import type { TSchema } from 'typebox'

// Bodies are taken as they are: `{ "id": 7 }` is no text. Query strings and paths are text by nature, so numbers and
// booleans in them are read as such.
const options = { removeAdditional: false, useDefaults: true, allErrors: true, strict: false, allowUnionTypes: true }

/** One compiler for both, kept per server because Ajv caches what it compiled. */
export function validatorCompiler(): FastifySchemaCompiler<TSchema> {
  const build = AjvCompiler()
  // Arrays in bodies are bounded by the schemas, so reporting every error stays cheap.
  const strict = build({}, { customOptions: { ...options, coerceTypes: false } })
  const coercing = build({}, { customOptions: { ...options, coerceTypes: true } })
  return (route) => (route.httpPart === 'body' ? strict : coercing)(route) as never
}
