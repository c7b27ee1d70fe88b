import AjvCompiler from '@fastify/ajv-compiler'
import SerializerSelector from '@fastify/fast-json-stringify-compiler'
import type { FastifyInstance, FastifySchemaCompiler, FastifySerializerCompiler } from 'fastify'
import type { TSchema } from 'typebox'

/*
 * What checks requests and writes answers is compiled from a route's schemas when the route is first asked: all of them
 * together are more than half of the time a process needs to start.
 */

// Bodies are taken as they are: `{ "id": 7 }` is no text. Query strings and paths are text by nature, so numbers and
// booleans in them are read as such. Verbose: with what is wrong comes the schema that says so.
const options = {
  removeAdditional: false,
  useDefaults: true,
  allErrors: true,
  verbose: true,
  strict: false,
  allowUnionTypes: true,
}

type Validate = ReturnType<FastifySchemaCompiler<TSchema>>

/** One compiler for both, kept per server because Ajv caches what it compiled. */
export function validatorCompiler(): FastifySchemaCompiler<TSchema> {
  const build = AjvCompiler()
  // Arrays in bodies are bounded by the schemas, so reporting every error stays cheap.
  const strict = build({}, { customOptions: { ...options, coerceTypes: false } })
  const coercing = build({}, { customOptions: { ...options, coerceTypes: true } })
  return (route) => {
    const compile = route.httpPart === 'body' ? strict : coercing
    let compiled: Validate | undefined
    const validate: Validate = (value: unknown) => {
      compiled ??= compile(route) as Validate
      const isValid = compiled(value)
      validate.errors = compiled.errors ?? null
      return isValid
    }
    return validate
  }
}

/** Writes only what a schema names; `app` has the schemas that others refer to. */
export function serializerCompiler(app: FastifyInstance): FastifySerializerCompiler<TSchema> {
  let build: ReturnType<ReturnType<typeof SerializerSelector>> | undefined
  return (route) => {
    let write: ReturnType<NonNullable<typeof build>> | undefined
    return (value) => {
      build ??= SerializerSelector()(app.getSchemas(), {})
      write ??= build(route as Parameters<typeof build>[0])
      return write(value)
    }
  }
}
