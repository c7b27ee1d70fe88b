import type { TObject } from 'typebox'
import type { PageField } from './page-data.ts'

type Property = {
  type?: unknown
  enum?: unknown[]
  anyOf?: { const?: unknown }[]
  title?: string
  description?: string
}

/**
 * A product's own fields as a form asks for them. What no single input can hold, a list for instance, is left to the
 * product's own pages.
 */
export const pageFields = (schema: TObject | undefined): PageField[] =>
  Object.entries((schema?.properties ?? {}) as Record<string, Property>).flatMap(([name, property]) => {
    const input = inputFor(property)
    if (input === undefined) return []
    const isRequired = schema?.required?.includes(name) ?? false
    return [{ name, title: property.title ?? null, hint: property.description ?? null, required: isRequired, ...input }]
  })

function inputFor({ type, enum: listed, anyOf }: Property): Pick<PageField, 'kind' | 'choices'> | undefined {
  const choices = listed ?? anyOf?.map((each) => each.const)
  if (choices) {
    return choices.every((choice) => typeof choice === 'string') ? { kind: 'choice', choices } : undefined
  }
  if (type === 'string') return { kind: 'text', choices: [] }
  if (type === 'number' || type === 'integer') return { kind: 'number', choices: [] }
  return type === 'boolean' ? { kind: 'boolean', choices: [] } : undefined
}
