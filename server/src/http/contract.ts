import type { onRouteHookHandler } from 'fastify'
import { Type } from 'typebox'
import type { Context } from '../context.ts'
import { closed } from './schemas.ts'

export const bodyLimit = 256 * 1024

/** A route that declares no body or query takes none: what is sent all the same is refused, not ignored. */
export const nothing = Type.Object({}, closed)

const levels = new Set<string>(['public', 'credential', 'user', 'staff:read', 'staff:write'])

/** What every route must say, checked as it is registered: the server does not start with one that does not. */
export function routeContract({ permissions }: Context): onRouteHookHandler {
  return (route) => {
    if (route.method === 'OPTIONS') return
    const name = `${String(route.method)} ${route.url}`
    const access: string | undefined = route.config?.access
    if (!access) throw new Error(`${name} declares no access`)
    if (!levels.has(access)) {
      if (!(access in permissions.kinds)) throw new Error(`${name} asks for ${access}, which is no permission`)
      if (!route.url.includes('/:businessId')) throw new Error(`${name} asks for ${access} but names no business`)
    }
    const { querystring = nothing, body = nothing } = route.schema ?? {}
    route.schema = {
      ...route.schema,
      querystring,
      ...(route.method === 'GET' || route.method === 'HEAD' ? {} : { body }),
    }
    route.bodyLimit ??= bodyLimit
  }
}
