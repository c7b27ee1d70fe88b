import type { onRouteHookHandler } from 'fastify'
import type { App } from './request.ts'

/** Keeps our schemas apart from those of the application that Freehold is mounted in. */
const prefix = 'freehold.'

export const componentSchema = (name: string, schema: object) => ({ ...schema, $id: prefix + name })

export const componentRef = (name: string) => ({ $ref: `${prefix}${name}#` })

/** What a shared schema is called in the document. */
export const componentName = ($id: string) => $id.replace(prefix, '')

/**
 * Shares the schemas that carry a `$id` (User, Business, …): a route's answer may nest them freely, and what it nests
 * becomes a reference to one schema of the server. So the document names each once, and so do the types generated from
 * it, while handlers keep the types of what they wrote. Two different schemas of one name stop the server from starting.
 */
export function shareNamedSchemas(app: App): onRouteHookHandler {
  const known = new Map<string, string>()

  const referenced = (schema: unknown): unknown => {
    if (Array.isArray(schema)) return schema.map(referenced)
    if (typeof schema !== 'object' || schema === null) return schema
    const { $id: name, ...content } = schema as Record<string, unknown>
    const copy = Object.fromEntries(Object.entries(content).map(([key, value]) => [key, referenced(value)]))
    if (typeof name !== 'string') return copy
    const text = JSON.stringify(copy)
    if (!known.has(name)) {
      known.set(name, text)
      app.addSchema(componentSchema(name, copy))
    } else if (known.get(name) !== text) {
      throw new Error(`Two schemas are named ${name}`)
    }
    return componentRef(name)
  }

  return (route) => {
    if (route.schema?.response !== undefined) {
      route.schema = { ...route.schema, response: referenced(route.schema.response) }
    }
  }
}
