import type { FastifyInstance, FastifyRequest } from 'fastify'

declare module 'fastify' {
  interface FastifyInstance {
    /** Which methods a path has; no other server than our own knows. */
    methodsOf?: (path: string) => string[]
  }
}

/**
 * Notes which methods each path has, so that a wrong method can be told from a wrong path. That tells nothing secret:
 * it goes by the pattern of the path alone, and the API's description names them all.
 */
export function noteMethods(app: FastifyInstance): void {
  const patterns = new Map<string, { path: RegExp; methods: Set<string> }>()
  app.addHook('onRoute', ({ url, method }) => {
    // What takes any path says nothing about one.
    if (url.includes('*')) return
    const known = patterns.get(url) ?? { path: patternOf(url), methods: new Set() }
    for (const each of [method].flat()) known.methods.add(each)
    patterns.set(url, known)
  })
  app.decorate('methodsOf', (path: string) =>
    [...patterns.values()]
      .filter((each) => each.path.test(path))
      .flatMap(({ methods }) => [...methods])
      .toSorted(),
  )
}

/** The methods that would have been right; none when the path is wrong, or the method is not what is wrong. */
export function allowedMethods({ server, url, method }: FastifyRequest): string[] {
  const methods = server.methodsOf?.(url.split('?', 1)[0] ?? '') ?? []
  return methods.includes(method) ? [] : methods
}

/** The path that was meant by one with a slash at its end, in capitals, or without the version. */
export function routeMeant({ server, url, method }: FastifyRequest): string | undefined {
  const path = url.split('?', 1)[0] ?? ''
  const bare = path.replace(/\/{2,}/g, '/').replace(/\/$/, '')
  const meant = [bare, bare.toLowerCase(), `/v1${bare}`]
  return meant.find((each) => each !== path && server.methodsOf?.(each).includes(method))
}

const patternOf = (url: string) =>
  new RegExp(`^${url.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/:\w+/g, '[^/]+')}$`)
