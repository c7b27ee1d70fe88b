import type { TObject } from 'typebox'
import { Compile } from 'typebox/compile'
import { FreeholdError } from '../errors.ts'

type Validator = ReturnType<typeof Compile>
const compiled = new WeakMap<object, Validator>()

/** Checks a product's own fields against the schema it declares; a product that declares none accepts none. */
export function checkFields(
  schema: TObject | undefined,
  fields: Record<string, unknown>,
  path: string,
): Record<string, unknown> {
  if (schema === undefined) {
    const [first] = Object.keys(fields)
    if (first === undefined) return fields
    throw refusal([{ path: `${path}/${first}`, message: 'is not a field this product declares' }])
  }
  const unknown = Object.keys(fields).filter((name) => !Object.hasOwn(schema.properties, name))
  if (unknown.length > 0) {
    throw refusal(unknown.map((name) => ({ path: `${path}/${name}`, message: 'is not a field this product declares' })))
  }
  const validator = compiled.get(schema) ?? Compile(schema)
  compiled.set(schema, validator)
  if (validator.Check(fields)) return fields
  throw refusal(
    [...validator.Errors(fields)].map((error) => ({ path: `${path}${error.instancePath}`, message: error.message })),
  )
}

const refusal = (errors: { path: string; message: string }[]) =>
  new FreeholdError('invalid_request', undefined, { errors })
