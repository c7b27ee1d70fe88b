/**
 * Makes requests from JSON schemas, so that tests over all routes need no hand-written body for each.
 */
export type Schema = {
  type?: string | string[]
  properties?: Record<string, Schema>
  required?: string[]
  additionalProperties?: boolean | Schema
  patternProperties?: Record<string, Schema>
  items?: Schema
  anyOf?: Schema[]
  oneOf?: Schema[]
  enum?: unknown[]
  const?: unknown
  default?: unknown
  format?: string
  pattern?: string
  minLength?: number
  minimum?: number
  minItems?: number
  minProperties?: number
}

/** The smallest value a schema accepts. */
export function sample(schema: Schema): unknown {
  if (schema.const !== undefined) return schema.const
  if (schema.default !== undefined) return schema.default
  if (schema.enum) return schema.enum[0]
  const [variant] = variants(schema)
  if (variant) return sample(variant)
  switch (Array.isArray(schema.type) ? schema.type[0] : schema.type) {
    case 'object':
      return Object.fromEntries(fieldsOf(schema).map((name) => [name, sample(fieldOf(schema, name) ?? {})] as const))
    case 'array':
      return Array.from({ length: schema.minItems ?? 0 }, () => sample(schema.items ?? {}))
    case 'integer':
    case 'number':
      return schema.minimum ?? 1
    case 'boolean':
      return true
    case 'null':
      return null
    default:
      return text(schema)
  }
}

/** What a schema may be instead; conditions on an object's own fields are none. */
const variants = ({ properties, anyOf, oneOf }: Schema): Schema[] => (properties ? [] : (anyOf ?? oneOf ?? []))

const anyName = 'sample'

const fieldsOf = (schema: Schema): string[] => {
  const { minProperties = 0, properties = {}, anyOf = [] } = schema
  const required = [...(schema.required ?? []), ...(anyOf[0]?.required ?? [])]
  if (required.length >= minProperties) return required
  return recordOf(schema) ? [anyName] : [...new Set([...required, ...Object.keys(properties)])].slice(0, minProperties)
}

/** What the values of a record are, when a schema is one. */
const recordOf = ({ patternProperties = {}, additionalProperties }: Schema): Schema | undefined =>
  Object.values(patternProperties)[0] ?? (typeof additionalProperties === 'object' ? additionalProperties : undefined)

const fieldOf = (schema: Schema, name: string): Schema | undefined => schema.properties?.[name] ?? recordOf(schema)

function text({ format, pattern, minLength = 0 }: Schema): string {
  if (format === 'email') return 'nobody@example.test'
  if (format === 'date-time') return '2031-01-01T00:00:00.000Z'
  const candidates = ['sample', 'USD', 'biz_00000000000000000000000000', 'A reason to do it', '000000']
  const fitting = candidates.find(
    (each) => each.length >= minLength && (pattern === undefined || new RegExp(pattern, 'u').test(each)),
  )
  if (fitting === undefined) throw new Error(`No sample text matches ${pattern ?? `${minLength} characters`}`)
  return fitting
}

/** Every closed object in a schema, with the path at which a request has it: '' for the root, '/events/0' for an item. */
export function objects(schema: Schema, path = ''): { path: string; schema: Schema }[] {
  return [
    ...(schema.properties ? [{ path, schema }] : []),
    ...Object.entries(schema.properties ?? {}).flatMap(([name, each]) => objects(each, `${path}/${name}`)),
    ...objectsIn(recordOf(schema), `${path}/${anyName}`),
    ...(schema.items ? objects(schema.items, `${path}/0`) : []),
    ...variants(schema).flatMap((each) => objects(each, path)),
  ]
}

const objectsIn = (schema: Schema | undefined, path: string) => (schema ? objects(schema, path) : [])

/** A body that a schema accepts, but for one field put into the object at `path`. */
export function withField(schema: Schema, path: string, field: string, value: unknown): unknown {
  const [name, ...rest] = path.split('/').filter(Boolean)
  const variant = variants(schema).find(({ properties }) => properties)
  if (variant) return withField(variant, path, field, value)
  if (name === undefined) return { ...(sample(schema) as object), [field]: value }
  if (schema.items) return [withField(schema.items, rest.join('/'), field, value)]
  const property = fieldOf(schema, name)
  if (!property) throw new Error(`No ${name} in the schema`)
  return { ...(sample(schema) as object), [name]: withField(property, rest.join('/'), field, value) }
}
