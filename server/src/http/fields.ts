import type { TObject } from 'typebox'
import { Compile } from 'typebox/compile'
import { FreeholdError, type FieldError } from '../errors.ts'

type Validator = ReturnType<typeof Compile>
const compiled = new WeakMap<object, Validator>()

/** Checks a product's own fields against the schema it declares; a product that declares none accepts none. */
export function checkFields(
  schema: TObject | undefined,
  fields: Record<string, unknown>,
  path: string,
): Record<string, unknown> {
  const errors = fieldProblems(schema, fields, path)
  if (errors.length > 0) throw new FreeholdError('invalid_request', undefined, { errors })
  return fields
}

/** What is wrong with a product's own fields, by path. */
export function fieldProblems(
  schema: TObject | undefined,
  fields: Record<string, unknown>,
  path: string,
): FieldError[] {
  const unknown = Object.keys(fields).filter((name) => !Object.hasOwn(schema?.properties ?? {}, name))
  if (unknown.length > 0) {
    return unknown.map((name) => ({ path: `${path}/${name}`, message: 'is not a field this product declares' }))
  }
  if (schema === undefined) return []
  const validator = compiled.get(schema) ?? Compile(schema)
  compiled.set(schema, validator)
  if (validator.Check(fields)) return []
  return [...validator.Errors(fields)].map(({ instancePath, message }) => ({ path: `${path}${instancePath}`, message }))
}
