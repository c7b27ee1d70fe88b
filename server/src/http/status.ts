import type { FastifyReply, FastifyRequest } from 'fastify'

/**
 * Answers with the one success status the route's schema declares: 201 for what creates, 204 for what deletes. So a
 * handler only returns its result, and contract and behaviour cannot differ.
 */
export async function successStatus(request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const responses = request.routeOptions.schema?.response as Record<string, unknown> | undefined
  const statuses = Object.keys(responses ?? {}).filter((status) => status.startsWith('2'))
  if (statuses.length === 1) reply.code(Number(statuses[0]))
}
