import type { onRouteHookHandler, preHandlerHookHandler } from 'fastify'

/**
 * Answers with the one success status the route's schema declares: 201 for what creates, 204 for what deletes. So a
 * handler only returns its result, and contract and behaviour cannot differ. Looked up as the route is registered.
 */
export const successStatus: onRouteHookHandler = (route) => {
  const responses = (route.schema?.response ?? {}) as Record<string, unknown>
  const statuses = Object.keys(responses).filter((status) => status.startsWith('2'))
  const [status] = statuses
  if (status === undefined || statuses.length > 1 || status === '200') return
  const setStatus: preHandlerHookHandler = (_request, reply, done) => {
    reply.code(Number(status))
    done()
  }
  route.preHandler = [...[route.preHandler ?? []].flat(), setStatus]
}
