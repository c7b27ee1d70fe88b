import type { TObject } from 'typebox'
import type { ProductFields } from '../product-names.ts'

type Node = Record<string, unknown>
type Document = { paths: Record<string, Record<string, object>>; components: { schemas: Record<string, object> } }

/** Puts the fields a product declares in the place of "any fields"; what changes some of them needs none of them. */
export function describeFields(document: Document, fields: ProductFields): void {
  for (const operations of Object.values(document.paths)) {
    for (const [method, operation] of Object.entries(operations)) fill(operation as Node, fields, method === 'patch')
  }
  fill(document.components.schemas, fields, false)
  for (const [noun, schema] of Object.entries(fields)) {
    document.components.schemas[componentOf(noun)] = { ...copy(schema), additionalProperties: false }
  }
}

function fill(node: Node, fields: ProductFields, partly: boolean): void {
  for (const [key, value] of Object.entries(node)) {
    if (typeof value !== 'object' || value === null) continue
    const { 'x-fields': noun, ...open } = value as Node & { 'x-fields'?: keyof ProductFields }
    const schema = noun && fields[noun]
    if (noun === undefined) fill(value as Node, fields, partly)
    else node[key] = schema ? described(schema, noun, partly) : open
  }
}

function described(schema: TObject, noun: string, partly: boolean): object {
  if (!partly) return { $ref: `#/components/schemas/${componentOf(noun)}` }
  const { required: _, ...optional } = copy(schema)
  return { ...optional, additionalProperties: false }
}

const componentOf = (noun: string) => `${noun[0]?.toUpperCase()}${noun.slice(1)}Fields`

// As plain JSON: that is what the document is handed out as.
const copy = (schema: TObject) => JSON.parse(JSON.stringify(schema)) as Node
