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

/** What is there with what is changed of it, checked as a whole. Null takes away what may be missing. */
export function changedFields(
  schema: TObject | undefined,
  before: Record<string, unknown>,
  change: Record<string, unknown>,
): Record<string, unknown> {
  const isTakenAway = (name: string, value: unknown) => {
    if (value !== null || !Object.hasOwn(schema?.properties ?? {}, name)) return false
    const property = schema?.properties[name]
    return property !== undefined && !schema?.required?.includes(name) && !Compile(property).Check(null)
  }
  const after = Object.entries({ ...before, ...change }).filter(([name, value]) => !isTakenAway(name, value))
  return checkFields(schema, Object.fromEntries(after), 'body/fields')
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
